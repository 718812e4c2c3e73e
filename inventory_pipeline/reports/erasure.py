"""Erasing what the lake knows of a bucket's keys, or of those with a prefix.

Keys stand in the objects, in what is derived of them, in manifests for archiving and in the
published warehouse. Deliveries are hidden while they are changed. The ledger keeps them, so that
nothing is ingested again; a run that was cut short is completed by the next of the same keys. Not
here: how bytes are made to go (`lake.erasing`), the reports in S3, which are AWS's copy.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.lake.erasing import erase_rows, forget_history, holding
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.residue import abort_uploads, forget_versions
from inventory_pipeline.lake.turns import INGESTION, Turn, alone
from inventory_pipeline.lake.where import Where
from inventory_pipeline.reports.ledger import ONCE_MENDED, Partition, Row, change_ledger
from inventory_pipeline.reports.ledger import TABLE as LEDGER
from inventory_pipeline.reports.partials import Grouping, roll_up
from inventory_pipeline.reports.rollup import usage_select
from inventory_pipeline.tables import DELIVERY, Table, tables

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import DuckDBEngine, Lake

RECORD = "erasures"
OBJECTS, USAGE = "s3_objects", "s3_usage"
MANIFESTS, CANDIDATES = "archive_manifests", "archive_candidates"
SOURCE = "source_bucket"

KEYS = re.compile(r"(?!price_key$)(?:.*_)?(?:key|prefix)")
"""Columns that hold an object's key, or the beginning of one; a `price_key` is the price book's."""

SCRATCH_SECONDS = 3600
"""What is in scratch and younger may be of a run under way."""

UNDER_WAY = "may be of a run under way: erase again when it ended"
NOTE = "erased on request"


@dataclass(frozen=True)
class Keys:
    """The keys to erase: those of a bucket, or those of it that begin with a prefix."""

    source: str
    prefix: str = ""

    def columns(self, table: Table) -> set[str]:
        """The columns that tell whether a row is meant; none where no row can be."""
        if SOURCE not in {column.name for column in table.columns}:
            return set()
        keys = {column.name for column in table.columns if KEYS.fullmatch(column.name)}
        return {SOURCE, *keys} if keys or not self.prefix else set()

    def chosen(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """The rows that are meant.

        One of several buckets, whose source is NULL, is if it may be of this one.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        def text(name: str) -> pa.Array:
            return batch.column(name).cast(pa.string())

        here = pc.fill_null(pc.equal(text(SOURCE), self.source), True)
        if not self.prefix:
            return here
        begins = pa.repeat(False, batch.num_rows)
        for name in filter(KEYS.fullmatch, batch.schema.names):
            begins = pc.or_(begins, pc.fill_null(pc.starts_with(text(name), self.prefix), False))
        return pc.and_(here, begins)

    @property
    def prefix_sha256(self) -> str | None:
        return hashlib.sha256(self.prefix.encode()).hexdigest() if self.prefix else None


@dataclass(frozen=True)
class Held:
    """Rows of a table that are to go, and the data files that hold them."""

    table: str
    rows: int
    files: int
    bytes: int
    partitions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Survey:
    """What an erasure is to take away."""

    held: tuple[Held, ...]
    manifests: tuple[Row, ...]

    @property
    def deliveries(self) -> set[Partition]:
        """The days, buckets and configurations of the objects that are to go."""
        return {
            (p["delivered_on"], p[SOURCE], p["configuration_id"])
            for held in self.held
            if held.table in (OBJECTS, USAGE)
            for p in held.partitions
        }


@dataclass(frozen=True)
class Erased:
    """What became of it: files removed from the lake, and what is left, each with the reason."""

    removed: int
    left: tuple[str, ...]


def derived_tables() -> Iterator[Table]:
    """The tables of the lake with rows of a delivery."""
    for table in tables().values():
        if table.name not in (LEDGER, RECORD) and SOURCE in {c.name for c in table.columns}:
            yield table


def survey(engine: DuckDBEngine, keys: Keys) -> Survey:
    """Look through the lake for such keys; changes nothing."""
    held = tuple(filter(None, (_held(engine.lake, keys, table) for table in derived_tables())))
    return Survey(held, tuple(_manifests(engine, keys)))


def _held(lake: Lake, keys: Keys, table: Table) -> Held | None:
    columns = keys.columns(table)
    if not columns:
        return None
    found = holding(lake, table.name, _where(table, keys), keys.chosen, columns)
    if not found:
        return None
    partitions = {tuple(one.file.partition.items()): one.file.partition for one in found}
    return Held(
        table.name,
        sum(one.rows for one in found),
        len(found),
        sum(one.file.bytes for one in found),
        tuple(partitions.values()),
    )


def _where(table: Table, keys: Keys) -> Where:
    return {SOURCE: keys.source} if SOURCE in table.partitioned_by else {}


def _manifests(engine: DuckDBEngine, keys: Keys) -> list[Row]:
    """The recorded manifests that list such keys."""
    where = {SOURCE: keys.source}
    sql = (
        f"SELECT * FROM {MANIFESTS} WHERE $prefix = '' OR plan_id IN ("
        f"SELECT plan_id FROM {CANDIDATES} WHERE starts_with(key, $prefix))"
    )
    views = dict.fromkeys((MANIFESTS, CANDIDATES), where)
    with engine.session(views, published=False) as db:
        rows: list[Row] = db.query(sql, {"prefix": keys.prefix}).to_pylist()
        return rows


@dataclass(frozen=True)
class Erasing:
    """How an erasure is done: by whom, with what settings, and by what means outside the lake."""

    engine: DuckDBEngine
    keys: Keys
    by: str
    clock: Callable[[], datetime]
    prefix_depth: int
    prefix_limit: int
    delete_manifest: Callable[[str], None]
    publish: Callable[[], None]

    def run(self, found: Survey) -> Erased:
        """Erase what was found, and what an earlier run of the same keys left half done.

        Manifests go before the candidates that tell of them, which stay where one could not be
        deleted, or the next run would not find it. The record is complete last. No ingestion
        commits meanwhile.
        """
        with alone(self.engine.lake, INGESTION) as turn:
            return self._run_alone(found, turn)

    def _run_alone(self, found: Survey, turn: Turn) -> Erased:
        lake, keys = self.engine.lake, self.keys
        record = self._begin(found)
        left = self._delete_manifests(found.manifests)
        kept = {USAGE, MANIFESTS, *([CANDIDATES] if left else [])}
        turn.check()
        self._mark(found.deliveries)
        for held in found.held:
            if held.table not in kept:
                for partition in held.partitions:
                    turn.check()
                    columns = keys.columns(tables()[held.table])
                    erase_rows(lake, held.table, partition, keys.chosen, columns)
        turn.check()
        self._show_what_remains()
        self._drop_unfinished(found.deliveries)
        # An error in the ledger may have named a key.
        read = {table.name: keys.columns(table) for table in derived_tables()} | {LEDGER: {SOURCE}}
        removed = 0
        for table, columns in read.items():
            if columns:
                turn.check()
                removed += forget_history(lake, table, keys.chosen, columns)
        left += self._clear_residue([table for table, columns in read.items() if columns])
        left += self._clear_scratch()
        self.publish()
        if not left:
            self._write(record | {"finished_at": self.clock()})
        return Erased(removed, tuple(left))

    def _begin(self, found: Survey) -> Row:
        """The record of what is to be done, made before anything is; that of a run cut short."""
        keys, held = self.keys, found.held
        for row in self.engine.lake.read(RECORD, {SOURCE: keys.source}).to_pylist():
            if row["finished_at"] is None and row["prefix_sha256"] == keys.prefix_sha256:
                return dict(row)
        record = {
            "erasure_id": str(uuid.uuid4()),
            SOURCE: keys.source,
            "prefix_sha256": keys.prefix_sha256,
            "requested_by": self.by,
            "started_at": self.clock(),
            "finished_at": None,
            "deliveries": len(found.deliveries),
            "tables": len(held),
            "rows": sum(one.rows for one in held),
            "files": sum(one.files for one in held),
            "bytes": sum(one.bytes for one in held),
            "manifests": len(found.manifests),
        }
        self._write(record)
        return record

    def _write(self, record: Row) -> None:
        import pyarrow as pa

        def written(rows: pa.Table) -> pa.Table:
            others = [r for r in rows.to_pylist() if r["erasure_id"] != record["erasure_id"]]
            return pa.Table.from_pylist([*others, record], schema=rows.schema)

        self.engine.lake.merge(RECORD, {}, written)

    def _delete_manifests(self, manifests: Sequence[Row]) -> list[str]:
        """Delete manifests and what is recorded of them; returns why some could not be."""
        lake, left = self.engine.lake, list[str]()
        gone: dict[Partition, set[str]] = {}
        for row in manifests:
            try:
                self.delete_manifest(row["uri"])
            except Exception as error:  # S3 or a disk that refuses: the lake is erased all the same
                why = f"{type(error).__name__}: {error}"
                left.append(f"{row['uri']} is not deleted: {why}; {CANDIDATES} stays as it is")
            else:
                gone.setdefault(_partition(row), set()).add(row["uri"])
        for partition, uris in gone.items():

            def others(rows: pa.Table, uris: set[str] = uris) -> pa.Table:
                kept = [row for row in rows.to_pylist() if row["uri"] not in uris]
                return rows.from_pylist(kept, schema=rows.schema)

            lake.merge(MANIFESTS, dict(zip(DELIVERY, partition, strict=True)), others)
        return left

    def _mark(self, deliveries: set[Partition]) -> None:
        """Have the ledger show none of these deliveries, and name none of the keys.

        Why a report of the bucket is quarantined may quote one, encoded or cut short: all go.
        """

        def marked(row: Row) -> Row:
            if row["status"] == "ingested" and _partition(row) in deliveries:
                return row | {"status": "erased", "error": NOTE}
            if row["status"] != "quarantined" or row[SOURCE] != self.keys.source:
                return row
            _, mended, command = (row["error"] or "").partition(ONCE_MENDED)
            return row | {"error": f"its words were {NOTE}{mended}{command}"}

        rows = self.engine.lake.read(LEDGER, {SOURCE: self.keys.source}).to_pylist()
        concerned = {_partition(row) for row in rows if marked(row) != row}
        self._change(concerned, marked)

    def _show_what_remains(self) -> None:
        """Roll up anew and show deliveries that still have objects; the others stay erased."""
        lake = self.engine.lake
        where = {SOURCE: self.keys.source, "status": "erased"}
        for row in lake.read(LEDGER, where).to_pylist():
            partition = dict(zip(DELIVERY, _partition(row), strict=True))
            files = lake.files(OBJECTS, partition, visible=False)
            if files:
                self._roll_up(row, [file.path for file in files])
                rows = sum(file.rows for file in files)
                self._change({_partition(row)}, partial(_shown, row, rows))
            elif lake.files(USAGE, partition, visible=False):
                lake.replace(USAGE, [partition], [])

    def _drop_unfinished(self, deliveries: set[Partition]) -> None:
        """Empty the rollup of deliveries that no row of the ledger shows: one that was cut short
        is rolled up when it is ingested again."""
        lake = self.engine.lake
        rows = lake.read(LEDGER, {SOURCE: self.keys.source}).to_pylist()
        shown = {_partition(row) for row in rows if row["status"] in ("ingested", "erased")}
        unfinished = [dict(zip(DELIVERY, one, strict=True)) for one in sorted(deliveries - shown)]
        if unfinished:
            lake.replace(USAGE, unfinished, [])

    def _roll_up(self, row: Row, paths: Sequence[str]) -> None:
        lake = self.engine.lake
        partition = {name: row[name] for name in DELIVERY}
        grouping = Grouping(self.prefix_depth, row["delivered_at"])
        with (
            tempfile.TemporaryDirectory(prefix="erasure-", dir=lake.scratch) as folder,
            self.engine.session({}) as db,
        ):
            partials = [Path(folder) / f"{number}.parquet" for number in range(len(paths))]
            for path, target in zip(paths, partials, strict=True):
                roll_up(lake, db, path, grouping, target)
            files = [str(target) for target in partials if target.exists()]
            given = {**partition, "files": files, "prefix_limit": self.prefix_limit}
            lake.replace(USAGE, [partition], db.build(USAGE, usage_select(), given))

    def _change(self, partitions: set[Partition], change: Callable[[Row], Row]) -> None:
        for day in sorted({day for day, _, _ in partitions}):
            of_day = {one for one in partitions if one[0] == day}
            change_ledger(self.engine.lake, day, of_day, lambda rows: [change(row) for row in rows])

    def _clear_residue(self, names: Sequence[str]) -> list[str]:
        """Remove what S3 keeps of removed files; returns why some may be left."""
        lake = self.engine.lake
        try:
            for name in names:
                forget_versions(lake, name)
            young = abort_uploads(lake, self.clock() - timedelta(seconds=SCRATCH_SECONDS))
        except LakeError as error:
            return [str(error)]
        return [f"{young} uploads to {lake.location} {UNDER_WAY}"] if young else []

    def _clear_scratch(self) -> list[str]:
        """Remove what runs have left in scratch; returns what may be of a run under way."""
        lake = self.engine.lake
        young = lake.sweep_scratch(SCRATCH_SECONDS)
        return [f"{young} files in scratch, such as {lake.scratch}, {UNDER_WAY}"] if young else []


def _shown(erased: Row, rows: int, row: Row) -> Row:
    """A row of the ledger; where it is the erased one, as that of a delivery with rows again."""
    return row | {"status": "ingested", "error": None, "rows": rows} if row == erased else row


def _partition(row: Row) -> Partition:
    return row["delivered_on"], row[SOURCE], row["configuration_id"]
