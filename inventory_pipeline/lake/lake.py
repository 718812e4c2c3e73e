"""The lake: Iceberg tables in a catalogue, and the ways to change one.

`replace` empties partitions and adds rows in one commit; `rewrite` exchanges files of a partition,
and `merge` its rows, against exactly what they read. All retry when another writer was first.
Readers see only published snapshots and ingested deliveries. Not here: SQL (`engine`), deleting
files (`upkeep`).
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
import uuid
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.lake.catalog import (
    append_to,
    create_table,
    expire_snapshots,
    glue_catalog,
    load_table,
    sqlite_catalog,
    table_for_writing,
)
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.files import DataFile, dataset, examine, files_of, registered
from inventory_pipeline.lake.schema import arrow_schema, in_contract
from inventory_pipeline.lake.visibility import Visibility
from inventory_pipeline.lake.where import Where, arrow_filter
from inventory_pipeline.tables import DELIVERY, Table, tables

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile as IcebergFile
    from pyiceberg.table import Table as IcebergTable

COMMIT_ATTEMPTS = 40

SCRATCH_SECONDS = 24 * 3600
"""Files in scratch older than this are of a run that died."""


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


class Lake:
    """Tables under one location, a local folder or an `s3://` prefix."""

    def __init__(self, location: str, catalog: Catalog) -> None:
        self.location = location
        self._catalog = catalog

    @classmethod
    def open(cls, location: str, *, catalog: str = "sqlite", create: bool = True) -> Lake:
        """Open (or, with `create`, make) the lake at a folder or `s3://bucket/prefix`.

        `catalog` is `sqlite` (a file in the folder) or `glue`. Raises LakeError where there is no
        lake and none is to be made.
        """
        if catalog == "glue":
            return cls(location.rstrip("/"), glue_catalog(location))
        if "://" in location:
            raise LakeError(f"a lake at {location} needs the glue catalog (lake.catalog)")
        root = Path(location).expanduser().absolute()
        if not create and not (root / "catalog.db").exists():
            raise LakeError(f"no lake at {root}: run `inventory collect` or `inventory demo` first")
        root.mkdir(parents=True, exist_ok=True)
        return cls(str(root), sqlite_catalog(root))

    @property
    def is_local(self) -> bool:
        return "://" not in self.location

    @cached_property
    def scratch(self) -> Path:
        """A folder for files to be handed to `replace`; local, and beside a local lake's tables."""
        if self.is_local:
            folder = Path(self.location) / "scratch"
            folder.mkdir(exist_ok=True)
        else:
            folder = Path(tempfile.mkdtemp(prefix="inventory-lake-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def scratch_file(self) -> Path:
        return self.scratch / f"{uuid.uuid4()}.parquet"

    def sweep_scratch(self) -> int:
        """Remove what runs that died left in scratch a day ago or earlier; returns how much."""
        old = time.time() - SCRATCH_SECONDS
        dead = [path for path in self.scratch.iterdir() if path.lstat().st_mtime < old]
        for path in dead:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(dead)

    # -- writing -------------------------------------------------------------------------------

    def replace(
        self, table: str, partitions: Sequence[Where], data: pa.Table | Sequence[Path]
    ) -> Commit:
        """Empty these partitions and add `data`, whose rows belong to them, in one commit.

        `data` is an Arrow table or Parquet files of the table's contract, one partition a file;
        files are moved into the table. An unpartitioned table has the one partition `{}`; a
        partition may name fewer columns than the table is partitioned by and then means all that
        match. Raises LakeError, the table unchanged, where data breaks the contract.
        """
        contract = tables()[table]
        emptied = _Partitions(contract, partitions)
        written = data if isinstance(data, Sequence) else self._write(contract, data)
        added = [f for f in (examine(contract, path) for path in written) if f.rows]
        emptied.check_hold(added)
        moved = [self._move_in(file, table) for file in added]

        def change(iceberg: IcebergTable | None) -> None:
            iceberg = iceberg or self._create(table)
            if not emptied.none:
                _change(iceberg, emptied.files(iceberg), moved)

        conflicts = self._commit(table, change)
        _remove(written)
        return Commit(table, sum(file.rows for file in added), len(moved), conflicts)

    def merge(self, table: str, partition: Where, fn: Callable[[pa.Table], pa.Table]) -> Commit:
        """Change one partition: `fn` gets its rows and gives the new ones.

        The commit holds only if nobody wrote the table since it was read; otherwise the partition
        is read again and `fn` runs again, so no writer's rows are lost.
        """

        def rewritten(current: Sequence[DataFile]) -> Rewriting:
            rows = fn(self._rows(current, table, partition))
            return Rewriting((), self._write(tables()[table], rows))

        return self.rewrite(table, partition, rewritten)

    def rewrite(
        self, table: str, partition: Where, fn: Callable[[Sequence[DataFile]], Rewriting]
    ) -> Commit:
        """Change one partition by its files: `fn` gets those it has and says what becomes of it.

        As with `merge`, `fn` runs again when another writer came first. Whatever new files it ever
        gave are the lake's: gone from where they were when this returns, but not before. Where
        nothing is to change, nothing is committed and no table made.
        """
        contract = tables()[table]
        emptied = _Partitions(contract, [partition])
        given: set[Path] = set()
        arrived: list[tuple[DataFile, DataFile]] = []

        def change(iceberg: IcebergTable | None) -> None:
            self._move_back(arrived)  # of an attempt that was overtaken
            current = emptied.files(iceberg) if iceberg else []
            outcome = fn([ours for ours, _ in current])
            given.update(outcome.new)
            added = [f for f in (examine(contract, path) for path in outcome.new) if f.rows]
            emptied.check_hold(added)
            kept = {file.path for file in outcome.kept}
            dropped = [(ours, theirs) for ours, theirs in current if ours.path not in kept]
            if added or dropped:
                iceberg = iceberg or self._create(table)
                arrived.extend((file, self._move_in(file, table)) for file in added)
                _change(iceberg, dropped, [there for _, there in arrived])

        conflicts = self._commit(table, change)
        _remove(given)
        return Commit(table, sum(file.rows for file, _ in arrived), len(arrived), conflicts)

    def _commit(self, table: str, change: Callable[[IcebergTable | None], None]) -> int:
        """Change the newest state of a table until no other writer comes between."""
        from pyiceberg.exceptions import CommitFailedException

        for conflicts in range(COMMIT_ATTEMPTS):
            try:
                change(table_for_writing(self._catalog, table))
            except CommitFailedException:
                time.sleep(random.uniform(0, min(0.02 * 2**conflicts, 1.0)))  # noqa: S311
            else:
                return conflicts
        raise LakeError(
            f"table {table}: gave up after {COMMIT_ATTEMPTS} commits that other writers overtook; "
            "run fewer writers at once"
        )

    def _create(self, table: str) -> IcebergTable:
        """A table that was not there; raises CommitFailedException where it is, with rows."""
        from pyiceberg.exceptions import CommitFailedException

        iceberg = create_table(self._catalog, table, self._location(table))
        if iceberg.current_snapshot() is not None:
            raise CommitFailedException(f"table {table}: another writer has just made it")
        return iceberg

    def _write(self, table: Table, data: pa.Table) -> list[Path]:
        """Write each partition's rows to a file in scratch."""
        import pyarrow.parquet as pq

        files: list[Path] = []
        for rows in _by_partition(in_contract(table.name, data), table.partitioned_by):
            files.append(self.scratch_file())
            pq.write_table(rows, files[-1], compression="zstd", compression_level=1)
        return files

    def _move_in(self, written: DataFile, table: str) -> DataFile:
        """Move a scratch file into the table (to S3: copy); returns it with its final path."""
        file = Path(written.path)
        target = f"{self._location(table)}/data/{uuid.uuid4()}.parquet"
        if self.is_local:
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)
        else:
            path = target.removeprefix("s3://")
            with file.open("rb") as source, self.filesystem.open_output_stream(path) as sink:
                shutil.copyfileobj(source, sink, 8 * 1024 * 1024)
        return replace(written, path=target)

    def _move_back(self, arrived: list[tuple[DataFile, DataFile]]) -> None:
        """Have files that no commit names where they came from."""
        while arrived:
            file, there = arrived.pop()
            if self.is_local:
                os.replace(there.path, file.path)
            else:
                self.filesystem.delete_file(there.path.removeprefix("s3://"))

    def _location(self, table: str) -> str:
        return f"{self.location}/tables/{table}"

    # -- reading -------------------------------------------------------------------------------

    def read(
        self, table: str, where: Where | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The visible rows of a table as Arrow, in contract types."""
        return self._rows(self.files(table, where), table, where or {}, columns)

    def files(
        self, table: str, where: Where | None = None, *, visible: bool | Visibility = True
    ) -> list[DataFile]:
        """The data files that may hold such rows; without `visible`, unpublished ones as well."""
        contract = tables()[table]
        iceberg = load_table(self._catalog, table)
        if iceberg is None:
            return []
        prunes = {c: v for c, v in (where or {}).items() if c in contract.partitioned_by}
        found = [ours for ours, _ in files_of(iceberg, prunes)]
        if visible is False:
            return found
        seen = Visibility(self) if visible is True else visible
        return [file for file in found if seen.shows(contract, file.partition)]

    def _rows(
        self,
        files: Sequence[DataFile],
        table: str,
        where: Where,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        import pyarrow.dataset as ds

        schema = arrow_schema(table)
        rows = (
            dataset(files, schema, self.filesystem) if files else ds.dataset(schema.empty_table())
        )
        return rows.to_table(
            columns=list(columns) if columns else None, filter=arrow_filter(where, schema)
        )

    def snapshots(self) -> list[datetime]:
        """Published snapshots, oldest first."""
        return sorted(self.read("snapshots", columns=["snapshot_at"])["snapshot_at"].to_pylist())

    def deliveries(self) -> set[tuple[date, str, str]]:
        """Days, buckets and configurations whose objects readers may see."""
        rows = self.read("s3_deliveries", {"status": "ingested"}, DELIVERY)
        return set(zip(*(rows[name].to_pylist() for name in DELIVERY), strict=True))

    @cached_property
    def filesystem(self) -> FileSystem:
        """The Arrow filesystem that holds the lake's files."""
        from pyarrow import fs

        if self.is_local:
            return fs.LocalFileSystem()
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            return fs.S3FileSystem(endpoint_override=endpoint)
        bucket = self.location.removeprefix("s3://").split("/")[0]
        return fs.S3FileSystem(region=fs.resolve_s3_region(bucket))


class _Partitions:
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


def _change(
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
            for new in added:
                append.append_data_file(registered(iceberg, new))
    if dropped or added:
        expire_snapshots(transaction, iceberg.metadata)
    transaction.commit_transaction()


def _remove(files: Iterable[Path]) -> None:
    """Remove what was moved out of scratch, or not needed."""
    for file in files:
        file.unlink(missing_ok=True)


def _by_partition(data: pa.Table, columns: Sequence[str]) -> list[pa.Table]:
    """The rows of each partition; where a table has none, all rows."""
    if not data.num_rows:
        return []
    if not columns:
        return [data]
    keys = data.select(list(columns)).group_by(list(columns)).aggregate([]).to_pylist()
    if len(keys) == 1:
        return [data]
    return [data.filter(arrow_filter(key, data.schema)) for key in keys]
