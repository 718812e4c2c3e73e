"""Utilisation: turns resources into batches of GetMetricData queries, and answers into rows.

Pure but for `ask`, which makes the calls of one batch. Silence is 0 only where the metric says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts.failures import Failure
from inventory_pipeline.collect.observe import UNKNOWN_REGION
from inventory_pipeline.collect.sources import find
from inventory_pipeline.resource_types import Metric, ResourceType
from inventory_pipeline.resource_types.model import Item

if TYPE_CHECKING:
    from botocore.client import BaseClient

QUERIES_PER_CALL = 500

WEEK_HOURS = 168
QUIET = 5.0
"""Below this, an hour is quiet: percent of CPU, as OptScale's rule for office hours has it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What GetMetricData says of a query that it did not answer completely.
_INCOMPLETE: Mapping[str, Failure] = {
    "Forbidden": Failure("denied", "Forbidden", "CloudWatch refused a metric"),
    "InternalError": Failure("error", "InternalError", "CloudWatch failed on a metric"),
    "PartialData": Failure("error", "PartialData", "CloudWatch gave part of a metric only"),
}
_UNANSWERED = Failure("error", "NoAnswer", "CloudWatch did not answer a metric")


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One statistic of one resource."""

    metric: Metric
    account_id: str
    region: str
    resource_type: str
    resource_id: str
    created_at: datetime | None
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Batch:
    """Queries of one region over one window, few enough for one call."""

    region: str
    start: datetime
    end: datetime
    queries: tuple[MetricQuery, ...]


@dataclass(frozen=True)
class Answer:
    """The datapoints of each query that was answered, oldest first, and what failed."""

    values: Mapping[int, Sequence[float]]
    failure: Failure | None = None


def queries_of(kind: ResourceType, item: Item, row: Mapping[str, Any]) -> list[MetricQuery]:
    """The statistics to ask for a resource; none whose dimensions it does not have."""
    queries: list[MetricQuery] = []
    for metric in kind.metrics:
        found = [(name, find(source, item)) for name, source in metric.dimensions.items()]
        if all(value for _, value in found):
            queries.append(
                MetricQuery(
                    metric,
                    row["account_id"],
                    row["region"],
                    kind.name,
                    row["resource_id"],
                    row["created_at"],
                    tuple((name, str(value)) for name, value in found),
                )
            )
    return queries


def window(metric: Metric, snapshot_at: datetime) -> tuple[datetime, datetime]:
    """The last whole periods before the snapshot: the same however late it is collected."""
    return _window(metric.period_seconds, metric.window_days, snapshot_at)


@lru_cache
def _window(seconds: int, days: int, snapshot_at: datetime) -> tuple[datetime, datetime]:
    end = _EPOCH + (snapshot_at - _EPOCH) // timedelta(seconds=seconds) * timedelta(seconds=seconds)
    return end - timedelta(days=days), end


def batches(queries: Iterable[MetricQuery], snapshot_at: datetime) -> list[Batch]:
    """As few calls as possible: by region and window, up to 500 queries each.

    A resource's queries stay together, so that it is measured whole or not at all.
    """

    def place(query: MetricQuery) -> tuple[str, datetime, datetime]:
        return (query.region, *window(query.metric, snapshot_at))

    return [
        Batch(region, start, end, part)
        for (region, start, end), group in groupby(sorted(queries, key=place), key=place)
        for part in _parts(group)
    ]


def _parts(queries: Iterable[MetricQuery]) -> Iterator[tuple[MetricQuery, ...]]:
    part: list[MetricQuery] = []
    for _, group in groupby(queries, key=lambda query: query.resource_id):
        of_one = list(group)
        if part and len(part) + len(of_one) > QUERIES_PER_CALL:
            yield tuple(part)
            part = []
        part += of_one
    yield tuple(part)


def request(batch: Batch) -> dict[str, Any]:
    """The arguments of GetMetricData for a batch."""
    return {
        "StartTime": batch.start,
        "EndTime": batch.end,
        "ScanBy": "TimestampAscending",
        "MetricDataQueries": [
            {
                "Id": f"q{index}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": query.metric.namespace,
                        "MetricName": query.metric.name,
                        "Dimensions": [
                            {"Name": name, "Value": value} for name, value in query.dimensions
                        ],
                    },
                    "Period": query.metric.period_seconds,
                    "Stat": query.metric.statistic,
                },
            }
            for index, query in enumerate(batch.queries)
        ],
    }


def ask(cloudwatch_in: Callable[[str], BaseClient], batch: Batch) -> Answer:
    """Ask a batch, page by page, of its region's client. Raises whatever a call raises.

    A resource is answered whole or not at all: where a bucket's size in one storage class is
    known and in another is not, silence of the other must not be taken for "nothing there".
    """
    if batch.region == UNKNOWN_REGION:
        return Answer({}, Failure("not_attempted", None, "a resource's region is not known"))
    values: dict[int, list[float]] = {i: [] for i in range(len(batch.queries))}
    statuses: dict[int, str] = {}
    paginator = cloudwatch_in(batch.region).get_paginator("get_metric_data")
    for page in paginator.paginate(**request(batch)):
        for result in page["MetricDataResults"]:
            index = int(result["Id"][1:])
            values[index] += result["Values"]
            # Of several pages the last one says whether the metric is complete.
            statuses[index] = result.get("StatusCode", "Complete")
    incomplete = [i for i in values if statuses.get(i) != "Complete"]
    if not incomplete:
        return Answer(values)
    unknown = {batch.queries[i].resource_id for i in incomplete}
    answered = {i: v for i, v in values.items() if batch.queries[i].resource_id not in unknown}
    return Answer(answered, _INCOMPLETE.get(statuses.get(incomplete[0], ""), _UNANSWERED))


def row(
    query: MetricQuery, batch: Batch, values: Sequence[float] | None, snapshot_at: datetime
) -> dict[str, Any]:
    """The row of `metrics` for a query; `values` None is "not answered"."""
    return {
        "snapshot_at": snapshot_at,
        "account_id": query.account_id,
        "region": query.region,
        "resource_type": query.resource_type,
        "resource_id": query.resource_id,
        "metric": query.metric.metric,
        "statistic": query.metric.statistic,
        "window_days": query.metric.window_days,
        "value": None if values is None else fold(query.metric, values),
        "datapoints": len(values or ()),
        "expected_datapoints": expected(query, batch),
    }


def fold(metric: Metric, values: Sequence[float]) -> float | None:
    """One value of the datapoints, oldest first; None where there is none and silence is no 0."""
    if not values:
        return 0.0 if metric.absent_is_zero else None
    match metric.fold:
        case "average":
            return sum(values) / len(values)
        case "maximum":
            return max(values)
        case "minimum":
            return min(values)
        case "sum":
            return float(sum(values))
        case "latest":
            return values[-1]
        case "quiet_hours":
            return _quiet_hours(metric, values)


def _quiet_hours(metric: Metric, values: Sequence[float]) -> float | None:
    """Hours of the week below QUIET in every week; None where an hour of the window is missing."""
    if len(values) != metric.window_days * 24:
        return None
    return float(sum(max(values[hour::WEEK_HOURS]) < QUIET for hour in range(WEEK_HOURS)))


def expected(query: MetricQuery, batch: Batch) -> int:
    """Whole periods of the window in which the resource existed."""
    seconds = query.metric.period_seconds
    start = batch.start.timestamp()
    if query.created_at is not None and query.created_at > batch.start:
        start = -(-query.created_at.timestamp() // seconds) * seconds
    return max(int((batch.end.timestamp() - start) // seconds), 0)
