"""The lake: Iceberg tables in a catalogue, and the ways to change one.

`replace` empties partitions and adds rows in one commit; `rewrite` exchanges files of a partition,
and `merge` its rows, against exactly what they read. All retry when another writer was first. Files
that take long to make `arrive` before any commit names them. Readers see only published snapshots
and ingested deliveries. Not here: what a commit does (`commits`), SQL (`engine`), deleting files
(`upkeep`).
"""

from __future__ import annotations

import os
import random
import shutil
import time
import uuid
import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.columns import Column
from inventory_pipeline.lake.adopting import S3Report, append, append_on_s3, upload
from inventory_pipeline.lake.catalog import (
    add_columns,
    create_table,
    drop_history,
    glue_catalog,
    is_to_be_repeated,
    load_table,
    more_columns,
    sqlite_catalog,
    table_for_writing,
)
from inventory_pipeline.lake.commits import (
    Commit,
    Partitions,
    Rewriting,
    apply,
    by_partition,
    remove,
)
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.files import DataFile, dataset, examine, files_of
from inventory_pipeline.lake.schema import extra_column, in_contract, schema_of
from inventory_pipeline.lake.scratch import all_folders, clear, new_folder
from inventory_pipeline.lake.visibility import Visibility
from inventory_pipeline.lake.where import Where, arrow_filter
from inventory_pipeline.tables import DELIVERY, Table, tables

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

COMMIT_ATTEMPTS = 40

SCRATCH_SECONDS = 24 * 3600
"""Files in scratch older than this are of a run that died."""

ARRIVED_SECONDS = 24 * 3600
"""A file that arrived longer ago than this, and that no commit names, may be removed."""


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
            folder = new_folder(self.location)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def scratch_file(self) -> Path:
        return self.scratch / f"{uuid.uuid4()}.parquet"

    def sweep_scratch(self, seconds: float = SCRATCH_SECONDS) -> int:
        """Remove what runs that died left in scratch so long ago; returns how much is younger.

        That of every process on this machine, where the lake is on S3.
        """
        return clear([self.scratch] if self.is_local else all_folders(self.location), seconds)

    # -- writing -------------------------------------------------------------------------------

    def replace(
        self, table: str, partitions: Sequence[Where], data: pa.Table | Sequence[Path | DataFile]
    ) -> Commit:
        """Empty these partitions and add `data`, whose rows belong to them, in one commit.

        `data` is an Arrow table or Parquet files of the table's contract, one partition a file:
        those in scratch are moved into the table, a `DataFile` arrived there. An unpartitioned
        table has the one partition `{}`; a partition may name fewer columns than the table is
        partitioned by and then means all that match. Raises LakeError, the table unchanged, where
        data breaks the contract.
        """
        contract = tables()[table]
        emptied = Partitions(contract, partitions)
        written = data if isinstance(data, Sequence) else self._write(contract, data)
        scratch = [file for file in written if isinstance(file, Path)]
        arrived = [file for file in written if isinstance(file, DataFile) and file.rows]
        made = [file for file in (examine(contract, path) for path in scratch) if file.rows]
        emptied.check_hold([*arrived, *made])
        added = [*arrived, *(self._move_in(file, table) for file in made)]

        def change(iceberg: IcebergTable | None) -> None:
            iceberg = iceberg or self._create(table)
            if not emptied.none:
                apply(iceberg, emptied.files(iceberg), added)

        conflicts = self._commit(table, change)
        remove(scratch)
        return Commit(table, sum(file.rows for file in added), len(added), conflicts)

    def arrive(self, table: str, file: Path, name: str) -> DataFile:
        """Take a scratch file to where it stays in the table, for a later `replace` to commit.

        `name` says what made it: whoever would make the same file again finds this one by
        `arrived`. One that is there already stays, for a commit may name it. Raises LakeError where
        it breaks the contract.
        """
        examined = examine(tables()[table], file)
        if there := self.arrived(table, name):
            remove([file])
            return there
        target = self._data_path(table, name)
        self._put(file, target)
        remove([file])
        return replace(examined, path=target)

    def arrived(self, table: str, name: str) -> DataFile | None:
        """The file that arrived by this name, while it is sure to stay until it is committed."""
        target = self._data_path(table, name)
        path = target.removeprefix("s3://")
        info = self.filesystem.get_file_info(path)
        if not info.is_file or info.mtime_ns / 1e9 < time.time() - ARRIVED_SECONDS / 2:
            return None
        return self._there(table, target)

    def _there(self, table: str, target: str) -> DataFile:
        """A file where it stays, examined."""
        path = target.removeprefix("s3://")
        return replace(examine(tables()[table], path, self.filesystem), path=target)

    def adopt(
        self, table: str, report: Path | S3Report, footer_start: int, tail: Path, name: str
    ) -> DataFile:
        """Have a report, with `tail` in place of its footer, arrive in the table by this name.

        A local report becomes the lake's, as does the tail. One on S3 is copied there by S3, where
        the lake is there too. Raises LakeError where the whole breaks the contract.
        """
        if not isinstance(report, S3Report):
            append(report, footer_start, tail)
            return self.arrive(table, report, name)
        target = self._data_path(table, name)
        if not self.is_local and append_on_s3(report, footer_start, tail, target):
            return self._there(table, target)
        fetched = report.fetch(self.scratch_file(), footer_start)
        return self.adopt(table, fetched, footer_start, tail, name)

    def evolve(self, table: str, names: Sequence[str]) -> None:
        """Give a table that grows columns of text by these names, save those that it has."""
        if not tables()[table].grows:
            raise LakeError(f"table {table}: its columns are those of its contract")
        wanted = tuple(map(extra_column, names))
        if set(wanted) <= set(self.columns(table)):
            return

        def change(iceberg: IcebergTable | None) -> None:
            add_columns(iceberg or self._create(table), wanted)

        self._commit(table, change)

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
        emptied = Partitions(contract, [partition])
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
                apply(iceberg, dropped, [there for _, there in arrived])

        conflicts = self._commit(table, change)
        remove(given)
        return Commit(table, sum(file.rows for file, _ in arrived), len(arrived), conflicts)

    def _commit(self, table: str, change: Callable[[IcebergTable | None], None]) -> int:
        """Change the newest state of a table until no other writer comes between."""
        for conflicts in range(COMMIT_ATTEMPTS):
            try:
                change(table_for_writing(self._catalog, table))
            except Exception as error:  # raised again unless nothing was committed
                if not is_to_be_repeated(error):
                    raise
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
        for rows in by_partition(in_contract(table.name, data), table.partitioned_by):
            files.append(self.scratch_file())
            pq.write_table(rows, files[-1], compression="zstd", compression_level=1)
        return files

    def _move_in(self, written: DataFile, table: str) -> DataFile:
        """Move a scratch file into the table; returns it with its final path."""
        target = self._data_path(table, str(uuid.uuid4()))
        self._put(Path(written.path), target)
        return replace(written, path=target)

    def _put(self, file: Path, target: str) -> None:
        """Move a scratch file there, wholly or not at all; on S3 a copy."""
        if self.is_local:
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)
        else:
            upload(file, target)

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

    def _data_path(self, table: str, name: str) -> str:
        return f"{self._location(table)}/data/{name}.parquet"

    def drop_history(self, table: str) -> None:
        """Have a table keep its newest Iceberg snapshot only; its files stay."""
        self._commit(table, lambda iceberg: drop_history(iceberg) if iceberg else None)

    def iceberg(self, table: str) -> IcebergTable | None:
        """The Iceberg table as it is now; None where nothing was ever written to it."""
        return load_table(self._catalog, table)

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
        return seen.of(contract, found)

    def columns(self, table: str) -> tuple[Column, ...]:
        """A table's columns: those of its contract, and after them what it has grown."""
        contract = tables()[table]
        iceberg = load_table(self._catalog, table) if contract.grows else None
        return contract.columns + (more_columns(iceberg, contract) if iceberg else ())

    def _rows(
        self,
        files: Sequence[DataFile],
        table: str,
        where: Where,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        import pyarrow.dataset as ds

        schema = schema_of(self.columns(table))
        rows = (
            dataset(files, schema, self.filesystem) if files else ds.dataset(schema.empty_table())
        )
        return rows.to_table(
            columns=list(columns) if columns else None, filter=arrow_filter(where, schema)
        )

    def snapshots(self) -> list[datetime]:
        """Published snapshots, oldest first."""
        return sorted(self.read("snapshots", columns=["snapshot_at"])["snapshot_at"].to_pylist())

    def deliveries(self, days: Collection[date] | None = None) -> set[tuple[date, str, str]]:
        """Days, buckets and configurations whose objects readers may see, of all days or some."""
        where = {"status": "ingested"} | ({} if days is None else {"delivered_on": sorted(days)})
        rows = self.read("s3_deliveries", where, DELIVERY)
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
