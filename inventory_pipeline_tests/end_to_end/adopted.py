"""An S3 Inventory report in Parquet, registered in the lake as AWS wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from inventory_pipeline.lake import DataFile, Lake
from inventory_pipeline.lake.catalog import append_to, create_table, load_table, sqlite_catalog
from inventory_pipeline.lake.files import registered

# As reports spell it: `bucket` and `key` required, and no column of the delivery.
REPORT = pa.schema(
    [
        pa.field("bucket", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("version_id", pa.string()),
        pa.field("is_latest", pa.bool_()),
        pa.field("is_delete_marker", pa.bool_()),
        pa.field("size", pa.int64()),
        pa.field("e_tag", pa.string()),
        pa.field("storage_class", pa.string()),
    ]
)


INSTANT = pa.field("last_modified_date", pa.timestamp("ms", "UTC"))


def write_report(
    path: Path, objects: Sequence[Mapping[str, Any]], *, instants: bool = False
) -> None:
    schema = REPORT.append(INSTANT) if instants else REPORT
    pq.write_table(pa.Table.from_pylist(list(objects), schema=schema), path)


def adopt(lake: Lake, report: Path, delivery: Mapping[str, Any]) -> None:
    """Append a report to `s3_objects` without rewriting it: its partition is metadata only."""
    catalog, table = sqlite_catalog(Path(lake.location)), "s3_objects"
    iceberg = load_table(catalog, table) or create_table(
        catalog, table, f"{lake.location}/tables/{table}"
    )
    rows = pq.read_metadata(report).num_rows
    file = DataFile(str(report), delivery, rows, report.stat().st_size)
    with iceberg.transaction() as transaction, append_to(transaction, iceberg) as append:
        append.append_data_file(registered(iceberg, file))
