"""Daily CloudWatch datapoints of the simulated resources, and GetMetricData over them.

A datapoint is computed from its resource when asked for, so that a query costs the same however
many resources there are. It stands at 00:00 UTC of its day. Belongs here: what metrics say. Not
here: which resources are busy (the description says).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from inventory_pipeline.demo.estate import (
    Bucket,
    Cluster,
    Database,
    Function,
    Instance,
    Resource,
    Thing,
    Volume,
)

KEPT_DAYS = 30
MOST_QUERIES = 500
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Datapoint:
    """What CloudWatch keeps of a day: enough for any of its statistics."""

    at: datetime
    minimum: float
    maximum: float
    total: float
    samples: float

    @classmethod
    def steady(cls, at: datetime, value: float) -> "Datapoint":
        """A day of 24 equal samples."""
        return cls(at, value, value, value * 24, 24)

    def hours(self) -> Iterator["Datapoint"]:
        """The day's 24 hours, each like the others."""
        for hour in range(24):
            at = self.at + timedelta(hours=hour)
            total, samples = self.total / 24, self.samples / 24
            yield Datapoint(at, self.minimum, self.maximum, total, samples)

    @classmethod
    def counted(cls, at: datetime, total: float) -> "Datapoint":
        """A day on which things were counted, in 24 equal parts."""
        return cls(at, total / 24, total / 24, total, 24)


Series = Callable[[datetime], Datapoint | None]
"""A metric's datapoint at 00:00 UTC of a day; None where there is none."""


@dataclass(frozen=True)
class MetricKey:
    """What GetMetricData asks for, with its dimensions in no order."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


class Metrics:
    """The metrics of one account and region, found by their key."""

    def __init__(self, resources: Sequence[Resource], now: datetime) -> None:
        self._now = now
        self._resources = {(name, r.id): r for r in resources if (name := _dimension(r))}

    def datapoints(self, key: MetricKey, start: datetime, end: datetime) -> Iterator[Datapoint]:
        """Datapoints in [start, end), oldest first. CloudWatch keeps more, but is asked for less
        than `KEPT_DAYS` before the organisation's now."""
        resource, rest = self._find(key)
        if resource is None or resource.use == "silent":
            return
        series = _series(resource, key, rest)
        first = max(start, self._now - (KEPT_DAYS + 5) * ONE_DAY, resource.created_at)
        day = datetime.combine(first.date(), time(0), UTC)
        while day < min(end, self._now):
            if first <= day and (point := series(day)):
                yield point
            day += ONE_DAY

    def _find(self, key: MetricKey) -> tuple[Resource | None, dict[str, str]]:
        rest = dict(key.dimensions)
        for name in list(rest):
            if found := self._resources.get((name, rest[name])):
                rest.pop(name)
                return found, rest
        return None, rest


_DIMENSION: Mapping[type[Resource], str] = {
    Instance: "InstanceId",
    Volume: "VolumeId",
    Database: "DBInstanceIdentifier",
    Cluster: "DBClusterIdentifier",
    Function: "FunctionName",
    Bucket: "BucketName",
}


def _dimension(resource: Resource) -> str | None:
    """What CloudWatch calls the resource by, where it has metrics."""
    if isinstance(resource, Thing):
        return "NatGatewayId" if resource.type == "nat_gateway" else None
    return _DIMENSION[type(resource)]


def _nothing(day: datetime) -> None:
    """No datapoint on any day."""


def _wobble(day: datetime) -> float:
    """A little more or less every day, from 0.90 to 1.09."""
    return 0.9 + day.toordinal() * 7 % 20 / 100


def _series(resource: Resource, key: MetricKey, rest: Mapping[str, str]) -> Series:
    """What the resource emits under that name; `rest` are further dimensions."""
    match resource:
        case Bucket():
            return _bucket(resource, key, rest)
        case _ if rest:
            return _nothing
        case Instance():
            return _instance(resource, key)
        case Function():
            return _function(resource, key)
        case Volume():
            if key.namespace == "AWS/EBS" and key.name in ("VolumeReadOps", "VolumeWriteOps"):
                operations = 500_000 if resource.use == "busy" else 40
                return lambda day: Datapoint.counted(day, operations)
        case Database():
            return _database(resource, key)
        case Cluster():
            if (key.namespace, key.name) == ("AWS/RDS", "VolumeBytesUsed"):
                return lambda day: Datapoint.steady(day, resource.volume_bytes)
        case Thing():
            return lambda day: Datapoint.steady(day, 0)
        case _:
            pass
    return _nothing


def _instance(it: Instance, key: MetricKey) -> Series:
    """Busy: CPU half used, 40 GB a day. Idle: CPU at 1 percent, 100 kB a day."""
    busy = it.use == "busy"
    cpu = 50.0 if busy else 1.0
    traffic = 40_000_000_000 if busy else 100_000

    def point(day: datetime) -> Datapoint | None:
        if it.stopped_at and day >= it.stopped_at:
            return None
        if key.name == "CPUUtilization":
            mean = cpu * _wobble(day)
            return Datapoint(day, mean / 2, mean * 1.5, mean * 24, 24)
        return Datapoint.counted(day, traffic)

    names = ("CPUUtilization", "NetworkIn", "NetworkOut")
    return point if key.namespace == "AWS/EC2" and key.name in names else _nothing


def _database(it: Database, key: MetricKey) -> Series:
    busy = it.use == "busy"
    value = {
        "DatabaseConnections": 40.0 if busy else 0.0,
        "CPUUtilization": 45.0 if busy else 1.0,
        "FreeStorageSpace": it.storage_gb * 2**29,
    }.get(key.name)
    if key.namespace != "AWS/RDS" or value is None:
        return _nothing
    return lambda day: Datapoint.steady(day, value)


def _function(it: Function, key: MetricKey) -> Series:
    """Lambda emits nothing on days without a call."""
    total = {
        "Invocations": it.daily_invocations,
        "Duration": it.daily_ms,
        "Errors": 0,
    }.get(key.name)
    if key.namespace != "AWS/Lambda" or total is None or not it.daily_invocations:
        return _nothing

    def point(day: datetime) -> Datapoint | None:
        called = day.toordinal() % KEPT_DAYS < it.days_called
        return Datapoint(day, 0, total, total, it.daily_invocations) if called else None

    return point


def _bucket(it: Bucket, key: MetricKey, rest: Mapping[str, str]) -> Series:
    """Storage metrics come once a day; a class without a byte has none."""
    kind = rest.get("StorageType", "")
    if key.namespace != "AWS/S3" or it.bytes_by_class is None or len(rest) != 1:
        return _nothing
    if key.name == "NumberOfObjects" and kind == "AllStorageTypes":
        count = it.objects
        return lambda day: Datapoint(day, count, count, count, 1)
    if key.name == "BucketSizeBytes" and kind in it.bytes_by_class:
        size = it.bytes_by_class[kind]
        return lambda day: Datapoint(day, size, size, size, 1)
    return _nothing


def metric_data(
    metrics: Metrics,
    queries: Sequence[Mapping[str, Any]],
    start: datetime,
    end: datetime,
    *,
    newest_first: bool,
) -> list[dict[str, Any]]:
    """MetricDataResults of the queries: a value for each period that has datapoints."""
    return [
        _result(metrics, query, start, end, newest_first=newest_first)
        for query in queries
        if query.get("ReturnData", True)
    ]


def _result(
    metrics: Metrics,
    query: Mapping[str, Any],
    start: datetime,
    end: datetime,
    *,
    newest_first: bool,
) -> dict[str, Any]:
    stat: Mapping[str, Any] = query["MetricStat"]
    metric: Mapping[str, Any] = stat["Metric"]
    dimensions = frozenset((d["Name"], d["Value"]) for d in metric.get("Dimensions") or ())
    key = MetricKey(metric["Namespace"], metric["MetricName"], dimensions)
    period = timedelta(seconds=int(stat["Period"]))
    periods: dict[datetime, list[Datapoint]] = {}
    for point in _points(metrics, key, period, start, end):
        periods.setdefault(start + (point.at - start) // period * period, []).append(point)
    found = [(at, statistic(stat["Stat"], points)) for at, points in periods.items()]
    if newest_first:
        found.reverse()
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric["MetricName"],
        "Timestamps": [at for at, _ in found],
        "Values": [value for _, value in found],
        "StatusCode": "Complete",
    }


def _points(
    metrics: Metrics, key: MetricKey, period: timedelta, start: datetime, end: datetime
) -> Iterator[Datapoint]:
    """Datapoints in [start, end), by the hour where that is asked for."""
    if period >= ONE_DAY:
        yield from metrics.datapoints(key, start, end)
        return
    for day in metrics.datapoints(key, start - ONE_DAY, end):
        yield from (hour for hour in day.hours() if start <= hour.at < end)


def statistic(name: str, points: Sequence[Datapoint]) -> float:
    """A statistic of one or more datapoints. Raises ValueError for one CloudWatch does not keep."""
    total = sum(p.total for p in points)
    samples = sum(p.samples for p in points)
    match name:
        case "Average":
            return total / samples
        case "Sum":
            return total
        case "Minimum":
            return min(p.minimum for p in points)
        case "Maximum" | "p99.5":  # of so few samples the highest is the percentile
            return max(p.maximum for p in points)
        case "SampleCount":
            return samples
        case _:
            raise ValueError(f"The value {name} for parameter Stat is not supported.")
