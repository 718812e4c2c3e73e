"""Chained roles and the doctor's findings on an AWS that enforces IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_pipeline.accounts import Clients, Entry, accounts_of, enter
from inventory_pipeline.diagnosis import AccountExaminer, Check, examine_caller
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.end_to_end.ministack import Ministack
from inventory_pipeline_tests.end_to_end.ministack import ministack as running_ministack

pytestmark = pytest.mark.full

HUB = "999999999999"
MEMBER = "111111111111"
COLLECTOR = f"arn:aws:iam::{HUB}:role/InventoryCollector"
MEMBER_ROLE = f"arn:aws:iam::{MEMBER}:role/AWSInventoryRole"


def document(actions: list[str], resource: str = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal: str, external_id: str) -> str:
    condition = {"StringEquals": {"sts:ExternalId": external_id}}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(iam: Any, arn: str, trusts: str, policy: str) -> None:
    name = arn.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusts)
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)


@pytest.fixture(scope="module")
def aws() -> Iterator[Ministack]:
    """A user who may become the collector, and a member account that trusts the collector."""
    with running_ministack() as server:
        hub, member = server.root(HUB, "iam"), server.root(MEMBER, "iam")
        user = hub.create_user(UserName="runner")["User"]["Arn"]
        allowed = document(["sts:AssumeRole"], COLLECTOR)
        hub.put_user_policy(UserName="runner", PolicyName="own", PolicyDocument=allowed)
        key = hub.create_access_key(UserName="runner")["AccessKey"]
        make_role(hub, COLLECTOR, trust(user, "hub-id"), document(["sts:AssumeRole"], MEMBER_ROLE))
        make_role(
            member,
            MEMBER_ROLE,
            trust(COLLECTOR, "member-id"),
            document(["ec2:DescribeRegions", "ec2:DescribeVolumes"]),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
            patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
            patch.setenv("AWS_REGION", "us-east-1")
            yield server


def settings_of(
    aws: Ministack, *, chain: bool = True, hub_id: str = "hub-id", member_id: str = "member-id"
) -> Settings:
    step = {"role_arn": COLLECTOR, "external_id": hub_id}
    return Settings.model_validate(
        {
            "accounts": {"member": {"account_id": MEMBER, "external_id": member_id}},
            "credentials": {"role_chain": [step] if chain else []},
            "resource_types": ["ebs_volume", "rds_instance"],
            "regions": ["us-east-1"],
            "aws_endpoint_url": aws.url,
            "collection_settings": {"retry_attempts": 0},
        }
    )


def entered(settings: Settings) -> Entry:
    return enter(accounts_of(settings)[0], Clients.of(settings))


def test_the_member_is_entered_through_the_collector(aws: Ministack) -> None:
    assert entered(settings_of(aws)).status == "ok"


@pytest.mark.parametrize(
    "wrong", [{"chain": False}, {"hub_id": "other"}, {"member_id": "other"}], ids=str
)
def test_each_link_of_the_chain_is_needed(aws: Ministack, wrong: dict[str, Any]) -> None:
    assert entered(settings_of(aws, **wrong)).status == "denied"


def examined(settings: Settings) -> dict[str, Check]:
    clients = Clients.of(settings)
    caller, found = examine_caller(clients, lambda: datetime.now(UTC))
    assert caller is not None
    assert caller.principal == COLLECTOR
    examiner = AccountExaminer(settings, clients, caller)
    [(_, checks)] = examiner.examine(accounts_of(settings))
    return {check.check: check for check in [*found, *checks]}


def test_the_doctor_finds_the_action_that_is_denied(aws: Ministack) -> None:
    found = examined(settings_of(aws))
    assert found["role"].status == "ok"
    assert found["regions"].status == "ok"
    assert found["actions"].status == "missing"
    assert "rds:DescribeDBInstances" in found["actions"].details
    assert "ec2:DescribeVolumes" not in found["actions"].details


def test_the_doctor_names_the_trust_policy_that_a_wrong_external_id_meets(aws: Ministack) -> None:
    role = examined(settings_of(aws, member_id="other"))["role"]
    assert role.status == "missing"
    assert COLLECTOR in (role.fix or "")
    assert "accounts.member.external_id" in (role.fix or "")
