"""One look at one cell: lists, asks for details, measures, and keeps the cell's ledger.

A look never raises: whatever happens is written in its ledger, and the rest goes on. Not here:
what a row is (`observe`), what further calls say of an item (`details`), which cell is next
(`dispatch`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts.failures import Failure
from inventory_pipeline.collect import metrics
from inventory_pipeline.collect.calls import Call, Calls, Item, found_arguments, side_by_side
from inventory_pipeline.collect.cells import Cell
from inventory_pipeline.collect.details import Details
from inventory_pipeline.collect.ledger import METRICS, CellLedger, Tally
from inventory_pipeline.collect.observe import Sighting, UnexpectedAnswerError, observe
from inventory_pipeline.collect.sources import find
from inventory_pipeline.resource_types import Preparation, Within

if TYPE_CHECKING:
    from inventory_pipeline.collect.runner import CellRunner

Row = dict[str, Any]

PREPARATION_SECONDS = 2.0
"""How long to wait before asking again whether a report is ready."""


DETAILS_SHARE = 0.8
"""Of a cell's time, what details may take: slow ones must not hide what is listed after them."""


@dataclass(frozen=True)
class CellResult:
    """What became of a cell: rows of its table, of `relationships`, `metrics` and `coverage`.

    `children` are rows by child table. `silent`: AWS did not answer at all.
    """

    cell: Cell
    rows: list[Row]
    edges: list[Row]
    metrics: list[Row]
    coverage: list[Row]
    children: dict[str, list[Row]]

    @property
    def status(self) -> str:
        return str(self.coverage[0]["status"])

    @property
    def silent(self) -> bool:
        return self.status == "timeout" and not self.rows


class Look:
    """One cell while it is looked at; belongs to one thread, which hands calls to a pool."""

    def __init__(self, runner: CellRunner, cell: Cell, pool: Executor) -> None:
        self.runner = runner
        self.cell = cell
        self.pool = pool
        self.ledger = CellLedger.of(cell)
        self.rows: list[Row] = []
        self.edges: list[Row] = []
        self.metrics: list[Row] = []
        self.children: defaultdict[str, list[Row]] = defaultdict(list)
        self.queries: list[metrics.MetricQuery] = []
        self.seen: set[str] = set()

    def run(self) -> CellResult:
        observed_at = self.runner.now()
        if self.cell.skip is None:
            self._look()
        return CellResult(
            self.cell,
            self.rows,
            self.edges,
            self.metrics,
            self.ledger.rows(self.cell, self.runner.snapshot_at, observed_at),
            dict(self.children),
        )

    def _look(self) -> None:
        runner = self.runner
        start, seconds = runner.clock(), runner.timeout_seconds
        self.calls = Calls(self.cell, runner.clients, start + seconds, runner.clock)
        in_time = replace(self.calls, deadline=start + DETAILS_SHARE * seconds)
        self.details = Details(in_time, self.pool, runner.scope, runner.batch_size)
        self._list()
        try:
            self._measure()
        except Exception as error:  # what AWS answers may have any shape
            self.ledger.parts[METRICS].fail(self.calls.failure(error))

    # -- listing -------------------------------------------------------------------------------

    def _list(self) -> None:
        """Page by page; pages seen before a failure count, but the cell is not ok."""
        watch = self.calls.watch()
        pages = self._pages()
        try:
            while True:
                with watch:
                    items = next(pages, None)
                if items is None:
                    break
                self._see(items)
        except Exception as error:  # any failure is a fact for the ledger
            failure = self.calls.failure(error)
            if failure.code not in self.cell.kind.absent:
                self.ledger.main.fail(failure)
        self.ledger.main.add(watch)

    def _pages(self) -> Iterator[list[Item]]:
        kind, place = self.cell.kind, self.cell.place
        if kind.prepare is not None:
            self._prepare(kind.prepare)
        if kind.operation is None:
            yield [place]
        elif kind.within is not None:
            yield from self._pages_within(kind.within)
        else:
            arguments = {
                name: value(place) if callable(value) else value
                for name, value in (kind.arguments or {}).items()
            }
            yield from self._listed(kind.operation, arguments)

    def _pages_within(self, within: Within) -> Iterator[list[Item]]:
        """The items of each parent; one that fails leaves the others to be seen."""
        kind, place = self.cell.kind, self.cell.place
        for page in self._raw_pages(within.operation, found_arguments(within.arguments, place)):
            for parent in find(within.items, page) or []:
                arguments = found_arguments(kind.arguments or {}, parent)
                try:
                    for items in self._listed(kind.operation or "", arguments):
                        yield [{**item, "parent": parent} for item in items]
                except Exception as error:  # any failure is a fact for the ledger
                    failure = self.calls.failure(error)
                    if failure.code not in within.absent:
                        self.ledger.main.fail(failure)

    def _listed(self, operation: str, arguments: Item | None) -> Iterator[list[Item]]:
        for page in self._raw_pages(operation, arguments):
            yield find(self.cell.kind.items, page) or []

    def _raw_pages(self, operation: str, arguments: Item | None) -> Iterator[Any]:
        if arguments is None:
            raise UnexpectedAnswerError(f"an argument of {operation} is not known")
        kind = self.cell.kind
        return self.calls.pages(kind.service, self.cell.call_region, operation, arguments)

    def _prepare(self, preparation: Preparation) -> None:
        """Ask until it is done; the cell's deadline ends it otherwise."""
        kind, region = self.cell.kind, self.cell.call_region
        while True:
            answer = self.calls.answer(kind.service, region, preparation.operation, {})
            if find(preparation.done, answer):
                return
            self.runner.sleep(PREPARATION_SECONDS)

    # -- seeing --------------------------------------------------------------------------------

    def _see(self, items: list[Item]) -> None:
        sighting = Sighting(
            self.cell.account, self.cell.region, self.runner.snapshot_at, self.runner.now()
        )
        for item, made in self.details.of([i for i in items if self._wanted(i)]):
            for call in made:
                self._book(call)
            if item is not None:
                self._keep(item, sighting)

    def _keep(self, item: Item, sighting: Sighting) -> None:
        try:
            seen = observe(self.cell.kind, item, sighting)
        except Exception as error:  # one odd element never hides the others
            self.ledger.main.fail(self.calls.failure(error))
            return
        if not self._first_sight(seen.row):
            return
        self.rows.append(seen.row)
        self.edges += seen.edges
        for table, rows in seen.children.items():
            self.children[table] += rows
        self.ledger.main.resources += 1
        for problem in seen.problems:
            self.ledger.main.fail(Failure("error", UnexpectedAnswerError.__name__, problem))
        try:
            self.queries += metrics.queries_of(self.cell.kind, item, seen.row)
        except Exception as error:  # one odd element never hides the others
            self.ledger.parts[METRICS].fail(self.calls.failure(error))

    def _first_sight(self, row: Row) -> bool:
        """Pages shift while they are read, so AWS may list a resource twice."""
        known = len(self.seen)
        self.seen.add(row["resource_id"])
        return len(self.seen) > known

    def _wanted(self, item: Item) -> bool:
        kind = self.cell.kind
        try:
            return kind.keep is None or bool(find(kind.keep, item))
        except Exception as error:  # an odd element is kept: better seen twice than not at all
            self.ledger.main.fail(self.calls.failure(error))
            return True

    # -- metrics -------------------------------------------------------------------------------

    def _measure(self) -> None:
        planned = metrics.batches(self.queries, self.runner.snapshot_at)
        asked = side_by_side(self.pool, self._ask_metrics, planned)
        for batch, call in zip(planned, asked, strict=True):
            answer = call.answer or metrics.Answer({})
            self._book(call, resources=len({batch.queries[i].resource_id for i in answer.values}))
            if answer.failure is not None:
                self.ledger.parts[METRICS].fail(answer.failure)
            self.metrics += (
                metrics.row(query, batch, answer.values.get(index), self.runner.snapshot_at)
                for index, query in enumerate(batch.queries)
            )

    def _ask_metrics(self, batch: metrics.Batch) -> Call:
        def cloudwatch_in(region: str) -> Any:
            return self.calls.client("cloudwatch", region)

        return self.calls.ask(METRICS, lambda: metrics.ask(cloudwatch_in, batch))

    def _book(self, call: Call, resources: int = 1) -> None:
        tally: Tally = self.ledger.parts[call.part]
        tally.add(call.watch)
        if call.failure is not None:
            tally.fail(call.failure)
        else:
            tally.resources += resources
