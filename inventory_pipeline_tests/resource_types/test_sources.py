"""Values that are read out of an item by a function: the shapes and spellings that AWS uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_pipeline.resource_types import ec2, s3

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "reason",
    ["User initiated (2026-05-01 00:00:00 GMT)", "User initiated (2026-05-01 00:00:00 UTC)"],
)
def test_the_stop_time_stands_in_the_transition_reason(reason: str) -> None:
    stopped = {"State": {"Name": "stopped"}, "StateTransitionReason": reason}
    assert ec2.stopped_at(stopped) == AT
    assert ec2.stopped_at(stopped | {"State": {"Name": "running"}}) is None
    assert ec2.stopped_at(stopped | {"StateTransitionReason": "Server.ScheduledStop"}) is None


def test_an_instance_is_as_old_as_its_first_interface() -> None:
    restarted = {
        "LaunchTime": AT,
        "NetworkInterfaces": [
            {"Attachment": {"DeviceIndex": 1, "AttachTime": datetime(2020, 1, 1, tzinfo=UTC)}},
            {"Attachment": {"DeviceIndex": 0, "AttachTime": datetime(2025, 1, 1, tzinfo=UTC)}},
        ],
    }
    assert ec2.created_at(restarted) == datetime(2025, 1, 1, tzinfo=UTC)
    assert ec2.created_at({"LaunchTime": AT}) == AT
    assert ec2.created_at({}) is None


@pytest.mark.parametrize(
    ("details", "platform"),
    [
        ("Linux/UNIX", "linux"),
        ("Windows", "windows"),
        (None, "linux"),
        ("Red Hat Enterprise Linux", "red hat enterprise linux"),
    ],
)
def test_platforms(details: str | None, platform: str) -> None:
    assert ec2.platform({"PlatformDetails": details} if details else {}) == platform


def test_only_addresses_of_an_account_are_elastic() -> None:
    def instance(owner: str) -> dict[str, Any]:
        address = {"Association": {"IpOwnerId": owner, "PublicIp": "203.0.113.1"}}
        return {"NetworkInterfaces": [{"PrivateIpAddresses": [address, {}]}]}

    assert ec2.elastic_addresses(instance("123456789012")) == 1
    assert ec2.elastic_addresses(instance("amazon")) == 0


@pytest.mark.parametrize(
    ("bucket", "region"),
    [
        ({"BucketRegion": "eu-west-1"}, "eu-west-1"),
        ({"location": {"LocationConstraint": None}}, "us-east-1"),
        ({"location": {}}, "us-east-1"),
        ({"location": {"LocationConstraint": "EU"}}, "eu-west-1"),
        ({"location": {"LocationConstraint": "sa-east-1"}}, "sa-east-1"),
        ({}, None),
    ],
)
def test_spellings_of_a_buckets_region(bucket: dict[str, Any], region: str | None) -> None:
    assert s3.bucket_region(bucket) == region


def test_a_setting_not_read_is_unknown_and_one_not_set_is_off() -> None:
    readers = [
        (s3.encryption, "encryption", "none"),
        (s3.versioning, "versioning", "Off"),
        (s3.lifecycle_rules, "lifecycle", 0),
        (s3.logging_target, "logging", ""),
        (s3.object_ownership, "ownership", "ObjectWriter"),
        (s3.policy_public, "policy_status", False),
        (s3.acl_public, "acl", False),
        (
            s3.public_access_flag("public_access_block", "BlockPublicAcls"),
            "public_access_block",
            False,
        ),
        (s3.tags, "tags", []),
    ]
    for read, detail, off in readers:
        assert read({"Name": "b"}) is None, detail
        assert read({"Name": "b", detail: {}}) == off, detail


def test_an_acl_for_everyone_is_public() -> None:
    grants = [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}}]
    assert s3.acl_public({"acl": {"Grants": grants}})
