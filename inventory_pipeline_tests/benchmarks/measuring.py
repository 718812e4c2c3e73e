"""Running one side of a benchmark in its own process, and saying what it took."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

OURS = "inventory_pipeline"


@dataclass
class Clock:
    """CPU seconds (of all threads) and wall seconds of each `with` block it timed."""

    cpu: list[float] = field(default_factory=list[float])
    wall: list[float] = field(default_factory=list[float])

    @contextmanager
    def running(self) -> Iterator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)


@dataclass(frozen=True)
class Side:
    """What one side took for so many rows, its peak memory, and its answer, to be compared."""

    rows: int
    clock: Clock
    answer: Any
    peak_mb: float

    @property
    def cpu_per_row(self) -> float:
        return sum(self.clock.cpu) / self.rows

    def tenth(self, number: int) -> "Side":
        """The first (0) to last (9) tenth of a side whose every lap took the same rows."""
        laps = len(self.clock.cpu)
        part = slice(laps * number // 10, laps * (number + 1) // 10)
        clock = Clock(self.clock.cpu[part], self.clock.wall[part])
        return Side(self.rows * len(clock.cpu) // laps, clock, self.answer, self.peak_mb)


@dataclass(frozen=True)
class Figure:
    """One line of a report. `ratio` is CPU per row over that of the side compared with."""

    benchmark: str
    format: str
    engine: str
    rows: int
    cpu_us_per_row: float
    rows_per_second: float
    peak_mb: float
    ratio: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Report:
    """A benchmark's figures, and sentences for what they do not say."""

    figures: list[Figure]
    notes: list[str]


class DisagreementError(Exception):
    """The sides of a benchmark gave different answers; their figures mean nothing."""


def run_apart(function: Callable[..., Any], rows: int, *arguments: Any) -> Side:
    """Run `function(clock, rows, *arguments)` in a new process; it times what counts."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(sender, function, rows, arguments))
    child.start()
    sender.close()
    try:
        side: Side = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{function.__qualname__} failed; its traceback is above") from None
    finally:
        child.join()
    return side


def _run(
    pipe: Connection, function: Callable[..., Any], rows: int, arguments: Sequence[Any]
) -> None:
    clock = Clock()
    answer = function(clock, rows, *arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send(Side(rows, clock, answer, peak))


def agree(*answers: object) -> None:
    """Raise DisagreementError unless all answers are the same."""
    for answer in answers[1:]:
        if answer != answers[0]:
            raise DisagreementError(f"one side says {answers[0]!r}, another {answer!r}")


def figure(benchmark: str, format: str, engine: str, side: Side, compared_with: Side) -> Figure:
    return Figure(
        benchmark=benchmark,
        format=format,
        engine=engine,
        rows=side.rows,
        cpu_us_per_row=round(side.cpu_per_row * 1e6, 4),
        rows_per_second=round(side.rows / sum(side.clock.wall), 1),
        peak_mb=round(side.peak_mb, 1),
        ratio=round(side.cpu_per_row / compared_with.cpu_per_row, 3),
    )
