"""Work on a lake that one process does at a time, because it is several commits.

Not here: single commits, which need no turn (`lake`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.leases import Lease

INGESTION = "ingestion"
"""The turn of whoever commits deliveries, erases keys or removes what nothing refers to."""


def _held() -> None:
    """What cannot be lost is not looked after."""


@dataclass(frozen=True)
class Turn:
    """Work that is done alone.

    `check` is to be called before each commit: it raises LakeError where the turn has been lost,
    the process having stood still for minutes. `kept`: whether anything keeps others from it.
    """

    check: Callable[[], None] = _held
    kept: bool = True


@contextmanager
def alone(
    lake: Lake,
    work: str,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Turn]:
    """Wait until no other process does this work; one that dies lets go, on S3 after minutes.

    Raises LakeError where another one does it for too long. Where an S3 of another maker has no
    writes on condition, nobody is waited for, which is logged.
    """
    if lake.is_local:
        import fcntl

        with (Path(lake.location) / f"{work}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Turn()
        return
    lease = Lease(f"{lake.location}/{work}.lease", clock, wait)
    if lease.take():
        with lease.renewed():
            yield Turn(lease.check)
    else:
        _say(lake.location)
        yield Turn(kept=False)


@cache  # once is enough
def _say(location: str) -> None:
    logging.getLogger(__name__).warning(
        "%s: the store knows no writes on condition, so no process waits for another; have one at "
        "a time ingest, erase or maintain",
        location,
    )
