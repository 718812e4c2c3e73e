"""Runs cells side by side, a few of each account, region and service, and yields what they saw.

Not here: which cells there are (`cells`), one cell's look (`look`), what is committed (`snapshot`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime

from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.accounts.watch import Clock
from inventory_pipeline.collect.calls import ClientSource
from inventory_pipeline.collect.cells import Cell
from inventory_pipeline.collect.dispatch import Dispatch
from inventory_pipeline.collect.look import CellResult, Look


@dataclass(frozen=True)
class CellRunner:
    """Runs cells of one snapshot, `parallel` at a time, each for `timeout_seconds` at most.

    `batch_size` bounds the items of one call where a call takes several.
    """

    clients: ClientSource
    snapshot_at: datetime
    now: Callable[[], datetime]
    scope: RegionScope = field(default_factory=RegionScope)
    parallel: int = 10
    timeout_seconds: float = 300
    clock: Clock = time.monotonic
    batch_size: int = 25
    sleep: Callable[[float], None] = time.sleep

    def run(self, cells: Iterable[Cell]) -> Iterator[CellResult]:
        """Results as they come."""
        dispatch = Dispatch(cells)
        running: dict[Future[CellResult], Cell] = {}
        # Two pools: a cell waits for its own calls, and must not take the threads they need.
        with (
            ThreadPoolExecutor(self.parallel, "cell") as for_cells,
            ThreadPoolExecutor(2 * self.parallel, "call") as for_calls,
        ):
            try:
                while True:
                    while len(running) < self.parallel and (cell := dispatch.next()):
                        running[for_cells.submit(Look(self, cell, for_calls).run)] = cell
                    if not running:
                        return
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        cell, result = running.pop(done), done.result()
                        dispatch.finished(cell, silent=result.silent)
                        yield result
            finally:  # whoever stops listening waits for the cells under way, not for all
                for future in running:
                    future.cancel()
