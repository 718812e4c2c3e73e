from pathlib import Path

import pytest

from inventory_pipeline.accounts import retries
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.faults.estate import Estate


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


@pytest.fixture
def estate(aws: str, lake: Lake) -> Estate:
    """Two accounts with something in two regions each."""
    estate = Estate(aws, lake)
    estate.plant()
    return estate


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed are repeated without a wait."""
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.0)
