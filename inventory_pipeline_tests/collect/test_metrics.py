from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.collect import metrics
from inventory_pipeline.collect.metrics import Batch, MetricQuery
from inventory_pipeline.resource_types import Metric, ResourceType, resource_types

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 15, tzinfo=UTC)

# Instances and buckets with a few of their metrics, whatever others they come to have.
FEW = ("cpu_average", "cpu_maximum", "network_in_bytes", "network_out_bytes")


def with_metrics(name: str, wanted: Callable[[Metric], bool]) -> ResourceType:
    kind = resource_types()[name]
    return replace(kind, metrics=tuple(metric for metric in kind.metrics if wanted(metric)))


INSTANCE = with_metrics("ec2_instance", lambda metric: metric.column in FEW)
FUNCTION = resource_types()["lambda_function"]
BUCKET = with_metrics("s3_bucket", lambda m: m.name in ("BucketSizeBytes", "NumberOfObjects"))


def row_of(
    name: str, region: str = "eu-west-1", created_at: datetime | None = None
) -> dict[str, Any]:
    return {"account_id": "1", "region": region, "resource_id": name, "created_at": created_at}


def instances(count: int, **more: Any) -> list[MetricQuery]:
    return [
        query
        for n in range(count)
        for query in metrics.queries_of(
            INSTANCE, {"InstanceId": f"i-{n}"}, row_of(f"i-{n}", **more)
        )
    ]


class CloudWatch:
    """Answers pages of (query index, values, status)."""

    def __init__(self, *pages: Sequence[tuple[int, list[float], str]]) -> None:
        self.pages = pages

    def get_paginator(self, _: str) -> CloudWatch:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [
            {
                "MetricDataResults": [
                    {"Id": f"q{i}", "Values": values, "StatusCode": status}
                    for i, values, status in page
                ]
            }
            for page in self.pages
        ]


def test_a_resource_is_asked_for_each_statistic_of_its_type() -> None:
    queries = instances(1)
    assert [(q.metric.name, q.metric.statistic) for q in queries] == [
        ("CPUUtilization", "Average"),
        ("CPUUtilization", "Maximum"),
        ("NetworkIn", "Sum"),
        ("NetworkOut", "Sum"),
    ]
    assert queries[0].dimensions == (("InstanceId", "i-0"),)


def test_fixed_dimensions_are_sent_too() -> None:
    queries = metrics.queries_of(BUCKET, {"Name": "logs"}, row_of("logs"))
    assert queries[0].dimensions == (("BucketName", "logs"), ("StorageType", "StandardStorage"))
    assert queries[0].metric.metric == "BucketSizeBytes:StandardStorage"


@pytest.mark.parametrize(
    ("resources", "sizes"), [(0, []), (125, [500]), (126, [500, 4]), (300, [500, 500, 200])]
)
def test_a_batch_is_one_call_of_500_queries(resources: int, sizes: list[int]) -> None:
    batches = metrics.batches(instances(resources), AT)
    assert [len(b.queries) for b in batches] == sizes
    request = metrics.request(batches[0]) if batches else {"MetricDataQueries": []}
    ids = [q["Id"] for q in request["MetricDataQueries"]]
    assert len(ids) == len(set(ids)) == (sizes or [0])[0]


def test_regions_and_windows_do_not_mix() -> None:
    bucket = metrics.queries_of(BUCKET, {"Name": "b"}, row_of("b", region="us-east-1"))
    batches = metrics.batches([*instances(2), *bucket, *instances(1, region="us-east-1")], AT)
    assert sorted((b.region, (b.end - b.start).days, len(b.queries)) for b in batches) == [
        ("eu-west-1", 14, 8),
        ("us-east-1", 3, 24),
        ("us-east-1", 14, 4),
    ]


def test_the_window_is_the_last_whole_periods_before_the_snapshot() -> None:
    assert metrics.window(INSTANCE.metrics[0], AT) == (MIDNIGHT - timedelta(days=14), MIDNIGHT)
    assert metrics.window(INSTANCE.metrics[0], MIDNIGHT)[1] == MIDNIGHT


def test_the_request_asks_oldest_first() -> None:
    request = metrics.request(metrics.batches(instances(1), AT)[0])
    assert request["ScanBy"] == "TimestampAscending"
    assert request["EndTime"] == MIDNIGHT
    stat = request["MetricDataQueries"][1]["MetricStat"]
    assert (stat["Stat"], stat["Period"]) == ("Maximum", 86400)


@pytest.mark.parametrize(
    ("fold", "value"),
    [("average", 3.0), ("maximum", 6.0), ("minimum", 1.0), ("sum", 9.0), ("latest", 1.0)],
)
def test_datapoints_fold_into_one_value(fold: Any, value: float) -> None:
    metric = Metric("c", "", "N", "M", "Average", fold, {})
    assert metrics.fold(metric, [2.0, 6.0, 1.0]) == value


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=30))
def test_an_average_lies_among_its_datapoints(values: list[float]) -> None:
    metric = Metric("c", "", "N", "M", "Average", "average", {})
    folded = metrics.fold(metric, values)
    assert folded is not None
    assert min(values) * (1 - 1e-9) <= folded <= max(values) * (1 + 1e-9)


def test_an_hour_of_the_week_is_quiet_if_it_was_so_in_every_week() -> None:
    metric = Metric("c", "", "N", "M", "Maximum", "quiet_hours", {}, period_seconds=3600)
    office = [90.0 if hour % 24 in range(8, 18) and hour < 120 else 1.0 for hour in range(168)]
    assert metrics.fold(metric, office * 2) == 168 - 50
    assert metrics.fold(metric, [*office, 50.0, *office[1:]]) == 168 - 51
    assert metrics.fold(metric, (office * 2)[1:]) is None, "an hour is missing"


def test_silence_is_zero_only_where_the_metric_says_so() -> None:
    invocations = FUNCTION.metrics[0]
    assert invocations.absent_is_zero
    assert metrics.fold(invocations, []) == 0.0
    assert metrics.fold(INSTANCE.metrics[0], []) is None


@pytest.mark.parametrize(
    ("age", "periods"),
    [
        (None, 14),
        (timedelta(days=100), 14),
        (timedelta(days=14, hours=12), 14),
        (timedelta(days=3, hours=12), 3),
        (timedelta(days=3), 2),
        (timedelta(hours=1), 0),
        (timedelta(days=-1), 0),
    ],
)
def test_a_young_resource_is_expected_to_have_fewer_datapoints(
    age: timedelta | None, periods: int
) -> None:
    queries = instances(1, created_at=None if age is None else AT - age)
    batch = metrics.batches(queries, AT)[0]
    assert metrics.expected(queries[0], batch) == periods


def test_values_of_several_pages_are_joined_in_order() -> None:
    batch = metrics.batches(instances(1), AT)[0]
    silent = [(2, [], "Complete"), (3, [], "Complete")]
    cloudwatch = CloudWatch(
        [(0, [1.0, 2.0], "PartialData"), (1, [5.0], "Complete"), *silent],
        [(0, [3.0], "Complete")],
    )
    answer = metrics.ask(lambda _: cloudwatch, batch)
    assert answer.values == {0: [1.0, 2.0, 3.0], 1: [5.0], 2: [], 3: []}
    assert answer.failure is None


@pytest.mark.parametrize(
    ("status", "ledger"),
    [
        ("Forbidden", "denied"),
        ("InternalError", "error"),
        ("PartialData", "error"),
        ("New", "error"),
    ],
)
def test_a_metric_that_was_not_answered_completely_is_unknown(status: str, ledger: str) -> None:
    """With all of its resource: a bucket's known classes would hide the unknown one."""
    batch = metrics.batches(instances(2), AT)[0]
    answers = [(i, [2.0], "Complete") for i in range(1, 8)]
    answer = metrics.ask(lambda _: CloudWatch([(0, [1.0], status), *answers]), batch)
    assert answer.failure is not None
    assert answer.failure.status == ledger
    assert set(answer.values) == {4, 5, 6, 7}
    row = metrics.row(batch.queries[0], batch, answer.values.get(0), AT)
    assert (row["value"], row["datapoints"], row["expected_datapoints"]) == (None, 0, 14)


def test_a_metric_that_is_missing_from_the_answer_is_not_silent() -> None:
    function = metrics.queries_of(FUNCTION, {"FunctionName": "f"}, row_of("f"))
    batch = metrics.batches(function, AT)[0]
    answer = metrics.ask(lambda _: CloudWatch([(0, [], "Complete"), (1, [], "Complete")]), batch)
    assert answer.values == {}
    assert answer.failure is not None
    assert answer.failure.code == "NoAnswer"


def test_a_resource_is_asked_in_one_call() -> None:
    buckets = [
        query
        for name in map(str, range(51))
        for query in metrics.queries_of(BUCKET, {"Name": name}, row_of(name))
    ]
    batches = metrics.batches(buckets, AT)
    names = [{q.resource_id for q in batch.queries} for batch in batches]
    assert sum(map(len, names)) == 51
    assert all(len(batch.queries) <= metrics.QUERIES_PER_CALL for batch in batches)


def test_a_resource_in_no_known_region_is_not_asked() -> None:
    def no_client(region: str) -> Any:
        raise AssertionError(region)

    bucket = metrics.queries_of(BUCKET, {"Name": "b"}, row_of("b", region="unknown"))
    batch: Batch = metrics.batches(bucket, AT)[0]
    answer = metrics.ask(no_client, batch)
    assert answer.failure is not None
    assert answer.failure.status == "not_attempted"
    assert answer.values == {}
