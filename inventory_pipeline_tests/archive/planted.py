"""A small lake to plan in: buckets, prices and deliveries, planted through the lake's own API."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.settings import ArchivePolicy

DAY = date(2026, 11, 1)
DELIVERED_AT = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
SNAPSHOT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
KIB = 1024
MIB = 1024 * KIB

# us-east-1, USD.
PRICES: Mapping[str, str] = {
    "STANDARD_IA": "0.0125",
    "ONEZONE_IA": "0.01",
    "GLACIER_IR": "0.004",
    "GLACIER": "0.0036",
    "DEEP_ARCHIVE": "0.00099",
    "INTELLIGENT_TIERING:FREQUENT": "0.023",
    "INTELLIGENT_TIERING:INFREQUENT": "0.0125",
    "INTELLIGENT_TIERING:ARCHIVE_INSTANT_ACCESS": "0.004",
    "INTELLIGENT_TIERING:ARCHIVE": "0.0036",
    "INTELLIGENT_TIERING:DEEP_ARCHIVE": "0.00099",
    "INTELLIGENT_TIERING:monitoring": "0.0000025",
    "STANDARD_IA:transition": "0.00001",
    "ONEZONE_IA:transition": "0.00001",
    "GLACIER_IR:transition": "0.00002",
    "GLACIER:transition": "0.00003",
    "DEEP_ARCHIVE:transition": "0.00005",
    "STANDARD:put": "0.000005",
    "STANDARD_IA:retrieval": "0.01",
    "ONEZONE_IA:retrieval": "0.01",
    "GLACIER_IR:retrieval": "0.03",
    "batch:object": "0.000001",
    "batch:job": "0.25",
    "tag": "0.00000065",
}
STANDARD_TIERS = (("0", "51200", "0.023"), ("51200", "512000", "0.022"), ("512000", None, "0.021"))


def rows(table: str, given: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows of a table's contract; columns that are not given are NULL."""
    return pa.Table.from_pylist([dict(row) for row in given], schema=arrow_schema(table))


def open_lake(folder: Path) -> tuple[Lake, DuckDBEngine]:
    lake = Lake.open(str(folder / "lake"))
    return lake, DuckDBEngine(lake, memory_limit="256MB", threads=1)


def plant_prices(lake: Lake, *, without: Iterable[str] = ()) -> None:
    def price(key: str, usd: str, low: str = "0", high: str | None = None) -> dict[str, Any]:
        return {
            "service": "s3",
            "region": "us-east-1",
            "key": key,
            "unit": "unit",
            "tier_from": Decimal(low),
            "tier_to": Decimal(high) if high else None,
            "usd": Decimal(usd),
            "source": "test",
            "as_of": "2026-09",
        }

    book = [price(key, usd) for key, usd in PRICES.items()]
    book += [price("STANDARD", usd, low, high) for low, high, usd in STANDARD_TIERS]
    lake.replace("prices", [{}], rows("prices", [p for p in book if p["key"] not in set(without)]))


def plant_buckets(lake: Lake, *buckets: Mapping[str, Any]) -> None:
    """Buckets of one published snapshot; a bucket is a mapping with at least `resource_id`."""
    common = {
        "snapshot_at": SNAPSHOT,
        "observed_at": SNAPSHOT,
        "account_id": "111122223333",
        "account_name": "data",
        "department": "Research",
        "region": "us-east-1",
        "resource_type": "s3_bucket",
        "versioning": "Off",
    }
    found = rows("s3_buckets", [{**common, **bucket} for bucket in buckets])
    lake.replace("s3_buckets", [{"snapshot_at": SNAPSHOT}], found)
    snapshot = {
        "snapshot_at": SNAPSHOT,
        "collected_from": SNAPSHOT,
        "collected_to": SNAPSHOT,
        "status": "complete",
        "tables": 1,
        "rows": len(buckets),
        "cells": 1,
        "cells_ok": 1,
    }
    lake.replace("snapshots", [{}], rows("snapshots", [snapshot]))


def obj(key: str, size: int | None = 10 * MIB, *, age: int = 400, **more: Any) -> dict[str, Any]:
    """A current STANDARD object, last modified `age` days before the delivery."""
    return {
        "key": key,
        "size": size,
        "last_modified_date": DELIVERED_AT - timedelta(days=age),
        "storage_class": "STANDARD",
        "is_latest": True,
        "is_delete_marker": False,
        "encryption_status": "SSE-S3",
        "e_tag": "d41d8cd98f00b204e9800998ecf8427e",
        **more,
    }


def plant_deliveries(
    lake: Lake,
    deliveries: Mapping[tuple[str, str], Iterable[Mapping[str, Any]]],
    day: date = DAY,
    delivered_at: datetime = DELIVERED_AT,
    schemas: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Ingested deliveries of a day: objects by (bucket, configuration)."""
    ledger, parts, found = [], [], []
    for (bucket, configuration), objects in deliveries.items():
        part = {"delivered_on": day, "source_bucket": bucket, "configuration_id": configuration}
        listed = [{**part, "bucket": bucket, **o} for o in objects]
        parts.append(part)
        found += listed
        ledger.append(
            {
                **part,
                "delivered_at": delivered_at,
                "rows": len(listed),
                "schema": (schemas or {}).get((bucket, configuration)),
                "manifest_uri": f"s3://reports/{bucket}/manifest.json",
                "status": "ingested",
                "recorded_at": delivered_at,
            }
        )
    lake.replace("s3_objects", parts, rows("s3_objects", found))
    lake.replace("s3_deliveries", [{"delivered_on": day}], rows("s3_deliveries", ledger))


def usage(bucket: str, storage_class: str | None, size: int, **more: Any) -> dict[str, Any]:
    """A row of s3_usage: by default one current object."""
    return {
        "delivered_on": DAY,
        "source_bucket": bucket,
        "configuration_id": "daily",
        "prefix": "",
        "storage_class": storage_class,
        "version_state": "current",
        "age_band": "366+",
        "size_band": "16-128 MiB",
        "objects": 1,
        "bytes": size,
        "billable_bytes": size,
        **more,
    }


def plant_usage(lake: Lake, *usages: Mapping[str, Any]) -> None:
    partition = ("delivered_on", "source_bucket", "configuration_id")
    parts = {tuple(u[n] for n in partition) for u in usages}
    lake.replace(
        "s3_usage",
        [dict(zip(partition, part, strict=True)) for part in parts],
        rows("s3_usage", usages),
    )


def policy(name: str = "old", **more: Any) -> ArchivePolicy:
    return ArchivePolicy.model_validate(
        {
            "name": name,
            "sources": ["data-*"],
            "target_class": "DEEP_ARCHIVE",
            "horizon_months": 12,
            "min_age_days": 90,
            **more,
        }
    )
