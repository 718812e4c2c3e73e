"""Deliveries of a few objects each, rolled up as ingestion does, for what compares days."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inventory_pipeline.lake import DuckDBEngine, Lake, Session
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.reports.rollup import partial_select, usage_select

TODAY = date(2026, 11, 20)
YESTERDAY = TODAY - timedelta(days=1)
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
DEPTH = 1

CURRENT = "Bucket, Key, Size, LastModifiedDate, ETag, StorageClass"
VERSIONS = (
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
)
COLUMNS = {
    "VersionId": "version_id", "IsLatest": "is_latest", "IsDeleteMarker": "is_delete_marker",
    "Size": "size", "LastModifiedDate": "last_modified_date", "ETag": "e_tag",
    "StorageClass": "storage_class", "EncryptionStatus": "encryption_status",
}  # fmt: skip

Row = dict[str, Any]


def obj(key: str, size: int = 10, content: object = "1", **columns: Any) -> Row:
    """A current STANDARD object; another `content` has another ETag."""
    return {
        "key": key, "size": size, "e_tag": hashlib.md5(repr(content).encode()).hexdigest(),
        "storage_class": "STANDARD", "last_modified_date": WRITTEN, "is_latest": True,
        "is_delete_marker": False, **columns,
    }  # fmt: skip


def marker(key: str, version: str | None = "m1", **columns: Any) -> Row:
    """A delete marker that hides its key."""
    nothing = dict.fromkeys(("size", "e_tag", "storage_class"))
    return obj(key, version_id=version, is_delete_marker=True, **{**nothing, **columns})


def deliver(
    lake: Lake,
    objects: Iterable[Mapping[str, Any]],
    day: date = TODAY,
    *,
    bucket: str = "data-1",
    configuration: str = "daily",
    schema: str = CURRENT,
    prefix_limit: int = 1000,
    status: str = "ingested",
) -> None:
    """Put a delivery into the lake; fields that its schema lacks stay unknown."""
    part = {"delivered_on": day, "source_bucket": bucket, "configuration_id": configuration}
    rows = listed(part, objects, schema)
    lake.replace("s3_objects", [part], rows)
    lake.replace("s3_usage", [part], _usage(lake, rows, part, prefix_limit))
    ledger = entry(part, rows.num_rows, schema, status)

    def recorded(known: pa.Table) -> pa.Table:
        others = [r for r in known.to_pylist() if {c: r[c] for c in part} != part]
        return pa.Table.from_pylist([*others, ledger], schema=known.schema)

    lake.merge("s3_deliveries", {"delivered_on": day}, recorded)


def listed(part: Mapping[str, Any], objects: Iterable[Mapping[str, Any]], schema: str) -> pa.Table:
    """Rows of `s3_objects`: of the objects what the schema tells."""
    told = {"key", *(COLUMNS[f] for f in schema.split(", ") if f in COLUMNS)}
    rows = [
        {**part, "bucket": part["source_bucket"]} | {c: o[c] for c in o if c in told}
        for o in objects
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("s3_objects"))


def entry(part: Mapping[str, Any], rows: int, schema: str, status: str = "ingested") -> Row:
    """A delivery's row in the ledger."""
    day = part["delivered_on"]
    return {
        **part, "delivered_at": datetime.combine(day, time(1), UTC), "rows": rows,
        "manifest_uri": f"s3://reports/{part['source_bucket']}/{part['configuration_id']}/{day}",
        "schema": schema, "status": status,
        "recorded_at": datetime.combine(day, time(2), UTC),
    }  # fmt: skip


def rolled_up(db: Session, rows: pa.Table, day: date) -> pa.Table:
    """Objects by group, by the SQL that ingestion has for a file of them."""
    db.connection.register("listed", rows)
    at = {"delivered_at": datetime.combine(day, time(1), UTC)}
    return db.query(partial_select("FROM listed", DEPTH), at)


def _usage(lake: Lake, rows: pa.Table, part: Mapping[str, Any], prefix_limit: int) -> list[Path]:
    if not rows.num_rows:
        return []
    file = lake.scratch_file()
    with DuckDBEngine(lake, memory_limit="256MB", threads=1).session({}) as db:
        pq.write_table(rolled_up(db, rows, part["delivered_on"]), file)
        params = {**part, "files": [str(file)], "prefix_limit": prefix_limit}
        files = db.build("s3_usage", usage_select(), params)
    file.unlink()
    return files
