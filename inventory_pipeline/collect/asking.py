"""Which of the planned cells a run asks, and in which order: what the ledgers say is to be done.

Not here: which cells there are (`cells`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from inventory_pipeline.collect.cells import Cell, CellKey
from inventory_pipeline.collect.publication import SEEN, ledger
from inventory_pipeline.lake.where import sql_literal

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

CELLS = f"""
SELECT account_id, region, split_part(collector, '.', 1) AS kind
FROM coverage
GROUP BY ALL
HAVING BOOL_AND(status IN ({", ".join(sorted(map(sql_literal, SEEN)))})) = $seen
"""


class NotCollectedError(Exception):
    """The failed cells of a snapshot were asked for, and it has no ledger."""


def cells_to_ask(
    lake: Lake, snapshot_at: datetime, planned: Sequence[Cell], *, failed: bool = False
) -> list[Cell]:
    """The cells to ask now, those first that failed in the newest published snapshot.

    A snapshot that is not published yet was cut short: what it has seen completely is not asked
    again. A published one is asked in full or, with `failed`, only for what it has not seen. Raises
    NotCollectedError.
    """
    published = [at for at in lake.snapshots() if at <= snapshot_at]
    seen: set[CellKey] = set()
    if failed or snapshot_at not in published:
        seen = _cells(lake, snapshot_at, seen=True)
    if failed and not seen and not _cells(lake, snapshot_at, seen=False):
        raise NotCollectedError(
            f"nothing of the snapshot {snapshot_at:%Y-%m-%d %H:%M} UTC has failed, for it has not "
            "been collected yet: leave out --failed"
        )
    first = _cells(lake, published[-1], seen=False) if published else set[CellKey]()
    left = [cell for cell in planned if cell.key not in seen]
    return sorted(left, key=lambda cell: cell.key not in first)


def _cells(lake: Lake, snapshot_at: datetime, *, seen: bool) -> set[CellKey]:
    """The cells of a ledger that were seen with all of their parts, or those that were not."""
    with ledger(lake, snapshot_at) as db:
        found = db.query(CELLS, {"seen": seen})
    # Of a million cells, each account and region is one text.
    columns = (map(sys.intern, found[name].to_pylist()) for name in found.column_names)
    return set(zip(*columns, strict=True))
