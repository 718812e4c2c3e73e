"""Data files: those an Iceberg table has now, and whether a new one fits a table's contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
    from pyarrow.fs import FileSystem
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.io import FileIO
    from pyiceberg.io.pyarrow import DataFileStatistics
    from pyiceberg.manifest import DataFile as IcebergFile
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.partitioning import PartitionField
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
    manifests = [
        _Manifest(m, iceberg.spec().fields, iceberg.io) for m in _manifests(iceberg, where)
    ]
    # Threads, since on S3 each manifest is a round trip.
    for found in ExecutorFactory.get_or_create().map(_entries, manifests):
        for ours, theirs in found:
            if all(ours.partition[column] in values for column, values in wanted.items()):
                yield ours, theirs


@dataclass(frozen=True)
class _Manifest:
    """A manifest and what it takes to read it; the same as any other of its path."""

    file: ManifestFile
    fields: Sequence[PartitionField] = field(compare=False)
    io: FileIO = field(compare=False)


@lru_cache(maxsize=128)
def _entries(manifest: _Manifest) -> tuple[tuple[DataFile, IcebergFile], ...]:
    """What a manifest lists. It never changes, so neither does this; 128 are some 30 MB."""
    entries = manifest.file.fetch_manifest_entry(manifest.io, discard_deleted=True)
    return tuple((_ours(e.data_file, manifest.fields), e.data_file) for e in entries)


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


def _ours(file: IcebergFile, fields: Sequence[PartitionField]) -> DataFile:
    return DataFile(
        file.file_path.removeprefix("file://"),
        {field.name: _value(field.name, file.partition[i]) for i, field in enumerate(fields)},
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


def dataset(files: Sequence[DataFile], schema: pa.Schema, filesystem: FileSystem) -> ds.Dataset:
    """The rows of these files for Arrow to read; columns that a file lacks are NULL."""
    import pyarrow.dataset as ds

    return ds.FileSystemDataset.from_paths(
        [file.path.removeprefix("s3://") for file in files],
        schema=schema,
        format=ds.ParquetFileFormat(),
        filesystem=filesystem,
    )


def registered(iceberg: IcebergTable, files: Iterable[DataFile]) -> Iterator[IcebergFile]:
    """The entries of Parquet files for the table's manifests.

    Their partitions are what we say, for not every engine's files have statistics of text to tell
    them by. Iceberg takes a file's own field ids, where it has them, for the table's: raises
    LakeError where they are others, since columns would be taken for one another.
    """
    import pyarrow.parquet as pq
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )

    plan = compute_statistics_plan(iceberg.schema(), iceberg.properties)
    field_ids = parquet_path_to_id_mapping(iceberg.schema())
    for file in files:
        with iceberg.io.new_input(file.path).open() as stream:
            footer = pq.read_metadata(stream)
        _check_fields(iceberg, footer)
        statistics = data_file_statistics_from_parquet_metadata(footer, plan, field_ids)
        yield _entry(iceberg, file, statistics)


def _entry(iceberg: IcebergTable, file: DataFile, statistics: DataFileStatistics) -> IcebergFile:
    from pyiceberg.manifest import DataFile as IcebergFile
    from pyiceberg.manifest import DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    return IcebergFile.from_args(
        content=DataFileContent.DATA,
        file_path=file.path,
        file_format=FileFormat.PARQUET,
        partition=Record(*(_raw(file.partition[f.name]) for f in iceberg.spec().fields)),
        file_size_in_bytes=file.bytes,
        sort_order_id=None,
        spec_id=iceberg.spec().spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _check_fields(iceberg: IcebergTable, footer: pq.FileMetaData) -> None:
    known = {column.name: column.field_id for column in iceberg.schema().fields}
    for column in footer.schema.to_arrow_schema():
        if column.name not in known:
            raise LakeError(
                f"table {iceberg.name()[-1]}: a file has column {column.name}, and the table has "
                "not; let it grow first (`Lake.evolve`)"
            )
        field_id = (column.metadata or {}).get(b"PARQUET:field_id")
        if field_id is not None and int(field_id) != known[column.name]:
            raise LakeError(
                f"table {iceberg.name()[-1]}: column {column.name} is field {int(field_id)} in a "
                f"file, and {known[column.name]} in the table; have it written to a staging table "
                "of the table's own fields"
            )


def _raw(value: Value | None) -> Value | None:
    """A partition value as Iceberg counts it; `_value` is the way back."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    return value


def examine(table: Table, path: Path | str, filesystem: FileSystem | None = None) -> DataFile:
    """A Parquet file that is to become the table's; raises LakeError where it breaks the contract.

    All rows must be of one partition. Columns may be fewer than the contract's, but not other, save
    for columns of text where the table grows. NULLs and repeated keys are for `contract` to find.
    """
    import pyarrow.parquet as pq
    from pyarrow import fs

    filesystem = filesystem or fs.LocalFileSystem()
    with pq.ParquetFile(str(path), filesystem=filesystem) as file:
        _check_types(table, file.metadata)
        partition = {name: _only_value(table, file, name) for name in table.partitioned_by}
        rows = file.metadata.num_rows
    return DataFile(str(path), partition, rows, filesystem.get_file_info(str(path)).size)


def _check_types(table: Table, footer: pq.FileMetaData) -> None:
    import pyarrow as pa

    contract = arrow_schema(table.name)
    for column in footer.schema.to_arrow_schema():
        if column.name not in contract.names:
            if table.grows and column.type == pa.string():
                continue
            raise LakeError(f"table {table.name}: no column {column.name} in its contract")
        if column.type != (wanted := contract.field(column.name).type):
            raise LakeError(
                f"table {table.name}: column {column.name} is {column.type}, its contract says "
                f"{wanted}"
            )


def _only_value(table: Table, file: pq.ParquetFile, column: str) -> Value | None:
    values = _bounds(file.metadata, column)
    if values is None:
        values = _all_values(file, column)
    if len(values) > 1:
        raise LakeError(
            f"table {table.name}: one file holds several partitions "
            f"({column}: {', '.join(sorted(map(str, values)))}); write a file for each"
        )
    return values.pop() if values else None


def _bounds(footer: pq.FileMetaData, column: str) -> set[Value | None] | None:
    """A column's least and greatest values; None where the file's statistics do not tell."""
    bounds: set[Value | None] = set()
    for statistics in _statistics(footer, column):
        if statistics is None or not statistics.has_min_max:
            return None
        bounds |= {statistics.min, statistics.max}
    return bounds


def _all_values(file: pq.ParquetFile, column: str) -> set[Value | None]:
    """A column's distinct values, read from the file; none where it has no such column."""
    found = file.read(columns=[column])
    return set(found[column].unique().to_pylist()) if found.num_columns else set()


def _statistics(footer: pq.FileMetaData, column: str) -> list[pq.Statistics | None]:
    """Statistics of a flat column in each row group; None where there are none to be had."""
    index = {footer.schema.column(i).path: i for i in range(footer.num_columns)}.get(column)
    if index is None:
        return [None] * footer.num_row_groups
    return [footer.row_group(g).column(index).statistics for g in range(footer.num_row_groups)]
