"""Work on a lake that one process does at a time, because it is several commits.

Not here: single commits, which need no turn (`lake`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inventory_pipeline.lake.lake import Lake


@contextmanager
def alone(lake: Lake, work: str) -> Iterator[None]:
    """Wait until no other process does this work; only a local lake can tell.

    A process that dies lets go.
    """
    if not lake.is_local:
        yield
        return
    import fcntl

    with (Path(lake.location) / f"{work}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
