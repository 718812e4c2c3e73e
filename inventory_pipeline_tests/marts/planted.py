"""A small lake with planted rows, for marts to be built on and looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.marts import BuildResult, build_mart
from inventory_pipeline.marts.cost import MARTS as COST_MARTS
from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.marts.security import MARTS as SECURITY_MARTS
from inventory_pipeline.prices import load_book
from inventory_pipeline.resource_types import resource_types

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
MARTS: Mapping[str, Mart] = {mart.table: mart for mart in (*COST_MARTS, *SECURITY_MARTS)}
PARAMS: Mapping[str, Any] = {
    "idle_resource_days": 30,
    "stale_resource_days": 90,
    "rules_off": [],
    "controls_off": [],
}

Row = dict[str, Any]


def ago(days: float = 0, **more: float) -> datetime:
    return NOW - timedelta(days=days, **more)


class Planted:
    """Rows to plant, and the lake that holds them once `publish` has run."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake.open(str(folder / "lake"))
        self.engine = DuckDBEngine(self.lake, memory_limit="300MB", threads=1)
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self.lake.replace("prices", [{}], load_book())

    def resource(
        self, kind: str, resource_id: str, metrics: Mapping[str, Any] | None = None, **columns: Any
    ) -> None:
        """A resource with metrics: column -> value, or (value, datapoints)."""
        row = {
            "snapshot_at": NOW, "observed_at": NOW, "account_id": "111111111111",
            "account_name": "one", "region": "us-east-1", "resource_type": kind,
            "resource_id": resource_id, **columns,
        }  # fmt: skip
        for table in (resource_types()[kind].table, "resources"):
            self._rows[table].append(row)
        for column, value in (metrics or {}).items():
            self.metric(kind, column, value, row)

    def metric(self, kind: str, column: str, value: Any, resource: Row) -> None:
        known = next(m for m in resource_types()[kind].metrics if m.column == column)
        expected = known.window_days * 86400 // known.period_seconds
        value, datapoints = value if isinstance(value, tuple) else (value, expected)
        names = ("snapshot_at", "account_id", "region", "resource_type", "resource_id")
        self.row(
            "metrics", **{name: resource[name] for name in names},
            metric=known.metric, statistic=known.statistic, window_days=known.window_days,
            value=value, datapoints=datapoints, expected_datapoints=expected,
        )  # fmt: skip

    def account(self, account_id: str = "111111111111", **columns: Any) -> None:
        row = {"account_name": "one", "status": "ok", **columns}
        self.row("accounts", snapshot_at=NOW, account_id=account_id, **row)

    def cell(self, collector: str, status: str = "ok", **columns: Any) -> None:
        row = {"account_id": "111111111111", "region": "us-east-1", **columns}
        counts = dict.fromkeys(("resources", "calls", "retries", "throttles"), 0)
        self.row(
            "coverage", snapshot_at=NOW, collector=collector, status=status, seconds=0.0,
            observed_at=NOW, **counts, **row,
        )  # fmt: skip

    def row(self, table: str, **columns: Any) -> None:
        self._rows[table].append(columns)

    def publish(self, *snapshots: datetime) -> None:
        """Commit what was planted, and list the snapshots (NOW by default)."""
        for table, rows in self._rows.items():
            days = sorted({row["snapshot_at"] for row in rows})
            data = pa.Table.from_pylist(rows, schema=arrow_schema(table))
            self.lake.replace(table, [{"snapshot_at": day} for day in days], data)
        published = [
            {"snapshot_at": day, "collected_from": day, "collected_to": day, "status": "complete",
             "tables": 1, "rows": 1, "cells": 1, "cells_ok": 1}
            for day in snapshots or (NOW,)
        ]  # fmt: skip
        listed = pa.Table.from_pylist(published, schema=arrow_schema("snapshots"))
        self.lake.merge("snapshots", {}, lambda earlier: pa.concat_tables([earlier, listed]))
        self._rows.clear()

    def build(self, *tables: str, **params: Any) -> list[BuildResult]:
        """Build these marts, or all of them."""
        return [
            build_mart(self.engine, MARTS[table], NOW, {**PARAMS, **params})
            for table in tables or MARTS
        ]

    def rows(self, table: str, **where: Any) -> list[Row]:
        return self.lake.read(table, {"snapshot_at": NOW, **where}).to_pylist()
