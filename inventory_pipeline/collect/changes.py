"""What changed between published snapshots: the rows of `resource_changes`, in DuckDB.

A snapshot is compared with what was known before it: the rows of the published one before and, of
cells that this did not see completely, those since the last one that did (of the newest LOOK_BACK).
So a gap neither hides that something has gone nor makes everything look new. What a cell shows at
its very first complete look is not called added. Not here: the changes of child tables, or of
metrics.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from inventory_pipeline.collect.cells import GLOBAL
from inventory_pipeline.collect.publication import snapshots_before
from inventory_pipeline.columns import Column, ColumnType
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.lake.where import quoted, sql_literal
from inventory_pipeline.resource_types import ResourceType, resource_types
from inventory_pipeline.tables import (
    COMMON_RESOURCE_COLUMNS,
    PLACE,
    RESOURCE,
    SNAPSHOT_AT,
    tables,
)

if TYPE_CHECKING:
    from inventory_pipeline.lake import Commit, DuckDBEngine, Session

LOOK_BACK = 28
"""Published snapshots before one that are looked back at: two weeks of them."""

BATCH = 10_000
"""Pairs of whole rows that are compared at a time, so that they fit into memory."""

TABLE = "resource_changes"

NAME = tables()[TABLE].column("name")

NOT_COMPARED = {*(c.name for c in (SNAPSHOT_AT, *PLACE, *RESOURCE)), "observed_at", "tags"}
"""Keys, what settings say of an account, and tags, which are compared one by one."""

# A collector's cell, whether it was seen completely, and whether nothing of its columns is missing.
LOOKS = """
SELECT snapshot_at, account_id, region, split_part(collector, '.', 1) AS kind,
  BOOL_OR(status = 'ok' AND NOT contains(collector, '.')) AS seen,
  BOOL_AND(status = 'ok' OR collector LIKE '%.metrics') AS clear
FROM coverage
WHERE {where}
GROUP BY ALL
"""

CELLS = f"""
CREATE TEMP TABLE looks AS {LOOKS.format(where="snapshot_at IN ($now, $before)")};
CREATE TEMP TABLE gaps AS
SELECT n.account_id, n.region, n.kind
FROM looks AS n
LEFT JOIN looks AS b ON b.snapshot_at = $before AND b.account_id = n.account_id
  AND b.region = n.region AND b.kind = n.kind
WHERE n.snapshot_at = $now AND NOT COALESCE(b.seen, FALSE);
INSERT INTO looks
SELECT * FROM ({LOOKS.format(where="snapshot_at < $before")})
SEMI JOIN gaps USING (account_id, region, kind);
CREATE TEMP TABLE cells AS
SELECT account_id, region, kind,
  BOOL_OR(seen) FILTER (WHERE snapshot_at = $now) AS seen_now,
  MAX(snapshot_at) FILTER (WHERE seen AND snapshot_at < $now) AS seen_at
FROM looks
GROUP BY ALL;
"""

# What was known of a type's resources, and what is now: keys, and a digest of what is compared.
KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT r.account_id, {place} AS place, r.resource_id, r.snapshot_at AS at, {digest} AS digest
FROM {table} AS r
WHERE r.snapshot_at = $before
"""

KNOWN_OF_GAPS = """
INSERT INTO known
SELECT r.account_id, {place} AS place, r.resource_id, r.snapshot_at AS at, {digest} AS digest
FROM {table} AS r
JOIN cells AS c ON c.account_id = r.account_id AND c.region = {place} AND c.kind = {kind}
SEMI JOIN gaps AS g
  ON g.account_id = c.account_id AND g.region = c.region AND g.kind = c.kind
ANTI JOIN known AS k
  ON k.account_id = r.account_id AND k.place = {place} AND k.resource_id = r.resource_id
WHERE r.snapshot_at < $before AND (c.seen_at IS NULL OR r.snapshot_at >= c.seen_at)
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY r.account_id, {place}, r.resource_id ORDER BY r.snapshot_at DESC
) = 1
"""

NOW = """
CREATE OR REPLACE TEMP TABLE present AS
SELECT r.account_id, {place} AS place, r.resource_id, {digest} AS digest
FROM {table} AS r
WHERE r.snapshot_at = $now
"""

REMOVED = """
INSERT INTO changes
SELECT $now, k.at, {shown}, 'removed', NULL, NULL, NULL
FROM {table} AS r
JOIN known AS k ON k.at = r.snapshot_at AND k.account_id = r.account_id AND k.place = {place}
  AND k.resource_id = r.resource_id
JOIN cells AS c ON c.account_id = k.account_id AND c.region = k.place AND c.kind = {kind}
ANTI JOIN present AS s
  ON s.account_id = k.account_id AND s.place = k.place AND s.resource_id = k.resource_id
WHERE c.seen_now
"""

COME = """
CREATE OR REPLACE TEMP TABLE come AS
SELECT s.account_id, s.place, s.resource_id, c.seen_at
FROM present AS s
JOIN cells AS c ON c.account_id = s.account_id AND c.region = s.place AND c.kind = {kind}
ANTI JOIN known AS k
  ON k.account_id = s.account_id AND k.place = s.place AND k.resource_id = s.resource_id
WHERE c.seen_at IS NOT NULL
"""

ADDED = """
INSERT INTO changes
SELECT $now, COALESCE(e.at, n.seen_at), {shown},
  CASE WHEN e.at IS NULL THEN 'added' ELSE 'reappeared' END, NULL, NULL, NULL
FROM {table} AS r
JOIN come AS n
  ON n.account_id = r.account_id AND n.place = {place} AND n.resource_id = r.resource_id
LEFT JOIN (
  SELECT r.account_id, {place} AS place, r.resource_id, MAX(r.snapshot_at) AS at
  FROM {table} AS r
  SEMI JOIN come AS n
    ON n.account_id = r.account_id AND n.place = {place} AND n.resource_id = r.resource_id
  WHERE r.snapshot_at < $before
  GROUP BY ALL
) AS e ON e.account_id = n.account_id AND e.place = n.place AND e.resource_id = n.resource_id
WHERE r.snapshot_at = $now
"""

# Where a part of either cell was not seen, a NULL may be just that: such rows are not `clear`.
DIFFERING = """
CREATE OR REPLACE TEMP TABLE differing AS
SELECT k.account_id, k.place, k.resource_id, k.at, COALESCE(n.clear AND b.clear, FALSE) AS clear,
  (ROW_NUMBER() OVER () - 1) // {batch} AS batch
FROM known AS k
JOIN present AS s USING (account_id, place, resource_id)
LEFT JOIN looks AS n ON n.snapshot_at = $now AND n.account_id = k.account_id
  AND n.region = k.place AND n.kind = {kind}
LEFT JOIN looks AS b ON b.snapshot_at = k.at AND b.account_id = k.account_id
  AND b.region = k.place AND b.kind = {kind}
WHERE s.digest <> k.digest
"""

# Whole rows, of one batch, as they were and as they are.
OLD_ROWS = """
CREATE OR REPLACE TEMP TABLE old_rows AS
SELECT r AS o, d.account_id, d.place, d.resource_id, d.clear
FROM {table} AS r
JOIN (SELECT * FROM differing WHERE batch = $batch) AS d
  ON d.at = r.snapshot_at AND d.account_id = r.account_id AND d.place = {place}
  AND d.resource_id = r.resource_id
"""

NEW_ROWS = """
CREATE OR REPLACE TEMP TABLE new_rows AS
SELECT r, d.account_id, d.place, d.resource_id
FROM {table} AS r
JOIN (SELECT * FROM differing WHERE batch = $batch) AS d
  ON d.account_id = r.account_id AND d.place = {place} AND d.resource_id = r.resource_id
WHERE r.snapshot_at = $now
"""

# Tags that are NULL were not read: they tell nothing of any key. What is unnested is narrow: each
# element takes its whole row along.
CHANGED = """
INSERT INTO changes
SELECT * EXCLUDE (c), 'changed', c.field, c.old_value, c.new_value
FROM (
  SELECT $now, o.snapshot_at, {shown}, UNNEST(list_concat(
    list_filter([{fields}], lambda f: f.old_value IS DISTINCT FROM f.new_value
      AND (clear OR (f.old_value IS NOT NULL AND f.new_value IS NOT NULL))),
    list_filter(
      list_transform(
        CASE WHEN r.tags IS NOT NULL AND o.tags IS NOT NULL
          THEN list_distinct(list_concat(map_keys(r.tags), map_keys(o.tags))) END,
        lambda k: {{'field': 'tags.' || k, 'old_value': o.tags[k], 'new_value': r.tags[k]}}
      ),
      lambda f: f.old_value IS DISTINCT FROM f.new_value
    )
  )) AS c
  FROM old_rows JOIN new_rows USING (account_id, place, resource_id)
)
"""


def build_changes(engine: DuckDBEngine, snapshot_at: datetime) -> Commit:
    """Commit the rows of `resource_changes` of a published snapshot, in place of earlier ones.

    Raises UnpublishedError.
    """
    earlier = snapshots_before(engine.lake, snapshot_at)[-LOOK_BACK:]
    partition = {"snapshot_at": snapshot_at}
    if not earlier:
        nothing = arrow_schema(TABLE).empty_table()
        return engine.lake.replace(TABLE, [partition], nothing)
    kinds = list(resource_types().values())
    window = {"snapshot_at": [snapshot_at, *earlier]}
    with engine.session(dict.fromkeys(["coverage", *(k.table for k in kinds)], window)) as db:
        comparison = _Comparison(db, snapshot_at, earlier[-1])
        for kind in kinds:
            comparison.compare(kind)
        built = db.build(TABLE, "SELECT * FROM changes")
    return engine.lake.replace(TABLE, [partition], built)


class _Comparison:
    """A snapshot beside what was known before it; finds go into the session's table `changes`."""

    def __init__(self, db: Session, now: datetime, before: datetime) -> None:
        self._db = db
        self._instants = {"$now": sql_literal(now), "$before": sql_literal(before)}
        columns = ", ".join(f"{c.name} {c.type.value}" for c in tables()[TABLE].columns)
        self._run(f"CREATE TEMP TABLE changes ({columns})")
        self._run(CELLS)
        gaps = db.query("SELECT DISTINCT kind FROM gaps")
        self._with_gaps = frozenset(gaps["kind"].to_pylist())

    def compare(self, kind: ResourceType) -> None:
        """Find the changes of a type's resources."""
        if not self._any(kind.table):
            return
        parts = _parts(kind)
        gaps = [KNOWN_OF_GAPS] if kind.name in self._with_gaps else []
        for step in (KNOWN, *gaps, NOW, REMOVED, COME, DIFFERING):
            self._run(step.format(**parts))
        if self._any("come"):
            self._run(ADDED.format(**parts))
        batches = self._db.query("SELECT COUNT(DISTINCT batch) AS n FROM differing")["n"][0].as_py()
        for batch in range(batches):
            for step in (OLD_ROWS, NEW_ROWS, CHANGED):
                self._run(step.format(**parts).replace("$batch", str(batch)))

    def _any(self, table: str) -> bool:
        return bool(self._db.query(f"SELECT 1 FROM {table} LIMIT 1").num_rows)

    def _run(self, sql: str) -> None:
        for name, instant in self._instants.items():
            sql = sql.replace(name, instant)
        self._db.connection.execute(sql)


def _parts(kind: ResourceType) -> dict[str, str]:
    """What of the statements depends on the type."""
    place = sql_literal(GLOBAL) if kind.scope == "global" else "r.region"
    columns = [
        column
        for column in (*COMMON_RESOURCE_COLUMNS, *kind.columns)
        if column.name not in NOT_COMPARED | kind.volatile
    ]
    compared = [_settled("r", column) for column in columns]
    return {
        "batch": str(BATCH),
        "table": kind.table,
        "kind": sql_literal(kind.name),
        "place": place,
        "digest": f"hash(list_sort(map_entries(r.tags)), {', '.join(compared)})",
        "shown": ", ".join(f"r.{c.name}" for c in (*PLACE, *RESOURCE, NAME)),
        "fields": ", ".join(_field(column) for column in columns),
    }


def _settled(row: str, column: Column) -> str:
    """A column's value in a form that is the same whatever order AWS gave its elements in."""
    value = f"{row}.{quoted(column.name)}"
    return f"list_sort({value})" if column.type is ColumnType.TEXT_LIST else value


def _field(column: Column) -> str:
    old, new = (f"CAST({_settled(row, column)} AS VARCHAR)" for row in ("o", "r"))
    name = sql_literal(column.name)
    return f"{{'field': {name}, 'old_value': {old}, 'new_value': {new}}}"
