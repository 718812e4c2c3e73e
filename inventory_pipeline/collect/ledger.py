"""The coverage ledger: what is said of each cell and of each of its parts.

A cell has the collector `<type>`, one `<type>.<detail>` for each detail and, for a type with
metrics, `<type>.metrics`. Not here: how a failure is read (`accounts.failures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inventory_pipeline.accounts.failures import Failure, Status
from inventory_pipeline.accounts.watch import Watch
from inventory_pipeline.collect.cells import Cell
from inventory_pipeline.resource_types import ResourceType

# From best to worst: of many calls' statuses, the ledger shows the worst.
SEVERITY: tuple[Status, ...] = (
    "ok",
    "not_attempted",
    "region_disabled",
    "timeout",
    "throttled",
    "denied",
    "error",
)

METRICS = "metrics"


@dataclass
class Tally:
    """One row of the ledger while it is being counted."""

    status: Status = "ok"
    code: str | None = None
    message: str | None = None
    resources: int = 0
    calls: int = 0
    retries: int = 0
    throttles: int = 0
    seconds: float = 0.0

    def fail(self, failure: Failure) -> None:
        """Note a failure; the worst one is shown, the first of equals."""
        if SEVERITY.index(failure.status) > SEVERITY.index(self.status):
            self.status, self.code, self.message = failure.status, failure.code, failure.message

    def add(self, watch: Watch) -> None:
        self.calls += watch.calls
        self.retries += watch.retries
        self.throttles += watch.throttles
        self.seconds += watch.seconds


def parts_of(kind: ResourceType) -> list[str]:
    """Names of a cell's parts: its details and its metrics."""
    return [*(detail.name for detail in kind.details), *([METRICS] if kind.metrics else [])]


@dataclass
class CellLedger:
    """The tallies of a cell: of the listing of its resources, and of each part."""

    main: Tally
    parts: dict[str, Tally]

    @classmethod
    def of(cls, cell: Cell) -> CellLedger:
        """An empty ledger; of a skipped cell, one that says so throughout."""
        ledger = cls(Tally(), {name: Tally() for name in parts_of(cell.kind)})
        if cell.skip is not None:
            for tally in (ledger.main, *ledger.parts.values()):
                tally.fail(cell.skip)
        return ledger

    def rows(
        self, cell: Cell, snapshot_at: datetime, observed_at: datetime
    ) -> list[dict[str, Any]]:
        """Rows of `coverage`; a region that is off has but one, since it has no parts to see."""
        if self.main.status != "ok" and not self.main.resources:
            for tally in self.parts.values():
                tally.fail(Failure("not_attempted", None, "no resource was listed"))
        tallies = {cell.kind.name: self.main}
        if self.main.status != "region_disabled":
            tallies |= {f"{cell.kind.name}.{name}": part for name, part in self.parts.items()}
        return [
            {
                "snapshot_at": snapshot_at,
                "account_id": cell.account.account_id,
                "region": cell.region,
                "collector": collector,
                "status": tally.status,
                "error_code": tally.code,
                "message": tally.message,
                "resources": tally.resources,
                "calls": tally.calls,
                "retries": tally.retries,
                "throttles": tally.throttles,
                "seconds": round(tally.seconds, 3),
                "observed_at": observed_at,
            }
            for collector, tally in tallies.items()
        ]
