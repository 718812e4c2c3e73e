"""Decoding report files: CSV.gz, ORC and Parquet to a data file of `s3_objects`.

CSV in AWS's own dialect (`csv_fast`, `csv_arrow`) and ORC (`orc`) come as record batches. All else
is DuckDB's: a relation to select from, and an expression for each column. Keys are decoded once
(CSV only: the other formats hold them raw), empty text is NULL, times are UTC. A value that does
not fit its column is an error, never NULL. Not here: where files come from (`storage`), and Parquet
that is taken as it is (`adoption`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.columns import Column, ColumnType
from inventory_pipeline.lake.schema import contract_select
from inventory_pipeline.reports import csv_arrow, csv_fast, orc
from inventory_pipeline.reports.batches import batch_schema, write_batches
from inventory_pipeline.reports.deliveries import Delivery
from inventory_pipeline.reports.errors import IrregularError, ReportError
from inventory_pipeline.reports.manifest import Manifest
from inventory_pipeline.reports.partials import PartialWriter
from inventory_pipeline.reports.unknown_fields import sql_text
from inventory_pipeline.tables import DELIVERY, tables

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Session

VERSION = 1
"""To be raised when a report file is to become other rows: data files made before are not used."""


def decode(
    db: Session,
    manifest: Manifest,
    delivery: Delivery,
    file: Path,
    target: Path,
    counter: PartialWriter | None = None,
) -> None:
    """Write the rows of a report file to `target`, a data file.

    `counter` is given them on the way, unless DuckDB reads the file. Memory is the session's limit,
    or two batches. What this raises, `unreadable` turns into a ReportError.
    """
    constants: dict[str, Any] = dict(zip(DELIVERY, delivery.partition, strict=True))
    if batches := _batches(manifest, file):
        names = [*manifest.columns, *manifest.unknown_fields]
        # Maps, not generators: those would hold a batch while the next is made.
        chosen = map(methodcaller("select", names), batches)
        try:
            with counter or nullcontext():
                counted = map(counter.counted, chosen) if counter else chosen
                write_batches(counted, batch_schema(names), constants, target)
        except IrregularError:
            pass  # DuckDB reads other dialects too
        else:
            return
    select = f"SELECT {_columns(db, manifest, file)} FROM {_relation(manifest)} AS report"
    select = contract_select("s3_objects", select, manifest.unknown_fields)
    db.save(select, constants | {"file": str(file)}, target)


def _batches(manifest: Manifest, file: Path) -> Iterator[pa.RecordBatch | pa.Table] | None:
    """The rows of a file as record batches, where that is the way for it."""
    if manifest.format == "ORC":
        return orc.read_batches(file, [*manifest.columns, *manifest.unknown_fields])
    if manifest.format == "CSV":
        if csv_fast.available():
            return csv_fast.read_batches(file, manifest.fields)
        return csv_arrow.read_batches(file, manifest.fields)
    return None


def _relation(manifest: Manifest) -> str:
    """What DuckDB is to select a file's rows from, with parameter `$file`."""
    if manifest.format == "Parquet":
        return "read_parquet($file, binary_as_string = true, hive_partitioning = false)"
    fields = ", ".join(f"'field{at}': 'VARCHAR'" for at in range(len(manifest.fields)))
    return (
        f"read_csv($file, columns = {{{fields}}}, auto_detect = false, header = false, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        "compression = 'gzip', hive_partitioning = false)"
    )


def _columns(db: Session, manifest: Manifest, file: Path) -> str:
    """The columns of `s3_objects`, and unknown fields as text."""
    present = {name: at for at, name in enumerate(manifest.fields)}
    selected: list[str] = []
    for column in tables()["s3_objects"].columns:
        if column.name in DELIVERY:
            expression = f"${column.name}"
        elif column.name not in present:
            expression = "NULL"
        elif manifest.format == "CSV":
            expression = _csv_value(column, f"field{present[column.name]}")
        else:
            expression = _required(column, f'report."{column.name}"')
        selected.append(f'{expression} AS "{column.name}"')
    if manifest.format == "CSV":
        unknown = {name: f"field{present[name]}" for name in manifest.unknown_fields}
    else:
        unknown = _parquet_text(db, manifest, file)
    selected += (f'{expression} AS "{name}"' for name, expression in unknown.items())
    return ", ".join(selected)


def _parquet_text(db: Session, manifest: Manifest, file: Path) -> dict[str, str]:
    """What makes text of each unknown field."""
    if not manifest.unknown_fields:
        return {}
    found = db.connection.execute(
        f"DESCRIBE SELECT * FROM {_relation(manifest)}", {"file": str(file)}
    ).fetchall()
    kinds: dict[str, str] = {name: kind for name, kind, *_ in found}
    # A field that is not there is for DuckDB to miss.
    return {n: sql_text(f'report."{n}"', kinds.get(n, "")) for n in manifest.unknown_fields}


def _csv_value(column: Column, source: str) -> str:
    """A CSV field as its column's type; text that does not fit is an error."""
    found = f"left({source}, 80)"
    if column.name == "key":
        # '+' was a space until 2018; AWS always writes a literal one as %2B.
        parsed = f"TRY(url_decode(replace({source}, '+', '%20')))"
        found = "'a value'"  # a key may be personal, and what is told here is logged
    elif column.type is ColumnType.TEXT:
        return _required(column, source)
    elif column.type is ColumnType.BIGINT:
        # A cast alone would round 5.4 and take 0x10.
        parsed = (
            f"CASE WHEN regexp_full_match({source}, '-?[0-9]+') "
            f"THEN TRY_CAST({source} AS BIGINT) END"
        )
    else:
        parsed = f"TRY_CAST({source} AS {column.type.value})"
    wrong = f"error('column {column.name}: ' || {found} || ' is not valid')"
    return _required(column, f"CASE WHEN {source} IS NOT NULL THEN COALESCE({parsed}, {wrong}) END")


def _required(column: Column, value: str) -> str:
    if column.name in ("bucket", "key"):
        return f"COALESCE({value}, error('column {column.name} is empty'))"
    return value


@contextmanager
def unreadable(address: str, manifest: Manifest, file: Path | None = None) -> Iterator[None]:
    """Errors of reading a report as a ReportError that names `address` and, where one is to blame,
    the column; errors of this machine, such as a full disk, as they are."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if _is_ours(error):
            raise
        reason = _reason(error).replace(str(file or "\n"), "the file")
        raise ReportError(f"{address} is not readable as {manifest.format}: {reason}") from error


def _is_ours(error: Exception) -> bool:
    """Memory or disk ran out here: that says nothing about the report."""
    import duckdb

    if isinstance(error, duckdb.IOException):
        return "gzip" not in str(error).lower()
    if isinstance(error, OSError):
        # One of the system has a number, one about the file has none; Arrow's S3 names AWS.
        return error.errno is not None or "AWS Error" in str(error)
    return isinstance(error, duckdb.OutOfMemoryException | MemoryError)


def _reason(error: Exception) -> str:
    """What an engine's error says and where, without its advice and its copy of the row."""
    text = re.split(r"\n\s*(?:Possible|LINE \d|file = )| Detail: ", str(error))[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(lines[:1] + lines[-1:]))[:300]
