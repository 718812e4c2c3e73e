"""Policy documents of every kind as rows of `policy_statements`, for all types that have policies.

Belongs here: reading a document, and what a statement grants. Not here: what conditions mean
(`policy_conditions`), nor verdicts (`marts`). For a type with one policy:

    POLICY = policy_document("policy", "Policy")            # of the detail `policy`
    fields=(..., policy_statement_count(POLICY))            # tells "none" from "not read"
    children=(policy_children(POLICY),)

A type with several gives its own elements, made of `statements(document, policy="inline:<name>")`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Children, ChildTable, Field, Item, field
from inventory_pipeline.resource_types.policy_conditions import (
    account_of,
    accounts,
    insecure,
    needs_external_id,
    restricted,
    spares_known_callers,
)
from inventory_pipeline.resource_types.policy_documents import (
    EVERYONE,
    MalformedPolicyError,
    PolicyStatement,
    read_policy,
)
from inventory_pipeline.resource_types.secrets_scan import scan

__all__ = [
    "POLICY_STATEMENTS",
    "MalformedPolicyError",
    "Statement",
    "covers_action",
    "policy_children",
    "policy_document",
    "policy_statement_count",
    "statements",
]

REMOVED = "***"
"""What stands in place of a text that looks like a credential."""

Statement = dict[str, Any]
"""A row of `policy_statements`, by column."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_SECRET_KEY = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9/+]{40}")
_RUNS = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[/+]+")
# Of letters and digits alone a random key has 26 runs, seldom fewer than 18.
_FEWEST_RUNS_OF_A_KEY = 18
# A bucket or an object, and all objects of a bucket.
_S3_RESOURCE = re.compile(r"arn:[^:]*:s3:::(.+)", re.DOTALL)
_ALL_OBJECTS = re.compile(r"[^/]*\*|[^/]+/\*")

# How actions that only look begin.
_LOOKS = (
    "batchget",
    "check",
    "describe",
    "get",
    "head",
    "list",
    "lookup",
    "query",
    "scan",
    "search",
    "select",
    "view",
)


POLICY_STATEMENTS = ChildTable(
    name="policy_statements",
    meaning="Statements of policies: of resources, of roles' trust, of identities.",
    grain="one statement of a resource's policies",
    fields=tuple(
        field(name, kind, meaning, name)
        for name, kind, meaning in (
            ("policy", T.TEXT, "Which of its policies: resource, trust, managed, inline:<name>."),
            ("sid", T.TEXT, "The statement's own name; NULL where it has none."),
            ("effect", T.TEXT, "Allow or Deny."),
            (
                "principals",
                T.TEXT_LIST,
                "Whom it is about: * (everyone), AWS:<account id or ARN>, Service:<name>, "
                "Federated:<provider>, Canonical:<id>. Empty in policies of identities.",
            ),
            ("not_principals", T.TEXT_LIST, "Whom alone it is not about, in the same form."),
            ("actions", T.TEXT_LIST, "Actions, with wildcards."),
            ("not_actions", T.TEXT_LIST, "All actions but these."),
            ("resources", T.TEXT_LIST, "Resources, with wildcards."),
            ("not_resources", T.TEXT_LIST, "All resources but these."),
            (
                "conditions",
                T.TEXT_LIST,
                "Conditions, a value each: `Operator key=value`; of keys whose values might be "
                "secret `Operator key`. The same operator and key: any of the values will do.",
            ),
            (
                "restricted",
                T.BOOLEAN,
                "Its conditions let only fixed accounts, organisations, identities, services "
                "or networks through.",
            ),
            (
                "public",
                T.BOOLEAN,
                "It allows something to everyone (or all but some), is not restricted, and its "
                "policy does not deny strangers everything.",
            ),
            ("reads", T.BOOLEAN, "Its actions include some that look: Get…, List…, Describe…."),
            ("writes", T.BOOLEAN, "Its actions include others than those that look."),
            (
                "admin",
                T.BOOLEAN,
                "It allows all actions on all resources, whatever its conditions.",
            ),
            (
                "tls_only",
                T.BOOLEAN,
                "It denies everyone all actions without TLS; of a bucket, on the bucket and its "
                "objects (which statements may share).",
            ),
            (
                "accounts",
                T.TEXT_LIST,
                "Account ids among its principals and those that its conditions demand; the "
                "resource's own account may be one.",
            ),
            ("has_external_id", T.BOOLEAN, "Its conditions demand an external id."),
        )
    ),
)


def policy_document(detail: str, key: str) -> Callable[[Item], object]:
    """A source: the document at `key` of a detail; None where not read, empty where none is set."""

    def find(item: Item) -> object:
        return (item[detail].get(key) or "") if detail in item else None

    return find


def policy_children(document: Callable[[Item], object], policy: str = "resource") -> Children:
    """The statements of a type's one policy; no rows where `document` gives None."""

    def elements(item: Item) -> list[Statement] | None:
        found = document(item)
        return None if found is None else statements(found, policy)

    return Children(POLICY_STATEMENTS, elements)


def policy_statement_count(document: Callable[[Item], object]) -> Field:
    """The column that tells no policy (0) from one that was not or could not be read (NULL)."""

    def count(item: Item) -> int | None:
        found = document(item)
        return None if found is None else len(read_policy(found))

    return field(
        "policy_statements",
        T.BIGINT,
        "Statements of its policy; 0 where it has none, NULL where it could not be read.",
        count,
    )


def statements(document: object, policy: str = "resource") -> list[Statement]:
    """Rows of `policy_statements` for a document: JSON text (URL-encoded or not), or decoded.

    None and an empty document have none. Raises MalformedPolicyError.
    """
    found = read_policy(document)
    without_tls = [each for each in found if _denies_everything(each) and insecure(each.conditions)]
    tls_only = without_tls if _all_of_resource(without_tls) else []
    closed = _all_of_resource([each for each in found if _denies_strangers(each)])
    return _without_credentials([_row(each, policy, each in tls_only, closed) for each in found])


def covers_action(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, such as iam:PassRole; effect is not looked at."""
    if statement["not_actions"]:
        return not any(_matches(pattern, action) for pattern in statement["not_actions"])
    return any(_matches(pattern, action) for pattern in statement["actions"])


def _matches(pattern: str, action: str) -> bool:
    # A bracket is a character like any other to AWS.
    return fnmatchcase(action.lower(), pattern.lower().replace("[", "[[]"))


# -- what a statement grants -------------------------------------------------------------------


def _row(statement: PolicyStatement, policy: str, tls_only: bool, closed: bool) -> Statement:
    allows = statement.effect == "Allow"
    everyone = EVERYONE in statement.principals or bool(statement.not_principals)
    conditions, actions = statement.conditions, statement.actions
    narrow = restricted(conditions)
    everything = EVERYONE in actions or "*:*" in actions
    return {
        "policy": policy,
        "sid": statement.sid,
        "effect": statement.effect,
        "principals": list(statement.principals),
        "not_principals": list(statement.not_principals),
        "actions": list(actions),
        "not_actions": list(statement.not_actions),
        "resources": list(statement.resources),
        "not_resources": list(statement.not_resources),
        "conditions": list(chain.from_iterable(each.shown() for each in conditions)),
        "restricted": narrow,
        "public": allows and everyone and not narrow and not closed,
        "reads": bool(statement.not_actions) or any(map(_may_look, actions)),
        "writes": bool(statement.not_actions) or not all(map(_only_looks, actions)),
        "admin": allows and everything and "*" in statement.resources,
        "tls_only": tls_only,
        "accounts": list(dict.fromkeys(_accounts(statement))),
        "has_external_id": needs_external_id(conditions),
    }


def _accounts(statement: PolicyStatement) -> Iterator[str]:
    for principal in statement.principals:
        kind, _, text = principal.partition(":")
        account = text if _ACCOUNT.fullmatch(text) else account_of(text)
        if account and kind in ("AWS", "Federated"):
            yield account
    yield from accounts(statement.conditions)


def _verb(action: str) -> tuple[str, bool]:
    """An action's name up to its first wildcard, in lower case, and whether there is one."""
    name = action.rpartition(":")[2].lower()
    fixed = re.split(r"[*?]", name, maxsplit=1)[0]
    return fixed, fixed != name


def _only_looks(action: str) -> bool:
    return _verb(action)[0].startswith(_LOOKS)


def _may_look(action: str) -> bool:
    fixed, wild = _verb(action)
    return fixed.startswith(_LOOKS) or (wild and any(look.startswith(fixed) for look in _LOOKS))


# -- what a whole policy denies ----------------------------------------------------------------


def _denies_everything(statement: PolicyStatement) -> bool:
    return (
        statement.effect == "Deny"
        and EVERYONE in statement.principals
        and any(action == "*" or action.endswith(":*") for action in statement.actions)
    )


def _denies_strangers(statement: PolicyStatement) -> bool:
    return _denies_everything(statement) and spares_known_callers(statement.conditions)


def _all_of_resource(found: Sequence[PolicyStatement]) -> bool:
    """Whether statements of a resource's own policy are together about all of it.

    Of a bucket that is the bucket and its objects; other resources have nothing within.
    """
    if not found or any(statement.not_resources for statement in found):
        return False
    matches = [_S3_RESOURCE.fullmatch(text) for each in found for text in each.resources]
    names = [match.group(1) for match in matches if match]
    if len(names) < len(matches) or not names:  # *, another service's, or no resource at all
        return True
    in_full = (_ALL_OBJECTS.fullmatch(name) for name in names)
    return any("/" not in name for name in names) and any(in_full)


# -- credentials -------------------------------------------------------------------------------


def _texts_of(row: Statement) -> Iterator[str]:
    for value in row.values():
        if isinstance(value, list):
            yield from value
        elif isinstance(value, str):
            yield value


def _without_credentials(rows: list[Statement]) -> list[Statement]:
    """Rows with every text replaced that looks like a credential."""
    texts = [text for row in rows for text in _texts_of(row)]
    # Looking once at all of them is much the cheapest, and there hardly ever are any.
    if not scan("\n".join(texts)).found and not any(map(_is_secret_key, texts)):
        return rows
    return [{column: _cleaned(value) for column, value in row.items()} for row in rows]


def _cleaned(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, str) and (scan(value).found or _is_secret_key(value)):
        return REMOVED
    return value


def _is_secret_key(text: str) -> bool:
    """Whether a text ends in what is like a secret access key rather than like words."""
    last = text.rpartition(":")[2]
    return _SECRET_KEY.fullmatch(last) is not None and (
        "/" in last or "+" in last or len(_RUNS.findall(last)) >= _FEWEST_RUNS_OF_A_KEY
    )
