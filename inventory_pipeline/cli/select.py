"""A SELECT of the user's own, over the lake, that can read nothing else and change nothing.

The statement is parsed first and must be one SELECT; its tables become views; then the connection
is locked to those tables' files before it runs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from inventory_pipeline.cli.answer import Row, rows
from inventory_pipeline.cli.coverage import Coverage
from inventory_pipeline.cli.reading import ALL, Reader, of_snapshots

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from inventory_pipeline.lake import Lake, Session

MARTS = ("cost", "security")
"""Groups of the tables that are computed for a snapshot some time after it."""

BATCH_ROWS = 10_000


class SelectError(Exception):
    """The statement is not a SELECT over the lake's tables; the message says what is wrong."""


@dataclass(frozen=True)
class Selected:
    """The rows of a statement, still to be read, and what they rest on."""

    batches: pa.RecordBatchReader
    columns: Sequence[str]
    rows: Iterator[Row]
    coverage: Coverage | None
    snapshot_at: datetime | None
    notes: Sequence[str]


@contextmanager
def selected(reader: Reader, statement: str) -> Iterator[Selected]:
    """Run a user's SELECT; its rows are read while the context lasts. Raises SelectError."""
    with _engine_errors():
        names = _tables(reader, statement)
    with rows_of(reader, statement, names) as found:
        yield found


@contextmanager
def rows_of(
    reader: Reader, statement: str, names: Sequence[str], params: Mapping[str, Any] | None = None
) -> Iterator[Selected]:
    """Run a SELECT over these tables, with `$name` parameters."""
    at = _snapshot(reader, names)
    coverage = _coverage(reader, names, at)
    with _engine_errors(), reader.session(*names, at=at) as session:
        _lock(session, reader.lake)
        found = session.connection.sql(statement, params=dict(params or {}))
        batches = found.to_arrow_reader(BATCH_ROWS)
        values = (row for batch in batches for row in rows(batch))
        notes = tuple(_notes(reader, names, at))
        yield Selected(batches, _distinct(batches.schema.names), values, coverage, at, notes)


@contextmanager
def _engine_errors() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise SelectError(_told(error)) from error


def _tables(reader: Reader, statement: str) -> list[str]:
    """The lake's tables that a statement names, if it is a single SELECT."""
    import duckdb

    from inventory_pipeline.tables import tables

    statements = duckdb.extract_statements(statement)
    if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
        raise SelectError("only a single SELECT is run here: nothing may change the lake")
    known = {name.lower(): name for name in tables()}
    # A session without tables knows the macros, and has nothing to bind names to.
    with reader.engine.session({}) as session:
        # Naming a table may look into files as well.
        _lock(session, reader.lake)
        named = sorted(session.connection.get_table_names(statement))
    for name in named:
        if name.lower() not in known and (near := difflib.get_close_matches(name, known, 1)):
            raise SelectError(f"no table {name}: did you mean {near[0]}? (`inventory list tables`)")
    return [known[name.lower()] for name in named if name.lower() in known]


def _snapshot(reader: Reader, names: Sequence[str]) -> datetime | None:
    """The snapshot to show; None where no table has any, or all are asked for."""
    from inventory_pipeline.tables import tables

    if reader.snapshot == ALL or not any(map(of_snapshots, names)):
        return None
    marts = (n for n in names if of_snapshots(n) and tables()[n].group in MARTS)
    return reader.newest(*marts)


def _coverage(reader: Reader, names: Sequence[str], at: datetime | None) -> Coverage | None:
    """That of the snapshots shown, else of the deliveries; None where neither is read."""
    from inventory_pipeline.tables import tables

    if any(map(of_snapshots, names)):
        return reader.snapshot_coverage(at)
    return reader.delivery_coverage() if any(tables()[n].partitioned_by for n in names) else None


def _notes(reader: Reader, names: Sequence[str], at: datetime | None) -> Iterator[str]:
    if at is None and any(map(of_snapshots, names)):
        yield f"Rows of {len(reader.snapshots)} snapshots."


def _lock(session: Session, lake: Lake) -> None:
    """Leave the connection nothing to read but the lake's tables."""
    folder = f"{lake.location}/tables".replace("'", "''")
    for setting in (
        f"allowed_directories = ['{folder}']" if lake.is_local else "allowed_directories = []",
        "enable_external_access = false",
        "python_enable_replacements = false",
        "lock_configuration = true",
    ):
        session.connection.execute(f"SET {setting}")


def _distinct(names: Sequence[str]) -> list[str]:
    """Column names, numbered where one stands twice."""
    found: list[str] = []
    for name in names:
        found.append(name if name not in found else f"{name}_{len(found) + 1}")
    return found


def _told(error: duckdb.Error) -> str:
    """DuckDB's message without the excerpt of the statement, on one line."""
    lines = takewhile(lambda line: not line.startswith("LINE "), str(error).splitlines())
    return " ".join(line.strip() for line in lines if line.strip())
