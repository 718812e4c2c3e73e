"""How the settings' errors are worded: one line a problem, with its path and what to do.

Belongs here: everything said about a wrong key or value. Not here: what is right (`model`).
"""

import difflib
import json
import re
from collections.abc import Iterable
from functools import reduce
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Step = str | int

OFFERED = 4
"""Choices that an error offers at most."""


class SettingsError(Exception):
    """What is wrong with the settings, one line a problem: file, path, value and what to do."""


def format_path(path: Iterable[Step]) -> str:
    """A path such as `archive.policies[0].name`; a name that is not plain stands in brackets."""
    text = ""
    for step in path:
        if isinstance(step, str) and re.fullmatch(r"[\w-]+", step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


def shown(value: object) -> str:
    """A value as an error shows it: on one line, shortened."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def problem_line(error: ErrorDetails, settings: type[BaseModel]) -> str:
    """What pydantic found, as one line: where, and what. Shows a value only where no secret
    can be; `settings` is the model, for the right keys."""
    path: tuple[Step, ...] = tuple(step for step in error["loc"] if step != "[key]")
    problem = _problem(error, settings)
    return f"{format_path(path)}: {problem}" if path else problem


def _problem(error: ErrorDetails, settings: type[BaseModel]) -> str:
    value = error["input"]
    match error["type"]:
        case "extra_forbidden":
            right = _keys_beside(settings, error["loc"])
            return f"unknown key{nearest(str(error['loc'][-1]), right)}"
        case "missing":
            return "this key is required"
        case "value_error":
            return str(error.get("ctx", {}).get("error"))
        case "model_type" | "dict_type":
            return "must be a mapping of keys to values"
        case "list_type":
            return "must be a list"
        case "too_short":
            return "must not be empty"
        case "invalid_key":
            return "a key must be text; write it in quotes"
        case "string_type":
            return f"must be text, not {shown(value)}; write it in quotes"
        case kind:
            text = re.sub(r"^.*?should", "must", error["msg"])
            hint = nearest(str(value), re.findall(r"'(\w+)'", text)) if "literal" in kind else ""
            return f"{text}, not {shown(value)}{hint}"


def near(wrong: str, choices: Iterable[str]) -> list[str]:
    """What someone may have meant: a few choices that have the word in them, or one like it."""
    folded = {choice.casefold(): choice for choice in choices}
    word = wrong.casefold()
    words = {word, word.removesuffix("s")}
    found = [choice for choice in folded if words & {*choice.split("_")}]
    found = found[:OFFERED] or difflib.get_close_matches(word, folded, n=1)
    return [folded[choice] for choice in found]


def nearest(wrong: str, choices: Iterable[str]) -> str:
    """The end of a line that helps: the nearest choices, or all where they are few."""
    known = list(choices)
    if found := near(wrong, known):
        return f"; did you mean {' or '.join(map(repr, found))}?"
    return f"; known: {', '.join(known)}" if 0 < len(known) <= 20 else ""


def _keys_beside(settings: type[BaseModel], path: tuple[Step, ...]) -> list[str]:
    """The keys that are right where the last step of `path` is wrong."""
    section: type[BaseModel] = reduce(_inner, path[:-1], settings)
    return list(section.model_fields)


def _inner(outer: Any, step: Step) -> Any:
    """The type one step further into a section, list or mapping."""
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        return outer.model_fields[str(step)].annotation
    return get_args(outer)[-1]
