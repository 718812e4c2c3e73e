"""A tiny organisation, at an instant that never changes, and an AWS that shows it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from inventory_pipeline.demo import Estate, Simulation

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def estate() -> Estate:
    return Estate.build(7, "tiny", NOW)


@pytest.fixture(scope="module")
def simulation(estate: Estate) -> Iterator[Simulation]:
    simulation = Simulation.start(estate)
    yield simulation
    simulation.stop()
