"""When finished cells are committed: every so often, so that a run that is killed loses little.

Not here: what a chunk of them is (`spool`), how it joins the snapshot (`merge`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from inventory_pipeline.accounts.watch import Clock
from inventory_pipeline.collect.look import CellResult, Row
from inventory_pipeline.collect.merge import join_chunk
from inventory_pipeline.collect.spool import Spool

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

COMMIT_ROWS = 500_000
"""Rows after which a chunk is committed, however young it is."""


class Commits:
    """Commits a snapshot's cells in chunks, one at a time, while others are still looked at.

    As a context: what finished before an error is committed as well. Raises what a commit raised.
    """

    def __init__(self, lake: Lake, snapshot_at: datetime, seconds: float, clock: Clock) -> None:
        self.rows = Counter[str]()
        self.statuses = Counter[str]()
        self._lake = lake
        self._snapshot_at = snapshot_at
        self._seconds = seconds
        self._clock = clock
        self._since = clock()
        self._spool = Spool(lake)
        self._pool = ThreadPoolExecutor(1, "commit")
        self._running: Future[None] | None = None

    def add_ledger(self, rows: Iterable[Row]) -> None:
        """Rows of the ledger that are of no cell."""
        self._spool.add_rows("coverage", list(rows))

    def add(self, result: CellResult) -> None:
        self._spool.add(result)
        self.statuses.update(row["status"] for row in result.coverage)
        due = self._clock() - self._since >= self._seconds
        if due or self._spool.rows >= COMMIT_ROWS:
            self._commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._commit()
            self._wait()
        finally:
            self._pool.shutdown()

    def _commit(self) -> None:
        self._wait()
        self._since = self._clock()
        if self._spool.rows:
            chunk = self._spool.finish()
            self.rows.update(chunk.rows)
            self._running = self._pool.submit(join_chunk, self._lake, self._snapshot_at, chunk)

    def _wait(self) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            running.result()
