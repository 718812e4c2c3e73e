"""The member role: exactly what the enabled types need, and nothing that changes or reads data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from inventory_pipeline.infrastructure import member_role, needed_actions
from inventory_pipeline.infrastructure.confined import CONDITIONS, CONFINED, own_resources
from inventory_pipeline.infrastructure.member import enabled_types
from inventory_pipeline.infrastructure.member import statements as statements_of
from inventory_pipeline.resource_types import ResourceType, resource_types, selected_types
from inventory_pipeline.settings import Settings, SettingsError
from inventory_pipeline_tests.infrastructure.aws_actions import (
    NEWER,
    READING_LEVELS,
    facts,
    listed,
    unknown,
)
from inventory_pipeline_tests.infrastructure.resolving import (
    PSEUDO,
    actions,
    documents,
    resolved,
    statements,
    trust,
)
from inventory_pipeline_tests.resource_types.shapes import operation

ORGANIZATION = "o-1234567890"
COLLECTOR = "arn:aws:iam::999999999999:role/InventoryCollector"
KINDS = resource_types()
EVERYTHING = Settings()

NEVER = (
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "iam:PassRole",
    "kms:Decrypt",
    # Its answer has a link to the function's code.
    "lambda:GetFunction",
    "lambda:InvokeFunction",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "sts:AssumeRole",
)

SEEMINGLY_WRITING = frozenset({"iam:GenerateCredentialReport"})
"""AWS has it at the level Read, and its name says that it makes something: a report."""


def settings_of(**more: Any) -> Settings:
    return Settings.model_validate(
        {"accounts": {"a": {"account_id": "222222222222", "external_id": "an-external-id"}}} | more
    )


def all_actions() -> list[str]:
    template = member_role(EVERYTHING)
    return actions(template, CollectorRoleArn=COLLECTOR, OrganizationId=ORGANIZATION)


# -- what is allowed ---------------------------------------------------------------------------


def test_exactly_what_an_enabled_type_needs() -> None:
    kind = KINDS["sns_topic"]
    assert kind.metrics == ()
    assert needed_actions(settings_of(resource_types=["sns_topic"])) == [
        "ec2:DescribeRegions",
        "sns:GetTopicAttributes",
        "sns:ListTagsForResource",
        "sns:ListTopics",
    ]


def test_metrics_are_read_only_for_types_that_have_some() -> None:
    without = next(kind.name for kind in KINDS.values() if not kind.metrics)
    assert "cloudwatch:GetMetricData" not in needed_actions(settings_of(resource_types=[without]))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_role_allows_each_action_of_a_type_once(kind: ResourceType) -> None:
    # A type may be named as a group is, and then stands for the group.
    named = [action for one in selected_types([kind.name]) for action in one.actions]
    allowed = actions(member_role(settings_of(resource_types=[kind.name])))
    assert sorted(allowed) == sorted({*named, "ec2:DescribeRegions"})


def test_an_unknown_type_is_an_error_of_the_settings() -> None:
    with pytest.raises(SettingsError, match=r"resource_types: .*'ec2_instanc'.*'ec2_instance'"):
        member_role(settings_of(resource_types=["ec2_instanc"]))


def test_an_action_that_is_off_is_not_allowed_nor_what_it_lists() -> None:
    off = {"actions_off": ["ec2:DescribeInstanceAttribute", "ec2:DescribeVolumes"]}
    settings = settings_of(collection_settings=off)
    assert {*needed_actions(Settings())} - {*needed_actions(settings)} == {*off["actions_off"]}
    kinds = {kind.name: kind for kind in enabled_types(settings)}
    assert "ebs_volume" not in kinds
    assert "user_data" not in {detail.name for detail in kinds["ec2_instance"].details}


def test_metrics_can_be_left_out() -> None:
    settings = settings_of(collection_settings={"actions_off": ["cloudwatch:GetMetricData"]})
    assert "cloudwatch:GetMetricData" not in needed_actions(settings)
    assert {kind.name for kind in enabled_types(settings)} == {*KINDS}


def test_an_unknown_action_is_an_error_of_the_settings() -> None:
    settings = settings_of(collection_settings={"actions_off": ["ec2:DescribeVolume"]})
    with pytest.raises(SettingsError, match=r"actions_off: .*did you mean 'ec2:DescribeVolumes'"):
        member_role(settings)


def test_aws_has_every_action() -> None:
    assert unknown(all_actions()) == []


def test_an_action_that_aws_has_not_would_be_found() -> None:
    assert unknown(["s3:GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"]) == [
        "s3:GetBucketInventoryConfiguration"
    ]
    assert unknown(["ec2:describeInstances", "nonesuch:List"]) == [
        "ec2:describeInstances",
        "nonesuch:List",
    ]


def test_what_is_newer_than_the_list_is_not_in_it() -> None:
    assert [action for action in NEWER if listed(action)] == []


def test_nothing_is_changed() -> None:
    levels = {action: found.level for action in all_actions() if (found := facts(action))}
    assert {a: level for a, level in levels.items() if level not in READING_LEVELS} == {}
    names = "|".join(("List", "Describe", "Get", "BatchGet", "Search", "Select"))
    odd = [a for a in all_actions() if not re.match(rf"[a-z0-9-]+:({names})", a)]
    # API Gateway's actions are the methods of HTTP.
    assert set(odd) <= SEEMINGLY_WRITING | {"apigateway:GET"}


def test_no_data_is_read() -> None:
    assert sorted({*all_actions()} & {*NEVER}) == []
    assert not [action for action in all_actions() if "*" in action or "?" in action]


# -- where it is allowed -----------------------------------------------------------------------


def named_one_at_a_time(kind: ResourceType) -> Iterator[str]:
    """Actions of calls that name a resource that was listed."""
    for detail in kind.details:
        if kind.operation is not None and not detail.per_cell:
            yield detail.iam_action


def listing(kind: ResourceType) -> Iterator[str]:
    """Actions of calls that ask what there is, or about a whole account."""
    yield from kind.iam_actions
    if kind.within:
        yield kind.within.iam_action
    if kind.prepare:
        yield kind.prepare.iam_action
    for detail in kind.details:
        if kind.operation is None or detail.per_cell:
            yield detail.iam_action


LISTING = {action for kind in KINDS.values() for action in listing(kind)}
NAMED = {action for kind in KINDS.values() for action in named_one_at_a_time(kind)} - LISTING


SHARED = frozenset({"ec2:GetManagedPrefixListEntries"})
"""Asked of resources of AWS and of other accounts as well."""

API_GATEWAY = "apigateway:GET"
"""Reads whatever there is, so it is confined to the paths that are asked, listings included."""

CONFINABLE = {API_GATEWAY} | {
    action
    for action in NAMED - SHARED
    if (found := facts(action)) and found.arns and found.level == "Read"
}
"""What AWS calls reading, of a resource that it knows by an ARN. What it calls listing is left
alone: how AWS matches a listing with an ARN differs from service to service."""


def test_an_action_is_confined_where_aws_can() -> None:
    missing, wrong = sorted(CONFINABLE - CONFINED), sorted(CONFINED - CONFINABLE)
    assert (missing, wrong) == ([], []), "to be added to, and taken out of, confined.py"


def test_of_api_gateway_exactly_the_paths_that_are_asked_are_allowed() -> None:
    calls = {
        (detail.service or kind.service, detail.operation)
        for kind in KINDS.values()
        for detail in kind.details
        if detail.iam_action == API_GATEWAY
    }
    calls |= {
        (kind.service, kind.operation)
        for kind in KINDS.values()
        if kind.operation and API_GATEWAY in kind.iam_actions
    }
    uris = [operation(*call).http["requestUri"].removeprefix("/v2") for call in calls]
    asked = {re.sub(r"\{\w+\}", "*", uri) for uri in uris}
    [statement] = statements(member_role_of([API_GATEWAY]))
    assert {arn.partition("::")[2] for arn in statement["Resource"]} == asked
    assert not any(fnmatchcase("arn:aws:apigateway:x::/apikeys", a) for a in statement["Resource"])


def concrete(arn: str) -> str:
    """An ARN of AWS's list as one of the account's would be."""
    arn = arn.replace("${Partition}", "aws").replace("${Account}", PSEUDO["AWS::AccountId"])
    return re.sub(r"\$\{\w+\}", "x", arn)


@pytest.mark.parametrize("action", sorted(CONFINED - {API_GATEWAY}))
def test_all_that_a_confined_action_can_name_is_within(action: str) -> None:
    [statement] = statements(member_role_of([action]))
    found = facts(action)
    assert found is not None
    for arn in map(concrete, found.arns):
        assert any(fnmatchcase(arn, pattern) for pattern in statement["Resource"]), arn
    for keys in statement.get("Condition", {}).values():
        assert {*keys} <= found.condition_keys


def member_role_of(wanted: list[str]) -> Any:
    """A template with these actions alone."""
    from inventory_pipeline.infrastructure.template import Template, managed_policies

    resources = managed_policies("P", "d", statements_of(wanted))
    return Template("t", {"Parameters": {}, "Resources": resources})


def test_a_confined_action_ends_at_the_account() -> None:
    assert {*CONDITIONS} == {"s3"}
    for service in {action.partition(":")[0] for action in CONFINED} - {"s3", "apigateway"}:
        text = str(own_resources(service))
        assert "${AWS::AccountId}" in text
        assert "'*'" not in text


# -- its size ----------------------------------------------------------------------------------


def test_all_types_fit_into_the_policies_of_one_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PSEUDO, "AWS::Partition", "aws-us-gov")
    found = documents(member_role(EVERYTHING))
    assert 1 <= len(found) <= 10
    assert max(len(json.dumps(one, separators=(",", ":"))) for one in found) <= 6_144


# -- who may assume it -------------------------------------------------------------------------


def test_only_the_collector_with_the_external_id_and_of_the_organisation() -> None:
    [statement] = trust(
        member_role(settings_of()),
        CollectorRoleArn=COLLECTOR,
        ExternalId="an-external-id",
        OrganizationId=ORGANIZATION,
    )
    assert statement == {
        "Sid": "CollectorOnly",
        "Effect": "Allow",
        "Principal": {"AWS": COLLECTOR},
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "StringEquals": {
                "sts:ExternalId": "an-external-id",
                "aws:PrincipalOrgID": ORGANIZATION,
            }
        },
    }


def test_nobody_is_asked_for_what_the_settings_do_not_have() -> None:
    settings = Settings.model_validate({"accounts": {"a": {"account_id": "222222222222"}}})
    template = member_role(settings, in_organization=False)
    [statement] = trust(template, CollectorRoleArn=COLLECTOR)
    assert "Condition" not in statement
    assert set(template.body["Parameters"]) == {"CollectorRoleArn", "RoleName"}


def test_session_tags_need_an_action_of_their_own() -> None:
    settings = settings_of(credentials={"session_tags": {"team": "finops"}})
    [statement] = trust(member_role(settings))
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_the_role_is_named_as_accounts_are_entered() -> None:
    settings = settings_of(
        accounts={
            "a": {"account_id": "222222222222", "role_name": "audit/Reader"},
            "b": {"account_id": "333333333333", "role_name": "audit/Reader"},
            "c": {"account_id": "444444444444", "role_name": "Other"},
            "d": {"account_id": "555555555555", "role_name": "Off", "enabled": False},
        },
        credentials={"duration_seconds": 7200},
    )
    role = resolved(member_role(settings))["Role"]["Properties"]
    assert (role["Path"], role["RoleName"]) == ("/audit/", "Reader")
    assert role["MaxSessionDuration"] == 7200
