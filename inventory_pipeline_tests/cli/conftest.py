import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from inventory_pipeline.cli import main
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.cli.planted import plant_all

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake with the planted estate; commands only read it."""
    folder = tmp_path_factory.mktemp("cli") / "lake"
    plant_all(Lake.open(str(folder)))
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command in an empty folder, without settings of the environment."""
    for name in ("INVENTORY_SETTINGS", "CONFIG_PATH", "INVENTORY_LAKE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def read(run: Run, lake: Path) -> Run:
    """Run a reading command on the planted lake."""
    return lambda *args: run(*args, "--lake", lake)


@pytest.fixture
def read_json(read: Run) -> Callable[..., Any]:
    def parsed(*args: str) -> Any:
        result = read(*args, "--format", "json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return parsed
