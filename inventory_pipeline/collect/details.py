"""What further calls say of listed items: once for all, for several at a time, or one by one.

Not here: the listing (`look`), nor what becomes of an answer (`observe`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from inventory_pipeline.accounts.failures import Failure
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.accounts.watch import Watch
from inventory_pipeline.collect.calls import Call, Calls, Item, found_arguments, side_by_side
from inventory_pipeline.collect.observe import own_region
from inventory_pipeline.collect.sources import find
from inventory_pipeline.resource_types import Batch, Detail

T = TypeVar("T")

_GONE = "no longer there"
"""Marks an item that was deleted since it was listed, where a shared call found out."""

_UNANSWERED = Failure("error", "NoAnswer", "AWS answered for other items of the call alone")
_UNASKED = Failure("not_attempted", None, "what it is asked with was not read")

SILENT_CALLS = 3
"""Calls in a row without any answer after which a cell asks a region nothing more: each of them
holds a thread as long as a call may take, and the items of other regions wait for it."""


@dataclass
class Details:
    """The details of one cell's items; `pool` makes the calls."""

    calls: Calls
    pool: Executor
    scope: RegionScope
    batch_size: int
    _shared: Item | None = field(default=None, init=False)
    _silent: Counter[str] = field(default_factory=Counter[str], init=False)

    def of(self, items: Sequence[Item]) -> Iterator[tuple[Item | None, list[Call]]]:
        """Each item with what is said of it, and the calls that it took.

        None for an item that is out of scope or no longer there. Calls for several items come
        with the first of them.
        """
        kind = self.calls.cell.kind
        if not items or not kind.details:
            yield from ((item, []) for item in items)
            return
        shared, made = self._shared_details()
        items = [{**item, **shared} for item in items]
        for detail in kind.details:
            if detail.batch is not None:
                made += self._batched(detail, detail.batch, items)
        for item, own in side_by_side(self.pool, self._detailed, items):
            yield item, made + own
            made = []

    def _shared_details(self) -> tuple[Item, list[Call]]:
        """Answers that are the same for all items of the cell; asked once."""
        if self._shared is not None:
            return self._shared, []
        cell = self.calls.cell
        place = cell.place
        made = [
            self._ask(detail, place, cell.call_region)
            for detail in cell.kind.details
            if detail.per_cell
        ]
        self._shared = {call.part: call.answer for call in made if call.failure is None}
        return self._shared, made

    def _batched(self, detail: Detail, batch: Batch, items: Sequence[Item]) -> list[Call]:
        """Ask for several items in each call, and give each item its part of the answer."""
        wanted = [item for item in items if not _needless(detail, item)]
        ask = partial(self._ask_batch, detail, batch)
        chunks = list(_chunks(wanted, min(batch.size, self.batch_size)))
        made: list[Call] = []
        for chunk, call in zip(chunks, side_by_side(self.pool, ask, chunks), strict=True):
            if not self._is_gone(call):
                made.append(call)
            else:  # one item that is gone fails the call for all: each is asked for itself
                made.append(replace(call, failure=None))
                made += [self._ask_alone(ask, item) for item in chunk]
        return made

    def _ask_alone(self, ask: Callable[[Sequence[Item]], Call], item: Item) -> Call:
        call = ask([item])
        if not self._is_gone(call):
            return call
        item[_GONE] = True
        return replace(call, failure=None)

    def _ask_batch(self, detail: Detail, batch: Batch, items: Sequence[Item]) -> Call:
        cell = self.calls.cell
        arguments = {**detail.arguments, batch.argument: [find(batch.key, i) for i in items]}

        def ask() -> Any:
            service = detail.service or cell.kind.service
            return self.calls.answer(service, cell.call_region, detail.operation, arguments)

        call = self.calls.ask(detail.name, ask)
        if call.failure is not None:
            return call
        said = {find(batch.answer_key, a): a for a in find(batch.answers, call.answer) or []}
        for item, key in zip(items, arguments[batch.argument], strict=True):
            if key in said:
                item[detail.name] = said[key]
            else:
                call = replace(call, failure=_UNANSWERED)
        return call

    def _is_gone(self, call: Call) -> bool:
        return call.failure is not None and call.failure.code in self.calls.cell.kind.gone

    def _detailed(self, item: Item) -> tuple[Item | None, list[Call]]:
        kind = self.calls.cell.kind
        made: list[Call] = []
        if item.pop(_GONE, False):
            return None, made
        for detail in kind.details:
            region = own_region(kind, item)
            if region is not None and not self.scope.covers(region):
                return None, made
            if detail.per_cell or detail.batch is not None or _needless(detail, item):
                continue
            call = self._ask(detail, item, region or self.calls.cell.call_region)
            if self._is_gone(call):
                return None, [*made, replace(call, failure=None)]
            made.append(call)
            if call.failure is None:
                item[detail.name] = call.answer
        return item, made

    def _ask(self, detail: Detail, item: Mapping[str, Any], region: str) -> Call:
        try:
            arguments = found_arguments(detail.arguments, item)
        except Exception as error:  # one odd element never hides the others
            return Call(detail.name, None, self.calls.failure(error), Watch())
        if arguments is None:
            return Call(detail.name, None, _UNASKED, Watch())
        if self._silent[region] >= SILENT_CALLS:
            return Call(detail.name, None, _silence(region), Watch())
        service = detail.service or self.calls.cell.kind.service

        def ask() -> Any:
            if detail.items is None:
                return self.calls.answer(service, region, detail.operation, arguments)
            pages = self.calls.pages(service, region, detail.operation, arguments)
            return [element for page in pages for element in find(detail.items, page) or []]

        call = self.calls.ask(detail.name, ask)
        self._silent[region] = self._silent[region] + 1 if _is_silence(call) else 0
        if call.failure is not None and call.failure.code in detail.absent:
            return Call(detail.name, {} if detail.items is None else [], None, call.watch)
        return call


def _is_silence(call: Call) -> bool:
    """Whether AWS did not answer, rather than not being asked any more."""
    failure = call.failure
    return failure is not None and failure.status == "timeout" and call.watch.calls > 0


def _silence(region: str) -> Failure:
    reason = f"{region} did not answer other calls; it is tried again in the next run"
    return Failure("not_attempted", "Silent", reason)


def _needless(detail: Detail, item: Mapping[str, Any]) -> bool:
    return detail.unless is not None and bool(find(detail.unless, item))


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
