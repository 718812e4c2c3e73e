import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.dialect import LakeState
from inventory_pipeline_tests.end_to_end.comparison import register
from inventory_pipeline_tests.end_to_end.trino import Trino
from inventory_pipeline_tests.end_to_end.trino import trino as running_trino

DEMO_SECONDS = 600


@pytest.fixture(scope="session")
def trino() -> Iterator[Trino]:
    with running_trino() as server:
        yield server


@dataclass(frozen=True)
class FinishedDemo:
    """A folder that `inventory demo` has filled, and how its last run ended."""

    folder: Path
    process: subprocess.CompletedProcess[str]

    @property
    def lake(self) -> Lake:
        return Lake.open(str(self.folder / "lake"), create=False)


def run_demo(folder: Path) -> FinishedDemo:
    command = [str(Path(sys.executable).with_name("inventory")), "demo", "--scale", "tiny"]
    done = subprocess.run(
        [*command, "--dir", str(folder)],
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return FinishedDemo(folder, done)


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    return run_demo(tmp_path_factory.mktemp("demo") / "demo")


@pytest.fixture(scope="session")
def demo_lake(finished_demo: FinishedDemo) -> Lake:
    """The lake that `inventory demo` leaves behind."""
    return finished_demo.lake


@pytest.fixture(scope="session")
def registered(trino: Trino) -> Callable[[Lake], LakeState]:
    """Tell Trino of a lake as it is now, under a name of its own."""
    numbers = count()
    return lambda lake: register(trino, lake, f"lake_{next(numbers)}")


@pytest.fixture(scope="session")
def demo_state(demo_lake: Lake, registered: Callable[[Lake], LakeState]) -> LakeState:
    return registered(demo_lake)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))
