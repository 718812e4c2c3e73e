"""Ingestion into a lake on S3, where reports are too: both simulated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.reports import find_deliveries, ingest
from inventory_pipeline_tests.reports.conftest import NOW, Place
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
