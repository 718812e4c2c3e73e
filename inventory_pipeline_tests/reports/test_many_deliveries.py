"""Thousands of tiny deliveries in one day: each commit does the same work. Some 100 s of CPU."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.reports import Delivery, ingest, parse_delivery
from inventory_pipeline_tests.reports.conftest import NOW, Place
from inventory_pipeline_tests.reports.writer import csv_body, gzipped

T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)
DELIVERIES = 5000
AT_ONCE = 100
FIELDS = ("Bucket", "Key", "Size")


@dataclass
class Shelf:
    """Objects in memory, for S3 to give."""

    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:
        content = self.objects[Key]
        etag = hashlib.md5(content).hexdigest()
        return {"Body": Body(content), "ETag": f'"{etag}"', "LastModified": T0}

    def deliver(self, number: int) -> Delivery:
        """A delivery of a bucket of its own, in no order by name."""
        source = hashlib.md5(str(number).encode()).hexdigest()
        home = f"inventory/{source}/daily/"
        content = gzipped(csv_body([{"bucket": source, "key": f"a/{number}", "size": 1}], FIELDS))
        data, folder = f"{home}data/{number}.csv.gz", f"{home}{T0:%Y-%m-%dT%H-%MZ}/"
        manifest = {
            "sourceBucket": source,
            "destinationBucket": "arn:aws:s3:::reports",
            "version": "2016-11-30",
            "creationTimestamp": str(int(T0.timestamp() * 1000)),
            "fileFormat": "CSV",
            "fileSchema": ", ".join(FIELDS),
            "files": [
                {
                    "key": data,
                    "size": len(content),
                    "MD5checksum": hashlib.md5(content).hexdigest(),
                }
            ],
        }
        text = json.dumps(manifest).encode()
        self.objects |= {
            data: content,
            f"{folder}manifest.json": text,
            f"{folder}manifest.checksum": hashlib.md5(text).hexdigest().encode() + b"\n",
        }
        delivery = parse_delivery(Place(), f"{folder}manifest.json")
        assert delivery
        return delivery


class Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while chunk := self.read(size):
            yield chunk


def work_done() -> int:
    """Bytes that this process has read and written so far, as the system counts them."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"]) + int(counts["wchar"])


@pytest.mark.full
def test_five_thousand_deliveries_of_a_day_commit_at_flat_cost(tmp_path: Path) -> None:
    lake = Lake.open(str(tmp_path / "lake"))
    engine = DuckDBEngine(lake, memory_limit="512MB", threads=2)
    shelf = Shelf()
    costs: list[int] = []
    for first in range(0, DELIVERIES, AT_ONCE):
        deliveries = [shelf.deliver(number) for number in range(first, first + AT_ONCE)]
        before = work_done()
        results = ingest(
            lake, engine, lambda _: shelf, deliveries, prefix_depth=1, prefix_limit=10, now=NOW
        )
        costs.append(work_done() - before)
        assert {result.status for result in results} == {"ingested"}
    fifth = len(costs) // 5
    assert sum(costs[-fifth:]) < 1.5 * sum(costs[1 : fifth + 1])
    assert len(lake.deliveries()) == DELIVERIES
    assert lake.read("s3_usage", columns=["objects"]).num_rows == DELIVERIES
