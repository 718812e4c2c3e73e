"""Runs cells side by side: lists, asks for details, measures, and keeps each cell's ledger.

A cell never raises: whatever happens is written in its ledger, and the rest goes on. Not here:
which cells there are (`cells`), what a row is (`observe`), what is committed (`snapshot`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from inventory_pipeline.accounts.account import Account
from inventory_pipeline.accounts.failures import Failure, classify
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.accounts.watch import Clock, Watch
from inventory_pipeline.collect import metrics
from inventory_pipeline.collect.cells import Cell
from inventory_pipeline.collect.ledger import METRICS, CellLedger, Tally
from inventory_pipeline.collect.observe import (
    Sighting,
    UnexpectedAnswerError,
    find,
    observe,
    own_region,
)
from inventory_pipeline.resource_types import Detail

if TYPE_CHECKING:
    from botocore.client import BaseClient

Row = dict[str, Any]


class ClientSource(Protocol):
    """Where the runner gets clients: `accounts.Clients`, or a test's own."""

    def client(self, account: Account | None, service: str, region: str) -> BaseClient: ...


@dataclass(frozen=True)
class CellResult:
    """What became of a cell: rows of its table, of `relationships`, `metrics` and `coverage`."""

    cell: Cell
    rows: list[Row]
    edges: list[Row]
    metrics: list[Row]
    coverage: list[Row]

    @property
    def status(self) -> str:
        return str(self.coverage[0]["status"])


@dataclass(frozen=True)
class CellRunner:
    """Runs cells of one snapshot, `parallel` at a time, each for `timeout_seconds` at most."""

    clients: ClientSource
    snapshot_at: datetime
    now: Callable[[], datetime]
    scope: RegionScope = field(default_factory=RegionScope)
    parallel: int = 10
    timeout_seconds: float = 300
    clock: Clock = time.monotonic

    def run(self, cells: Iterable[Cell]) -> Iterator[CellResult]:
        """Results as they come."""
        # Two pools: a cell waits for its own calls, and must not take the threads they need.
        with (
            ThreadPoolExecutor(self.parallel, "cell") as for_cells,
            ThreadPoolExecutor(self.parallel, "call") as for_calls,
        ):
            futures = {for_cells.submit(_CellRun(self, cell, for_calls).run) for cell in cells}
            try:
                for done in as_completed(futures):
                    futures.discard(done)
                    yield done.result()
            finally:  # whoever stops listening waits for the cells under way, not for all
                for future in futures:
                    future.cancel()


@dataclass(frozen=True)
class _Call:
    """One call on behalf of a part of the cell: its answer or its failure, and its cost."""

    part: str
    answer: Any
    failure: Failure | None
    watch: Watch


class _CellRun:
    """One cell while it runs; belongs to one thread, which hands single calls to a pool."""

    def __init__(self, runner: CellRunner, cell: Cell, calls: Executor) -> None:
        self.runner = runner
        self.cell = cell
        self.calls = calls
        self.ledger = CellLedger.of(cell)
        self.rows: list[Row] = []
        self.edges: list[Row] = []
        self.metrics: list[Row] = []
        self.queries: list[metrics.MetricQuery] = []
        self.seen: set[str] = set()
        self.shared: Row | None = None
        self.deadline = float("inf")

    def run(self) -> CellResult:
        observed_at = self.runner.now()
        if self.cell.skip is None:
            self.deadline = self.runner.clock() + self.runner.timeout_seconds
            self._list()
            try:
                self._measure()
            except Exception as error:
                self.ledger.parts[METRICS].fail(self._failure(error))
        return CellResult(
            self.cell,
            self.rows,
            self.edges,
            self.metrics,
            self.ledger.rows(self.cell, self.runner.snapshot_at, observed_at),
        )

    def _list(self) -> None:
        """Page by page; pages seen before a failure count, but the cell is not ok."""
        watch = self._watch()
        pages = self._pages()
        try:
            while True:
                with watch:
                    items = next(pages, None)
                if items is None:
                    break
                self._see(items)
        except Exception as error:
            self.ledger.main.fail(self._failure(error))
        self.ledger.main.add(watch)

    def _pages(self) -> Iterator[list[Row]]:
        kind = self.cell.kind
        client = self._client(kind.service, self.cell.call_region)
        arguments = dict(kind.arguments or {})
        if client.can_paginate(kind.operation):
            pages: Iterable[Row] = client.get_paginator(kind.operation).paginate(**arguments)
        else:
            pages = [getattr(client, kind.operation)(**arguments)]
        for page in pages:
            yield find(kind.items, page) or []

    def _see(self, items: list[Row]) -> None:
        sighting = Sighting(
            self.cell.account, self.cell.region, self.runner.snapshot_at, self.runner.now()
        )
        for item in self._with_details([i for i in items if self._wanted(i)]):
            try:
                seen = observe(self.cell.kind, item, sighting)
            except Exception as error:  # one odd element never hides the others
                self.ledger.main.fail(self._failure(error))
                continue
            if not self._first_sight(seen.row):
                continue
            self.rows.append(seen.row)
            self.edges += seen.edges
            self.queries += metrics.queries_of(self.cell.kind, item, seen.row)
            self.ledger.main.resources += 1
            for problem in seen.problems:
                self.ledger.main.fail(Failure("error", UnexpectedAnswerError.__name__, problem))

    def _first_sight(self, row: Row) -> bool:
        """Pages shift while they are read, so AWS may list a resource twice."""
        known = len(self.seen)
        self.seen.add(row["resource_id"])
        return len(self.seen) > known

    def _wanted(self, item: Row) -> bool:
        kind = self.cell.kind
        try:
            return kind.keep is None or bool(find(kind.keep, item))
        except Exception as error:
            self.ledger.main.fail(self._failure(error))
            return True

    # -- details -------------------------------------------------------------------------------

    def _with_details(self, items: list[Row]) -> Iterator[Row]:
        """Items with what further calls say of them; those of regions out of scope are left out."""
        if not items or not self.cell.kind.details:
            yield from items
            return
        shared = self._shared_details()
        for item, made in self.calls.map(lambda i: self._detailed({**i, **shared}), items):
            for call in made:
                self._book(call)
            if item is not None:
                yield item

    def _shared_details(self) -> Row:
        """Answers that are the same for all items of an account; asked once."""
        if self.shared is None:
            account = self.cell.account
            context = {"account_id": account.account_id, "partition": account.partition}
            details = [d for d in self.cell.kind.details if d.per_cell]
            made = [self._ask(d, context, self.cell.call_region) for d in details]
            for call in made:
                self._book(call)
            self.shared = {c.part: c.answer for c in made if c.failure is None}
        return self.shared

    def _detailed(self, item: Row) -> tuple[Row | None, list[_Call]]:
        made: list[_Call] = []
        for detail in self.cell.kind.details:
            region = own_region(self.cell.kind, item)
            if region is not None and not self.runner.scope.covers(region):
                return None, made
            if detail.per_cell or (detail.unless is not None and find(detail.unless, item)):
                continue
            call = self._ask(detail, item, region or self.cell.call_region)
            made.append(call)
            if call.failure is None:
                item[detail.name] = call.answer
        return item, made

    def _ask(self, detail: Detail, item: Mapping[str, Any], region: str) -> _Call:
        def call() -> Any:
            client = self._client(detail.service or self.cell.kind.service, region)
            arguments = {name: find(source, item) for name, source in detail.arguments.items()}
            return getattr(client, detail.operation)(**arguments)

        made = self._call(detail.name, call)
        if made.failure is not None and made.failure.code in detail.absent:
            return _Call(detail.name, {}, None, made.watch)
        return made

    # -- metrics -------------------------------------------------------------------------------

    def _measure(self) -> None:
        planned = metrics.batches(self.queries, self.runner.snapshot_at)
        for batch, call in zip(planned, self.calls.map(self._ask_metrics, planned), strict=True):
            answer = call.answer or metrics.Answer({})
            self._book(call, resources=len({batch.queries[i].resource_id for i in answer.values}))
            if answer.failure is not None:
                self.ledger.parts[METRICS].fail(answer.failure)
            self.metrics += (
                metrics.row(query, batch, answer.values.get(index), self.runner.snapshot_at)
                for index, query in enumerate(batch.queries)
            )

    def _ask_metrics(self, batch: metrics.Batch) -> _Call:
        def cloudwatch_in(region: str) -> BaseClient:
            return self._client("cloudwatch", region)

        return self._call(METRICS, lambda: metrics.ask(cloudwatch_in, batch))

    # -- calls ---------------------------------------------------------------------------------

    def _call(self, part: str, call: Callable[[], Any]) -> _Call:
        watch = self._watch()
        try:
            with watch:
                return _Call(part, call(), None, watch)
        except Exception as error:
            return _Call(part, None, self._failure(error), watch)

    def _book(self, call: _Call, resources: int = 1) -> None:
        tally: Tally = self.ledger.parts[call.part]
        tally.add(call.watch)
        if call.failure is not None:
            tally.fail(call.failure)
        else:
            tally.resources += resources

    def _watch(self) -> Watch:
        return Watch(self.deadline, self.runner.clock)

    def _client(self, service: str, region: str) -> BaseClient:
        return self.runner.clients.client(self.cell.account, service, region)

    def _failure(self, error: Exception) -> Failure:
        return classify(error, region_may_be_disabled=self.cell.may_be_disabled)
