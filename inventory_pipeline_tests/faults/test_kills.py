"""The demo killed at ten moments, and what it ends with beside an undisturbed run.

Three demos: one undisturbed, then ten runs of another folder, each killed by SIGKILL in another
tenth of the time that takes, in random order. Every run starts on what the killed one left; after
kills 3, 6 and 10 one is left to end well, and every table then has the rows of the undisturbed run.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inventory_pipeline.defs.partitions import snapshot_instant, snapshot_key
from inventory_pipeline_tests.end_to_end.lake_rows import Rows, assert_equal_rows, rows_of

SEED = int(os.environ.get("KILLS_SEED", "20261120"))
KILLS = 10
LEFT_ALONE_AFTER = (3, 6, 10)
LONGEST = timedelta(minutes=15)

pytestmark = pytest.mark.full


def demo(folder: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("inventory")), "demo", "--scale", "tiny"]
    with folder.with_suffix(".log").open("ab") as log:
        return subprocess.Popen([*command, "--dir", str(folder)], stdout=log, stderr=log)


def run_to_the_end(folder: Path) -> float:
    """Run the demo on a folder; how long it took."""
    started = time.monotonic()
    log = folder.with_suffix(".log")
    assert demo(folder).wait() == 0, log.read_text()[-3000:]
    return time.monotonic() - started


def kill_after(folder: Path, seconds: float) -> bool:
    """Start the demo on a folder and kill it; False where it had ended before."""
    process = demo(folder)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def moments() -> Iterator[float]:
    """Fractions of a run: one in each tenth, in random order."""
    chance = random.Random(SEED)
    tenths = list(range(KILLS))
    chance.shuffle(tenths)
    return ((tenth + chance.random()) / KILLS for tenth in tenths)


def undisturbed_run(calm: Path, shaken: Path) -> tuple[float, Rows]:
    """A whole run, how long it took and what it found.

    The other folder is to show the same organisation at the same time, so it has the same start.
    """
    seconds = run_to_the_end(calm)
    shaken.mkdir()
    shutil.copy(calm / "demo.json", shaken)
    expected = rows_of(calm)
    assert all(expected[name] for name in ("snapshots", "s3_objects", "archive_manifests"))
    return seconds, expected


def kill_and_compare(shaken: Path, seconds: float, expected: Rows) -> None:
    for number, moment in enumerate(moments(), start=1):
        while not kill_after(shaken, moment * seconds):
            seconds *= 0.9  # the machine has become faster
        print(f"kill {number} at {moment:.0%} of a run, {moment * seconds:.1f} s")
        if number in LEFT_ALONE_AFTER:
            print(f"left alone: {run_to_the_end(shaken):.0f} s")
            assert_equal_rows(rows_of(shaken), expected)
            assert not list(shaken.glob("warehouse.duckdb.*")), "a build that died is swept up"


def test_killed_runs_end_with_the_rows_of_an_undisturbed_one(tmp_path: Path) -> None:
    if _next_window() < LONGEST:
        # A demo starts anew with each snapshot's window: this one's `now` must outlast the test.
        time.sleep(_next_window().total_seconds())
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    seconds, expected = undisturbed_run(calm, shaken)
    print(f"seed {SEED} (KILLS_SEED); undisturbed {seconds:.0f} s")
    kill_and_compare(shaken, seconds, expected)
    assert (shaken / "demo.json").read_text() == (calm / "demo.json").read_text()


def _next_window() -> timedelta:
    """How long the window of the snapshot of now lasts yet."""
    now = datetime.now(UTC)
    return snapshot_instant(snapshot_key(now)) + timedelta(hours=12) - now
