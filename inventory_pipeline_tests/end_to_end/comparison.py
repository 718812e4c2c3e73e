"""Both engines on one lake: Trino told of its tables, and a mart's rows from each held together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from inventory_pipeline.columns import ColumnType
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.catalog import load_table, sqlite_catalog
from inventory_pipeline.lake.dialect import LakeState, mart_select
from inventory_pipeline.lake.schema import contract_select
from inventory_pipeline.marts.mart import Mart, rows_read
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.end_to_end.trino import CATALOG, Result, Trino

TRINO_TYPES = {
    ColumnType.TEXT: "varchar",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.BIGINT: "bigint",
    ColumnType.DOUBLE: "double",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp(6) with time zone",
    ColumnType.MONEY: "decimal(18, 6)",
    ColumnType.UNIT_PRICE: "decimal(18, 12)",
    ColumnType.TEXT_LIST: "array(varchar)",
    ColumnType.TAGS: "map(varchar, varchar)",
}

RELATIVE_ERROR = 1e-9
"""By how much doubles may differ; all else is equal or wrong."""

Rows = Sequence[tuple[Any, ...]]


def register(trino: Trino, lake: Lake, schema: str) -> LakeState:
    """Tell Trino of every table of a local lake, in a schema of its own."""
    catalog = sqlite_catalog(Path(lake.location))
    trino.query(f"CREATE SCHEMA {schema}")
    columns: dict[str, list[str]] = {}
    for name in tables():
        if iceberg := load_table(catalog, name):
            columns[name] = iceberg.schema().column_names
            register_table(trino, f"{schema}.{name}", iceberg.metadata_location)
    return LakeState(columns, lake.snapshots(), f"{CATALOG}.{schema}")


def register_table(trino: Trino, name: str, metadata: str) -> None:
    """Tell Trino of the Iceberg table whose metadata is in this file."""
    schema, table = name.split(".")
    folder, file = Path(metadata).parent.parent, Path(metadata).name
    trino.query(f"CALL system.register_table('{schema}', '{table}', '{folder}', '{file}')")


def compare_mart(
    trino: Trino,
    lake: Lake,
    state: LakeState,
    mart: Mart,
    at: datetime | date,
    params: Mapping[str, Any],
    select: Callable[..., str] = mart_select,
) -> int:
    """Compute a mart's partition on both engines; returns its rows. AssertionError where unequal.

    `select` carries its SQL over to Trino.
    """
    sql = mart.sql()
    reads = rows_read(lake, mart, at)
    given = {
        name: value
        for name, value in {**params, "snapshot_at": at, "delivered_on": at}.items()
        if f"${name}" in sql
    }
    with DuckDBEngine(lake).session(reads) as db:
        ours = db.query(contract_select(mart.table, sql), given)
    theirs = trino.query(select(mart.table, sql, reads, given, state, "trino"))
    assert_equal(mart.table, rows_of(ours), theirs)
    return len(theirs.rows)


def assert_equal(table: str, ours: Rows, theirs: Result) -> None:
    """That Trino gave the table's contract, and the very rows that we have, in any order."""
    contract = tables()[table]
    expected = [(c.name, TRINO_TYPES[c.type]) for c in contract.columns]
    assert list(theirs.columns) == expected
    names = [c.name for c in contract.columns]
    key = [names.index(name) for name in contract.key]

    def in_order(rows: Rows) -> Rows:
        return sorted(rows, key=lambda row: [str(row[i]) for i in key])

    assert len(ours) == len(theirs.rows)
    for our, their in zip(in_order(ours), in_order(theirs.rows), strict=True):
        unequal = [
            f"{name}: {a!r} on DuckDB, {b!r} on Trino"
            for name, a, b in zip(names, our, their, strict=True)
            if not same(a, b)
        ]
        assert not unequal, f"{table} {[our[i] for i in key]}: {'; '.join(unequal)}"


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=RELATIVE_ERROR)
    return bool(ours == theirs)


def rows_of(data: Any) -> Rows:
    """An Arrow table's rows, in the types and order that Trino's client gives them."""
    columns = [
        [sorted(v) if isinstance(v, list) and v and isinstance(v[0], tuple) else v for v in values]
        for values in (column.to_pylist() for column in data.columns)
    ]
    return list(zip(*columns, strict=True))
