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
from pathlib import Path

import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline.tables import tables

SEED = int(os.environ.get("KILLS_SEED", "20261120"))
KILLS = 10
LEFT_ALONE_AFTER = (3, 6, 10)

# When and how it went, not what was found.
WALL_CLOCK = frozenset(
    {
        *("observed_at", "collected_from", "collected_to", "recorded_at", "written_at"),
        *("seconds", "calls", "retries", "throttles"),
    }
)

pytestmark = pytest.mark.full


def demo(folder: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("inventory")), "demo", "--scale", "tiny"]
    log = folder.with_suffix(".log").open("ab")
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


def rows(folder: Path) -> dict[str, list[str]]:
    """Every row that readers see, by table; and every file that was written for people."""
    lake = Lake.open(str(folder / "lake"), create=False)
    found: dict[str, list[str]] = {}
    for name in tables():
        data = lake.read(name)
        kept = [column for column in data.column_names if column not in WALL_CLOCK]
        found[name] = sorted(
            repr(row).replace(str(folder), "<folder>") for row in data.select(kept).to_pylist()
        )
    for kind in ("manifests", "reports"):
        files = [path for path in (folder / kind).rglob("*") if path.is_file()]
        found[kind] = sorted(f"{p.relative_to(folder)} {p.read_bytes()!r}" for p in files)
    return found


def assert_equal_rows(found: dict[str, list[str]], undisturbed: dict[str, list[str]]) -> None:
    for name, expected in undisturbed.items():
        missing = sorted(set(expected) - set(found[name]))[:3]
        strange = sorted(set(found[name]) - set(expected))[:3]
        assert found[name] == expected, f"{name}: missing {missing}, not expected {strange}"


def undisturbed_run(folder: Path, beside: Path) -> float:
    """A whole run, and another folder that is to show the same organisation at the same time."""
    seconds = run_to_the_end(folder)
    beside.mkdir()
    shutil.copy(folder / "demo.json", beside)
    return seconds


def test_killed_runs_end_with_the_rows_of_an_undisturbed_one(tmp_path: Path) -> None:
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    seconds = undisturbed_run(calm, shaken)
    print(f"seed {SEED} (KILLS_SEED); undisturbed {seconds:.0f} s")
    expected = rows(calm)
    assert all(expected[name] for name in ("snapshots", "s3_objects", "archive_manifests"))
    for number, moment in enumerate(moments(), start=1):
        while not kill_after(shaken, moment * seconds):
            seconds *= 0.9  # the machine has become faster
        print(f"kill {number} at {moment:.0%} of a run, {moment * seconds:.1f} s")
        if number in LEFT_ALONE_AFTER:
            print(f"left alone: {run_to_the_end(shaken):.0f} s")
            assert_equal_rows(rows(shaken), expected)
            assert not list(shaken.glob("warehouse.duckdb.*"))
    assert (shaken / "demo.json").read_text() == (calm / "demo.json").read_text()
