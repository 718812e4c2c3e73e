"""Where settings come from: a YAML or JSON file and environment variables, as plain data.

Belongs here: syntax, encoding, keys given twice, which variable sets which key. Not here: which
keys there are and what they may hold (`model`).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import yaml

from inventory_pipeline.settings.errors import SettingsError, Step, format_path

# What an environment variable sets. EXTERNAL_ID is not here: it is a default of many keys.
OVERRIDES: Mapping[str, tuple[str, ...]] = {
    "SNS_TOPIC_ARN": ("notifications", "sns_topic_arn"),
    "REPORT_BUCKET": ("outputs", "report_bucket"),
    "MONTHLY_COST_THRESHOLD": ("cost_thresholds", "total_monthly_alert"),
    "DYNAMODB_TABLE_NAME": ("outputs", "dynamodb_table_name"),
    "INVENTORY_LAKE": ("lake", "location"),
    "AWS_ENDPOINT_URL": ("aws_endpoint_url",),
}

QUOTED = re.compile(r"""(['"])((?:\\.|(?!\1).)*)\1""")


class _Mapping(dict[Any, Any]):
    """A mapping of the file, remembering the keys it was given twice."""

    repeated: tuple[Any, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[Any, Any]], keys: Sequence[Any]) -> Self:
        mapping = cls(pairs)
        mapping.repeated = tuple(key for key, times in Counter(keys).items() if times > 1)
        return mapping


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay text, and whose failures and repeated keys are located."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [(tag, pattern) for tag, pattern in resolvers if "timestamp" not in tag]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError):
            problem = "a value is not what its form promises; write text in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def construct_settings_mapping(self, node: yaml.MappingNode) -> _Mapping:
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        mapping = self.construct_mapping(node, deep=True)
        return _Mapping.of(mapping.items(), [self.construct_object(key) for key in own])


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_settings_mapping)


def read_settings_file(path: Path) -> dict[str, Any]:
    """The file's data; an empty file is `{}`. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text, at byte {error.start}") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        data = _parse_json(text) if path.suffix.lower() == ".json" else _parse_yaml(text)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: nested too deeply") from None
    if data is None:
        return {}
    if not isinstance(data, _Mapping):
        raise SettingsError(f"{path}: must be a mapping of keys to values")
    repeated = [f"{path}: {format_path(key)}: key given twice" for key in _repeated(data, ())]
    if repeated:
        raise SettingsError("\n".join(repeated))
    return data


def override(data: dict[str, Any], environ: Mapping[str, str]) -> dict[tuple[Step, ...], str]:
    """Writes the environment's values into the file's data; gives each path's variable."""
    overridden: dict[tuple[Step, ...], str] = {}
    for name, path in OVERRIDES.items():
        if environ.get(name) and _set(data, path, environ[name]):
            overridden[path] = name
    if external_id := environ.get("EXTERNAL_ID"):
        accounts: Any = data.get("accounts")
        names: Iterable[str] = accounts if isinstance(accounts, dict) else ()
        paths = [("accounts", name, "external_id") for name in names]
        for path in [*paths, ("organization", "external_id")]:
            if _set(data, path, external_id, replace=False):
                overridden[path] = "EXTERNAL_ID"
    return overridden


def _set(data: dict[str, Any], path: tuple[str, ...], value: str, *, replace: bool = True) -> bool:
    """Sets a value in nested data; False where it was kept or the way there is no mapping."""
    for step in path[:-1]:
        if data.get(step) is None:
            data[step] = {}
        if not isinstance(data[step], dict):
            return False
        data = data[step]
    if not replace and data.get(path[-1]):
        return False
    data[path[-1]] = value
    return True


def _json_mapping(pairs: list[tuple[str, Any]]) -> _Mapping:
    return _Mapping.of(pairs, [key for key, _ in pairs])


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_json_mapping) if text.strip() else None
    except json.JSONDecodeError as error:
        message = f"not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise SettingsError(message) from None
    except ValueError:  # an integer of thousands of digits
        raise SettingsError("not JSON: a number is too long") from None


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.reader.ReaderError as error:
        place = _place(text, error.position)
        raise SettingsError(f"not YAML: {place}: a character that YAML forbids") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(text, mark.index) if mark else "somewhere"
        problem = QUOTED.sub(_cut, error.problem or "cannot be parsed")
        raise SettingsError(f"not YAML: {place}: {problem}") from None


def _cut(quoted: re.Match[str]) -> str:
    """What PyYAML quotes, unless it may be part of a secret: a character or a token's name."""
    is_token = len(quoted[2]) <= 2 or quoted[2].startswith("<")
    return quoted[0] if is_token else "..."


def _place(text: str, index: int) -> str:
    before = text[:index]
    return f"line {before.count(chr(10)) + 1}, column {index - before.rfind(chr(10))}"


def _repeated(data: object, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Paths of the keys given twice, anywhere in the data."""
    if isinstance(data, _Mapping):
        yield from ((*path, key) for key in data.repeated)
        for key, value in data.items():
            yield from _repeated(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(cast("list[object]", data)):
            yield from _repeated(value, (*path, index))
