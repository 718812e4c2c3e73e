"""The policy documents of IAM identities, and what they allow.

Belongs here: what users, groups, roles and managed policies share. Not here: reading a document
(`policies`), nor the types themselves (`iam`, `iam_role`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Children, Field, Item, field
from inventory_pipeline.resource_types.policies import (
    POLICY_STATEMENTS,
    Statement,
    covers_action,
    statements,
)
from inventory_pipeline.resource_types.policy_documents import EVERYONE
from inventory_pipeline.resource_types.privilege_escalation import escalations

DOCUMENTS = "documents"
"""Where an item of IAM has its `Documents`."""

_ALL_ROLES = re.compile(r"\*|arn:[^:]*:iam::\*:(role/)?\*")


class Documents:
    """The policies of one identity by what `policy_statements` calls them; read once, when asked.

    One that cannot be read makes all of the identity unknown: MalformedPolicyError.
    """

    def __init__(self, documents: Iterable[tuple[str, object]]) -> None:
        self._documents = tuple(documents)

    @cached_property
    def statements(self) -> list[Statement]:
        return [row for policy, document in self._documents for row in statements(document, policy)]

    @cached_property
    def permissions(self) -> list[Statement]:
        """What the identity may do; not who may become it."""
        return [row for row in self.statements if row["policy"] != "trust"]

    @property
    def trust(self) -> list[Statement]:
        """Who may become it."""
        return [row for row in self.statements if row["policy"] == "trust"]


def inline(policies: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, object]]:
    """The inline policies of a user, group or role."""
    return [(f"inline:{p['PolicyName']}", p.get("PolicyDocument")) for p in policies or []]


def with_documents(
    items: str, documents: Callable[[Item], Iterable[tuple[str, object]]]
) -> Callable[[Item], list[dict[str, Any]]]:
    """A source of items: a page's elements under the key `items`, with their `Documents`."""

    def find(page: Item) -> list[dict[str, Any]]:
        return [{**item, DOCUMENTS: Documents(documents(item))} for item in page.get(items) or []]

    return find


# -- what they allow ---------------------------------------------------------------------------


def allows_everything(permissions: Sequence[Statement]) -> bool:
    """Whether they allow all actions on all resources, and no statement takes all of it back."""
    return any(row["admin"] for row in permissions) and not any(
        row["effect"] == "Deny"
        and EVERYONE in row["actions"]
        and EVERYONE in row["resources"]
        and not row["conditions"]
        for row in permissions
    )


def assumes_any_role(permissions: Sequence[Statement]) -> bool:
    """Whether they allow sts:AssumeRole on every role that lets them."""
    return any(
        row["effect"] == "Allow"
        and not row["conditions"]
        and any(map(_ALL_ROLES.fullmatch, row["resources"]))
        and covers_action(row, "sts:AssumeRole")
        for row in permissions
    )


def permission_fields(prefix: str, whose: str) -> tuple[Field, ...]:
    """Columns of what an identity's own documents allow."""

    def of(read: Callable[[Sequence[Statement]], Any]) -> Callable[[Item], Any]:
        return lambda item: read(item[DOCUMENTS].permissions)

    return (
        field(
            f"{prefix}admin",
            T.BOOLEAN,
            f"{whose} allow all actions on all resources.",
            of(allows_everything),
        ),
        field(
            f"{prefix}privilege_escalation",
            T.TEXT_LIST,
            f"Known ways to more rights that {whose.lower()} allow, by their actions; on which "
            "resources and conditions is not looked at.",
            of(escalations),
        ),
        field(
            f"{prefix}assumes_any_role",
            T.BOOLEAN,
            f"{whose} allow sts:AssumeRole on all roles, unconditionally.",
            of(assumes_any_role),
        ),
        field(
            "policy_statements",
            T.BIGINT,
            "Statements of its documents; NULL where one could not be read.",
            lambda item: len(item[DOCUMENTS].statements),
        ),
    )


STATEMENTS = Children(POLICY_STATEMENTS, lambda item: item[DOCUMENTS].statements)

ATTACHED_POLICIES = field(
    "attached_policies",
    T.TEXT_LIST,
    "ARNs of managed policies attached to it.",
    "AttachedManagedPolicies[].PolicyArn || `[]`",
)
PERMISSIONS_BOUNDARY = field(
    "permissions_boundary",
    T.TEXT,
    "ARN of the policy that bounds its rights; empty where none does.",
    "PermissionsBoundary.PermissionsBoundaryArn || ''",
)
