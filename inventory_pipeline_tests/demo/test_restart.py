from inventory_pipeline.demo import Estate, Simulation
from inventory_pipeline.demo.estate import PLATFORM


def delivered() -> dict[str, str]:
    """ETags of what lies in a destination bucket, by key."""
    from moto.s3.models import s3_backends

    backend = s3_backends[PLATFORM.account_id]["aws"]
    bucket = backend.get_bucket("example-inventory-reports-us-east-1")
    return {key: found.etag for key, found in bucket.keys.items()}


def test_a_simulation_starts_from_nothing_and_comes_to_the_same(estate: Estate) -> None:
    """As after a kill: what moto had is gone, and the same days make the same deliveries."""
    found: list[dict[str, str]] = []
    for _ in range(2):
        simulation = Simulation.start(estate)
        try:
            assert delivered() == {}
            simulation.write_deliveries(1)
            found.append(delivered())
        finally:
            simulation.stop()
    assert found[0]
    assert found[0] == found[1]
