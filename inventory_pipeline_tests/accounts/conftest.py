import pytest

from inventory_pipeline_tests.accounts.landing_zone import LandingZone
from inventory_pipeline_tests.simulated_aws import aws, aws_server

__all__ = ["aws", "aws_server"]


@pytest.fixture
def landing_zone(aws: str) -> LandingZone:
    return LandingZone(aws)
