"""Cells that fail in one published snapshot after the other: the rows of `repeated_failures`.

Not here: who is told of them (`defs.comparisons`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inventory_pipeline.collect.publication import snapshots_before
from inventory_pipeline.lake.schema import arrow_schema

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine

TABLE = "repeated_failures"

NAMED = 20
"""How many failures are named, where there may be a hundred thousand."""

# A part that was not attempted is none of its own: its cell has failed.
FAILING = """
SELECT * FROM coverage
WHERE status IN ('denied', 'throttled', 'timeout', 'error')
  OR (status = 'not_attempted' AND NOT contains(collector, '.'))
"""

REPEATED = f"""
WITH failing AS ({FAILING}),
streaks AS (
  SELECT n.snapshot_at, n.account_id, n.region, n.collector, n.status, n.error_code, n.message,
    COALESCE(r.since, b.snapshot_at) AS since, r.told_at
  FROM failing AS n
  JOIN failing AS b ON b.snapshot_at = $before AND b.account_id = n.account_id
    AND b.region = n.region AND b.collector = n.collector
  LEFT JOIN {TABLE} AS r ON r.snapshot_at = $before AND r.account_id = n.account_id
    AND r.region = n.region AND r.collector = n.collector
  WHERE n.snapshot_at = $now
)
SELECT s.* REPLACE (COALESCE(s.told_at, t.told_at) AS told_at)
FROM streaks AS s
LEFT JOIN {TABLE} AS t ON t.snapshot_at = s.snapshot_at AND t.account_id = s.account_id
  AND t.region = s.region AND t.collector = s.collector AND t.since = s.since
"""

TOLD = f"SELECT * REPLACE (COALESCE(told_at, $at) AS told_at) FROM {TABLE}"

NAMES = f"""
SELECT account_id, region, collector, status, error_code, since
FROM {TABLE} WHERE {{which}}
ORDER BY since, account_id, region, collector LIMIT {NAMED}
"""


@dataclass(frozen=True)
class RepeatedFailures:
    """How many ledger rows failed in this snapshot and the one before; the first of them.

    `untold` are those whose streak no alert has named yet.
    """

    failing: int
    untold: int
    named: tuple[dict[str, Any], ...]
    named_untold: tuple[dict[str, Any], ...]


def note_repeated_failures(engine: DuckDBEngine, snapshot_at: datetime) -> RepeatedFailures:
    """Commit the rows of `repeated_failures` of a published snapshot, in place of earlier ones.

    Raises UnpublishedError.
    """
    before = snapshots_before(engine.lake, snapshot_at)[-1:]
    if not before:
        nothing = arrow_schema(TABLE).empty_table()
        engine.lake.replace(TABLE, [{"snapshot_at": snapshot_at}], nothing)
        return RepeatedFailures(0, 0, (), ())
    both = {"snapshot_at": [snapshot_at, *before]}
    with engine.session({"coverage": both, TABLE: both}) as db:
        built = db.build(TABLE, REPEATED, {"now": snapshot_at, "before": before[0]})
    engine.lake.replace(TABLE, [{"snapshot_at": snapshot_at}], built)
    with engine.session({TABLE: {"snapshot_at": snapshot_at}}) as db:
        counts = f"SELECT COUNT(*) AS failing, COUNT(*) - COUNT(told_at) AS untold FROM {TABLE}"
        named, untold = (
            tuple(db.query(NAMES.format(which=which)).to_pylist())
            for which in ("TRUE", "told_at IS NULL")
        )
        return RepeatedFailures(**db.query(counts).to_pylist()[0], named=named, named_untold=untold)


def note_told(engine: DuckDBEngine, snapshot_at: datetime, at: datetime) -> None:
    """Note that an alert has named the failures of a snapshot."""
    partition = {"snapshot_at": snapshot_at}
    with engine.session({TABLE: partition}) as db:
        built = db.build(TABLE, TOLD, {"at": at})
    engine.lake.replace(TABLE, [partition], built)
