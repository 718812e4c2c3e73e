"""Which runs a living process works on, so that those of a killed one do not stand for ever.

The daemon does this for runs that it starts. A run in a command's own process has only that
process: killed, it would hold its pool's slot, and what it was to ingest, until someone noticed.
"""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

TAG = "inventory/process"

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@contextmanager
def alive(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """The tags of a run that lives in this process, true for as long as the context is open.

    They name a file that this process has locked; the system lets go of it when the process dies.
    """
    folder = _folder(instance)
    folder.mkdir(exist_ok=True)
    name = uuid.uuid4().hex
    with (folder / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield {TAG: name}
    (folder / name).unlink(missing_ok=True)


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Cancel runs whose process was killed and free their slots; returns their ids."""
    ended: list[str] = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        name = run.tags.get(TAG)
        file = _folder(instance) / name if name else None
        if file is not None and _is_dead(file):
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            instance.report_run_canceled(run, "The process of this run was killed.")
            file.unlink(missing_ok=True)
            ended.append(run.run_id)
    return ended


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "processes"


def _is_dead(file: Path) -> bool:
    """Whether nobody holds the file's lock any more. Without the file it is another machine's."""
    try:
        with file.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True
