"""Snapshots of buckets' inventory configurations, and a ledger of deliveries, to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from inventory_pipeline.lake import Lake, Session
from inventory_pipeline.lake.schema import arrow_schema, contract_select
from inventory_pipeline.marts import marts
from inventory_pipeline.tables import tables

Row = dict[str, Any]

SUNDAY = date(2026, 11, 1)
FIELDS = ["Size", "ETag", "StorageClass"]
SCHEMA = "Bucket, Key, Size, ETag, StorageClass"
PLACE = {"account_id": "111122223333", "region": "us-east-1"}


def at(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]


class Planted:
    """Rows to plant, and the mart of a day over them."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {name: [] for name in marts()["delivery_health"].reads}

    def snapshot(
        self, day: date, configurations: Mapping[tuple[str, str], Row] | None, hour: int = 0
    ) -> None:
        """The configurations by bucket and id; with None, the bucket's were not read."""
        taken = at(day, hour)
        self._rows["snapshots"].append(
            {"snapshot_at": taken, "collected_from": taken, "collected_to": taken,
             "status": "complete", "tables": 1, "rows": 1, "cells": 1, "cells_ok": 1}
        )  # fmt: skip
        common = {"snapshot_at": taken, "resource_type": "s3_bucket", **PLACE}
        found = configurations or {}
        for bucket in {bucket for bucket, _ in found} | {"data"}:
            self._rows["s3_buckets"].append(
                {**common, "observed_at": taken, "resource_id": bucket,
                 "inventories": None if configurations is None else 1}
            )  # fmt: skip
        for position, ((bucket, name), more) in enumerate(found.items()):
            self._rows["bucket_inventory_configurations"].append(
                {**common, "resource_id": bucket, "position": position, "configuration_id": name,
                 "enabled": True, "frequency": "Daily", "fields": FIELDS, **more}
            )  # fmt: skip

    def deliver(self, day: date, bucket: str = "data", name: str = "all", **more: Any) -> None:
        delivered_at = at(day, 1)
        self._rows["s3_deliveries"].append(
            {"delivered_on": day, "source_bucket": bucket, "configuration_id": name,
             "delivered_at": delivered_at, "manifest_uri": f"s3://reports/{bucket}/{day}",
             "manifest_md5": "0" * 32, "schema": SCHEMA, "status": "ingested",
             "recorded_at": delivered_at + timedelta(hours=5), **more}
        )  # fmt: skip

    def tables(self) -> dict[str, pa.Table]:
        return {
            name: pa.Table.from_pylist(found, schema=arrow_schema(name))
            for name, found in self._rows.items()
        }

    def health(self, db: Session, day: date) -> dict[tuple[str, str], Row]:
        """The day's rows by bucket and configuration, of a session that shows no tables."""
        for name, rows in self.tables().items():
            db.connection.register(name, rows)
        sql = contract_select("delivery_health", marts()["delivery_health"].sql())
        found = db.query(sql, {"delivered_on": day}).to_pylist()
        by_place = {(row["source_bucket"], row["configuration_id"]): row for row in found}
        assert len(by_place) == len(found), "no key stands twice"
        return by_place

    def publish(self, lake: Lake) -> None:
        """Commit what was planted."""
        for name, rows in self.tables().items():
            partitioned_by = tables()[name].partitioned_by
            parts = rows.select(list(partitioned_by)).group_by(list(partitioned_by)).aggregate([])
            lake.replace(name, parts.to_pylist() if partitioned_by else [{}], rows)
