import os
import subprocess
import sys
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake that `inventory demo` leaves behind."""
    folder = tmp_path_factory.mktemp("demo")
    command = [str(Path(sys.executable).with_name("inventory")), "demo", "--scale", "tiny"]
    done = subprocess.run(
        [*command, "--dir", str(folder / "demo")],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return Lake.open(str(folder / "demo" / "lake"), create=False)


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
