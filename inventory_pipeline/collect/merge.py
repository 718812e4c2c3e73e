"""How a collection joins what the snapshot already has: unknown never means deleted.

A chunk of finished cells joins by files, in DuckDB, so memory is bounded however many rows there
are; where no earlier row is concerned its files are simply added. Tables of rows come first and the
ledger last, so that it never claims what is not there. A cell that was seen completely is never
overwritten by a worse look at it. Not here: making the files (`spool`), when to (`commits`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from inventory_pipeline.collect.cells import GLOBAL
from inventory_pipeline.collect.spool import Chunk
from inventory_pipeline.lake import DuckDBEngine, Rewriting
from inventory_pipeline.lake.engine import file_select
from inventory_pipeline.lake.where import sql_literal
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline.tables import tables

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import DataFile, Lake, Session

MEMORY = "128MB"
"""What DuckDB may use while a chunk joins; it spills what needs more."""

OF_ALL_TYPES = ("resources", "relationships", "metrics")

LEDGER = "SELECT account_id, region, split_part(collector, '.', 1) AS kind, collector, status"

# A complete look replaces what was there, unless that was complete as well and knew a part (detail,
# metrics) that this one does not. An incomplete look removes nothing: it adds to an incomplete one,
# and to rows without a ledger, whose collection may still be running.
DECIDED = """
CREATE OR REPLACE TEMP TABLE decided AS
WITH new AS ({new}),
looks AS (
  SELECT account_id, region, kind, BOOL_OR(collector = kind AND status = 'ok') AS complete
  FROM new GROUP BY account_id, region, kind
),
earlier AS (
  SELECT e.account_id, e.region, e.kind,
    BOOL_OR(e.collector = e.kind AND e.status = 'ok') AS complete,
    BOOL_OR(e.status = 'ok' AND n.status IS DISTINCT FROM 'ok') AS knew_more
  FROM ({earlier}) AS e
  JOIN looks USING (account_id, region, kind)
  LEFT JOIN new AS n
    ON n.account_id = e.account_id AND n.region = e.region AND n.collector = e.collector
  GROUP BY e.account_id, e.region, e.kind
)
SELECT account_id, region, kind,
  CASE
    WHEN earlier.complete AND knew_more THEN 'keep'
    WHEN earlier.complete OR looks.complete THEN 'replace'
    ELSE 'add'
  END AS joining
FROM looks LEFT JOIN earlier USING (account_id, region, kind)
"""

SEEN_AGAIN = """
CREATE TEMP TABLE seen_again AS
SELECT DISTINCT d.account_id, d.region, d.kind, r.resource_id
FROM ({resources}) AS r JOIN decided AS d ON {same_cell}
WHERE d.joining = 'add'
"""


def join_chunk(lake: Lake, snapshot_at: datetime, chunk: Chunk) -> None:
    """Commit a chunk's cells to a snapshot, table by table, and remove its files."""
    partition = {"snapshot_at": snapshot_at}
    engine = DuckDBEngine(lake, MEMORY, threads=1)
    with engine.session({"coverage": partition}, published=False) as db:
        join = _Join(db, chunk)
        join.decide("SELECT * FROM coverage")
        join.see_again()
        for table in join.tables():
            lake.rewrite(table, partition, partial(join.rows, table))
        lake.rewrite("coverage", partition, join.ledger)
    for file in chunk.files.values():
        file.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Keys:
    """How a table's rows, aliased `r`, tell their cell and resource, in SQL.

    `replaced`: joinings of cells whose earlier rows all go. `resource_id` None: rows join as whole
    cells.
    """

    kind: str
    region: str
    resource_id: str | None
    replaced: str

    @classmethod
    def of(cls, table: str) -> _Keys:
        if table == "coverage":  # whole cells, so that no part outlives its cell
            return cls("split_part(r.collector, '.', 1)", "r.region", None, "'replace', 'add'")
        prefix = "source" if table == "relationships" else "resource"
        kind = f"r.{prefix}_type"
        return cls(kind, cell_region("r.region", kind), f"r.{prefix}_id", "'replace'")

    def same_cell(self, other: str) -> str:
        return (
            f"{other}.account_id = r.account_id AND {other}.region = {self.region} "
            f"AND {other}.kind = {self.kind}"
        )

    # Anti-joins, which stream the rows; as a subquery DuckDB would hold them all in memory.

    def staying(self, rows: str) -> str:
        """Earlier rows without those that go: with their cell, or for their resource's new row."""
        gone = f"(SELECT * FROM decided WHERE joining IN ({self.replaced})) AS d"
        sql = f"SELECT r.* FROM ({rows}) AS r ANTI JOIN {gone} ON {self.same_cell('d')}"
        if self.resource_id is None:
            return sql
        same = f"{self.same_cell('s')} AND s.resource_id = {self.resource_id}"
        return f"{sql} ANTI JOIN seen_again AS s ON {same}"

    def coming(self, rows: str) -> str:
        """New rows without those whose cell was seen better before."""
        kept = "(SELECT * FROM decided WHERE joining = 'keep') AS d"
        return f"SELECT r.* FROM ({rows}) AS r ANTI JOIN {kept} ON {self.same_cell('d')}"


class _Join:
    """What is decided of a chunk's cells, as the tables `decided` and `seen_again` of a session.

    `decided.joining`: `replace`, its rows replace the earlier ones; `add`, its rows replace earlier
    ones of the same resources, the others stay; `keep`, the earlier rows stay, the new are dropped.
    """

    def __init__(self, db: Session, chunk: Chunk) -> None:
        self.db = db
        self.chunk = chunk

    def decide(self, earlier: str) -> None:
        """Decide how each cell joins an earlier ledger, given as a SELECT of `coverage`."""
        sql = DECIDED.format(
            new=f"{LEDGER} FROM ({self._new('coverage')}) AS new_ledger",
            earlier=f"{LEDGER} FROM ({earlier}) AS earlier_ledger",
        )
        self.db.connection.execute(sql)

    def see_again(self) -> None:
        """Note the resources of incomplete looks, before their file moves into the lake."""
        same_cell = _Keys.of("resources").same_cell("d")
        sql = SEEN_AGAIN.format(resources=self._new("resources"), same_cell=same_cell)
        self.db.connection.execute(sql)

    def tables(self) -> Iterator[str]:
        """Tables that the chunk's cells may change, the ledger excepted."""
        found = self.db.query("SELECT DISTINCT kind FROM decided WHERE joining <> 'keep'")
        # What is no type (the list of accounts) has ledger rows alone.
        kinds = [k for k in resource_types().values() if k.name in found["kind"].to_pylist()]
        mine = {kind.table for kind in kinds}
        mine |= {children.table.name for kind in kinds for children in kind.children}
        return (name for name in tables() if name in mine or (kinds and name in OF_ALL_TYPES))

    def rows(self, table: str, current: Sequence[DataFile]) -> Rewriting:
        """What becomes of a table's files: only those with rows that must go are written anew."""
        keys, new = _Keys.of(table), self.chunk.files.get(table)
        touched = self._touched(table, keys, current)
        if not touched and not (new and self._any_kept()):
            return Rewriting(current, [new] if new else [])
        stay, come = keys.staying(self.db.select(table, touched)), keys.coming(self._new(table))
        kept = [file for file in current if file not in touched]
        return Rewriting(kept, self.db.build(table, f"{stay} UNION ALL {come}"))

    def ledger(self, current: Sequence[DataFile]) -> Rewriting:
        """As for rows; decided anew, for another collection may have been here since."""
        self.decide(self.db.select("coverage", current))
        return self.rows("coverage", current)

    def _new(self, table: str) -> str:
        """A SELECT of the chunk's rows of a table."""
        file = self.chunk.files.get(table)
        return file_select(file) if file else self.db.select(table, ())

    def _touched(self, table: str, keys: _Keys, files: Sequence[DataFile]) -> list[DataFile]:
        """The files with rows that must go."""

        def all_stay(some: Sequence[DataFile]) -> bool:
            rows = keys.staying(self.db.select(table, some))
            counted = self.db.query(f"SELECT COUNT(*) AS n FROM ({rows})")["n"][0].as_py()
            return bool(counted == sum(file.rows for file in some))

        if not files or all_stay(files):
            return []
        return [file for file in files if len(files) == 1 or not all_stay([file])]

    def _any_kept(self) -> bool:
        return bool(self.db.query("SELECT 1 FROM decided WHERE joining = 'keep' LIMIT 1").num_rows)


def cell_region(region: str, kind: str) -> str:
    """The region of a row's cell, in SQL: `global` of a global type, though rows have regions."""
    wide = [sql_literal(k.name) for k in resource_types().values() if k.scope == "global"]
    return f"CASE WHEN {kind} IN ({', '.join(wide)}) THEN '{GLOBAL}' ELSE {region} END"


def merge_accounts(earlier: pa.Table, new: pa.Table) -> pa.Table:
    """Accounts; one that was entered stays so, even if it could not be entered again."""
    import pyarrow as pa

    before = {row["account_id"]: row for row in earlier.to_pylist()}
    for row in new.to_pylist():
        known = before.get(row["account_id"])
        if known is None or known["status"] != "ok" or row["status"] == "ok":
            before[row["account_id"]] = row
    rows = sorted(before.values(), key=lambda row: row["account_id"])
    return pa.Table.from_pylist(rows, schema=earlier.schema)
