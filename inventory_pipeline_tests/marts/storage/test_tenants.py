"""Whose objects are whose: every object counted once, prices only where they are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline_tests.marts.storage.planting import House, obj

GIB = 1024**3

ACME = {"name": "acme", "sources": ["data-*"], "prefix": "acme/"}
ODD = {"name": "odd", "sources": ["data-1", "*-1"], "prefix": "shared/odd's %_/"}


def shares(house: House, *tenants: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    if not house.lake.files("storage_costs"):
        for table in ("storage_usage", "storage_costs"):
            house.build(table)
    rows = house.build("tenant_usage", tenants=list(tenants))
    return {(row["tenant"], row["source_bucket"]): row for row in rows}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(
        tmp_path_factory.mktemp("tenants"), {"resource_id": "data-1"}, {"resource_id": "data-2"}
    )
    house.deliver(
        obj("acme/1", GIB),
        obj("acme/2", GIB, storage_class="GLACIER"),
        obj("acme/gone", None, is_delete_marker=True, storage_class=None),
        obj("shared/odd's %_/1", GIB),
        obj("shared/odd's xx/2", GIB),
        obj("other", 5),
    )
    house.deliver(obj("acme/1", GIB), configuration="partial")
    house.deliver(obj("acme", 3), obj("acme/9", 4), bucket="data-2")
    return house


def test_every_object_is_somebodys_once(house: House) -> None:
    found = shares(house, ACME, ODD)
    assert {key: (row["objects"], row["bytes"]) for key, row in found.items()} == {
        ("acme", "data-1"): (3, 2 * GIB),
        ("odd", "data-1"): (1, GIB),
        ("unassigned", "data-1"): (2, GIB + 5),
        ("acme", "data-2"): (1, 4),
        ("unassigned", "data-2"): (1, 3),
    }
    assert {row["configuration_id"] for row in found.values()} == {"daily"}


def test_a_price_is_a_tenants_where_the_prefix_is_its_alone(house: House) -> None:
    found = shares(house, ACME, ODD)
    costs = house.lake.read("storage_costs").to_pylist()
    of_acme = [
        c["monthly_usd"]
        for c in costs
        if (c["source_bucket"], c["configuration_id"], c["prefix"]) == ("data-1", "daily", "acme/")
    ]
    assert len(of_acme) == 4
    assert found["acme", "data-1"]["monthly_usd"] == sum(of_acme)
    for tenant in ("odd", "unassigned"):
        row = found[tenant, "data-1"]
        assert row["monthly_usd"] is None
        assert "one prefix" in row["unpriced_reason"]
    assert found["unassigned", "data-2"]["monthly_usd"] == 0


def test_without_tenants_all_is_unassigned(house: House) -> None:
    found = shares(house)
    assert {key: row["objects"] for key, row in found.items()} == {
        ("unassigned", "data-1"): 6,
        ("unassigned", "data-2"): 2,
    }
    costs = house.lake.read("storage_costs").to_pylist()
    widest = [c["monthly_usd"] for c in costs if c["configuration_id"] == "daily"]
    assert sum(row["monthly_usd"] for row in found.values()) == sum(widest)


def test_a_tenant_of_a_whole_bucket_leaves_nothing(house: House) -> None:
    found = shares(house, {"name": "all", "sources": ["data-[12]"]})
    assert found.keys() == {("all", "data-1"), ("all", "data-2")}


def test_a_remainder_that_two_share_has_no_price(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.deliver(obj("acme/1", GIB), obj("b/1", GIB), prefixes=[])
    found = shares(house, ACME)
    assert {tenant: (row["objects"], row["monthly_usd"]) for (tenant, _), row in found.items()} == {
        "acme": (1, None),
        "unassigned": (1, None),
    }
