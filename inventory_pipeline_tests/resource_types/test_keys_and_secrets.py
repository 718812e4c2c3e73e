"""KMS keys and secrets: what may be rotated, what is deleted, and that no secret is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inventory_pipeline.resource_types import kms, secrets_manager
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    row_of,
)
from inventory_pipeline_tests.simulated_aws import CANARY

OWN = {"KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS"}


def key(metadata: dict[str, Any] | None = None, **details: Any) -> dict[str, Any]:
    described = {} if metadata is None else {"key": {"KeyMetadata": metadata}}
    return {"KeyId": "k", **described, **details}


@pytest.mark.parametrize(
    ("item", "applies", "enabled"),
    [
        (key(OWN, rotation={"KeyRotationEnabled": True}), True, True),
        (key(OWN, rotation={"KeyRotationEnabled": False}), True, False),
        (key(OWN), True, None),  # the status was refused
        (key(OWN | {"KeySpec": "RSA_2048"}), False, False),
        (key(OWN | {"Origin": "EXTERNAL"}), False, False),
        (key(OWN | {"Origin": "AWS_CLOUDHSM"}), False, False),
        (key(OWN | {"KeyManager": "AWS"}), False, True),
        (key(), None, None),
        (key(rotation={"KeyRotationEnabled": True}), None, True),
    ],
)
def test_rotation(item: dict[str, Any], applies: bool | None, enabled: bool | None) -> None:
    assert (kms.rotation_applies(item), kms.rotation_enabled(item)) == (applies, enabled)
    # The status is asked wherever it may say something.
    assert kms.needs_no_rotation_status(item) is (applies is False)


def test_a_key_has_the_aliases_that_point_to_it() -> None:
    listed = [
        {"AliasName": "alias/app", "TargetKeyId": "k"},
        {"AliasName": "alias/other", "TargetKeyId": "x"},
        {"AliasName": "alias/aws/ebs"},  # AWS's, before its key is made
    ]
    assert kms.aliases(key(aliases=listed)) == ["alias/app"]
    assert kms.name(key(aliases=listed)) == "app"
    assert (kms.aliases(key()), kms.name(key())) == (None, None)
    assert (kms.aliases(key(aliases=[])), kms.name(key(aliases=[]))) == ([], None)


def test_keys(aws: str) -> None:
    client = client_of(aws, "kms")
    public = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    made = client.create_key(
        Policy=json.dumps({"Statement": [public]}), Tags=[{"TagKey": "team", "TagValue": "x"}]
    )["KeyMetadata"]
    client.create_alias(AliasName="alias/app", TargetKeyId=made["KeyId"])
    client.enable_key_rotation(KeyId=made["KeyId"])
    doomed = client.create_key()["KeyMetadata"]["KeyId"]
    client.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    # The simulation does not know GetKeyLastUsage.
    result = collected(aws, "kms_key", unsupported=("kms_key.usage",))
    row = row_of(result, made["KeyId"])
    assert row["arn"] == made["Arn"]
    assert (row["name"], row["state"], row["aliases"]) == ("app", "Enabled", ["alias/app"])
    assert (row["rotation_applies"], row["rotation_enabled"], row["tags"]["team"]) == (
        True,
        True,
        "x",
    )
    assert row["usage_tracked_since"] is None
    (statement,) = children_of(result, "policy_statements", made["KeyId"])
    assert statement["public"] is True
    assert row_of(result, doomed)["state"] == "PendingDeletion"
    assert row_of(result, doomed)["deletion_at"] is not None


def test_a_secret_that_never_rotated_says_nothing_of_it() -> None:
    assert secrets_manager.rotation_enabled({"Name": "s"}) is False
    assert secrets_manager.rotation_enabled({"RotationEnabled": True}) is True


def test_secrets_are_seen_without_their_values(aws: str) -> None:
    client = client_of(aws, "secretsmanager")
    made = client.create_secret(
        Name="prod/db",
        SecretString=CANARY,
        Description=f"password is {CANARY}",
        Tags=[{"Key": "team", "Value": "x"}],
    )
    policy = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
    client.put_resource_policy(SecretId="prod/db", ResourcePolicy=json.dumps(policy))
    client.create_secret(Name="gone", SecretString=CANARY)
    client.delete_secret(SecretId="gone", RecoveryWindowInDays=7)
    result = collected(aws, "secret")
    row = row_of(result, "prod/db")
    assert (row["arn"], row["state"], row["rotation_enabled"]) == (made["ARN"], "active", False)
    assert (row["policy_statements"], row["tags"]["team"]) == (1, "x")
    (statement,) = children_of(result, "policy_statements", "prod/db")
    assert statement["public"] is True
    deleted = row_of(result, "gone")
    assert (deleted["state"], deleted["policy_statements"]) == ("deleted", None)
    assert CANARY not in str((result.rows, result.edges, result.children, result.coverage))
