"""What the tests of faults run in processes of their own; importable, so that `spawn` can."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection

from inventory_pipeline.accounts import Clients
from inventory_pipeline.collect import collect, commits
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.faults.estate import Estate, instant

CELLS = 8
"""How many cells are seen before it waits to be killed; those under way go on."""


def collect_until_killed(endpoint: str, location: str, number: int, pipe: Connection) -> None:
    """Collect a snapshot, committing every cell by itself, and stand still half-way."""
    commits.COMMIT_ROWS = 1
    estate = Estate(endpoint, Lake.open(location))
    seen: list[str] = []

    def halt(line: str) -> None:
        seen.append(line)
        if len(seen) == CELLS:
            pipe.send(seen)
            threading.Event().wait()

    settings = estate.settings(parallel_regions=2)
    clients = Clients.of(settings)
    at = instant(number)
    collect(settings, estate.lake, at, lambda: at, clients=clients, progress=halt)
