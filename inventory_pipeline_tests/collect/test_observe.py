from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.accounts import Account
from inventory_pipeline.accounts.account import account_with_tags
from inventory_pipeline.collect.observe import (
    Observation,
    Sighting,
    UnexpectedAnswerError,
    coerce,
    observe,
)
from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.lake.schema import arrow_type
from inventory_pipeline.resource_types import resource_types

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ACCOUNT = account_with_tags(
    Account("123456789012", "engineering"), {"Department": "Engineering", "Team": "core"}
)


def seen(kind: str, item: dict[str, Any], account: Account = ACCOUNT) -> Observation:
    region = "global" if resource_types()[kind].scope == "global" else "eu-west-1"
    return observe(resource_types()[kind], item, Sighting(account, region, NOW, NOW))


def volume(**more: Any) -> dict[str, Any]:
    return {"VolumeId": "vol-1", "Size": 8, "State": "in-use", **more}


def tagged(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_common_columns_say_where_when_and_whose() -> None:
    row = seen("ebs_volume", volume(CreateTime=NOW - timedelta(days=3))).row
    assert row["snapshot_at"] == row["observed_at"] == NOW
    assert (row["account_id"], row["account_name"]) == ("123456789012", "engineering")
    assert (row["region"], row["resource_type"], row["resource_id"]) == (
        "eu-west-1",
        "ebs_volume",
        "vol-1",
    )
    assert row["state"] == "in-use"
    assert row["created_at"] == NOW - timedelta(days=3)


def test_a_resources_tags_win_over_its_accounts() -> None:
    row = seen("ebs_volume", volume(Tags=tagged(Team="data", department="Data"))).row
    assert row["tags"] == {"Department": "Engineering", "Team": "data", "department": "Data"}
    assert row["department"] == "Data"


def test_without_tags_a_resource_has_its_accounts() -> None:
    row = seen("ebs_volume", volume()).row
    assert row["tags"] == dict(ACCOUNT.tags)
    assert row["department"] == "Engineering"


def test_tags_that_could_not_be_read_are_unknown() -> None:
    row = seen("s3_bucket", {"Name": "logs"}).row
    assert row["tags"] is None
    assert seen("s3_bucket", {"Name": "logs", "tags": {}}).row["tags"] == dict(ACCOUNT.tags)


def test_a_bucket_has_its_own_region() -> None:
    assert (
        seen("s3_bucket", {"Name": "b", "BucketRegion": "sa-east-1"}).row["region"] == "sa-east-1"
    )
    assert seen("s3_bucket", {"Name": "b"}).row["region"] == "unknown"


def test_braces_in_an_identifier_are_no_template() -> None:
    hostile = "{account_id}{0}{region!r}"
    row = seen("ebs_volume", volume(VolumeId=hostile)).row
    assert row["resource_id"] == hostile
    assert row["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:volume/{hostile}"


def test_arns_name_the_partition() -> None:
    china = Account("123456789012", "china", partition="aws-cn")
    assert seen("s3_bucket", {"Name": "b"}, china).row["arn"] == "arn:aws-cn:s3:::b"


def test_a_value_of_another_type_is_unknown_and_named_without_being_shown() -> None:
    observation = seen("ebs_volume", volume(Size="hunter2", Encrypted="perhaps"))
    assert observation.row["size_gb"] is None
    assert observation.row["encrypted"] is None
    assert len(observation.problems) == 2
    assert "size_gb" in observation.problems[0]
    assert "hunter2" not in " ".join(observation.problems)


def test_an_item_without_identifier_is_refused() -> None:
    with pytest.raises(UnexpectedAnswerError, match="describe_volumes"):
        seen("ebs_volume", {"Size": 1})


def test_edges_are_distinct_and_never_to_nothing() -> None:
    attachments = [{"InstanceId": "i-1"}, {"InstanceId": "i-1"}, {"InstanceId": ""}, {}]
    edges = seen("ebs_volume", volume(Attachments=attachments)).edges
    assert [(e["relation"], e["target_type"], e["target_id"]) for e in edges] == [
        ("attached_to", "ec2_instance", "i-1"),
    ]
    assert edges[0]["source_id"] == "vol-1"


def test_lambda_outside_a_vpc_has_none() -> None:
    observation = seen(
        "lambda_function",
        {
            "FunctionName": "f",
            "FunctionArn": "arn:aws:lambda:x",
            "VpcConfig": {"VpcId": ""},
            "Role": "arn:aws:iam::1:role/r",
            "LastModified": "2026-05-01T01:02:03.004+0000",
        },
    )
    assert observation.row["vpc_id"] == ""
    assert "in_vpc" not in {e["relation"] for e in observation.edges}
    assert observation.row["last_modified_at"] == datetime(2026, 5, 1, 1, 2, 3, 4000, tzinfo=UTC)
    assert [e["relation"] for e in observation.edges] == ["has_role"]


def test_times_are_utc() -> None:
    tokyo = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    assert coerce(T.TIMESTAMP, tokyo) == datetime(2026, 1, 1, tzinfo=UTC)
    assert coerce(T.TIMESTAMP, tokyo).tzinfo is UTC
    assert coerce(T.TIMESTAMP, "2026-11-20T10:16:34.660299000Z").microsecond == 660299


WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.decimals()
    | st.text(st.characters(exclude_categories=()))
    | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
STORED = list(T)


@given(st.sampled_from(STORED), WILD)
def test_whatever_aws_sends_either_fits_its_column_or_is_refused(kind: T, value: Any) -> None:
    try:
        coerced = coerce(kind, value)
    except (UnexpectedAnswerError, KeyError, TypeError, AttributeError, OverflowError):
        return
    pa.array([coerced], type=arrow_type(kind)).validate(full=True)


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_stay_exact(number: int) -> None:
    assert coerce(T.BIGINT, number) == number
    assert coerce(T.BIGINT, str(number)) == number


def test_numbers_of_other_kinds() -> None:
    assert coerce(T.DOUBLE, Decimal("0.5")) == 0.5
    for value in (2**63, 1.5, True, "1.5", float("nan")):
        with pytest.raises(UnexpectedAnswerError):
            coerce(T.BIGINT, value)
    for value in (Decimal("sNaN"), float("nan"), float("inf"), 10**400, True, "0.5"):
        with pytest.raises(UnexpectedAnswerError):
            coerce(T.DOUBLE, value)


def test_amounts_are_exact() -> None:
    assert coerce(T.MONEY, 0.1) == Decimal("0.1")
    assert coerce(T.MONEY, "12.3456789") == Decimal("12.345679")
    assert coerce(T.UNIT_PRICE, "0.000000000001") == Decimal("0.000000000001")
    for value in (True, "NaN", "Infinity", "dear", 10**12, {}):
        with pytest.raises(UnexpectedAnswerError):
            coerce(T.MONEY, value)
