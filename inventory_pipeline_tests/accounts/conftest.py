import pytest

from inventory_pipeline_tests.accounts.landing_zone import LandingZone


@pytest.fixture
def landing_zone(aws: str) -> LandingZone:
    return LandingZone(aws)
