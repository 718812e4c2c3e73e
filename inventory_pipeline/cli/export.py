"""`inventory export`: a table, or the rows of a SELECT, as a file."""

from __future__ import annotations

import difflib
from contextlib import AbstractContextManager
from pathlib import Path

import click

from inventory_pipeline.cli.answer import Answer, Section
from inventory_pipeline.cli.output import tell, whole_file
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.select import Selected, rows_of, selected

FORMATS = ("csv", "json", "parquet")

NEEDED = {
    "account": {"account_id", "account_name"},
    "department": {"department"},
    "region": {"region"},
    "resource_type": {"resource_type"},
    "tag": {"account_id", "region", "resource_type", "resource_id"},
}
"""Columns that a table needs for each filter."""


@click.command()
@click.argument("table", required=False)
@click.option("--query", "statement", metavar="SELECT", help="Export these rows.")
@reading("account", "department", "region", "resource_type", "tag", formats=FORMATS)
def export(reader: Reader, table: str | None, statement: str | None) -> None:
    """Write a table, or a SELECT's rows, as CSV, JSON or Parquet.

    Parquet and JSON are exact. In CSV, text that a spreadsheet would run as a formula has an
    apostrophe before it. Rows are those of the newest snapshot; see --snapshot (a time, or all).

    \b
    Examples:
      inventory export resource_costs --output costs.csv
      inventory export resources --tag env=prod -o prod.json
      inventory export --query "SELECT * FROM waste_findings WHERE verdict = 'yes'" -o waste.parquet
    """
    if bool(table) == bool(statement):
        raise click.UsageError("name a table (`inventory list tables`) or give --query")
    if reader.form == "parquet" and not reader.output:
        raise click.UsageError("Parquet is not for a terminal: give --output FILE")
    if statement and any(vars(reader.filters).values()):
        raise click.UsageError("filters are for tables: write the condition into the SELECT")
    with selected(reader, statement) if statement else _table(reader, table or "") as found:
        if reader.form == "parquet" and reader.output:
            _write_parquet(found, reader.output)
            tell(Answer((), {}, found.notes, found.coverage, found.snapshot_at))
            return
        section = Section("rows", "", found.columns, found.rows)
        reader.show(
            section, coverage=found.coverage, at=found.snapshot_at, notes=tuple(found.notes)
        )


def _table(reader: Reader, table: str) -> AbstractContextManager[Selected]:
    """All rows of a table that pass the filters, in the order of its key."""
    from inventory_pipeline.tables import tables

    if table not in tables():
        near = difflib.get_close_matches(table, tables(), 1)
        hint = f"did you mean {near[0]}?" if near else "see `inventory list tables`"
        raise click.UsageError(f"no table {table!r}: {hint}")
    contract = tables()[table]
    columns = {field.name for field in contract.columns}
    for name, needed in NEEDED.items():
        if getattr(reader.filters, name) and not needed <= columns:
            lacking = ", ".join(sorted(needed - columns))
            option = name.replace("_", "-")
            raise click.UsageError(f"{table} has no {lacking}: leave out --{option}")
    where, params = reader.filters.where(tagged="tags" in columns)
    # Only names of the contract and generated conditions stand in it.
    sql = f"SELECT * FROM {table} WHERE {where} ORDER BY {', '.join(contract.key)}"
    return rows_of(reader, sql, [table], params)


def _write_parquet(found: Selected, output: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = zip(found.batches.schema, found.columns, strict=True)
    schema = pa.schema([field.with_name(name) for field, name in names])
    with (
        whole_file(output) as partial,
        pq.ParquetWriter(partial, schema, compression="zstd") as writer,
    ):
        for batch in found.batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
