"""Which of a bucket's reports add up: those that list what no other report lists."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake.dialect import lint_mart_sql
from inventory_pipeline.marts.storage.places import WIDEST_REPORTS
from inventory_pipeline_tests.archive.planted import usage
from inventory_pipeline_tests.marts.storage.planting import House, obj

GIB = 1024**3
STANDARD_TIER = 51_200  # GB


def configured(**prefixes: str | None) -> list[dict[str, Any]]:
    """Inventory configurations of the bucket by id, each with its prefix."""
    common = {"account_id": "111122223333", "region": "us-east-1", "resource_type": "s3_bucket"}
    return [
        {**common, "resource_id": "data-1", "position": n, "configuration_id": name,
         "enabled": True, "prefix": prefix}
        for n, (name, prefix) in enumerate(prefixes.items())
    ]  # fmt: skip


def counted(house: House) -> set[str]:
    house.write()
    reads: dict[str, Any] = {"s3_usage": {}, "bucket_inventory_configurations": {}}
    with house.engine.session(reads) as db:
        return {row["configuration_id"] for row in db.query(WIDEST_REPORTS).to_pylist()}


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        pytest.param({"a": "x/", "b": "y/"}, {"a", "b"}, id="disjoint"),
        pytest.param({"a": "x/", "b": "x"}, {"b"}, id="the start of the other"),
        pytest.param({"a": "x/", "b": None}, {"b"}, id="whole bucket"),
        pytest.param({"a": "x/", "b": "x/", "c": "y/"}, {"a", "c"}, id="equal: with more rows"),
        pytest.param({"a": "x/", "b": "x/y/", "c": "x/y/z/"}, {"a"}, id="in a row"),
        pytest.param({"a": "x_", "b": "xy/"}, {"a", "b"}, id="no pattern"),
        pytest.param({}, {"a"}, id="not collected"),
    ],
)
def test_a_report_counts_unless_another_covers_it(
    tmp_path: Path, prefixes: dict[str, str | None], expected: set[str]
) -> None:
    house = House(tmp_path)
    house.plant("bucket_inventory_configurations", *configured(**prefixes))
    for name, count in (("a", 3), ("b", 2), ("c", 1)):
        if name in prefixes or not prefixes:
            house.deliver(*(obj(f"{name}/{n}") for n in range(count)), configuration=name)
    assert counted(house) == expected


def test_both_engines_know_the_rule() -> None:
    assert lint_mart_sql(WIDEST_REPORTS) == []


def test_disjoint_reports_share_volume_tiers_and_tenants_see_all(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.plant("bucket_inventory_configurations", *configured(a="acme/", b="beta/", n="beta/n"))
    tier = STANDARD_TIER * GIB
    house.roll_up(
        usage("data-1", "STANDARD", tier, prefix="acme/", configuration_id="a"),
        usage("data-1", "STANDARD", tier, prefix="beta/", configuration_id="b"),
        usage("data-1", "STANDARD", GIB, prefix="beta/", configuration_id="n"),
    )
    house.build("storage_usage")
    costs = {row["configuration_id"]: row["monthly_usd"] for row in house.build("storage_costs")}
    assert costs == {
        "a": STANDARD_TIER * Decimal("0.023"),
        "b": STANDARD_TIER * Decimal("0.022"),
        "n": Decimal("0.023"),
    }
    rows = house.build("tenant_usage")
    assert {row["configuration_id"]: row["bytes"] for row in rows} == {"a": tier, "b": tier}


def test_copies_under_disjoint_prefixes_are_found(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.plant("bucket_inventory_configurations", *configured(a="acme/", b="beta/"))
    house.deliver(obj("acme/1", GIB), configuration="a")
    house.deliver(obj("beta/1", GIB), configuration="b")
    [found] = house.build("duplicate_candidates")
    assert (found["copies"], found["first_key"], found["last_key"]) == (2, "acme/1", "beta/1")
