"""Ingestions beside each other, copies beside each other, and odd reports beside good ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventory_pipeline.lake import LakeError
from inventory_pipeline.lake.turns import Turn
from inventory_pipeline.reports import find_deliveries, unsettled
from inventory_pipeline.reports.errors import NotReadyError
from inventory_pipeline_tests.reports import writer as writing
from inventory_pipeline_tests.reports.conftest import House, Place
from inventory_pipeline_tests.reports.writer import BUCKET, Row, Writer, arrow_table

ingestion = sys.modules["inventory_pipeline.reports.ingest"]
"""The module; the package has the function by this name."""

T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)


def listed(key: str) -> list[Row]:
    return [{"key": key, "size": 1, "last_modified_date": T0 - timedelta(days=1)}]


def test_an_ingestion_gives_way_to_a_later_delivery_that_another_committed(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one comes while this one has read its ledger and its files, and waits to commit."""
    writer.deliver(T0, listed("old"))
    older = find_deliveries(house.s3, Place()).deliveries

    @contextmanager
    def waited_for(*_: Any) -> Iterator[Turn]:
        monkeypatch.undo()
        writer.deliver(T0 + timedelta(hours=8), listed("new"))
        found = find_deliveries(house.s3, Place()).deliveries
        house.ingest(deliveries=[one for one in found if one not in older])
        yield Turn()

    monkeypatch.setattr(ingestion, "alone", waited_for)
    (result,) = house.ingest(deliveries=older)
    assert result.status == "superseded"
    assert [row["key"] for row in house.rows("s3_objects")] == ["new"]
    assert sum(row["objects"] for row in house.rows("s3_usage")) == 1
    assert [one.status for one in house.ingest()] == ["superseded", "skipped"]


def test_a_delivery_that_another_ingested_meanwhile_stays_when_this_one_failed(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file could not be read for a moment, which the other one did not see."""
    writer.deliver(T0, listed("a"))

    def refuse(*_: Any) -> None:
        raise NotReadyError("S3 is slow")

    @contextmanager
    def waited_for(*_: Any) -> Iterator[Turn]:
        monkeypatch.undo()
        house.ingest()
        yield Turn()

    monkeypatch.setattr(ingestion, "finished", refuse)
    monkeypatch.setattr(ingestion, "alone", waited_for)
    (result,) = house.ingest()
    assert (result.status, result.error) == ("skipped", None)
    assert [row["status"] for row in house.rows("s3_deliveries")] == ["ingested"]


@pytest.mark.parametrize("kept_for", range(4))
def test_an_ingestion_that_loses_its_turn_shows_nothing(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch, kept_for: int
) -> None:
    """It stood still, and another process has the turn now: the next commit is not made."""
    writer.deliver(T0, listed("a"))
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks > kept_for:
            raise LakeError("lost")

    @contextmanager
    def lost(*_: Any) -> Iterator[Turn]:
        yield Turn(check)

    monkeypatch.setattr(ingestion, "alone", lost)
    with pytest.raises(LakeError, match="lost"):
        house.ingest()
    assert checks == kept_for + 1
    assert house.rows("s3_objects") == house.rows("s3_deliveries") == []
    monkeypatch.undo()
    assert [one.status for one in house.ingest()] == ["ingested"]
    assert [row["key"] for row in house.rows("s3_objects")] == ["a"]


def test_a_sound_copy_is_ingested_where_another_is_quarantined(
    house: House, writer: Writer
) -> None:
    writer.deliver(T0, listed("a"))
    house.s3.create_bucket(Bucket="replica")
    names = [one["Key"] for one in house.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    for name in names:
        source = {"Bucket": BUCKET, "Key": name}
        house.s3.copy_object(Bucket="replica", Key=name, CopySource=source)
        if "/data/" in name:
            house.s3.delete_object(Bucket=BUCKET, Key=name)
    assert [one.status for one in house.ingest()] == ["quarantined"]
    assert unsettled(house.lake, house.s3, find_deliveries(house.s3, Place())).ready == []

    replica = Place("replica")
    copies = unsettled(house.lake, house.s3, find_deliveries(house.s3, replica)).ready
    assert [one.delivery.bucket for one in copies] == ["replica"]
    assert [one.status for one in house.ingest(place=replica)] == ["ingested"]
    assert unsettled(house.lake, house.s3, find_deliveries(house.s3, Place())).ready == []
    for name in names:
        house.s3.delete_object(Bucket="replica", Key=name)
    house.s3.delete_bucket(Bucket="replica")


def no_text(column: str) -> Any:
    """A Parquet report with a column of bytes that are no UTF-8."""

    def body(rows: Any, fields: Any) -> bytes:
        table = arrow_table(rows, fields)
        raw = pa.array([b"\xff\xfe/\xff"] * table.num_rows, pa.binary())
        text = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
        at = table.column_names.index(column)
        table = table.set_column(at, pa.field(column, pa.string()), text)
        names = ("bucket", "key")
        required = pa.schema([f.with_nullable(f.name not in names) for f in table.schema])
        sink = pa.BufferOutputStream()
        pq.write_table(table.cast(required), sink)
        return sink.getvalue().to_pybytes()

    return body


def repeated(rows: Any, fields: Any) -> bytes:
    """A Parquet report with lists of sizes."""
    table = arrow_table(rows, fields)
    at = table.column_names.index("size")
    sizes = pa.array([[1, 2]] * table.num_rows, pa.list_(pa.int64()))
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(at, "size", sizes), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "odd",
    [no_text("storage_class"), no_text("key"), repeated],
    ids=["class of bytes", "key of bytes", "sizes"],
)
def test_an_odd_parquet_report_does_not_keep_others_out(
    house: House, writer: Writer, monkeypatch: pytest.MonkeyPatch, odd: Any
) -> None:
    writer.deliver(T0, listed("a/b"))
    monkeypatch.setattr(writing, "parquet_body", odd)
    Writer(house.s3, source="odd").deliver(T0, listed("a/b"), format="Parquet")
    statuses = {one.delivery.source_bucket: one.status for one in house.ingest()}
    assert statuses.pop("odd") == "quarantined"
    assert set(statuses.values()) == {"ingested"}
    assert [row["key"] for row in house.rows("s3_objects")] == ["a/b"]
