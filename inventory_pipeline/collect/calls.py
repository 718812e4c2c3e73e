"""A cell's calls to AWS: each counted, classified when it fails, and none after the deadline.

Not here: which calls (`look`, `details`), nor their repetition (`accounts.retries`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from inventory_pipeline.accounts.account import Account
from inventory_pipeline.accounts.failures import Failure, classify
from inventory_pipeline.accounts.watch import Clock, Watch
from inventory_pipeline.collect.cells import Cell
from inventory_pipeline.collect.observe import UnexpectedAnswerError
from inventory_pipeline.collect.sources import find

Item = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

QUEUED = 32
"""Work that a cell has in the pool at most. All cells share its queue: whoever put a thousand
buckets there at once would let the others' deadlines pass."""

CONTINUATIONS = {
    "NextToken": "NextToken",
    "NextContinuationToken": "ContinuationToken",
    "nextToken": "nextToken",
}
"""Tokens in answers that botocore does not page by itself, and the arguments that take them."""


class ClientSource(Protocol):
    """Where cells get clients: `accounts.Clients`, or a test's own."""

    def client(self, account: Account | None, service: str, region: str) -> Any: ...


@dataclass(frozen=True)
class Call:
    """One call on behalf of a part of the cell: its answer or its failure, and its cost."""

    part: str
    answer: Any
    failure: Failure | None
    watch: Watch


@dataclass(frozen=True)
class Calls:
    """Makes the calls of one cell; safe to share among threads."""

    cell: Cell
    clients: ClientSource
    deadline: float
    clock: Clock

    def ask(self, part: str, call: Callable[[], Any]) -> Call:
        """Make a call; whatever goes wrong is in the result."""
        watch = self.watch()
        try:
            with watch:
                return Call(part, call(), None, watch)
        except Exception as error:  # any failure is a fact for the ledger
            return Call(part, None, self.failure(error), watch)

    def answer(
        self, service: str, region: str, operation: str, arguments: Mapping[str, Any]
    ) -> Any:
        """The answer of one call. Raises whatever botocore raises."""
        return getattr(self.client(service, region), operation)(**arguments)

    def pages(
        self, service: str, region: str, operation: str, arguments: Mapping[str, Any]
    ) -> Iterator[Any]:
        """The answers of an operation, page by page where it has pages."""
        client = self.client(service, region)
        if client.can_paginate(operation):
            yield from client.get_paginator(operation).paginate(**arguments)
            return
        more: Mapping[str, Any] | None = {}
        while more is not None:
            answer = getattr(client, operation)(**{**arguments, **more})
            yield answer
            more = _continuation(answer, more)

    def client(self, service: str, region: str) -> Any:
        return self.clients.client(self.cell.account, service, region)

    def watch(self) -> Watch:
        return Watch(self.deadline, self.clock)

    def failure(self, error: Exception) -> Failure:
        failure = classify(error, region_may_be_disabled=self.cell.may_be_disabled)
        if failure.code == "EndpointConnectionError" and self.cell.may_be_missing:
            return Failure("region_disabled", "NoSuchService", "the region has not got the service")
        return failure


def side_by_side(pool: Executor, work: Callable[[T], R], elements: Iterable[T]) -> Iterator[R]:
    """Results in the order of the elements, as `Executor.map` gives them, but few at a time."""
    left = iter(elements)
    queued: deque[Future[R]] = deque(pool.submit(work, e) for e in islice(left, QUEUED))
    try:
        while queued:
            result = queued.popleft().result()
            queued += (pool.submit(work, e) for e in islice(left, 1))
            yield result
    finally:  # whoever stops listening leaves nothing behind
        for future in queued:
            future.cancel()


def _continuation(answer: Mapping[str, Any], last: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Arguments that ask for the next page, where AWS says that there is one; None at the end.

    Raises UnexpectedAnswerError where the same token comes again, which would never end.
    """
    found = {name: answer[token] for token, name in CONTINUATIONS.items() if answer.get(token)}
    if found and found == last:
        raise UnexpectedAnswerError("AWS gave the same token for the next page twice")
    return found or None


def found_arguments(sources: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Arguments that are found in an item; None where one of them is not there.

    What is neither text nor function is given as it is.
    """
    found = {
        name: find(source, item) if isinstance(source, str) or callable(source) else source
        for name, source in sources.items()
    }
    return None if any(value is None for value in found.values()) else found
