"""Totals by dimension: they reconcile to the cent, and lose nobody."""

from decimal import Decimal
from pathlib import Path

import pytest

from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.marts.planted import NOW, Planted

DIMENSIONS = ("service", "account", "department", "region")


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    planted = Planted(tmp_path_factory.mktemp("totals"))
    for n in range(60):
        planted.resource(
            "ebs_volume", f"vol-{n}", state="in-use", volume_type="gp2", size_gb=7 * n + 1,
            account_id=f"{n % 3:012}", account_name=f"account-{n % 3}",
            region=("us-east-1", "sa-east-1", "ap-south-2")[n % 4 % 3],
            department=("research", "sales", None)[n % 5 % 3],
        )  # fmt: skip
    bucket = {"standard_bytes": 3.0, "object_count": 1.0}  # less than a cent, yet not nothing
    for n in range(40):
        planted.resource("s3_bucket", f"b-{n}", {**bucket, "standard_bytes": 2.0**25 + n})
    planted.publish()
    planted.build("cost_components", "resource_costs", *(f"cost_by_{d}" for d in DIMENSIONS))
    return planted


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_every_total_sums_to_the_same_cents(estate: Planted, dimension: str) -> None:
    costs = estate.rows("resource_costs")
    totals = estate.rows(f"cost_by_{dimension}")
    assert sum(t["monthly_usd"] for t in totals) == sum(c["known_usd"] for c in costs)
    assert sum(t["resources"] for t in totals) == len(costs) == 100
    unpriced = sum(c["monthly_usd"] is None for c in costs)
    assert sum(t["unpriced_resources"] for t in totals) == unpriced > 0


def test_components_sum_to_resources(estate: Planted) -> None:
    components = estate.rows("cost_components")
    known = sum(c["monthly_usd"] for c in components if c["monthly_usd"] is not None)
    assert known == sum(c["known_usd"] for c in estate.rows("resource_costs"))


def test_unallocated_cost_keeps_a_row_of_its_own(estate: Planted) -> None:
    departments = {t["department"]: t for t in estate.rows("cost_by_department")}
    assert set(departments) == {"research", "sales", None}
    unallocated = [c for c in estate.rows("resource_costs") if c["department"] is None]
    assert departments[None]["monthly_usd"] == sum(c["known_usd"] for c in unallocated)


def test_what_costs_nothing_is_known_and_what_nobody_priced_is_not(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    free = next(k for k in resource_types().values() if k.free and not k.costs)
    unpriced = next(k for k in resource_types().values() if not k.free and not k.costs)
    for n in range(20):
        planted.resource(free.name, f"free-{n}")
    planted.resource(unpriced.name, "x")
    planted.resource("ebs_volume", "vol", volume_type="gp2", size_gb=10)
    planted.row("resources", **{**UNKNOWN_TYPE, "snapshot_at": NOW})
    planted.publish()
    planted.build("cost_components", "resource_costs", "cost_by_region")
    costs = {c["resource_type"]: c for c in planted.rows("resource_costs")}
    assert (costs[free.name]["monthly_usd"], costs[free.name]["unpriced_reason"]) == (0, None)
    for name in (unpriced.name, "from_a_newer_version"):
        cost = costs[name]
        assert (cost["monthly_usd"], cost["known_usd"]) == (None, 0)
        assert cost["unpriced_reason"] == f"no price model for {name} yet"
    [total] = planted.rows("cost_by_region")
    assert (total["resources"], total["unpriced_resources"]) == (23, 2)
    assert total["monthly_usd"] == 1


UNKNOWN_TYPE = {
    "observed_at": NOW, "account_id": "111111111111", "region": "us-east-1",
    "resource_type": "from_a_newer_version", "resource_id": "y",
}  # fmt: skip


def test_an_account_renamed_in_between_is_one_account(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    for name, volume in (("old", "a"), ("new", "b")):
        planted.resource("ebs_volume", volume, account_name=name, volume_type="gp2", size_gb=1)
    planted.publish()
    planted.build("cost_components", "resource_costs", "cost_by_account")
    [account] = planted.rows("cost_by_account")
    assert account["resources"] == 2


def test_sums_stay_exact_above_two_to_the_53(tmp_path: Path) -> None:
    """40 buckets of 250 TB less a byte: in binary floating point the last digits would be lost."""
    planted = Planted(tmp_path)
    for n in range(40):
        size = {"deep_archive_bytes": float(250 * 2**40)}
        planted.resource("s3_bucket", f"b-{n}", size, account_id=f"{n:012}")
    planted.publish()
    planted.build("cost_components", "resource_costs", "cost_by_service")
    [total] = planted.rows("cost_by_service")
    assert total["monthly_usd"] == Decimal("0.00099") * 250 * 1024 * 40
