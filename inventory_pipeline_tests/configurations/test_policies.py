"""Documents that AWS needs besides: their grammar, and that they allow no more than is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from inventory_pipeline.configurations import Bucket, desired, documents
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.configurations.conftest import settings_of
from inventory_pipeline_tests.infrastructure.test_templates import lint

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234-abcd"
KEY_POLICY = "123456789012.us-east-1.1234-abcd.key-policy.json"
BUCKETS = [
    Bucket("data-1", "111111111111", None, "us-east-1"),
    Bucket("logs-a", "222222222222", None, "us-east-1"),
    Bucket("data-2", "333333333333", None, "eu-west-1"),
]
SETTINGS = settings_of(
    {"id": "a", "sources": ["data-*"]},
    {"id": "b", "sources": ["logs-[ab]"], "kms_key": KEY},
    report_days=12,
)


def rendered(settings: Settings = SETTINGS, partition: str = "aws") -> dict[str, Any]:
    return documents(settings, desired(settings, BUCKETS), partition)


def test_the_bucket_policy_lets_s3_write_for_each_account_that_delivers() -> None:
    policy = rendered()["reports.bucket-policy.json"]
    by_account = {
        one["Condition"]["StringEquals"]["aws:SourceAccount"]: one for one in policy["Statement"]
    }
    assert by_account.keys() == {"111111111111", "222222222222"}, "the third is in another region"
    assert by_account["111111111111"] == {
        "Sid": "S3InventoryOf111111111111",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": ["arn:aws:s3:::reports/inventory/*"],
        "Condition": {
            "ArnLike": {"aws:SourceArn": ["arn:aws:s3:::data-*", "arn:aws:s3:::logs-?"]},
            "StringEquals": {
                "aws:SourceAccount": "111111111111",
                "s3:x-amz-acl": "bucket-owner-full-control",
            },
        },
    }


def test_the_key_policy_is_of_those_that_use_the_key() -> None:
    (statement,) = rendered()[KEY_POLICY]["Statement"]
    assert statement["Action"] == "kms:GenerateDataKey"
    assert statement["Condition"] == {
        "ArnLike": {"aws:SourceArn": ["arn:aws:s3:::logs-?"]},
        "StringEquals": {"aws:SourceAccount": "222222222222"},
    }


def test_a_key_of_several_regions_has_a_policy_in_each() -> None:
    regions = {"data-1": "us-east-1", "data-2": "eu-west-1"}
    declared = [
        {"id": source, "sources": [source], "destination": f"reports-{region}",
         "kms_key": f"arn:aws:kms:{region}:123456789012:key/mrk-1"}
        for source, region in regions.items()
    ]  # fmt: skip
    places = [{"bucket": f"reports-{region}", "region": region} for region in regions.values()]
    found = rendered(settings_of(*declared, destinations=places))
    allowed = {
        name: one["Condition"]["StringEquals"]["aws:SourceAccount"]
        for name, document in found.items()
        if name.endswith("key-policy.json")
        for one in document["Statement"]
    }
    assert allowed == {
        "123456789012.us-east-1.mrk-1.key-policy.json": "111111111111",
        "123456789012.eu-west-1.mrk-1.key-policy.json": "333333333333",
    }


def test_a_prefix_with_wildcards_stands_for_itself() -> None:
    place = {"bucket": "reports", "prefix": "in*v?/$a", "region": "us-east-1"}
    settings = settings_of({"id": "a", "sources": ["data-*"]}, destinations=[place])
    (statement,) = rendered(settings)["reports.bucket-policy.json"]["Statement"]
    assert statement["Resource"] == ["arn:aws:s3:::reports/in${*}v${?}/${$}a/*"]


def test_other_partitions_have_other_arns() -> None:
    assert "arn:aws:" not in json.dumps(rendered(partition="aws-cn"))


def test_without_configurations_nothing_is_needed() -> None:
    assert rendered(settings_of()) == {}


def test_a_policy_that_would_allow_nothing_is_not_written() -> None:
    nobody = settings_of({"id": "a", "sources": ["no-such"], "kms_key": KEY})
    assert rendered(nobody).keys() == {"reports.lifecycle.json"}


def test_the_lifecycle_rule_is_one_that_s3_takes() -> None:
    lifecycle = rendered()["reports.lifecycle.json"]
    (rule,) = lifecycle["Rules"]
    assert (rule["Filter"], rule["Expiration"]) == ({"Prefix": "inventory/"}, {"Days": 12})
    shape = get_session().get_service_model("s3").shape_for("BucketLifecycleConfiguration")
    assert not ParamValidator().validate(lifecycle, shape).has_errors()


@pytest.mark.parametrize("broken", [False, True])
def test_aws_grammar_has_nothing_to_say(broken: bool) -> None:
    found = rendered()
    bucket_policy = found["reports.bucket-policy.json"]
    key_policy = found[KEY_POLICY]
    key_policy["Statement"].append(
        {"Sid": "Owner", "Effect": "Allow", "Principal": {"AWS": "123456789012"},
         "Action": "kms:*", "Resource": "*"}
    )  # fmt: skip
    if broken:
        bucket_policy["Statement"][0]["Effect"] = "Permit"
        key_policy["Statement"][0]["Condition"] = {"ArnLikely": {"a": "b"}}
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": "reports", "PolicyDocument": bucket_policy},
            },
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": key_policy, "EnableKeyRotation": True},
                **kept,
            },
        },
    }
    complaints = lint(json.dumps(template))
    assert bool(complaints) == broken, complaints
    if broken:
        assert len(complaints) >= 2


def test_at_the_root_of_a_bucket_only_reports_expire() -> None:
    """Not the lake, say, that lies in the same bucket."""
    entry = {"id": "a", "sources": ["data-*", "logs-a"], "destination": "reports"}
    rooted = {"destinations": [{"bucket": "reports"}], "configurations": [entry]}
    lifecycle = rendered(Settings.model_validate({"s3_inventory": rooted}))[
        "reports.lifecycle.json"
    ]
    assert [rule["Filter"] for rule in lifecycle["Rules"]] == [
        {"Prefix": "data-1/"}, {"Prefix": "logs-a/"}
    ]  # fmt: skip
    nobody = {**rooted, "configurations": [{**entry, "sources": ["no-such"]}]}
    assert rendered(Settings.model_validate({"s3_inventory": nobody})) == {}
