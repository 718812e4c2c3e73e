"""Trails: what their selectors record, in both of AWS's ways to say it."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_pipeline.resource_types import cloudtrail
from inventory_pipeline_tests.collect.scripted import look, refused, statuses
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    edges_of,
)

S3 = "AWS::S3::Object"


def basic(**more: Any) -> dict[str, Any]:
    return {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True} | more]}


def data(*values: str, kind: str = S3, **more: Any) -> dict[str, Any]:
    return basic(DataResources=[{"Type": kind, "Values": list(values)}], **more)


def advanced(*selectors: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    return {
        "AdvancedEventSelectors": [
            {
                "Name": "one",
                "FieldSelectors": [{"Field": name} | test for name, test in fields.items()],
            }
            for fields in selectors
        ]
    }


def equal(*values: str) -> dict[str, list[str]]:
    return {"Equals": list(values)}


MANAGEMENT = {"eventCategory": equal("Management")}
OBJECTS = {"eventCategory": equal("Data"), "resources.type": equal(S3)}


@pytest.mark.parametrize(
    ("answer", "management", "objects"),
    [
        (basic(), "All", "none"),
        (basic(ReadWriteType="WriteOnly"), "WriteOnly", "none"),
        (basic(IncludeManagementEvents=False), "none", "none"),
        (data("arn:aws:s3"), "All", "All"),
        (data("arn:aws:s3:::"), "All", "All"),
        (data("arn:aws-cn:s3"), "All", "All"),
        (data("arn:aws:s3:::bucket/"), "All", "partial"),
        (data("arn:aws:s3:::bucket/", "arn:aws:s3"), "All", "All"),
        (data("arn:aws:s3", ReadWriteType="ReadOnly"), "ReadOnly", "ReadOnly"),
        (data("arn:aws:lambda", kind="AWS::Lambda::Function"), "All", "none"),
        (
            {
                "EventSelectors": [
                    *data("arn:aws:s3", ReadWriteType="ReadOnly")["EventSelectors"],
                    *data("arn:aws:s3", ReadWriteType="WriteOnly")["EventSelectors"],
                ]
            },
            "All",
            "All",
        ),
        (advanced(MANAGEMENT), "All", "none"),
        (advanced(MANAGEMENT | {"readOnly": equal("true")}), "ReadOnly", "none"),
        (
            advanced(MANAGEMENT | {"eventSource": {"NotEquals": ["kms.amazonaws.com"]}}),
            "All",
            "none",
        ),
        (advanced(MANAGEMENT | {"eventSource": equal("iam.amazonaws.com")}), "partial", "none"),
        (advanced(MANAGEMENT | {"eventName": {"NotEquals": ["Decrypt"]}}), "partial", "none"),
        (advanced(OBJECTS), "none", "All"),
        (advanced(OBJECTS | {"readOnly": equal("false")}), "none", "WriteOnly"),
        (advanced(OBJECTS | {"readOnly": equal("true", "false")}), "none", "All"),
        (
            advanced(OBJECTS | {"resources.ARN": {"StartsWith": ["arn:aws:s3:::a/"]}}),
            "none",
            "partial",
        ),
        (advanced(OBJECTS | {"resources.ARN": {"NotStartsWith": ["x"]}}), "none", "partial"),
        (
            advanced(MANAGEMENT, OBJECTS | {"resources.type": equal("AWS::DynamoDB::Table")}),
            "All",
            "none",
        ),
        ({}, "none", "none"),
    ],
)
def test_how_much_a_trail_records(answer: dict[str, Any], management: str, objects: str) -> None:
    trail = {"selectors": answer}
    assert cloudtrail.recorded(cloudtrail.MANAGEMENT)(trail) == management
    assert cloudtrail.recorded(cloudtrail.DATA, S3)(trail) == objects


def test_selectors_not_read_are_unknown() -> None:
    for read in (
        cloudtrail.selectors,
        cloudtrail.recorded(cloudtrail.MANAGEMENT),
        cloudtrail.excluded_sources,
        cloudtrail.data_event_types,
        cloudtrail.insight_types,
        cloudtrail.state,
    ):
        assert read({"Name": "t"}) is None


def test_sources_left_out_are_named() -> None:
    kms = "kms.amazonaws.com"
    for answer in (
        basic(ExcludeManagementEventSources=[kms]),
        advanced(MANAGEMENT | {"eventSource": {"NotEquals": [kms]}}),
    ):
        assert cloudtrail.excluded_sources({"selectors": answer}) == [kms]
    assert cloudtrail.excluded_sources({"selectors": basic()}) == []


def test_each_selector_is_rows_of_its_own() -> None:
    answer = advanced(
        MANAGEMENT,
        OBJECTS | {"resources.ARN": {"StartsWith": ["arn:aws:s3:::a/"], "EndsWith": [".txt"]}},
    )
    management, objects = cloudtrail.selectors({"selectors": answer}) or []
    assert (management["selector"], management["whole"]) == ("one", True)
    assert (objects["recorded_type"], objects["whole"]) == (S3, False)
    assert objects["resources"] == ["arn:aws:s3:::a/", ".txt"]


def test_insights_that_are_off_are_none() -> None:
    script: dict[str, Any] = {
        "describe_trails": lambda **_: {"trailList": [{"Name": "t", "TrailARN": "arn"}]},
        "get_trail_status": lambda Name: {"IsLogging": False},
        "get_event_selectors": lambda TrailName: basic(),
        "get_insight_selectors": lambda TrailName: refused("InsightNotEnabledException"),
        "list_tags": [{"ResourceTagList": [{"ResourceId": "arn", "TagsList": []}]}],
    }
    result, client = look(cloudtrail.CLOUDTRAIL_TRAIL, script)
    (row,) = result.rows
    assert set(statuses(result).values()) == {"ok"}
    assert (row["insight_types"], row["state"], row["logging"]) == ([], "stopped", False)
    assert (row["kms_key_id"], row["log_group_arn"]) == ("", "")
    assert client.arguments("describe_trails") == [{"includeShadowTrails": False}]


def test_what_was_made_is_what_is_seen_once(aws: str) -> None:
    s3, trails = client_of(aws, "s3"), client_of(aws, "cloudtrail")
    s3.create_bucket(Bucket="trails")
    trails.create_trail(
        Name="all",
        S3BucketName="trails",
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        TagsList=[{"Key": "Team", "Value": "security"}],
    )
    trails.start_logging(Name="all")
    trails.put_event_selectors(TrailName="all", EventSelectors=data("arn:aws:s3")["EventSelectors"])
    result = collected(aws, "cloudtrail_trail")
    (row,) = result.rows
    assert (row["resource_id"], row["state"], row["tags"]) == (
        "all",
        "logging",
        {"Team": "security"},
    )
    assert (row["multi_region"], row["log_file_validation"]) == (True, True)
    assert (row["management_events"], row["s3_data_events"]) == ("All", "All")
    assert len(children_of(result, "trail_event_selectors", "all")) == 2
    assert edges_of(result, "all") == {("logs_to", "s3_bucket", "trails")}
    assert collected(aws, "cloudtrail_trail", "eu-west-1").rows == []
