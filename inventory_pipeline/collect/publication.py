"""Making a snapshot visible, and how much of the estate it saw, both from its ledger.

Not here: filling the ledger (`runner`) or joining it (`merge`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.lake.where import sql_literal

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Lake, Session

# A region that is off holds nothing to be seen: it leaves a snapshot complete.
SEEN = frozenset({"ok", "region_disabled"})

TOLD = f"""
SELECT
  COALESCE(MIN(observed_at), $snapshot_at) AS collected_from,
  COALESCE(MAX(observed_at + to_microseconds(CAST(1000000 * seconds AS BIGINT))), $snapshot_at)
    AS collected_to,
  (SELECT COUNT(DISTINCT resource_type) FROM resources) AS tables,
  (SELECT COUNT(*) FROM resources) AS rows,
  COUNT(*) AS cells,
  COUNT(*) FILTER (WHERE status = 'ok') AS cells_ok,
  COUNT(*) FILTER (WHERE status IN ({", ".join(sorted(map(sql_literal, SEEN)))})) AS cells_seen
FROM coverage
"""


class UnpublishedError(Exception):
    """A snapshot that readers may not see is to be compared with others."""


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
    with ledger(lake, snapshot_at) as db:
        found = db.query("SELECT status, COUNT(*) AS n FROM coverage GROUP BY status").to_pylist()
    by_status = Counter({row["status"]: int(row["n"]) for row in found})
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


def snapshots_before(lake: Lake, snapshot_at: datetime) -> list[datetime]:
    """Published snapshots before a published one, oldest first. Raises UnpublishedError."""
    published = lake.snapshots()
    if snapshot_at not in published:
        raise UnpublishedError(
            f"the snapshot {snapshot_at:%Y-%m-%d %H:%M} UTC is not published: collect it first"
        )
    return [at for at in published if at < snapshot_at]


def _snapshot_row(lake: Lake, snapshot_at: datetime) -> dict[str, Any]:
    with ledger(lake, snapshot_at, "resources") as db:
        told = db.query(TOLD, {"snapshot_at": snapshot_at}).to_pylist()[0]
    seen = told.pop("cells_seen") == told["cells"]
    return {"snapshot_at": snapshot_at, "status": "complete" if seen else "partial", **told}


@contextmanager
def ledger(lake: Lake, snapshot_at: datetime, *others: str) -> Iterator[Session]:
    """SQL over `coverage` (and other tables) of a snapshot, published or not."""
    from inventory_pipeline.lake import DuckDBEngine

    engine = DuckDBEngine(lake, memory_limit="256MB")
    reads = ("coverage", *others)
    where = {"snapshot_at": snapshot_at}
    with engine.session(dict.fromkeys(reads, where), published=False) as db:
        yield db
