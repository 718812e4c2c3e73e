"""How a cell's calls share the pool with those of others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

from inventory_pipeline.collect.calls import QUEUED, side_by_side


class Later(Executor):
    """Does nothing before `work`; then what was submitted, in that order."""

    def __init__(self) -> None:
        self.queue: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []

    def submit(self, fn: Any, /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Now(self)
        self.queue.append((future, fn, args))
        return future

    def work(self) -> None:
        while self.queue:
            future, fn, args = self.queue.pop(0)
            if future.set_running_or_notify_cancel():
                future.set_result(fn(*args))


class Now(Future[Any]):
    """A future whose pool works when somebody waits for it."""

    def __init__(self, pool: Later) -> None:
        super().__init__()
        self.pool = pool

    def result(self, timeout: float | None = None) -> Any:
        self.pool.work()
        return super().result(timeout)


def test_a_cell_with_a_thousand_items_leaves_room_for_the_others() -> None:
    pool = Later()
    longest: list[int] = []

    def work(number: int) -> int:
        longest.append(len(pool.queue) + 1)
        return number * 2

    assert list(side_by_side(pool, work, range(1000))) == [n * 2 for n in range(1000)]
    assert max(longest) == QUEUED


def test_elements_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def elements() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    next(side_by_side(Later(), str, elements()))
    assert len(taken) == QUEUED + 1


def test_who_stops_listening_leaves_nothing_in_the_queue() -> None:
    pool = Later()
    done: list[int] = []
    results = side_by_side(pool, done.append, range(1000))
    next(results)
    results.close()  # type: ignore[attr-defined] # a generator, though it need not be
    before = len(done)
    pool.work()
    assert len(done) == before


def test_nothing_to_do_is_nothing() -> None:
    assert list(side_by_side(Later(), str, [])) == []
