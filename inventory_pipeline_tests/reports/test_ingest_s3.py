"""Ingestion into a lake on S3, where reports are too: both simulated."""

import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import boto3
import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake, leases
from inventory_pipeline.reports import find_deliveries, ingest
from inventory_pipeline_tests.lake.stored import stored
from inventory_pipeline_tests.reports.conftest import NOW, House, Place
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
FORMATS = ("CSV", "ORC", "Parquet")


@dataclass
class Watched:
    """An S3 client that keeps what was read of report files: the keys of those read whole."""

    client: Any
    whole: list[str] = field(default_factory=list)

    def get_object(self, **request: str) -> Mapping[str, Any]:
        if "/data/" in request["Key"] and "Range" not in request:
            self.whole.append(request["Key"])
        return self.client.get_object(**request)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


def test_every_format_into_a_lake_on_s3(s3_lake: Lake) -> None:
    lake, s3 = s3_lake, Watched(boto3.client("s3"))
    s3.client.create_bucket(Bucket=BUCKET)
    rows = [{"key": f"{n % 2}/{n}", "size": n, "last_modified_date": AT} for n in range(20)]
    for day, format_ in enumerate(FORMATS):
        Writer(s3.client).deliver(AT + timedelta(days=day), rows, format=format_)
    engine, found = DuckDBEngine(lake, "512MB"), find_deliveries(s3, Place()).deliveries
    results = ingest(lake, engine, lambda _: s3, found, prefix_depth=1, prefix_limit=10, now=NOW)
    assert [(r.status, r.rows) for r in results] == [("ingested", 20)] * 3
    for table in ("s3_objects", "s3_usage"):
        of_day: dict[Any, list[str]] = {}
        for row in lake.read(table).to_pylist():
            row.pop("age_band", None)
            of_day.setdefault(row.pop("delivered_on"), []).append(str(row))
        csv, *others = map(sorted, of_day.values())
        assert others == [csv, csv], f"{table}: the same rows from each format"
    assert not [key for key in s3.whole if key.endswith(".parquet")], "its ETag vouches for it"
    assert len(s3.whole) == 2
    assert not list(lake.scratch.iterdir())


@pytest.mark.full
def test_two_ingestions_of_a_day_take_turns_on_s3(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first has committed all but the ledger, and waits for it."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    house = House(s3, s3_lake, DuckDBEngine(s3_lake, "512MB"))
    Writer(s3).deliver(AT, [{"key": "old", "size": 1}])
    older = find_deliveries(s3, Place()).deliveries
    Writer(s3).deliver(AT + timedelta(hours=8), [{"key": "new", "size": 1}])
    newer = [one for one in find_deliveries(s3, Place()).deliveries if one not in older]
    waiting = Waiting(s3)
    monkeypatch.setattr(leases, "lake_client", lambda: waiting)
    monkeypatch.setattr(leases, "PAUSE_SECONDS", 0.05)
    ingestion = sys.modules["inventory_pipeline.reports.ingest"]  # the package has its function
    record_news, second = ingestion.record_news, list[Future[Any]]()

    def recorded(*arguments: Any) -> None:
        if not second:
            lake = Lake.open(s3_lake.location, catalog="glue")
            other = House(s3, lake, DuckDBEngine(lake, "512MB"))
            second.append(pool.submit(other.ingest, deliveries=newer))
            assert waiting.looked.wait(SECONDS)
        record_news(*arguments)

    monkeypatch.setattr(ingestion, "record_news", recorded)
    with ThreadPoolExecutor(1) as pool:
        first = house.ingest(deliveries=older)
        results = [*first, *second[0].result(SECONDS)]
    assert [one.status for one in results] == ["ingested", "ingested"]
    assert [row["key"] for row in house.rows("s3_objects")] == ["new"]
    statuses = {row["delivered_at"]: row["status"] for row in house.rows("s3_deliveries")}
    assert [status for _, status in sorted(statuses.items())] == ["superseded", "ingested"]
    assert not [key for key in stored("lake-bucket") if key.endswith(".lease")]


SECONDS = 120
"""How long a thread may take before its test fails."""


@dataclass
class Waiting:
    """An S3 client that tells when somebody has looked whether a lease is free."""

    client: Any
    looked: Event = field(default_factory=Event)

    def get_object(self, **request: str) -> Mapping[str, Any]:
        self.looked.set()
        return self.client.get_object(**request)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)
