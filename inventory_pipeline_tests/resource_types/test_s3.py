"""Buckets, access points and the account's settings: awkward answers, and a simulated S3."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from inventory_pipeline.accounts import Clients
from inventory_pipeline.collect.observe import Sighting, observe
from inventory_pipeline.resource_types import s3, s3_access_points, s3_bucket_elements
from inventory_pipeline.resource_types.s3 import S3_BUCKET
from inventory_pipeline_tests.resource_types.collected import (
    ACCOUNT,
    AT,
    children_of,
    client_of,
    collected,
    edges_of,
    row_of,
)

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


def test_a_setting_not_read_is_unknown_and_one_not_set_is_off() -> None:
    readers: list[tuple[Any, str, Any]] = [
        (s3.mfa_delete, "versioning", False),
        (s3.object_lock, "object_lock", False),
        (s3.object_lock_mode, "object_lock", "none"),
        (s3.object_lock_days, "object_lock", 0),
        (s3.replication_rules, "replication", 0),
        (s3.replication_destinations, "replication", []),
        (s3.logging_setting("TargetPrefix"), "logging", ""),
        (s3_bucket_elements.grants, "acl", []),
        (s3_bucket_elements.lifecycle_rules, "lifecycle", []),
        (s3_access_points.established_policy, "policy", ""),
        (s3_access_points.established_public, "policy_status", False),
    ]
    for read, detail, off in readers:
        assert read({"Name": "b"}) is None, detail
        assert read({"Name": "b", detail: {}}) == off, detail
    assert s3.inventories({"Name": "b"}) is None
    assert s3.inventories({"Name": "b", "inventory": []}) == 0


@pytest.mark.parametrize(
    ("retention", "mode", "days"),
    [
        ({"Mode": "GOVERNANCE", "Days": 30}, "GOVERNANCE", 30),
        ({"Mode": "COMPLIANCE", "Years": 7}, "COMPLIANCE", 2555),
    ],
)
def test_default_retention(retention: dict[str, Any], mode: str, days: int) -> None:
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    bucket = {"object_lock": {"ObjectLockConfiguration": lock}}
    assert s3.object_lock(bucket) is True
    assert (s3.object_lock_mode(bucket), s3.object_lock_days(bucket)) == (mode, days)


def test_only_rules_in_force_replicate() -> None:
    def rule(status: str, name: str) -> dict[str, Any]:
        return {"Status": status, "Destination": {"Bucket": f"arn:aws:s3:::{name}"}}

    rules = [rule("Enabled", "copy"), rule("Disabled", "old"), rule("Enabled", "copy")]
    bucket = {"replication": {"ReplicationConfiguration": {"Rules": rules}}}
    assert s3.replication_rules(bucket) == 2
    assert s3.replication_destinations(bucket) == ["copy"]


def test_grants_say_whose_they_are() -> None:
    owner, other = {"Type": "CanonicalUser", "ID": "o"}, {"Type": "CanonicalUser", "ID": "x"}
    grants = [
        {"Grantee": owner, "Permission": "FULL_CONTROL"},
        {"Grantee": other, "Permission": "READ"},
        {"Grantee": {"Type": "Group", "URI": EVERYONE}, "Permission": "WRITE"},
    ]
    found = s3_bucket_elements.grants({"acl": {"Owner": {"ID": "o"}, "Grants": grants}})
    assert found is not None
    shown = [(g["grantee"], g["permission"], g["is_owner"], g["public"]) for g in found]
    assert shown == [
        ("o", "FULL_CONTROL", True, False),
        ("x", "READ", False, False),
        (EVERYONE, "WRITE", False, True),
    ]


def rows_of(table: str, **details: Any) -> list[dict[str, Any]]:
    """Rows of a child table of a bucket that these details are known of."""
    seen = observe(S3_BUCKET, {"Name": "b", **details}, Sighting(ACCOUNT, "global", AT, AT))
    assert seen.problems == []
    return seen.children[table]


LIFECYCLE = {
    "bare prefix": (
        {"ID": "old", "Status": "Disabled", "Prefix": "logs/", "Expiration": {"Days": 1}},
        {"enabled": False, "prefix": "logs/", "expiration_days": 1, "transitions": []},
    ),
    "empty filter": (
        {"ID": "all", "Status": "Enabled", "Filter": {}},
        {"enabled": True, "prefix": "", "filter_tags": {}, "expires_delete_markers": False},
    ),
    "one tag": (
        {"ID": "t", "Status": "Enabled", "Filter": {"Tag": {"Key": "k", "Value": ""}}},
        {"prefix": "", "filter_tags": {"k": ""}},
    ),
    "several conditions": (
        {
            "ID": "and",
            "Status": "Enabled",
            "Filter": {
                "And": {
                    "Prefix": "p/",
                    "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
                    "ObjectSizeGreaterThan": 131072,
                    "ObjectSizeLessThan": 2**40,
                }
            },
        },
        {
            "prefix": "p/",
            "filter_tags": {"a": "1", "b": "2"},
            "size_greater_than": 131072,
            "size_less_than": 2**40,
        },
    ),
    "size alone": (
        {"ID": "s", "Status": "Enabled", "Filter": {"ObjectSizeGreaterThan": 0}},
        {"prefix": "", "size_greater_than": 0, "size_less_than": None},
    ),
    "actions": (
        {
            "ID": "x",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Transitions": [
                {"Days": 0, "StorageClass": "INTELLIGENT_TIERING"},
                {"Date": datetime(2027, 1, 1, tzinfo=UTC), "StorageClass": "GLACIER"},
            ],
            "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)},
            "NoncurrentVersionTransitions": [{"NoncurrentDays": 7, "StorageClass": "GLACIER_IR"}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 3},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "transitions": ["0 INTELLIGENT_TIERING", "2027-01-01 GLACIER"],
            "expiration_days": None,
            "expiration_date": date(2030, 1, 1),
            "noncurrent_transitions": ["7 GLACIER_IR"],
            "noncurrent_expiration_days": 30,
            "noncurrent_versions_kept": 3,
            "abort_multipart_days": 7,
        },
    ),
    "delete markers": (
        {"ID": "m", "Status": "Enabled", "Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"expires_delete_markers": True, "expiration_days": None},
    ),
}


@pytest.mark.parametrize(("rule", "expected"), LIFECYCLE.values(), ids=LIFECYCLE)
def test_lifecycle_rules(rule: dict[str, Any], expected: dict[str, Any]) -> None:
    (row,) = rows_of("bucket_lifecycle_rules", lifecycle={"Rules": [rule]})
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("encryption", "said"),
    [
        ({}, ("none", None)),
        ({"Encryption": {"SSES3": {}}}, ("SSE-S3", None)),
        ({"Encryption": {"SSEKMS": {"KeyId": "k"}}}, ("SSE-KMS", "k")),
    ],
)
def test_inventory_configurations(encryption: dict[str, Any], said: tuple[str, Any]) -> None:
    configuration = {
        "Id": "weekly",
        "IsEnabled": True,
        "Schedule": {"Frequency": "Weekly"},
        "IncludedObjectVersions": "All",
        "OptionalFields": ["Size", "StorageClass"],
        "Destination": {
            "S3BucketDestination": {"Bucket": "arn:aws:s3:::lists", "Format": "ORC", **encryption}
        },
    }
    (row,) = rows_of("bucket_inventory_configurations", inventory=[configuration])
    assert (row["encryption"], row["kms_key_id"]) == said
    assert (row["destination_bucket"], row["destination_prefix"]) == ("lists", None)
    assert (row["configuration_id"], row["frequency"], row["format"]) == ("weekly", "Weekly", "ORC")
    assert (row["prefix"], row["included_versions"]) == ("", "All")
    assert row["fields"] == ["Size", "StorageClass"]


def test_a_broken_policy_hides_nothing_but_itself() -> None:
    bucket = {"Name": "b", "policy": {"Policy": '{"hunter2'}, "versioning": {}}
    seen = observe(S3_BUCKET, bucket, Sighting(ACCOUNT, "global", AT, AT))
    assert (seen.row["policy_statements"], seen.row["versioning"]) == (None, "Off")
    assert seen.children["policy_statements"] == []
    assert "hunter2" not in str(seen.problems)
    assert len(seen.problems) == 2


# -- a simulated S3 ----------------------------------------------------------------------------


@pytest.fixture
def bucket(aws: str) -> str:
    """A bucket on which everything is set."""
    s3_client = client_of(aws, "s3")
    for name in ("copy", "lists"):
        s3_client.create_bucket(Bucket=name)
        s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3_client.create_bucket(Bucket="full", ObjectLockEnabledForBucket=True)
    s3_client.put_object_lock_configuration(
        Bucket="full",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 10}},
        },
    )
    s3_client.put_bucket_policy(
        Bucket="full",
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "tls",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": ["arn:aws:s3:::full", "arn:aws:s3:::full/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            }
        ),
    )
    s3_client.put_bucket_replication(
        Bucket="full",
        ReplicationConfiguration={
            "Role": "arn:aws:iam::111111111111:role/r",
            "Rules": [
                {
                    "ID": "r",
                    "Status": "Enabled",
                    "Priority": 1,
                    "Filter": {"Prefix": ""},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": "arn:aws:s3:::copy"},
                }
            ],
        },
    )
    s3_client.put_bucket_inventory_configuration(
        Bucket="full",
        Id="daily",
        InventoryConfiguration={
            "Id": "daily",
            "IsEnabled": True,
            "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": "Daily"},
            "Destination": {
                "S3BucketDestination": {
                    "Bucket": "arn:aws:s3:::lists",
                    "Prefix": "inventory",
                    "Format": "Parquet",
                    "AccountId": "111111111111",
                }
            },
        },
    )
    s3_client.put_bucket_lifecycle_configuration(
        Bucket="full",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "abort",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }
            ]
        },
    )
    return aws


def test_a_bucket_and_what_it_has_several_of(bucket: str) -> None:
    result = collected(bucket, "s3_bucket")
    row = row_of(result, "full")
    assert (row["policy_statements"], row["inventories"], row["lifecycle_rules"]) == (1, 1, 1)
    assert (row["object_lock"], row["object_lock_mode"], row["object_lock_days"]) == (
        True,
        "COMPLIANCE",
        10,
    )
    assert (row["replication_rules"], row["replication_destinations"]) == (1, ["copy"])
    (statement,) = children_of(result, "policy_statements", "full")
    assert (statement["sid"], statement["tls_only"]) == ("tls", True)
    (inventory,) = children_of(result, "bucket_inventory_configurations", "full")
    assert (inventory["destination_bucket"], inventory["destination_prefix"]) == (
        "lists",
        "inventory",
    )
    (rule,) = children_of(result, "bucket_lifecycle_rules", "full")
    assert rule["abort_multipart_days"] == 7
    (grant,) = children_of(result, "bucket_grants", "full")
    assert (grant["permission"], grant["is_owner"]) == ("FULL_CONTROL", True)
    assert {("replicates_to", "s3_bucket", "copy"), ("inventoried_in", "s3_bucket", "lists")} <= (
        edges_of(result, "full")
    )


def test_a_bare_bucket_has_nothing_set(bucket: str) -> None:
    result = collected(bucket, "s3_bucket")
    row = row_of(result, "copy")
    assert (row["policy_statements"], row["inventories"], row["object_lock"]) == (0, 0, False)
    assert children_of(result, "policy_statements", "copy") == []


def test_access_points_are_seen_where_they_are(aws: str) -> None:
    client_of(aws, "s3").create_bucket(Bucket="opened")
    control = Clients(endpoint_url=aws).client(ACCOUNT, "s3control", "us-east-1")
    place = {"AccountId": ACCOUNT.account_id, "Name": "door"}
    control.create_access_point(Bucket="opened", **place)
    result = collected(aws, "s3_access_point")
    row = row_of(result, "door")
    assert row["arn"] == "arn:aws:s3:us-east-1:111111111111:accesspoint/door"
    assert (row["bucket"], row["network_origin"], row["policy_statements"]) == (
        "opened",
        "Internet",
        0,
    )
    assert row["block_public_acls"] is True
    assert edges_of(result, "door") == {("opens", "s3_bucket", "opened")}


def test_an_account_without_settings_blocks_nothing(aws: str) -> None:
    (row,) = collected(aws, "s3_account_settings").rows
    assert (row["resource_id"], row["block_public_acls"]) == ("111111111111", False)
    control = client_of(aws, "s3control")
    flags = dict.fromkeys(s3.PUBLIC_ACCESS_FLAGS.values(), True)
    control.put_public_access_block(AccountId="111111111111", PublicAccessBlockConfiguration=flags)
    (row,) = collected(aws, "s3_account_settings").rows
    assert {row[name] for name in s3.PUBLIC_ACCESS_FLAGS} == {True}


def test_multi_region_access_points_are_asked_in_oregon(aws: str) -> None:
    client_of(aws, "s3").create_bucket(Bucket="opened")
    control = Clients(endpoint_url=aws).client(ACCOUNT, "s3control", "us-west-2")
    control.create_multi_region_access_point(
        AccountId=ACCOUNT.account_id,
        ClientToken="t",
        Details={"Name": "everywhere", "Regions": [{"Bucket": "opened"}]},
    )
    result = collected(aws, "s3_multi_region_access_point")
    (row,) = result.rows
    assert (row["name"], row["region"], row["buckets"]) == ("everywhere", "global", ["opened"])
    assert row["arn"] == f"arn:aws:s3::111111111111:accesspoint/{row['resource_id']}"
    assert (row["policy_statements"], row["policy_public"]) == (0, False)
