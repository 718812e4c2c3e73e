"""Templates as CloudFormation would deploy them: intrinsic functions with values in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from inventory_pipeline.infrastructure import Template

PSEUDO = {
    "AWS::AccountId": "111111111111",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()


def resolved(template: Template, **parameters: str | list[str]) -> dict[str, Any]:
    """The template's resources, with defaults for parameters that are not given."""
    declared = template.body["Parameters"]
    unknown = set(parameters) - set(declared)
    assert not unknown, f"{template.name} has no parameters {unknown}"
    defaults = {name: one["Default"] for name, one in declared.items() if "Default" in one}
    values: dict[str, Any] = {**PSEUDO, **defaults, **parameters}
    conditions = template.body.get("Conditions", {})
    resources: dict[str, Any] = _value(template.body["Resources"], values, conditions)
    return resources


def documents(template: Template, **parameters: str | list[str]) -> list[dict[str, Any]]:
    """Its managed policies' documents."""
    return [
        resource["Properties"]["PolicyDocument"]
        for resource in resolved(template, **parameters).values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    ]


def statements(template: Template, **parameters: str | list[str]) -> list[dict[str, Any]]:
    return [s for document in documents(template, **parameters) for s in document["Statement"]]


def actions(template: Template, **parameters: str | list[str]) -> list[str]:
    return [action for s in statements(template, **parameters) for action in s["Action"]]


def trust(template: Template, **parameters: str | list[str]) -> list[dict[str, Any]]:
    [role] = [r for r in resolved(template, **parameters).values() if r["Type"] == "AWS::IAM::Role"]
    found: list[dict[str, Any]] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return found


def _value(value: Any, values: Mapping[str, Any], conditions: Mapping[str, Any]) -> Any:
    def inner(one: Any) -> Any:
        return _value(one, values, conditions)

    match value:
        case {"Ref": "AWS::NoValue"}:
            return _NOTHING
        case {"Ref": str(name)}:
            return values.get(name, name)
        case {"Fn::Sub": str(text)}:
            given = re.sub(r"\$\{([\w:]+)\}", lambda found: str(values[found[1]]), text)
            return given.replace("${!", "${")
        case {"Fn::If": [condition, then, otherwise]}:
            return inner(then) if inner(conditions[condition]) else inner(otherwise)
        case {"Fn::Equals": [left, right]}:
            return inner(left) == inner(right)
        case {"Fn::Not": [one]}:
            return not inner(one)
        case {"Fn::Join": [separator, parts]}:
            return separator.join(inner(parts))
        case dict():
            found = {key: inner(one) for key, one in value.items()}
            return {key: one for key, one in found.items() if one is not _NOTHING}
        case list():
            return [one for one in map(inner, value) if one is not _NOTHING]
        case _:
            return value
