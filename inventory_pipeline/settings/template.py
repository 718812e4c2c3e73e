"""The commented `inventory.yaml` that `inventory init` writes, generated from the model.

Belongs here: layout only. Every key, default and comment comes from `model`, so none is missing.
Lines of prose begin with "# "; keys to be uncommented have no space or several after the "#".
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from inventory_pipeline.settings.model import Settings
from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.sources import OVERRIDES

HEADER = """\
# Settings of the inventory pipeline. Every key is optional and stands here with its default.
# A variable named in brackets overrides the file. EXTERNAL_ID is the external id of every
# account that names none.
"""


def settings_template() -> str:
    """YAML text with every key; loading it gives the defaults."""
    lines = [HEADER.rstrip()]
    for name in Settings.model_fields:
        lines += ["", *_key(Settings, name, ())]
    return "\n".join(lines) + "\n"


def _section(model: type[BaseModel], path: tuple[str, ...], example: bool = False) -> Iterator[str]:
    for name in model.model_fields:
        yield from _key(model, name, path, example)


def _key(
    model: type[BaseModel], name: str, path: tuple[str, ...], example: bool = False
) -> Iterator[str]:
    """A key with its comment; what nests in it is indented. An `example` shows example values."""
    field, here = model.model_fields[name], (*path, name)
    yield from _comment(_meanings(model)[name], here)
    item = _item_section(field)
    if isinstance(field.default, BaseModel):
        yield f"{name}:"
        yield from _indented(_section(type(field.default), here))
    elif item is None:
        value = field.examples[0] if example and field.examples else field.default
        yield f"{name}: {_scalar(value)}"
    else:
        yield f"{name}: {_scalar(field.default)}"
        yield f"#{name}:"
        entry = _section(item, here, example=True)
        named = field.examples and [f"{field.examples[0]}:", *_indented(entry)]
        yield from (f"#{line}" for line in _indented(named or _listed(entry)))


def _comment(meaning: str, path: tuple[str, ...]) -> Iterator[str]:
    variable = next((f" [{name}]" for name, at in OVERRIDES.items() if at == path), "")
    yield from (f"# {line}" for line in textwrap.wrap(f"{meaning}{variable}", 90))


@cache
def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """What stands below each key of a section, in its source.

    pydantic can read it as well, but would do so whenever anything reads settings.
    """
    found: dict[str, str] = {}
    for section in reversed(model.__mro__[: model.__mro__.index(Section)]):
        source = ast.parse(textwrap.dedent(inspect.getsource(section)))
        for statement, below in pairwise(ast.walk(source)):
            match statement, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = inspect.cleandoc(text)
    return found


def _item_section(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a list or mapping holds many of, if it does."""
    item = (get_args(field.annotation) or (None,))[-1]
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None


def _listed(lines: Iterator[str]) -> Iterator[str]:
    """The lines as an item of a list: its first key behind the dash."""
    dash = "- "
    for line in lines:
        is_key = not line.startswith("#")
        yield f"{dash if is_key else '  '}{line}"
        dash = "  " if is_key else dash


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _scalar(value: object) -> str:
    """A value on one line of YAML."""
    if isinstance(value, Mapping | list | str | bool) or value is None:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value.isoformat()) if isinstance(value, date) else str(value)
