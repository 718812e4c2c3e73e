"""Building growth with memory that does not grow with the deliveries.

A delivery and the one before it are compared range by range of keys, small deliveries many at a
time, by the same SQL that compares them whole. What comes out is held against both deliveries'
usage; where that does not fit (a version listed twice, statistics that lie), it is done again with
more care. Not here: what is compared and how (`comparing`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.marts.sql import with_relations
from inventory_pipeline.marts.storage.growth.comparing import (
    changes_sql,
    growth_of_changes_sql,
    kept_prefixes_sql,
    listed_sql,
    numbered,
    pairs_sql,
    unreconciled_sql,
)
from inventory_pipeline.marts.storage.growth.ranges import RowGroup, cut
from inventory_pipeline.tables import DELIVERY

if TYPE_CHECKING:
    from inventory_pipeline.lake import DataFile, DuckDBEngine, Lake, Session, Where

PIECE_ROWS = 1_000_000
"""Rows of both sides that are compared at once: some 200 MB. Larger pieces are no faster."""

PIECE_DELIVERIES = 500
"""Small deliveries that are compared at once; each has a file or two for each side."""


@dataclass(frozen=True)
class Pair:
    """A delivery of a source (bucket, configuration) and the one before it, by their files.

    `by_version`: whether both reports list all versions.
    """

    source: tuple[str, str]
    by_version: bool
    before: Sequence[DataFile]
    after: Sequence[DataFile]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in (*self.before, *self.after))


@dataclass(frozen=True)
class Piece:
    """Files to be compared, and which keys of them."""

    before: Sequence[DataFile]
    after: Sequence[DataFile]
    by_version: bool
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True)
class Care:
    """How careful to be: by ranges of keys or whole, a version once or as often as it is listed."""

    ranged: bool
    copies: bool


CARES = (Care(True, False), Care(True, True), Care(False, True))
"""From the fastest on; the next is for deliveries whose changes do not fit their usage."""


def build_growth(
    engine: DuckDBEngine, reads: Mapping[str, Where], params: Mapping[str, Any]
) -> list[Path]:
    """The Parquet files of a day's `storage_growth`."""
    objects = reads["s3_objects"]
    with engine.session({name: rows for name, rows in reads.items() if name != "s3_objects"}) as db:
        day = {"delivered_on": params["delivered_on"]}
        db.connection.execute(f"CREATE TABLE pairs AS {pairs_sql()}", day)
        db.connection.execute(f"CREATE TABLE kept_prefixes AS {kept_prefixes_sql()}")
        suspects = _pairs(db, engine.lake, objects)
        pattern = {"prefix_pattern": params["prefix_pattern"]}
        _create_changes(db, pattern)
        for care in CARES:
            for piece in _pieces(engine.lake, suspects, care):
                _compare(db, piece, care, pattern)
            wrong = set(map(tuple, db.connection.execute(unreconciled_sql()).fetchall()))
            suspects = [pair for pair in suspects if pair.source in wrong]
            if not suspects or care is CARES[-1]:
                break
            _forget(db, suspects)
        return db.build("storage_growth", growth_of_changes_sql())


def _pairs(db: Session, lake: Lake, objects: Where) -> list[Pair]:
    """The deliveries of the day that there is something to compare with, with their files."""
    files: defaultdict[tuple[object, ...], list[DataFile]] = defaultdict(list)
    for file in lake.files("s3_objects", objects):
        files[tuple(file.partition[name] for name in DELIVERY)].append(file)
    rows = db.query(
        "SELECT source_bucket, configuration_id, delivered_on, previous_delivered_on, by_version "
        "FROM pairs WHERE previous_delivered_on IS NOT NULL ORDER BY ALL"
    ).to_pylist()
    return [
        Pair(
            (source := (row["source_bucket"], row["configuration_id"])),
            row["by_version"],
            files[row["previous_delivered_on"], *source],
            files[row["delivered_on"], *source],
        )
        for row in rows
    ]


def _pieces(lake: Lake, pairs: Sequence[Pair], care: Care) -> Iterator[Piece]:
    """Large deliveries cut into pieces, small ones put together."""
    gathered: dict[bool, list[Pair]] = {True: [], False: []}
    for pair in pairs:
        if pair.rows > PIECE_ROWS:
            yield from _cut(lake, pair) if care.ranged else (_whole([pair]),)
            continue
        batch = gathered[pair.by_version]
        full = sum(p.rows for p in batch) + pair.rows > PIECE_ROWS
        if batch and (full or len(batch) == PIECE_DELIVERIES):
            yield _whole(batch)
            batch.clear()
        batch.append(pair)
    yield from (_whole(batch) for batch in gathered.values() if batch)


def _whole(pairs: Sequence[Pair]) -> Piece:
    return Piece(
        [file for pair in pairs for file in pair.before],
        [file for pair in pairs for file in pair.after],
        pairs[0].by_version,
    )


def _cut(lake: Lake, pair: Pair) -> Iterator[Piece]:
    """A piece for each range of keys; one alone, which the engine spills, where none can be."""
    groups = [
        *_row_groups(lake, "before", pair.before),
        *_row_groups(lake, "after", pair.after),
    ]
    known = [group for group in groups if group is not None]
    ranges = cut(known, PIECE_ROWS) if len(known) == len(groups) else []
    if not ranges:
        yield _whole([pair])
    by_path = {file.path: file for file in (*pair.before, *pair.after)}
    for keys in ranges:
        before, after = (
            [by_path[path] for path in keys.files.get(side, ())] for side in ("before", "after")
        )
        yield Piece(before, after, pair.by_version, keys.low, keys.high)


def _row_groups(lake: Lake, side: str, files: Sequence[DataFile]) -> Iterator[RowGroup | None]:
    """The row groups of these files; None for one that does not tell its keys."""
    import pyarrow.parquet as pq

    for file in files:
        with pq.ParquetFile(file.path.removeprefix("s3://"), filesystem=lake.filesystem) as opened:
            footer = opened.metadata
        column = footer.schema.names.index("key")
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            keys = group.column(column).statistics
            if keys is None or not keys.has_min_max or not isinstance(keys.min, str):
                yield None
            else:
                yield RowGroup(side, file.path, keys.min, keys.max, group.num_rows)


def _create_changes(db: Session, pattern: Mapping[str, str]) -> None:
    """An empty table `changes`."""
    nothing = listed_sql(f"({db.select('s3_objects', [])})", "TRUE")
    changes = with_relations({"before": nothing, "after": nothing}, changes_sql(single=True))
    db.connection.execute(f"CREATE TABLE changes AS {changes}", pattern)


def _compare(db: Session, piece: Piece, care: Care, pattern: Mapping[str, str]) -> None:
    """Add a piece's changes to the table `changes`."""
    terms = {"low": "key >= $low", "high": "key < $high"}
    bounds = {name: key for name in terms if (key := getattr(piece, name)) is not None}
    where = " AND ".join(["TRUE", *(terms[name] for name in bounds)])
    sides = {}
    for side, files in (("before", piece.before), ("after", piece.after)):
        objects = f"(SELECT * FROM ({db.select('s3_objects', files)}) AS files WHERE {where})"
        listed = listed_sql(objects, "TRUE" if piece.by_version else "FALSE")
        sides[side] = numbered(listed) if care.copies else listed
    changes = with_relations(sides, changes_sql(single=not piece.by_version))
    db.connection.execute(f"INSERT INTO changes {changes}", {**pattern, **bounds})


def _forget(db: Session, pairs: Sequence[Pair]) -> None:
    """Take what was found of these out of the table `changes`."""
    import pyarrow as pa

    names = ("source_bucket", "configuration_id")
    wrong = pa.Table.from_pylist([dict(zip(names, pair.source, strict=True)) for pair in pairs])
    db.connection.register("wrong", wrong)
    db.connection.execute(
        "DELETE FROM changes WHERE (source_bucket, configuration_id) IN (FROM wrong)"
    )
