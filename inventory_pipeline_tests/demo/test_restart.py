from typing import Any

from inventory_pipeline.demo import Estate, Simulation
from inventory_pipeline.demo.estate import FINANCE, HOME_REGION, PLATFORM, STOREFRONT


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


def made_up() -> list[Any]:
    """Some of what AWS makes up by chance or by the clock."""
    from moto.backends import get_backend

    ec2 = get_backend("ec2")[FINANCE.account_id][HOME_REGION]
    keys = get_backend("kms")[FINANCE.account_id][HOME_REGION].keys.values()
    secrets = get_backend("secretsmanager")[STOREFRONT.account_id][HOME_REGION].secrets.values()
    users = get_backend("iam")[PLATFORM.account_id]["aws"].users.values()
    return [
        sorted(ec2.vpcs),
        sorted(subnet.id for subnet in ec2.describe_subnets()),
        sorted(group.id for group in ec2.describe_security_groups()),
        sorted((key.id, key.creation_date) for key in keys),
        sorted((secret.arn, secret.created_date) for secret in secrets),
        [(user.id, user.create_date, user.access_keys[0].access_key_id) for user in users],
    ]


def test_what_aws_makes_up_stays_the_same_overnight_and_after_a_restart(estate: Estate) -> None:
    found: list[list[Any]] = []
    for _ in range(2):
        simulation = Simulation.start(estate)
        try:
            found.append(made_up())
            simulation.apply(2)
            found.append(made_up())
        finally:
            simulation.stop()
    assert all(part for part in found[0])
    assert found[0] == found[1] == found[2] == found[3]


def test_roles_stay_assumed_overnight(estate: Estate) -> None:
    from moto.iam.models import get_account_id_from
    from moto.sts.models import sts_backends

    simulation = Simulation.start(estate)
    try:
        role = sts_backends[PLATFORM.account_id]["aws"].assume_role(
            HOME_REGION, "inventory", PLATFORM.role_arn, "", 3600, PLATFORM.external_id
        )
        simulation.apply(2)
        assert get_account_id_from(role.access_key_id) == PLATFORM.account_id
    finally:
        simulation.stop()
