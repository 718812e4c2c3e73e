"""Which cell is looked at next: few at a time where AWS counts calls, none where it is silent.

Pure: it keeps count of what runs and how it ended. Not here: running cells (`runner`).
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import replace

from inventory_pipeline.accounts.failures import Failure
from inventory_pipeline.collect.cells import Cell

CELLS_PER_LIMIT = 3
"""Cells side by side of one account, region and service, which AWS throttles together."""

SILENT_CELLS_OF_ENDPOINT = 3
SILENT_CELLS_OF_REGION = 6
"""Cells without any answer after which an endpoint or a region is given up. Each of them takes as
long as a cell may, so hundreds of accounts would wait for days."""

Lane = tuple[str, str, str]


class Dispatch:
    """Hands out cells in their order, but passes over those whose lane is full."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._lanes: OrderedDict[Lane, deque[Cell]] = OrderedDict()
        for cell in cells:
            self._lanes.setdefault(_lane(cell), deque()).append(cell)
        self._running = Counter[Lane]()
        self._silent = Counter[tuple[str, ...]]()

    def next(self) -> Cell | None:
        """A cell to look at now; None where all that are left must wait."""
        for lane, cells in self._lanes.items():
            if self._running[lane] < CELLS_PER_LIMIT:
                cell = cells.popleft()
                if not cells:
                    del self._lanes[lane]
                self._running[lane] += 1
                return self._given_up(cell)
        return None

    def finished(self, cell: Cell, *, silent: bool) -> None:
        """Note how a cell ended: `silent` where AWS did not answer at all."""
        lane = _lane(cell)
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]
        if cell.skip is not None:
            return
        for place in _places(cell):
            self._silent[place] = self._silent[place] + 1 if silent else 0

    def _given_up(self, cell: Cell) -> Cell:
        if cell.skip is not None:
            return cell
        endpoint, region = _places(cell)
        if self._silent[region] >= SILENT_CELLS_OF_REGION:
            silent = cell.call_region
        elif self._silent[endpoint] >= SILENT_CELLS_OF_ENDPOINT:
            silent = f"{cell.kind.service} in {cell.call_region}"
        else:
            return cell
        reason = f"{silent} did not answer other cells; it is tried again in the next run"
        return replace(cell, skip=Failure("not_attempted", "Silent", reason))


def _lane(cell: Cell) -> Lane:
    return (cell.account.account_id, cell.call_region, cell.kind.service)


def _places(cell: Cell) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What falls silent: an endpoint, a whole region."""
    return (cell.call_region, cell.kind.service), (cell.call_region,)
