"""IAM policy documents as data: statements, ARNs in them, and splitting by AWS's limits.

Belongs here: what any policy needs. Not here: which actions are allowed (`member`, `collector`).
Values are as CloudFormation takes them, so partition and account stay pseudo parameters.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Statement = dict[str, Any]
Document = dict[str, Any]

VERSION = "2012-10-17"
POLICY_CHARACTERS = 6_144
"""AWS's limit for a managed policy, without white space."""
ATTACHED_POLICIES = 10
"""Managed policies that a role may have without a raised quota."""

# Parameters may become longer than their placeholders are.
BUDGET = POLICY_CHARACTERS - 144


class PolicyError(Exception):
    """What the settings ask for does not fit into IAM's limits."""


def allow(
    sid: str,
    actions: Iterable[str],
    resources: Sequence[object] | str,
    condition: Mapping[str, Any] | None = None,
) -> Statement:
    """A statement that allows `actions` (sorted) on `resources`."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources if isinstance(resources, str) else list(resources),
    }
    return statement | ({"Condition": dict(condition)} if condition else {})


def document(statements: Iterable[Statement]) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}


def sub(text: str) -> dict[str, str]:
    """Text with CloudFormation's pseudo parameters, such as `${AWS::AccountId}`."""
    return {"Fn::Sub": text}


def literal(text: str) -> str:
    """Text of settings as IAM takes it: neither a wildcard nor a variable, whatever it holds."""
    return "".join(f"${{{c}}}" if c in "*?$" else c for c in text)


def s3_arn(bucket: str, key: str = "") -> dict[str, str]:
    """The bucket, or with `key` (in IAM's words, where `*` is a wildcard) its objects."""
    path = f"{literal(bucket)}/{key}" if key else literal(bucket)
    return sub("arn:${AWS::Partition}:s3:::" + path.replace("${", "${!"))


def size(statements: Iterable[Statement]) -> int:
    """Characters that AWS counts, as near as they are known before parameters are given."""
    text = json.dumps(_without_intrinsics(document(statements)), separators=(",", ":"))
    return len("".join(text.split()))


def split(statements: Iterable[Statement], budget: int = BUDGET) -> list[Document]:
    """As few documents as keep the statements' order, each within the limit.

    Raises PolicyError where one statement is too large, or the documents are too many for a role.
    """
    parts: list[list[Statement]] = []
    for statement in statements:
        if size([statement]) > budget:
            raise PolicyError(
                f"IAM statement {statement['Sid']} has {size([statement])} characters, more than "
                f"the {budget} of a managed policy: enable fewer resource_types"
            )
        if not parts or size([*parts[-1], statement]) > budget:
            parts.append([])
        parts[-1].append(statement)
    if len(parts) > ATTACHED_POLICIES:
        raise PolicyError(
            f"{len(parts)} managed policies are needed, and a role may have {ATTACHED_POLICIES}: "
            "name fewer accounts in the settings, or use organization.discover"
        )
    return [document(part) for part in parts]


def _without_intrinsics(value: Any) -> Any:
    """The value as IAM gets it: texts in place of CloudFormation's functions."""
    match value:
        case {"Fn::Sub": str(text)}:
            return text
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::If": [_, then, _]}:
            return _without_intrinsics(then)
        case dict():
            return {key: _without_intrinsics(inner) for key, inner in value.items()}
        case list():
            return [_without_intrinsics(inner) for inner in value]
        case _:
            return value
