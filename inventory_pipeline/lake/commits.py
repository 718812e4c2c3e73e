"""What a commit does to a table: the partitions it empties, the files it drops and adds.

Not here: when one is made, and again (`lake`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.lake.catalog import append_to, expire_snapshots
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.files import DataFile, files_of, registered
from inventory_pipeline.lake.where import Where, arrow_filter
from inventory_pipeline.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.manifest import DataFile as IcebergFile
    from pyiceberg.table import Table as IcebergTable


@dataclass(frozen=True)
class Commit:
    """What a commit did: rows added, files added, and how often another writer was first."""

    table: str
    rows: int
    files: int
    conflicts: int


@dataclass(frozen=True)
class Rewriting:
    """What becomes of a partition: the files it keeps, and new Parquet files for it."""

    kept: Collection[DataFile]
    new: Sequence[Path]


class Partitions:
    """The partitions that a commit empties, and into which its rows must fall."""

    def __init__(self, table: Table, partitions: Sequence[Where]) -> None:
        self.table = table
        self.columns = tuple(partitions[0]) if partitions else ()
        if any(set(p) != set(self.columns) for p in partitions):
            raise LakeError(f"table {table.name}: partitions to write must name the same columns")
        if strange := set(self.columns) - set(table.partitioned_by):
            raise LakeError(f"table {table.name}: not partitioned by {', '.join(sorted(strange))}")
        self._keys = {self._key(partition) for partition in partitions}

    @property
    def none(self) -> bool:
        return not self._keys

    def _key(self, partition: Where) -> tuple[object, ...]:
        return tuple(partition[column] for column in self.columns)

    def hold(self, file: DataFile) -> bool:
        return self._key(file.partition) in self._keys

    def check_hold(self, files: Sequence[DataFile]) -> None:
        for file in files:
            if not self.hold(file):
                raise LakeError(
                    f"table {self.table.name}: rows outside the partitions being written, in "
                    f"{dict(file.partition)}"
                )

    def files(self, iceberg: IcebergTable) -> list[tuple[DataFile, IcebergFile]]:
        """The files that these partitions have, as ours and as Iceberg's."""
        where = {column: {key[i] for key in self._keys} for i, column in enumerate(self.columns)}
        return [both for both in files_of(iceberg, where) if self.hold(both[0])]


def apply(
    iceberg: IcebergTable, dropped: list[tuple[DataFile, IcebergFile]], added: list[DataFile]
) -> None:
    """One transaction: drop files, add others, keep the history short."""
    transaction = iceberg.transaction()
    if dropped:
        with transaction.update_snapshot().overwrite() as overwrite:
            for _, file in dropped:
                overwrite.delete_data_file(file)
    if added:
        with append_to(transaction, iceberg) as append:
            for new in registered(iceberg, added):
                append.append_data_file(new)
    if dropped or added:
        expire_snapshots(transaction, iceberg.metadata)
    transaction.commit_transaction()


def remove(files: Iterable[Path]) -> None:
    """Remove what was moved out of scratch, or not needed."""
    for file in files:
        file.unlink(missing_ok=True)


def by_partition(data: pa.Table, columns: Sequence[str]) -> list[pa.Table]:
    """The rows of each partition; where a table has none, all rows."""
    if not data.num_rows:
        return []
    if not columns:
        return [data]
    keys = data.select(list(columns)).group_by(list(columns)).aggregate([]).to_pylist()
    if len(keys) == 1:
        return [data]
    return [data.filter(arrow_filter(key, data.schema)) for key in keys]
