"""What the lake's tests run in processes of their own; importable, so that `spawn` can."""

import os
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

from inventory_pipeline.lake import Lake, Rewriting, publish_warehouse
from inventory_pipeline_tests.lake.planted import (
    DAY,
    NEWER,
    delivery,
    instances,
    publish,
    rows,
    usage,
)

SPAWN = get_context("spawn")
SECONDS = 120
"""How long any child may take before its test fails."""


def run_together(target: Callable[..., None], *arguments: Sequence[Any]) -> list[Any]:
    """Run `target(barrier, pipe, *arguments)` in a process for each arguments; what each sends."""
    barrier = SPAWN.Barrier(len(arguments))
    pipes = [SPAWN.Pipe(duplex=False) for _ in arguments]
    children = [
        SPAWN.Process(target=target, args=(barrier, sender, *given))
        for (_, sender), given in zip(pipes, arguments, strict=True)
    ]
    for child, (_, sender) in zip(children, pipes, strict=True):
        child.start()
        sender.close()  # so that a child's death is heard at once
    sent = [_heard(receiver) for receiver, _ in pipes]
    for child in children:
        child.join(SECONDS)
    assert [child.exitcode for child in children] == [0] * len(children)
    return sent


def _heard(receiver: Connection) -> Any:
    """What a child sent, None where it died first."""
    try:
        return receiver.recv() if receiver.poll(SECONDS) else None
    except EOFError:
        return None


def run_to_its_death(target: Callable[..., None], *arguments: Any) -> None:
    """Run `target` in a process that is to kill itself on the way."""
    child = SPAWN.Process(target=target, args=arguments)
    child.start()
    child.join(SECONDS)
    assert child.exitcode == -signal.SIGKILL


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def replace_own_days(barrier: Any, pipe: Connection, location: str, name: str, times: int) -> None:
    lake = Lake.open(location)
    conflicts = 0
    for i in range(times):
        day = DAY + timedelta(days=i)
        barrier.wait(SECONDS)
        conflicts += lake.replace(
            "s3_usage", [delivery(name, day)], usage(name, i, day=day)
        ).conflicts
    pipe.send(conflicts)


def merge_own_region(
    barrier: Any, pipe: Connection, location: str, region: str, times: int
) -> None:
    """Collect one region of the same snapshot as the others, again and again, an instance each."""
    lake = Lake.open(location)
    conflicts = 0
    for i in range(times):
        new = instances(NEWER, f"i-{region}-{i}", region=region)
        barrier.wait(SECONDS)
        conflicts += lake.merge(
            "ec2_instances",
            {"snapshot_at": NEWER},
            lambda earlier, new=new: pa.concat_tables([earlier, new]),
        ).conflicts
    pipe.send(conflicts)


def die_before_the_commit(location: str) -> None:
    from pyiceberg.table import Transaction

    lake = Lake.open(location)
    Transaction.commit_transaction = die  # type: ignore[method-assign,assignment]
    lake.replace("s3_usage", [delivery("a")], usage("a", 8, 9))


def die_before_the_commit_of_a_merge(location: str) -> None:
    from pyiceberg.table import Transaction

    lake = Lake.open(location)
    Transaction.commit_transaction = die  # type: ignore[method-assign,assignment]
    lake.merge("s3_usage", delivery("a"), lambda _: usage("a", 8, 9))


def die_before_the_commit_of_a_rewrite(location: str) -> None:
    import pyarrow.parquet as pq
    from pyiceberg.table import Transaction

    lake = Lake.open(location)
    Transaction.commit_transaction = die  # type: ignore[method-assign,assignment]
    file = lake.scratch_file()
    pq.write_table(instances(NEWER, "i-2"), file)
    lake.rewrite("ec2_instances", {"snapshot_at": NEWER}, lambda _: Rewriting((), [file]))


def collect(location: str, *, die_halfway: bool = False) -> None:
    """Commit the newer snapshot: two tables, then its row in `snapshots`."""
    from pyiceberg.table import Transaction

    lake = Lake.open(location)
    partition = {"snapshot_at": NEWER}
    lake.merge("ec2_instances", partition, lambda _: instances(NEWER, "i-2", "i-3"))
    if die_halfway:
        Transaction.commit_transaction = die  # type: ignore[method-assign,assignment]
    volume = rows("ebs_volumes", {**partition, "resource_id": "vol-2"})
    lake.merge("ebs_volumes", partition, lambda _: volume)
    publish(lake, NEWER)


def collect_half(location: str) -> None:
    collect(location, die_halfway=True)


def die_publishing(location: str, path: Path) -> None:
    from inventory_pipeline.lake import warehouse

    warehouse._sync = die
    publish_warehouse(Lake.open(location), path)


def read_twice(path: Path, pipe: Connection) -> None:
    """Read the warehouse, wait for word, and read by the same connection and by a new one."""
    import duckdb

    query = "SELECT list(resource_id ORDER BY resource_id) FROM ec2_instances"

    def read(db: duckdb.DuckDBPyConnection) -> list[str]:
        (found,) = db.execute(query).fetchall()[0]
        return list(found)

    held = duckdb.connect(str(path), read_only=True)
    pipe.send(read(held))
    pipe.recv()
    again = read(held)
    held.close()
    with duckdb.connect(str(path), read_only=True) as fresh:
        pipe.send((again, read(fresh)))
