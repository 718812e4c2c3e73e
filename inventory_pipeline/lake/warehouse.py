"""The published warehouse: the analysts' DuckDB file, made from what readers may see.

It is an artefact, not a store: built aside and swapped in by rename, so that whoever has the old
one open keeps reading it, and whoever opens it anew has the new one. Nothing reads it back.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.columns import Column
from inventory_pipeline.lake.engine import MACROS, DuckDBEngine, Session
from inventory_pipeline.lake.files import DataFile
from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.visibility import Visibility
from inventory_pipeline.lake.where import quoted, sql_literal
from inventory_pipeline.tables import DELIVERY, Table, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OBJECTS = "s3_objects"

HISTORIES = frozenset({"snapshots", "resource_changes"})
"""Tables of snapshots that tell of all of them."""

KEPT_DELIVERIES = 2
"""Deliveries of each S3 Inventory configuration that the warehouse shows, the newest ones."""


@dataclass(frozen=True)
class WarehouseResult:
    """What was published: tables (views not counted), their rows, the file's bytes."""

    tables: int
    rows: int
    bytes: int


def publish_warehouse(lake: Lake, path: Path, memory_limit: str = "1GB") -> WarehouseResult:
    """Make the DuckDB file at `path` anew; where that fails, the old file stays as it was.

    It has every mart whole and, of what was observed, the newest snapshot and the newest
    deliveries. Objects are a view over a local lake's files; with a lake on S3 they are left out.
    """
    path = path.expanduser().absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    built = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        rows = _build(lake, built, memory_limit)
        _sync(built)
        os.replace(built, path)
        _sync(path.parent)
    finally:
        _remove(built)
    return WarehouseResult(len(rows), sum(rows), path.stat().st_size)


def _build(lake: Lake, file: Path, memory_limit: str) -> list[int]:
    """Fill a DuckDB file; returns the rows of each of its tables."""
    visibility = Visibility(lake)
    with DuckDBEngine(lake, memory_limit).session({}) as session:
        db = session.connection
        db.execute(f"ATTACH {sql_literal(str(file))} AS warehouse")
        rows = [
            _copy(session, table, _files(lake, table, visibility))
            for table in tables().values()
            if table.name != OBJECTS
        ]
        db.execute("USE warehouse")
        db.execute("BEGIN")
        for signature, body in MACROS.items():
            db.execute(f"CREATE MACRO {signature} AS {body}")
        if lake.is_local:
            shown = _files(lake, tables()[OBJECTS], visibility)
            db.execute(f"CREATE VIEW {OBJECTS} AS {session.select(OBJECTS, shown)}")
        for table in tables().values():
            if table.name != OBJECTS or lake.is_local:
                _comment(db, table, lake.columns(table.name))
        db.execute("COMMIT")
        db.execute("USE memory")
        db.execute("CHECKPOINT warehouse")
        db.execute("DETACH warehouse")
    return rows


def _copy(session: Session, table: Table, files: list[DataFile]) -> int:
    created = session.connection.execute(
        f"CREATE TABLE warehouse.{quoted(table.name)} AS {session.select(table.name, files)}"
    ).fetchone()
    return int(created[0]) if created else 0


def _comment(db: DuckDBPyConnection, table: Table, columns: Sequence[Column]) -> None:
    """Say what a table and its columns mean, where analysts and their tools look."""
    kind = "VIEW" if table.name == OBJECTS else "TABLE"
    meaning = f"{table.meaning} One row: {table.grain}."
    db.execute(f"COMMENT ON {kind} {quoted(table.name)} IS {sql_literal(meaning)}")
    for column in columns:
        target = f"{quoted(table.name)}.{quoted(column.name)}"
        db.execute(f"COMMENT ON COLUMN {target} IS {sql_literal(column.meaning)}")


def _files(lake: Lake, table: Table, visibility: Visibility) -> list[DataFile]:
    """The files whose rows are shown: of observations the newest, of what they mean all."""
    files = lake.files(table.name, visible=visibility)
    if table.group == "snapshots" and table.name not in HISTORIES:
        newest = max(visibility.snapshots, default=None)
        return [file for file in files if file.partition["snapshot_at"] == newest]
    if table.group == "s3_inventory" and table.partitioned_by == DELIVERY:
        shown = _newest(visibility.deliveries)
        return [f for f in files if tuple(f.partition[name] for name in DELIVERY) in shown]
    return files


def _newest(deliveries: frozenset[tuple[date, str, str]]) -> set[tuple[date, str, str]]:
    """The newest deliveries of each configuration."""
    by_configuration: dict[tuple[str, str], list[tuple[date, str, str]]] = defaultdict(list)
    for delivery in sorted(deliveries, reverse=True):
        by_configuration[delivery[1:]].append(delivery)
    return {d for of_one in by_configuration.values() for d in of_one[:KEPT_DELIVERIES]}


def _remove_stale(path: Path) -> None:
    """Remove what killed builds of this file left behind."""
    for file in path.parent.iterdir():
        pid = file.name.removeprefix(f"{path.name}.").removesuffix(".wal").removesuffix(".tmp")
        if file.name.startswith(f"{path.name}.") and pid.isdecimal() and not _alive(int(pid)):
            file.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    if pid == os.getpid():  # a dead one had our number
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove(built: Path) -> None:
    for file in (built, built.with_name(f"{built.name}.wal")):
        file.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the disk hold a file's bytes, or a folder's names, before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
