"""What the tests of collecting run in processes of their own; importable, so that `spawn` can."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

from inventory_pipeline.collect import collect, commits
from inventory_pipeline.collect.merge import join_chunk
from inventory_pipeline.collect.spool import Chunk
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.simulated_aws import settings_of

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
VOLUMES = ["ebs_volume"]


def now() -> datetime:
    return AT + timedelta(hours=1)


def collect_until_killed(endpoint: str, location: str, kills_at: int) -> None:
    """Collect, committing each cell by itself; die in the midst of the `kills_at`th with rows."""
    from pyiceberg.table import Transaction

    joined = 0

    def join(lake: Lake, at: datetime, chunk: Chunk) -> None:
        nonlocal joined
        joined += "resources" in chunk.files
        if joined == kills_at:
            commit, left = Transaction.commit_transaction, [2]

            def dying(self: Transaction) -> object:
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return commit(self)

            Transaction.commit_transaction = dying  # type: ignore[method-assign,assignment]
        join_chunk(lake, at, chunk)

    commits.join_chunk = join
    commits.COMMIT_ROWS = 1
    one_by_one = {"parallel_regions": 1, "retry_attempts": 0}
    settings = settings_of(endpoint, collection_settings=one_by_one)
    collect(settings, Lake.open(location), AT, now, resource_types=VOLUMES)
