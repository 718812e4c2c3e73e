"""Decoding report files: CSV.gz, ORC and Parquet to the rows of `s3_objects`.

A format is a relation to select from and an expression for each column. Keys are decoded once
(CSV only: the other formats hold them raw), empty text is NULL, times are UTC. A value that does
not fit its column is an error, never NULL. Not here: where files come from (`storage`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.columns import Column, ColumnType
from inventory_pipeline.reports.deliveries import Delivery
from inventory_pipeline.reports.errors import ReportError
from inventory_pipeline.reports.manifest import Manifest
from inventory_pipeline.tables import DELIVERY, tables

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Session

UNPACK_BYTES = 8 * 1024 * 1024

UNPACKED_TIMES = 32
"""A CSV file that unpacks to more than this is not unpacked to disk; reports have 5 to 15."""

ORC_ROWS = 65_536
"""Rows handed to DuckDB at a time, so that its threads share one decoded stripe."""


def decode(
    db: Session, manifest: Manifest, delivery: Delivery, file: Path, address: str
) -> list[Path]:
    """Decode one report file to Parquet of `s3_objects` in the lake's scratch folder.

    Memory is the session's limit, plus one stripe for ORC. Raises ReportError naming `address` and,
    where one is to blame, the column.
    """
    import duckdb
    import pyarrow as pa

    constants: dict[str, Any] = dict(zip(DELIVERY, delivery.partition, strict=True))
    try:
        with _relation(db, manifest, file) as (relation, params):
            select = f"SELECT {_columns(manifest)} FROM {relation} AS report"
            return db.build("s3_objects", select, {**constants, **params})
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if _is_ours(error):
            raise
        reason = _reason(error).replace(str(file), "the file")
        raise ReportError(f"{address} is not readable as {manifest.format}: {reason}") from error


def _columns(manifest: Manifest) -> str:
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
    return ", ".join(selected)


def _csv_value(column: Column, source: str) -> str:
    """A CSV field as its column's type; text that does not fit is an error."""
    if column.name == "key":
        # '+' was a space until 2018; AWS always writes a literal one as %2B.
        parsed = f"TRY(url_decode(replace({source}, '+', '%20')))"
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
    wrong = f"error('column {column.name}: ' || left({source}, 80) || ' is not valid')"
    return _required(column, f"CASE WHEN {source} IS NOT NULL THEN COALESCE({parsed}, {wrong}) END")


def _required(column: Column, value: str) -> str:
    if column.name in ("bucket", "key"):
        return f"COALESCE({value}, error('column {column.name} is empty'))"
    return value


@contextmanager
def _relation(
    db: Session, manifest: Manifest, file: Path
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What to select a file's rows from, and the parameters that takes."""
    match manifest.format:
        case "CSV":
            fields = ", ".join(f"'field{at}': 'VARCHAR'" for at in range(len(manifest.fields)))
            with _unpacked(file) as (readable, compression):
                yield (
                    f"read_csv($file, columns = {{{fields}}}, auto_detect = false, header = false, "
                    "delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
                    f"compression = '{compression}', hive_partitioning = false)",
                    {"file": str(readable)},
                )
        case "Parquet":
            yield (
                "read_parquet($file, binary_as_string = true, hive_partitioning = false)",
                {"file": str(file)},
            )
        case "ORC":
            db.connection.register("orc_report", _orc_reader(file, manifest.columns))
            try:
                yield "orc_report", {}
            finally:
                db.connection.unregister("orc_report")


@contextmanager
def _unpacked(file: Path) -> Iterator[tuple[Path, str]]:
    """A gzipped file for DuckDB to read, and how it is compressed.

    With isal (the extra `fast`) it is unpacked first: a fifth less CPU, and DuckDB's threads can
    share the plain file. Otherwise (or where that would fill the disk) DuckDB unpacks it itself.
    """
    try:
        import isal  # noqa: F401
    except ModuleNotFoundError:
        yield file, "gzip"
        return
    plain = file.with_suffix(".csv")
    try:
        yield (plain, "none") if _gunzip(file, plain) else (file, "gzip")
    finally:
        plain.unlink(missing_ok=True)


def _gunzip(file: Path, target: Path) -> bool:
    """Unpack every member of a file; False, and no target, where it grows far too large.

    Raises OSError in DuckDB's words where it is damaged.
    """
    import gzip

    from isal import igzip_threaded
    from isal.igzip_lib import IsalError

    room = max(UNPACK_BYTES, file.stat().st_size * UNPACKED_TIMES)
    if not file.stat().st_size:
        raise OSError("Input is not a GZIP stream")
    try:
        with igzip_threaded.open(file, "rb") as packed, target.open("wb") as unpacked:
            while room >= 0 and (chunk := packed.read(UNPACK_BYTES)):
                room -= unpacked.write(chunk)
    except gzip.BadGzipFile as error:
        raise OSError("Input is not a GZIP stream") from error
    except EOFError as error:
        raise OSError("Unexpected end of GZIP stream") from error
    except IsalError as error:  # type: ignore[misc]  # its stub declares no class
        raise OSError(f"damaged GZIP stream: {error}") from error
    if room < 0:
        target.unlink()
    return room >= 0


def _orc_reader(file: Path, columns: tuple[str, ...]) -> pa.RecordBatchReader:
    """The known columns, a stripe at a time."""
    import pyarrow as pa
    from pyarrow import orc

    report = orc.ORCFile(file)
    if missing := [name for name in columns if name not in report.schema.names]:
        raise pa.ArrowInvalid(f"it lacks column {missing[0]}, which the manifest promises")
    schema = pa.schema([report.schema.field(name) for name in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(report.nstripes):
            stripe = report.read_stripe(number, columns=list(columns)).select(list(columns))
            stripe.validate(full=True)  # DuckDB takes Arrow's word that text is UTF-8
            for start in range(0, stripe.num_rows, ORC_ROWS):
                yield stripe.slice(start, ORC_ROWS)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _is_ours(error: Exception) -> bool:
    """Memory or disk ran out here: that says nothing about the report."""
    import duckdb

    if isinstance(error, duckdb.IOException):
        return "GZIP" not in str(error)
    if isinstance(error, OSError):  # one of the system has a number, one about the file has none
        return error.errno is not None
    return isinstance(error, duckdb.OutOfMemoryException | MemoryError)


def _reason(error: Exception) -> str:
    """What an engine's error says and where, without its advice and its copy of the row."""
    text = re.split(r"\n\s*(?:Possible|LINE \d|file = )| Detail: ", str(error))[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(lines[:1] + lines[-1:]))[:300]
