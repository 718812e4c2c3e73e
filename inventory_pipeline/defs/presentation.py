"""How a table looks in Dagster: its asset spec, its metadata after a run, its contract check."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from inventory_pipeline.columns import ColumnType
from inventory_pipeline.lake import Session, Where
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.lake.where import values_of
from inventory_pipeline.resource_types import child_tables, resource_types
from inventory_pipeline.tables import Table, tables

if TYPE_CHECKING:
    import pyarrow as pa

OWNERS = ["team:platform"]
PREVIEW_ROWS = 8


def asset_key(table: str) -> dg.AssetKey:
    """`resources/<table>` for a table of one resource type, the bare name for any other."""
    if table in {kind.table for kind in resource_types().values()} or table in child_tables():
        return dg.AssetKey(["resources", table])
    return dg.AssetKey(table)


def table_spec(name: str, deps: Iterable[str | dg.AssetDep] = (), **extra: Any) -> dg.AssetSpec:
    """The asset of a table: description, schema and owner follow from its contract."""
    table = tables()[name]
    return dg.AssetSpec(
        key=asset_key(name),
        deps=[d if isinstance(d, dg.AssetDep) else dg.AssetDep(asset_key(d)) for d in deps],
        description=f"{table.meaning}\n\nGrain: {table.grain}.",
        group_name=table.group,
        owners=OWNERS,
        kinds={"iceberg", *extra.pop("kinds", ())},
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": f"inventory.{name}",
        },
        **extra,
    )


def column_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                c.name,
                c.type.value,
                c.meaning,
                dg.TableColumnConstraints(nullable=not c.required),
            )
            for c in table.columns
        ]
    )


def contract_check_spec(name: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "contract",
        asset=asset_key(name),
        description="Required columns hold no NULL, and no two rows have the same key.",
        blocking=True,
    )


def materialized(
    db: Session,
    name: str,
    where: Where,
    checks: Iterable[dg.AssetCheckResult] = (),
    metadata: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult:
    """What to tell Dagster of a table's partition, or of several: the rows, the money, whether
    they keep the contract, and further `metadata`. `db` shows them as a view."""
    rows: int = db.query(f'SELECT COUNT(*) AS n FROM "{name}"')["n"][0].as_py()
    return dg.MaterializeResult(
        asset_key=asset_key(name),
        metadata={
            "dagster/partition_row_count": rows,
            **(_metadata(db, name) if rows else {}),
            **(metadata or {}),
        },
        # Most of a hundred tables may be empty, and each look at one takes its milliseconds.
        check_results=[_contract_check(name, where, violations(db, name) if rows else []), *checks],
    )


def _contract_check(name: str, where: Where, broken: Sequence[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset_key(name),
        check_name="contract",
        passed=not broken,
        description="; ".join(broken) or "holds",
        metadata={"partition": _place(where)},
    )


def _place(where: Where) -> str:
    """Which partitions are meant, in a line."""
    named = {column: sorted(map(str, values_of(value))) for column, value in where.items()}
    terms = [
        f"{column}={values[0]}" + (f" to {values[-1]}" if len(values) > 1 else "")
        for column, values in named.items()
    ]
    return ", ".join(terms) or "whole table"


def _metadata(db: Session, name: str) -> dict[str, Any]:
    money = _money(db.query(_money_sql(name))) if _money_columns(name) else {}
    if any(column.name == "source_bucket" for column in tables()[name].columns):
        # Object keys are personal data to some, and Dagster's log keeps what it is told.
        return {**money}
    preview = db.query(f'SELECT * FROM "{name}" LIMIT {PREVIEW_ROWS}')
    return {**money, "preview": dg.MetadataValue.md(markdown(preview))}


def _money_columns(name: str) -> list[str]:
    return [
        c.name for c in tables()[name].columns if c.type is ColumnType.MONEY and "usd" in c.name
    ]


def _money_sql(name: str) -> str:
    sums = (
        f'SUM("{c}") AS "{c}", COUNT(*) FILTER (WHERE "{c}" IS NULL) AS "{c} unknown in rows"'
        for c in _money_columns(name)
    )
    return f'SELECT {", ".join(sums)} FROM "{name}"'


def _money(totals: pa.Table) -> Mapping[str, float | int]:
    """Sums as floats, since Dagster plots those, and in how many rows the figure is unknown; the
    exact figures are in the table."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in totals.to_pylist()[0].items()
        if value
    }


def markdown(rows: pa.Table) -> str:
    """A table as Markdown; text from AWS cannot break out of its cell."""
    names: Sequence[str] = rows.column_names
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row[name]) for name in names) for row in rows.to_pylist()]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    escaped = "".join("\\" + c if c in "\\`*_{}[]()#|!<>" else c for c in text[:60])
    return " ".join(escaped.split())


def paced(log: Callable[[str], None], seconds: float = 5) -> Callable[[str], None]:
    """`log`, but for at most one line in so many seconds: Dagster keeps each in its database."""
    last = -math.inf

    def told(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= seconds:
            last = now
            log(line)

    return told
