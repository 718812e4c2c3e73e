"""Combinations of actions that give more rights."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from inventory_pipeline.resource_types.policies import statements
from inventory_pipeline.resource_types.privilege_escalation import escalations, methods


def allowing(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more


def denying(*actions: str, **more: Any) -> dict[str, Any]:
    return allowing(*actions, **more) | {"Effect": "Deny"}


def found(*rows: dict[str, Any]) -> list[str]:
    return escalations(statements({"Statement": list(rows)}, "inline:p"))


@pytest.mark.parametrize(
    ("rows", "ways"),
    [
        ([], []),
        ([allowing("s3:*", "ec2:Describe*")], []),
        ([allowing("iam:CreateAccessKey")], ["iam:CreateAccessKey"]),
        ([allowing("IAM:createaccesskey")], ["iam:CreateAccessKey"]),
        ([allowing("iam:PassRole")], []),
        ([allowing("ec2:RunInstances")], []),
        ([allowing("iam:PassRole", "ec2:RunInstances")], ["iam:PassRole+ec2:RunInstances"]),
        (
            [allowing("iam:Pass*"), allowing("ec2:Run*", Resource="arn:aws:ec2:*:*:instance/*")],
            ["iam:PassRole+ec2:RunInstances"],
        ),
        ([allowing("iam:PassRole", "ec2:RunInstances"), denying("iam:PassRole")], []),
        ([allowing("iam:CreateAccessKey"), denying("iam:*")], []),
        (
            [allowing("iam:CreateAccessKey"), denying("iam:*", Resource="arn:aws:iam::1:user/a")],
            ["iam:CreateAccessKey"],
        ),
        (
            [
                allowing("iam:CreateAccessKey"),
                denying("iam:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
            ],
            ["iam:CreateAccessKey"],
        ),
    ],
)
def test_ways_to_more_rights(rows: list[dict[str, Any]], ways: list[str]) -> None:
    assert found(*rows) == ways


def test_who_may_do_all_may_go_every_way() -> None:
    assert len(found(allowing("*"))) == len(methods())


def test_all_actions_but_some_are_all_ways_but_theirs() -> None:
    ways = found({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"})
    assert "lambda:UpdateFunctionCode" in ways
    assert not [way for way in ways if "iam:" in way]


def test_no_method_contains_another() -> None:
    """Else the longer one would say nothing."""
    known = [frozenset(method) for method in methods()]
    assert len(set(known)) == len(known)
    assert not [(a, b) for a in known for b in known if a < b]


def test_actions_are_spelt_as_aws_spells_them() -> None:
    """Where an action is named as its API; a misspelt one would never be found."""
    session = botocore.session.Session()
    services = {
        "bedrock-agentcore": ("bedrock-agentcore", "bedrock-agentcore-control"),
        "iam": ("iam",),
    }
    # Permissions without an API of their own, or of services that AWS has shut.
    without = {"iam:PassRole", "lambda:InvokeFunction", "codestar:CreateProject"}
    for action in {action for method in methods() for action in method} - without:
        service, _, name = action.partition(":")
        known = {
            operation
            for each in services.get(service, (service,))
            for operation in session.get_service_model(each).operation_names
        }
        # Lambda's operations carry versions in their names.
        assert any(operation.startswith(name) for operation in known), action
