"""Reports that have not come though their time is over: the rows of `overdue_deliveries`.

They are the missing ones of `delivery_health`, with whether an alert has named the streak that they
belong to. Not here: what is missing (`health`), nor who is told of it (`defs.overdue`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine, Lake

TABLE = "overdue_deliveries"

NAMED = 20
"""How many configurations are named, where there may be tens of thousands."""

OVERDUE = f"""
WITH newest AS (
  SELECT source_bucket, configuration_id, MAX(delivered_on) AS delivered_on
  FROM s3_deliveries GROUP BY source_bucket, configuration_id
), told AS (
  SELECT source_bucket, configuration_id, silent_since, MIN(told_at) AS told_at
  FROM {TABLE} GROUP BY source_bucket, configuration_id, silent_since
)
SELECT h.delivered_on, h.source_bucket, h.configuration_id, h.account_id, h.account_name,
  h.department, h.region, h.frequency, h.last_delivered_at, h.missed, h.silent_since,
  COALESCE(n.delivered_on > h.delivered_on, FALSE) AS ended, t.told_at
FROM delivery_health AS h
LEFT JOIN newest AS n
  ON n.source_bucket = h.source_bucket AND n.configuration_id = h.configuration_id
LEFT JOIN told AS t
  ON t.source_bucket = h.source_bucket AND t.configuration_id = h.configuration_id
  AND t.silent_since = h.silent_since
WHERE h.delivered_on = $day AND h.status = 'missing'
"""

UNTOLD = "told_at IS NULL AND NOT ended"

TOLD = f"""
SELECT * REPLACE (CASE WHEN {UNTOLD} THEN $at ELSE told_at END AS told_at) FROM {TABLE}
"""

COUNTS = f"SELECT COUNT(*) AS missing, COUNT(*) FILTER (WHERE {UNTOLD}) AS untold FROM {TABLE}"

NAMES = f"""
SELECT source_bucket, configuration_id, account_id, frequency, missed, silent_since
FROM {TABLE} WHERE {{which}}
ORDER BY missed DESC, source_bucket, configuration_id LIMIT {NAMED}
"""


@dataclass(frozen=True)
class Overdue:
    """How many reports of a day are missing; the first of them.

    `untold` are those that have not come since and whose streak no alert has named yet.
    """

    missing: int
    untold: int
    named: tuple[dict[str, Any], ...]
    named_untold: tuple[dict[str, Any], ...]


def awaited_days(lake: Lake, days: Sequence[date]) -> set[date]:
    """Of these days, those that were judged before the lake knew that a report's time was over."""
    where = {"delivered_on": days, "status": "awaited"}
    return set(lake.read("delivery_health", where, ["delivered_on"])["delivered_on"].to_pylist())


def note_overdue(engine: DuckDBEngine, day: date) -> Overdue:
    """Commit the rows of `overdue_deliveries` of a day, in place of earlier ones."""
    partition = {"delivered_on": day}
    with engine.session({"delivery_health": partition, "s3_deliveries": {}, TABLE: {}}) as db:
        built = db.build(TABLE, OVERDUE, {"day": day})
    engine.lake.replace(TABLE, [partition], built)
    with engine.session({TABLE: partition}) as db:
        named, untold = (
            tuple(db.query(NAMES.format(which=which)).to_pylist()) for which in ("TRUE", UNTOLD)
        )
        return Overdue(**db.query(COUNTS).to_pylist()[0], named=named, named_untold=untold)


def note_told(engine: DuckDBEngine, day: date, at: datetime) -> None:
    """Note that an alert has named the overdue reports of a day."""
    partition = {"delivered_on": day}
    with engine.session({TABLE: partition}) as db:
        built = db.build(TABLE, TOLD, {"at": at})
    engine.lake.replace(TABLE, [partition], built)
