"""Making a snapshot visible, and how much of the estate it saw, both from its ledger.

Not here: filling the ledger (`runner`) or joining it (`merge`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.resource_types import resource_types

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Lake

# A region that is off holds nothing to be seen: it leaves a snapshot complete.
SEEN = frozenset({"ok", "region_disabled"})


@dataclass(frozen=True)
class SnapshotCoverage:
    """How much of a snapshot's cells was seen; cells of regions that are off are not counted."""

    cells: int
    ok: int
    by_status: dict[str, int]

    @property
    def percent(self) -> float | None:
        """Cells seen completely, percent; None where there are no cells."""
        return 100.0 * self.ok / self.cells if self.cells else None

    @property
    def sentence(self) -> str:
        gaps = [f"{n} {s}" for s, n in sorted(self.by_status.items()) if s not in SEEN]
        off = self.by_status.get("region_disabled", 0)
        return (
            f"{self.ok} of {self.cells} cells seen"
            + (f" ({', '.join(gaps)})" if gaps else "")
            + (f"; {off} more in regions that are off" if off else "")
        )


def snapshot_coverage(lake: Lake, snapshot_at: datetime) -> SnapshotCoverage:
    """The coverage of a snapshot, published or not."""
    by_status = Counter[str](ledger_of(lake, snapshot_at)["status"].to_pylist())
    off = by_status["region_disabled"]
    return SnapshotCoverage(by_status.total() - off, by_status["ok"], dict(by_status))


def publish_snapshot(lake: Lake, snapshot_at: datetime) -> dict[str, Any]:
    """Make a snapshot visible, as its ledger stands; gives its row of `snapshots`."""
    row = _snapshot_row(lake, snapshot_at)

    def list_it(snapshots: pa.Table) -> pa.Table:
        import pyarrow as pa

        others = [s for s in snapshots.to_pylist() if s["snapshot_at"] != snapshot_at]
        return pa.Table.from_pylist([*others, row], schema=arrow_schema("snapshots"))

    lake.merge("snapshots", {}, list_it)
    return row


def _snapshot_row(lake: Lake, snapshot_at: datetime) -> dict[str, Any]:
    cells = ledger_of(lake, snapshot_at).to_pylist()
    ends = [c["observed_at"] + timedelta(seconds=c["seconds"]) for c in cells]
    counts = [
        sum(f.rows for f in lake.files(kind.table, {"snapshot_at": snapshot_at}, visible=False))
        for kind in resource_types().values()
    ]
    return {
        "snapshot_at": snapshot_at,
        "collected_from": min((c["observed_at"] for c in cells), default=snapshot_at),
        "collected_to": max(ends, default=snapshot_at),
        "status": "complete" if {c["status"] for c in cells} <= SEEN else "partial",
        "tables": sum(count > 0 for count in counts),
        "rows": sum(counts),
        "cells": len(cells),
        "cells_ok": sum(c["status"] == "ok" for c in cells),
    }


def ledger_of(lake: Lake, snapshot_at: datetime) -> pa.Table:
    """The rows of `coverage` of a snapshot, whether readers may see it or not."""
    from inventory_pipeline.lake import DuckDBEngine

    engine = DuckDBEngine(lake, memory_limit="256MB")
    with engine.session({"coverage": {"snapshot_at": snapshot_at}}, published=False) as db:
        return db.query("SELECT * FROM coverage")
