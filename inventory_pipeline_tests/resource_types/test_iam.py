"""IAM users, groups, policies and roles: their documents, and what these allow."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jmespath
import pytest

from inventory_pipeline.resource_types import ResourceType, iam, iam_role
from inventory_pipeline_tests.collect.scripted import look, refused, statuses
from inventory_pipeline_tests.resource_types.collected import client_of, collected
from inventory_pipeline_tests.resource_types.shapes import follow, item_members
from inventory_pipeline_tests.simulated_aws import CANARY, ENGINEERING

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
LOOKING = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
DENIED = {"Effect": "Deny", "Action": "*", "Resource": "*"}
OTHER = "arn:aws:iam::999999999999:root"
AT = datetime(2026, 5, 1, tzinfo=UTC)


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def user(*inline: dict[str, Any]) -> dict[str, Any]:
    policies = [{"PolicyName": f"p{n}", "PolicyDocument": d} for n, d in enumerate(inline)]
    return {
        "UserName": "ann",
        "Path": "/",
        "Arn": "arn:aws:iam::111111111111:user/ann",
        "UserPolicyList": policies,
    }


def role(trust: dict[str, Any], *inline: dict[str, Any], path: str = "/") -> dict[str, Any]:
    policies = [{"PolicyName": f"p{n}", "PolicyDocument": d} for n, d in enumerate(inline)]
    return {
        "RoleName": "worker",
        "Path": path,
        "Arn": f"arn:aws:iam::111111111111:role{path}worker",
        "AssumeRolePolicyDocument": trust,
        "RolePolicyList": policies,
        "RoleLastUsed": {"LastUsedDate": AT, "Region": "eu-west-1"},
    }


def trusting(principal: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return document(statement | ({"Condition": condition} if condition else {}))


def user_row(found: dict[str, Any]) -> dict[str, Any]:
    script: dict[str, Any] = {"get_account_authorization_details": [{"UserDetailList": [found]}]}
    result, _ = look(iam.IAM_USER, script)
    assert statuses(result) == {"iam_user": "ok"}
    return result.rows[0]


def role_row(found: dict[str, Any], roles: Any = None) -> dict[str, Any]:
    script: dict[str, Any] = {
        "get_account_authorization_details": [{"RoleDetailList": [found]}],
        "list_roles": [{"Roles": roles or []}],
    }
    result, _ = look(iam_role.IAM_ROLE, script)
    assert statuses(result) == {"iam_role": "ok", "iam_role.sessions": "ok"}
    return result.rows[0]


@pytest.mark.parametrize(
    ("kind", "items"),
    [
        (iam.IAM_USER, "UserDetailList[]"),
        (iam.IAM_GROUP, "GroupDetailList[]"),
        (iam.IAM_POLICY, "Policies[]"),
        (iam_role.IAM_ROLE, "RoleDetailList[]"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_columns_name_what_aws_answers(kind: ResourceType, items: str) -> None:
    """As for every type; here a function makes the items, of these."""
    members = item_members(replace(kind, items=items))
    assert members is not None
    written: list[Any] = [f.source for f in kind.fields]
    written += [r.targets for r in kind.relationships]
    written += [kind.resource_id, kind.arn, kind.name_source, kind.created_at, kind.tags]
    for source in written:
        if isinstance(source, str):
            follow(jmespath.compile(source).parsed, members)


# -- what documents allow ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documents", "admin"),
    [
        ([], False),
        ([document(LOOKING)], False),
        ([document(LOOKING), document(EVERYTHING)], True),
        ([document(EVERYTHING), document(DENIED)], False),
        ([document(EVERYTHING, DENIED | {"Action": "s3:*"})], True),
        (
            [document(EVERYTHING, DENIED | {"Condition": {"Bool": {"aws:ViaAWSService": "true"}}})],
            True,
        ),
        ([document(EVERYTHING | {"Resource": "arn:aws:s3:::mine/*"})], False),
        ([document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})], False),
    ],
)
def test_administrators_are_those_of_whom_nothing_is_taken_back(
    documents: list[dict[str, Any]], admin: bool
) -> None:
    assert user_row(user(*documents))["inline_admin"] is admin


@pytest.mark.parametrize(
    ("change", "any_role"),
    [
        ({"Resource": "*"}, True),
        ({"Resource": ["arn:aws:iam::*:role/*"]}, True),
        ({"Resource": "arn:aws-cn:iam::*:role/*"}, True),
        ({"Resource": "arn:aws:iam::222222222222:role/*"}, False),
        ({"Resource": "*", "Action": "sts:*"}, True),
        ({"Resource": "*", "Action": "sts:GetCallerIdentity"}, False),
        ({"Resource": "*", "Effect": "Deny"}, False),
        (
            {"Resource": "*", "Condition": {"StringEquals": {"aws:ResourceOrgID": "o-1"}}},
            False,
        ),
    ],
)
def test_who_may_assume_any_role(change: dict[str, Any], any_role: bool) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"} | change
    assert user_row(user(document(statement)))["inline_assumes_any_role"] is any_role


def test_the_version_in_force_is_what_a_policy_allows() -> None:
    policy = {
        "PolicyName": "p",
        "Arn": "arn:aws:iam::111111111111:policy/p",
        "DefaultVersionId": "v1",
        "AttachmentCount": 2,
        "PolicyVersionList": [
            {"VersionId": "v2", "IsDefaultVersion": False, "Document": document(EVERYTHING)},
            {"VersionId": "v1", "IsDefaultVersion": True, "Document": document(LOOKING)},
        ],
    }
    script: dict[str, Any] = {
        "get_account_authorization_details": [{"Policies": [policy]}],
        "list_policy_tags": [{"Tags": [{"Key": "Team", "Value": "a"}]}],
    }
    result, _ = look(iam.IAM_POLICY, script)
    (row,) = result.rows
    assert (row["admin"], row["versions"], row["attachments"]) == (False, 2, 2)
    assert row["tags"] == {"Team": "a"}
    (statement,) = result.children["policy_statements"]
    assert (statement["policy"], statement["actions"]) == ("managed", ["s3:Get*"])


def test_a_policy_that_vanished_meanwhile_is_no_row() -> None:
    script: dict[str, Any] = {
        "get_account_authorization_details": [{"Policies": [{"PolicyName": "p", "Arn": "a"}]}],
        "list_policy_tags": [refused("NoSuchEntity")],
    }
    result, _ = look(iam.IAM_POLICY, script)
    assert result.rows == []
    assert set(statuses(result).values()) == {"ok"}


def test_a_document_that_cannot_be_read_makes_unknown_and_is_said() -> None:
    script: dict[str, Any] = {
        "get_account_authorization_details": [{"UserDetailList": [user(document({}))]}]
    }
    result, _ = look(iam.IAM_USER, script)
    (row,) = result.rows
    assert row["policy_statements"] is None
    assert row["inline_admin"] is None
    assert row["inline_policies"] == ["p0"]
    assert statuses(result) == {"iam_user": "error"}


def test_documents_that_botocore_could_not_decode_are_read_as_text() -> None:
    row = user_row(user(json.dumps(document(EVERYTHING))))  # type: ignore[arg-type] # as AWS may
    assert row["inline_admin"] is True


def test_a_user_with_nothing_has_empty_lists() -> None:
    found = {"UserName": "ann", "Arn": "arn:aws:iam::111111111111:user/ann"}
    row = user_row(found)
    assert (row["groups"], row["attached_policies"], row["inline_policies"]) == ([], [], [])
    assert row["permissions_boundary"] == ""
    assert row["policy_statements"] == 0


# -- whom roles trust --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "condition", "trusted", "unguarded"),
    [
        ({"AWS": OTHER}, None, ["999999999999"], ["999999999999"]),
        ({"AWS": "999999999999"}, None, ["999999999999"], ["999999999999"]),
        ({"AWS": ["arn:aws:iam::111111111111:root"]}, None, [], []),
        ({"AWS": "*"}, None, ["*"], ["*"]),
        ("*", None, ["*"], ["*"]),
        ({"AWS": OTHER}, {"StringEquals": {"sts:ExternalId": CANARY}}, ["999999999999"], []),
        (
            {"AWS": OTHER},
            {"StringEqualsIfExists": {"sts:ExternalId": "x"}},
            ["999999999999"],
            ["999999999999"],
        ),
        ({"AWS": OTHER}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}, ["999999999999"], []),
        (
            {"AWS": OTHER},
            {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
            ["999999999999"],
            ["999999999999"],
        ),
        ({"AWS": OTHER}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, ["999999999999"], []),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, [], []),
        ({"AWS": "*"}, {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, ["*"], ["*"]),
        (
            {"AWS": "*"},
            {"StringEquals": {"aws:PrincipalAccount": "999999999999"}},
            ["999999999999"],
            ["999999999999"],
        ),
        ({"AWS": "AROAEXAMPLEOFADELETEDROLE"}, None, [], []),
        ({"Service": "ec2.amazonaws.com"}, None, [], []),
    ],
)
def test_accounts_that_a_role_trusts(
    principal: Any, condition: dict[str, Any] | None, trusted: list[str], unguarded: list[str]
) -> None:
    row = role_row(role(trusting(principal, condition)))
    assert row["trusted_accounts"] == trusted
    assert row["unguarded_accounts"] == unguarded


def test_who_may_only_tag_sessions_is_not_trusted() -> None:
    trust = trusting({"AWS": OTHER})
    trust["Statement"][0]["Action"] = "sts:TagSession"
    assert role_row(role(trust))["trusted_accounts"] == []


def test_services_that_act_for_anyone_are_told_from_those_that_do_not() -> None:
    trust = document(
        *trusting({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]})["Statement"],
        *trusting(
            {"Service": "sns.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": ENGINEERING}}
        )["Statement"],
    )
    row = role_row(role(trust))
    assert row["trusted_services"] == [
        "ec2.amazonaws.com",
        "lambda.amazonaws.com",
        "sns.amazonaws.com",
    ]
    assert row["unguarded_services"] == ["ec2.amazonaws.com", "lambda.amazonaws.com"]


def test_providers_are_those_that_log_people_in() -> None:
    provider = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    row = role_row(role(trusting({"Federated": provider})))
    assert row["identity_providers"] == [provider]
    assert row["trusted_accounts"] == []


def test_what_a_role_may_do_is_not_whom_it_trusts() -> None:
    trust = trusting({"AWS": OTHER})
    trust["Statement"][0]["Action"] = "*"
    row = role_row(role(trust, document(LOOKING)))
    assert row["inline_admin"] is False
    assert row["inline_privilege_escalation"] == []
    assert row["policy_statements"] == 2


def test_the_longest_session_is_the_roles_own() -> None:
    roles = [{"name": "x", "seconds": 3600}, {"name": "worker", "seconds": 43200}]
    listed = [{"RoleName": r["name"], "MaxSessionDuration": r["seconds"]} for r in roles]
    assert role_row(role(document()), listed)["max_session_seconds"] == 43200
    assert role_row(role(document()), listed[:1])["max_session_seconds"] is None


def test_roles_are_seen_without_their_sessions() -> None:
    script: dict[str, Any] = {
        "get_account_authorization_details": [{"RoleDetailList": [role(document())]}],
        "list_roles": [refused("AccessDenied")],
    }
    result, _ = look(iam_role.IAM_ROLE, script)
    (row,) = result.rows
    assert row["max_session_seconds"] is None
    assert row["last_used_at"] == AT
    assert statuses(result) == {"iam_role": "ok", "iam_role.sessions": "denied"}


def test_roles_of_services_are_known_by_their_path() -> None:
    assert role_row(role(document(), path="/aws-service-role/x/"))["service_linked"] is True
    assert role_row(role(document()))["service_linked"] is False


def test_an_external_id_is_never_kept() -> None:
    trust = trusting({"AWS": OTHER}, {"StringEquals": {"sts:ExternalId": CANARY}})
    script: dict[str, Any] = {
        "get_account_authorization_details": [{"RoleDetailList": [role(trust)]}],
        "list_roles": [{"Roles": []}],
    }
    result, _ = look(iam_role.IAM_ROLE, script)
    assert len(result.children["policy_statements"]) == 1
    assert CANARY not in repr(result)


# -- against a simulated AWS -------------------------------------------------------------------


def test_what_was_made_is_what_is_seen(aws: str) -> None:
    client = client_of(aws, "iam")
    client.create_group(GroupName="people")
    client.put_group_policy(
        GroupName="people", PolicyName="all", PolicyDocument=json.dumps(document(EVERYTHING))
    )
    client.create_user(UserName="ann", Tags=[{"Key": "Department", "Value": "Sales"}])
    client.add_user_to_group(UserName="ann", GroupName="people")
    made = client.create_policy(PolicyName="looking", PolicyDocument=json.dumps(document(LOOKING)))[
        "Policy"
    ]
    client.attach_user_policy(UserName="ann", PolicyArn=made["Arn"])
    client.create_role(
        RoleName="worker",
        AssumeRolePolicyDocument=json.dumps(trusting({"Service": "ec2.amazonaws.com"})),
        MaxSessionDuration=7200,
    )
    client.create_instance_profile(InstanceProfileName="worker")
    client.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")

    people = collected(aws, "iam_user")
    assert (people.rows[0]["groups"], people.rows[0]["department"]) == (["people"], "Sales")
    assert people.rows[0]["attached_policies"] == [made["Arn"]]
    assert {(e["relation"], e["target_id"]) for e in people.edges} == {
        ("member_of", "people"),
        ("has_policy", made["Arn"]),
    }
    assert collected(aws, "iam_group").rows[0]["inline_admin"] is True
    (policy,) = collected(aws, "iam_policy").rows
    assert (policy["admin"], policy["attachments"]) == (False, 1)
    (worker,) = collected(aws, "iam_role").rows
    assert worker["max_session_seconds"] == 7200
    assert worker["unguarded_services"] == ["ec2.amazonaws.com"]
    profile = collected(aws, "iam_instance_profile")
    assert profile.rows[0]["role_name"] == "worker"
    assert profile.edges[0]["target_id"] == worker["arn"]
