"""Finding values in AWS's answers: JMESPath, the commonest forms of it without the library.

The library walks a tree for each value, which was a third of what a row cost. Plain paths, indexes,
flattened lists and a default for what is empty are followed here, exactly as it would. Not here:
what a found value becomes (`observe`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from inventory_pipeline.resource_types.model import Item, Source

Step = tuple[str, int | None, bool]
"""A member's name, and an index into it or whether it is flattened."""

_STEP = r"[A-Za-z_]\w*(?:\[\d*\])?"
_PATH = re.compile(rf"({_STEP}(?:\.{_STEP})*)(?: \|\| `(\[\]|\{{\}})`)?", re.ASCII)
_PARTS = re.compile(r"(\w+)(?:\[(\d*)\])?", re.ASCII)


def find(source: Source, item: Item) -> Any:
    """What a source finds in an item."""
    return _finder(source)(item) if isinstance(source, str) else source(item)


@cache
def _finder(expression: str) -> Callable[[Item], Any]:
    import jmespath

    plain = _PATH.fullmatch(expression)
    if plain is None:
        return jmespath.compile(expression).search  # type: ignore[no-any-return] # it has no types
    follow = partial(_follow, _steps(plain[1]))
    if plain[2] is None:
        return follow
    empty: Callable[[], Any] = list if plain[2] == "[]" else dict
    return lambda item: _or(follow(item), empty)


def _steps(path: str) -> tuple[Step, ...]:
    parts = (_PARTS.fullmatch(part) for part in path.split("."))
    return tuple((p[1], int(p[2]) if p[2] else None, p[2] == "") for p in parts if p)


def _follow(steps: Sequence[Step], value: Any) -> Any:
    for number, (name, index, flattened) in enumerate(steps):
        value = value.get(name) if isinstance(value, dict) else None
        if index is not None:
            value = value[index] if isinstance(value, list) and index < len(value) else None
        elif flattened:
            return _flattened(value, steps[number + 1 :]) if isinstance(value, list) else None
    return value


def _flattened(values: list[Any], steps: Sequence[Step]) -> list[Any]:
    """What the steps find in each element, lists taken apart; what is null is left out."""
    elements = [e for value in values for e in (value if isinstance(value, list) else (value,))]
    if not steps:
        return [element for element in elements if element is not None]
    first = next((n for n, (_, _, flattened) in enumerate(steps) if flattened), None)
    if first is None:
        found = (_follow(steps, element) for element in elements)
        return [value for value in found if value is not None]
    name, _, _ = steps[first]
    to_list = (*steps[:first], (name, None, False))
    inner = [_follow(to_list, element) for element in elements]
    return _flattened([value for value in inner if value is not None], steps[first + 1 :])


def _or(value: Any, empty: Callable[[], Any]) -> Any:
    """The value, or an empty one for what JMESPath takes for false."""
    return empty() if value is None or value is False or value in ("", [], {}) else value
