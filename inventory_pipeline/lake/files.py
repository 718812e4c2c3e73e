"""Data files: those an Iceberg table has now, and whether a new one fits a table's contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.lake.where import Value, Where, values_of
from inventory_pipeline.tables import Table

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile as IcebergFile
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table import Table as IcebergTable


@dataclass(frozen=True)
class DataFile:
    """A file of a table: its path, the values of its partition, its rows and bytes."""

    path: str
    partition: Mapping[str, Any]
    rows: int
    bytes: int


def files_of(iceberg: IcebergTable, where: Where) -> Iterator[tuple[DataFile, IcebergFile]]:
    """The live files whose partitions meet `where`, as ours and as Iceberg's."""
    from pyiceberg.utils.concurrent import ExecutorFactory

    wanted = {column: set(values_of(value)) for column, value in where.items()}
    names = tuple(field.name for field in iceberg.spec().fields)
    manifests = [_Manifest(m, names, iceberg.io) for m in _manifests(iceberg, where)]
    # Threads, since on S3 each manifest is a round trip.
    for found in ExecutorFactory.get_or_create().map(_entries, manifests):
        for ours, theirs in found:
            if all(ours.partition[column] in values for column, values in wanted.items()):
                yield ours, theirs


@dataclass(frozen=True)
class _Manifest:
    """A manifest and what it takes to read it; the same as any other of its path."""

    file: ManifestFile
    names: tuple[str, ...] = field(compare=False)
    io: FileIO = field(compare=False)


@lru_cache(maxsize=128)
def _entries(manifest: _Manifest) -> tuple[tuple[DataFile, IcebergFile], ...]:
    """What a manifest lists. It never changes, so neither does this; 128 are some 30 MB."""
    entries = manifest.file.fetch_manifest_entry(manifest.io, discard_deleted=True)
    return tuple((_ours(e.data_file, manifest.names), e.data_file) for e in entries)


def _manifests(iceberg: IcebergTable, where: Where) -> list[ManifestFile]:
    """The manifests that may list such files, by the bounds of their partitions."""
    from pyiceberg.expressions.visitors import manifest_evaluator

    snapshot = iceberg.current_snapshot()
    if snapshot is None:
        return []
    may_match = manifest_evaluator(iceberg.spec(), iceberg.schema(), _expression(where))
    return [manifest for manifest in snapshot.manifests(iceberg.io) if may_match(manifest)]


def _expression(where: Where) -> BooleanExpression:
    from pyiceberg.expressions import AlwaysTrue, And, In

    condition: BooleanExpression = AlwaysTrue()
    for column, value in where.items():
        literals = {v.isoformat() if isinstance(v, date) else v for v in values_of(value)}
        condition = And(condition, In(column, literals))  # type: ignore[call-arg,arg-type]
    return condition


def _ours(file: IcebergFile, names: tuple[str, ...]) -> DataFile:
    return DataFile(
        file.file_path.removeprefix("file://"),
        {name: _value(name, file.partition[i]) for i, name in enumerate(names)},
        file.record_count,
        file.file_size_in_bytes,
    )


def _value(column: str, raw: str | int | None) -> Value | None:
    """A partition value as Python's own type; Iceberg counts days and microseconds."""
    if raw is None or isinstance(raw, str):
        return raw
    if column == "snapshot_at":
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=raw)
    return date(1970, 1, 1) + timedelta(days=raw)


def examine(table: Table, path: Path) -> DataFile:
    """A Parquet file that is to become the table's; raises LakeError where it breaks the contract.

    All rows must be of one partition. Columns may be fewer, but not other, than the contract's.
    NULLs and repeated keys are for `contract` to find.
    """
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    _check_types(table, footer)
    partition = {name: _only_value(table, footer, name) for name in table.partitioned_by}
    return DataFile(str(path), partition, footer.num_rows, path.stat().st_size)


def _check_types(table: Table, footer: pq.FileMetaData) -> None:
    contract = arrow_schema(table.name)
    for column in footer.schema.to_arrow_schema():
        if column.name not in contract.names:
            raise LakeError(f"table {table.name}: no column {column.name} in its contract")
        if column.type != (wanted := contract.field(column.name).type):
            raise LakeError(
                f"table {table.name}: column {column.name} is {column.type}, its contract says "
                f"{wanted}"
            )


def _only_value(table: Table, footer: pq.FileMetaData, column: str) -> Value | None:
    bounds: set[Value | None] = {
        v for s in _statistics(footer, column) if s is not None for v in (s.min, s.max)
    }
    if len(bounds) > 1:
        raise LakeError(
            f"table {table.name}: one file holds several partitions "
            f"({column}: {', '.join(sorted(map(str, bounds)))}); write a file for each"
        )
    return bounds.pop() if bounds else None


def _statistics(footer: pq.FileMetaData, column: str) -> list[pq.Statistics | None]:
    """Statistics of a flat column in each row group; None where there are none to be had."""
    index = {footer.schema.column(i).path: i for i in range(footer.num_columns)}.get(column)
    if index is None:
        return [None] * footer.num_row_groups
    return [footer.row_group(g).column(index).statistics for g in range(footer.num_row_groups)]
