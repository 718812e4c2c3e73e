"""Policy documents as AWS gives them, read with distrust: whatever is odd makes one unreadable.

Belongs here: JSON, its spellings and forms. Not here: what a statement grants (`policies`), nor
what conditions mean (`policy_conditions`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from inventory_pipeline.resource_types.policy_conditions import Condition

EVERYONE = "*"

# AWS's largest policies have some 50,000 characters.
_MOST_CHARACTERS = 1_000_000
_KINDS = {"CanonicalUser": "Canonical"}
_ACCOUNT = re.compile(r"(?:arn:[a-z-]+:iam::)?([0-9]{12})(?::root)?")


class MalformedPolicyError(ValueError):
    """A policy document cannot be read. Says what is wrong, and nothing of what it says."""


@dataclass(frozen=True)
class PolicyStatement:
    """A statement; of each list every text once, in the document's order.

    Principals are `*` (everyone) or `<kind>:<text>`, an account always as `AWS:<account id>`.
    """

    sid: str | None
    effect: str
    principals: tuple[str, ...]
    not_principals: tuple[str, ...]
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: tuple[Condition, ...]


def read_policy(document: object) -> list[PolicyStatement]:
    """The statements of a document: JSON text (URL-encoded or not), or decoded already.

    None and an empty document have none. Raises MalformedPolicyError.
    """
    return [_statement(element) for element in _elements(_decoded(document))]


def _decoded(document: object) -> Mapping[str, Any]:
    if document is None or document == "":
        return {}
    if isinstance(document, str):
        document = _parsed(document)
    if not isinstance(document, Mapping):
        raise MalformedPolicyError("the policy is no JSON object")
    return document


def _parsed(text: str) -> object:
    if len(text) > _MOST_CHARACTERS:
        raise MalformedPolicyError(f"the policy has more than {_MOST_CHARACTERS:,} characters")
    # IAM's documents are URL-encoded; those that are not begin with a brace or a space.
    text = unquote(text) if text.startswith("%") else text
    try:
        return json.loads(text, object_pairs_hook=_object)
    except MalformedPolicyError:
        raise
    except (ValueError, RecursionError):
        pass  # raised below, since a JSONDecodeError has the document with it
    raise MalformedPolicyError("the policy is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # which of the two counts is not known
        raise MalformedPolicyError("the policy has a key twice")
    return found


def _elements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if not document:
        return []
    found = document.get("Statement")
    found = found if isinstance(found, list) else [found]
    if not all(isinstance(element, Mapping) for element in found):
        raise MalformedPolicyError("the policy has a statement that is no object")
    return found


def _statement(element: Mapping[str, Any]) -> PolicyStatement:
    effect = element.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicyError("Effect of a statement is neither Allow nor Deny")
    return PolicyStatement(
        _text(element["Sid"], "Sid") if element.get("Sid") else None,
        effect,
        _principals(element, "Principal"),
        _principals(element, "NotPrincipal"),
        _texts(element, "Action"),
        _texts(element, "NotAction"),
        _texts(element, "Resource"),
        _texts(element, "NotResource"),
        _conditions(element),
    )


def _texts(element: Mapping[str, Any], name: str, where: str | None = None) -> tuple[str, ...]:
    """One or several values as texts, without repetitions."""
    value = element.get(name, [])
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(_text(each, where or name) for each in values))


def _text(value: object, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedPolicyError(f"{where} of a statement has a value that is no text")


def _principals(element: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = element.get(name, {})
    if not isinstance(found, Mapping):
        found = {"AWS": found}
    texts = [_principal(kind, text) for kind in found for text in _texts(found, kind, name)]
    return tuple(dict.fromkeys(texts))


def _principal(kind: str, text: str) -> str:
    """`*` and AWS `*` are the same; so are an account's number and its root's ARN."""
    if text == EVERYONE:
        return EVERYONE
    account = _ACCOUNT.fullmatch(text) if kind == "AWS" else None
    return f"{_KINDS.get(kind, kind)}:{account.group(1) if account else text}"


def _conditions(element: Mapping[str, Any]) -> tuple[Condition, ...]:
    block = element.get("Condition") or {}
    if not isinstance(block, Mapping) or not all(isinstance(k, Mapping) for k in block.values()):
        raise MalformedPolicyError("Condition of a statement is no object of objects")
    return tuple(
        Condition(operator, key, _texts(keys, key, "Condition"))
        for operator, keys in block.items()
        for key in keys
    )
