"""How much of what a reading rests on was seen, for people and as JSON.

A snapshot's coverage is its ledger's cells; that of storage and archival is S3 Inventory
deliveries and the buckets that have one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from inventory_pipeline.cli.filters import Filters
from inventory_pipeline.reports.ledger import ONCE_MENDED

if TYPE_CHECKING:
    from inventory_pipeline.lake import Session

CELLS = """
SELECT status, collector, account_id, account_name, COUNT(*) AS cells
FROM (
  SELECT c.status, c.collector, c.account_id, a.account_name, c.region
  FROM coverage AS c
  LEFT JOIN accounts AS a ON a.account_id = c.account_id AND a.snapshot_at = c.snapshot_at
) AS ledger
WHERE {where}
GROUP BY status, collector, account_id, account_name
ORDER BY cells DESC, status, collector, account_id
"""

DELIVERIES = """
SELECT status, source_bucket, configuration_id, delivered_on, error
FROM s3_deliveries WHERE status <> 'superseded'
ORDER BY delivered_on DESC, source_bucket, configuration_id, delivered_at
"""

UNLISTED_BUCKETS = """
SELECT COUNT(*) AS buckets,
  CAST(COALESCE(SUM(CASE WHEN d.source_bucket IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
    AS unlisted
FROM s3_buckets AS b
LEFT JOIN (SELECT DISTINCT source_bucket FROM s3_deliveries WHERE status = 'ingested') AS d
  ON d.source_bucket = b.resource_id
"""

NAMED_GAPS = 3
"""Gaps of a status that the sentence names; JSON has all."""

OFF = "region_disabled"
"""A region that is off holds nothing to be seen: such cells are counted and named apart."""


@dataclass(frozen=True)
class Coverage:
    """What was seen, as the `coverage` member of JSON and as a sentence."""

    facts: Mapping[str, object]
    line: str


def of_cells(session: Session, filters: Filters) -> Coverage:
    """Coverage of the session's snapshot, of the accounts, regions and types asked for."""
    where, params = filters.of_cells()
    found = session.query(CELLS.replace("{where}", where), params).to_pylist()
    cells = sum(row["cells"] for row in found if row["status"] != OFF)
    seen = sum(row["cells"] for row in found if row["status"] == "ok")
    gaps = [row for row in found if row["status"] != "ok"]
    facts = {"percent": percent(seen, cells), "cells": cells, "cells_ok": seen, "gaps": gaps}
    if not cells:
        return Coverage(facts, "coverage unknown: nothing of this name was looked at")
    line = f"coverage {facts['percent']} %"
    return Coverage(facts, f"{line} — {_gaps(gaps)}" if gaps else line)


def percent(part: int, whole: int) -> Decimal | None:
    """Rounded down, so that only all of it is 100; None where there is nothing."""
    if not whole:
        return None
    exact = Decimal(100 * part) / whole
    return exact.quantize(Decimal("0.1"), ROUND_FLOOR) if part < whole else Decimal(100)


def _gaps(gaps: Sequence[Mapping[str, Any]]) -> str:
    by_status: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for gap in gaps:
        by_status[gap["status"]].append(gap)
    parts: list[str] = []
    for status, group in by_status.items():
        cells = sum(gap["cells"] for gap in group)
        unit = "" if parts else " cell" if cells == 1 else " cells"
        names = "" if status == OFF else f" ({_named(group)})"
        parts.append(f"{cells:,}{unit} {status}{names}")
    return ", ".join(parts)


def _named(group: Sequence[Mapping[str, Any]]) -> str:
    names = [f"{g['collector']} in {g['account_name'] or g['account_id']}" for g in group]
    more = len(names) - NAMED_GAPS
    return ", ".join(names[:NAMED_GAPS]) + (f" and {more} more" if more > 0 else "")


def of_deliveries(session: Session) -> Coverage:
    """Coverage of what is read from deliveries; needs `s3_deliveries` and `s3_buckets`."""
    found = session.query(DELIVERIES).to_pylist()
    buckets = session.query(UNLISTED_BUCKETS).to_pylist()[0]
    total, unlisted = buckets["buckets"], buckets["unlisted"]
    quarantined = [
        {k: row[k] for k in ("source_bucket", "configuration_id", "delivered_on", "error")}
        for row in found
        if row["status"] == "quarantined"
    ]
    facts = {
        "percent": percent(total - unlisted, total),
        "buckets": total,
        "buckets_with_delivery": total - unlisted,
        "deliveries": len(found),
        "deliveries_ingested": sum(row["status"] == "ingested" for row in found),
        "deliveries_quarantined": quarantined,
    }
    parts = [f"{facts['deliveries_ingested']:,} of {len(found):,} deliveries ingested"]
    if total:
        parts.insert(0, f"{total - unlisted:,} of {total:,} buckets have one")
    if quarantined:
        first = quarantined[0]
        # The file's name is enough here; JSON has its whole address, and how to try it again.
        reason = (first["error"] or "").partition(ONCE_MENDED)[0]
        error = re.sub(r"s3://\S*/", "", reason)
        parts.append(
            f"{len(quarantined):,} quarantined (newest: {first['source_bucket']} "
            f"{first['delivered_on']}: {error}); once mended: inventory ingest --retry"
        )
    shown = f"{facts['percent']} %" if total else "unknown"
    return Coverage(facts, f"inventory coverage {shown} — {', '.join(parts)}")
