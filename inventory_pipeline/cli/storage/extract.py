"""Every object that fails a rule, as a file: read and written delivery by delivery, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section, rows
from inventory_pipeline.cli.output import whole_file, write_csv
from inventory_pipeline.cli.reading import Reader, missing
from inventory_pipeline.cli.storage.newest import newest, newest_session

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Where

BATCH_ROWS = 10_000

COLUMNS = (
    *("rule_id", "delivered_on", "account_id", "account_name", "department", "region"),
    *("source_bucket", "configuration_id", "key", "version_id", "size", "last_modified_date"),
    "storage_class",
)


def write_extract(reader: Reader, rules: Sequence[str], target: Path) -> int:
    """Write the failing objects of each bucket's newest deliveries; returns how many rows."""
    write = {".csv": _write_csv, ".parquet": _write_parquet}.get(target.suffix.lower())
    if write is None:
        raise click.UsageError("an extract is CSV or Parquet: name it FILE.csv or FILE.parquet")
    with whole_file(target) as partial:
        return write(_failing(reader, rules), partial)


def _failing(reader: Reader, rules: Sequence[str]) -> Iterator[pa.RecordBatch]:
    from inventory_pipeline.marts import marts
    from inventory_pipeline.marts.mart import rows_read
    from inventory_pipeline.marts.storage.compliance import RULES, failing_objects_sql
    from inventory_pipeline.marts.storage.parameters import storage_parameters

    chosen = reader.settings.s3_inventory
    every = [rule.id for rule in RULES if rule.id not in chosen.compliance.rules_off]
    wanted = rules or every
    if not wanted:
        return
    sql = failing_objects_sql(wanted)
    hold = storage_parameters(chosen)["legal_hold_buckets"]
    where, values = reader.filters.where()
    columns = ", ".join(COLUMNS)
    for delivery in _newest(reader):
        day: date = delivery["delivered_on"]
        reads: dict[str, Where] = rows_read(reader.lake, marts()["object_compliance"], day)
        reads = {**reads, "s3_objects": delivery, "s3_deliveries": delivery}
        with reader.engine.session(reads) as session:
            found = session.connection.sql(
                f"SELECT {columns} FROM ({sql}) AS failing WHERE {where}",
                params={"legal_hold_buckets": hold, **values},
            )
            yield from found.to_arrow_reader(BATCH_ROWS)


def _newest(reader: Reader) -> list[Mapping[str, Any]]:
    """The partitions to read, within --since and --until."""
    start, values = newest(reader, ready="TRUE")
    with newest_session(reader) as session:
        found = session.query(f"{start} SELECT * FROM newest ORDER BY source_bucket", values)
        deliveries: list[Mapping[str, Any]] = found.to_pylist()
    if not deliveries and not reader.lake.deliveries():
        raise missing("s3_objects")
    return deliveries


def _schema() -> pa.Schema:
    import pyarrow as pa

    from inventory_pipeline.lake.schema import arrow_schema

    fields = {
        field.name: field
        for table in ("object_compliance", "s3_objects")
        for field in arrow_schema(table)
    }
    return pa.schema([fields[name] for name in COLUMNS])


def _write_csv(batches: Iterator[pa.RecordBatch], target: Path) -> int:
    written = 0

    def values() -> Iterator[Sequence[object]]:
        nonlocal written
        for batch in batches:
            written += batch.num_rows
            yield from rows(batch)

    with target.open("w", encoding="utf-8", newline="") as stream:
        write_csv(Section("rows", "", COLUMNS, values()), stream)
    return written


def _write_parquet(batches: Iterator[pa.RecordBatch], target: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, written = _schema(), 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in batches:
            written += batch.num_rows
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
    return written
