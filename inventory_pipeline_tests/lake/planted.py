"""Rows and places that the lake's tests share; plain functions, so that child processes can too."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from inventory_pipeline.columns import ColumnType
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.tables import tables

OLDER = datetime(2026, 11, 1, tzinfo=UTC)
NEWER = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = date(2026, 11, 1)

EMPTY: Mapping[ColumnType, Any] = {
    ColumnType.TEXT: "",
    ColumnType.BOOLEAN: False,
    ColumnType.BIGINT: 0,
    ColumnType.DOUBLE: 0.0,
    ColumnType.DATE: DAY,
    ColumnType.TIMESTAMP: OLDER,
    ColumnType.MONEY: Decimal(0),
    ColumnType.UNIT_PRICE: Decimal(0),
}


def rows(table: str, *given: Mapping[str, Any]) -> pa.Table:
    """Rows of a table's contract; required columns left out get an empty value."""
    empty = {c.name: EMPTY[c.type] for c in tables()[table].columns if c.required}
    return pa.Table.from_pylist([{**empty, **row} for row in given], schema=arrow_schema(table))


def delivery(bucket: str, day: date = DAY, configuration: str = "daily") -> dict[str, Any]:
    return {"delivered_on": day, "source_bucket": bucket, "configuration_id": configuration}


def usage(bucket: str, *objects: int, day: date = DAY) -> pa.Table:
    """A delivery's rollup, a prefix for each number of objects."""
    return rows(
        "s3_usage",
        *(
            {**delivery(bucket, day), "prefix": f"{i}/", "objects": n}
            for i, n in enumerate(objects)
        ),
    )


def instances(at: datetime, *ids: str, region: str = "eu-west-1") -> pa.Table:
    return rows(
        "ec2_instances",
        *({"snapshot_at": at, "account_id": "1", "region": region, "resource_id": i} for i in ids),
    )


def publish(lake: Lake, at: datetime) -> None:
    """List a snapshot, as the last step of its collection does."""
    new = rows("snapshots", {"snapshot_at": at, "status": "complete"})
    lake.merge("snapshots", {}, lambda earlier: pa.concat_tables([earlier, new]))


def ingest(lake: Lake, deliveries: Sequence[Mapping[str, Any]]) -> None:
    """Have the ledger say of these deliveries, and no others, that they are ingested."""
    days = sorted({d["delivered_on"] for d in deliveries})
    ledger = rows("s3_deliveries", *({**d, "status": "ingested"} for d in deliveries))
    lake.replace("s3_deliveries", [{"delivered_on": day} for day in days], ledger)


def ids(table: pa.Table, column: str = "resource_id") -> list[Any]:
    return sorted(table[column].to_pylist())
