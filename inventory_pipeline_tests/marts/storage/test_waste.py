"""What is stored or billed for nothing, and that it is exactly what storage_costs has for it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline_tests.archive.planted import usage
from inventory_pipeline_tests.marts.storage.planting import House, obj

GIB = 1024**3
KIB = 1024
MARKER = {"is_delete_marker": True, "encryption_status": None, "storage_class": None}


def wasted(house: House) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Rows by kind and prefix."""
    for table in ("storage_usage", "storage_costs"):
        house.build(table)
    return {(row["kind"], row["prefix"]): row for row in house.build("storage_waste")}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, {"resource_id": "data-1", "versioning": "Enabled"})


def figures(row: dict[str, Any]) -> tuple[int, int, Decimal | None]:
    return row["objects"], row["bytes"], row["monthly_usd"]


def test_old_versions_cost_what_storage_costs_says(house: House) -> None:
    house.deliver(
        obj("a/1", 60 * 1024 * GIB),
        obj("a/2", 2 * GIB, is_latest=False),
        obj("a/3", GIB, is_latest=False, storage_class="GLACIER"),
        obj("b/1", GIB, is_latest=False, storage_class="OUTPOSTS"),
    )
    found = wasted(house)
    known = found["noncurrent_versions", "a/"]
    # In STANDARD's second tier, for the account has 60 TB there; GLACIER with its 40 KiB on top.
    rows = [
        row["monthly_usd"]
        for row in house.lake.read("storage_costs").to_pylist()
        if row["version_state"] == "noncurrent" and row["prefix"] == "a/"
    ]
    assert len(rows) == 4
    assert figures(known) == (2, 3 * GIB, sum(rows))
    assert 2 * Decimal("0.022") < sum(rows) < 2 * Decimal("0.022") + Decimal("0.0037")
    unknown = found["noncurrent_versions", "b/"]
    assert figures(unknown) == (1, GIB, None)
    assert "no price" in unknown["unpriced_reason"]


def test_delete_markers_that_stand_alone_are_told_from_those_that_hide_versions(
    house: House,
) -> None:
    house.deliver(
        obj("a/hides", None, **MARKER),
        obj("a/hides", 5, is_latest=False),
        obj("a/alone", None, **MARKER),
        obj("a/older marker", None, **MARKER),
        obj("a/older marker", None, **MARKER | {"is_latest": False}),
        obj("b/alone", None, **MARKER),
    )
    # Another report's versions are not this one's.
    house.deliver(obj("b/alone", 5, is_latest=False), configuration="weekly")
    found = wasted(house)
    assert figures(found["delete_markers", "a/"]) == (4, 0, None)
    assert "names" in found["delete_markers", "a/"]["unpriced_reason"]
    assert found["sole_delete_markers", "a/"]["objects"] == 1
    assert found["sole_delete_markers", "b/"]["objects"] == 1


def test_small_objects_are_billed_as_larger_ones(house: House) -> None:
    house.deliver(
        *(obj(f"a/{n}", 28 * KIB, storage_class="STANDARD_IA") for n in range(2)),
        obj("a/large", 128 * KIB, storage_class="STANDARD_IA"),
        obj("a/empty", 0, storage_class="GLACIER_IR"),
        obj("a/archived", 1, storage_class="GLACIER"),
    )
    found = wasted(house)
    small = found["small_objects", "a/"]
    usd = [
        Decimal(200 * KIB) / GIB * Decimal("0.0125"),
        Decimal(128 * KIB) / GIB * Decimal("0.004"),
    ]
    assert figures(small) == (3, 328 * KIB, sum(round(part, 6) for part in usd))
    assert small["price_as_of"] == "2026-09"
    overhead = found["archive_overhead", "a/"]
    costs = house.lake.read("storage_costs").to_pylist()
    assert figures(overhead) == (
        1,
        40 * KIB,
        sum(r["monthly_usd"] for r in costs if r["component"].startswith("overhead")),
    )


def test_access_tiers_that_archive_have_the_overhead_of_their_own_price(house: House) -> None:
    it, many = "INTELLIGENT_TIERING", 1024 * 1024
    house.roll_up(
        *(
            usage("data-1", it, 128 * GIB, objects=many, prefix=f"{tier}/", access_tier=tier)
            for tier in ("FREQUENT", "ARCHIVE_INSTANT_ACCESS", "ARCHIVE", "DEEP_ARCHIVE")
        )
    )
    found = wasted(house)
    overheads = {
        prefix: figures(row) for (kind, prefix), row in found.items() if kind == "archive_overhead"
    }
    index = 8 * Decimal("0.023")
    assert overheads == {
        "ARCHIVE/": (many, 40 * GIB, 32 * Decimal("0.0036") + index),
        "DEEP_ARCHIVE/": (many, 40 * GIB, 32 * Decimal("0.00099") + index),
    }


def test_objects_that_intelligent_tiering_leaves_where_they_are(house: House) -> None:
    it = {"storage_class": "INTELLIGENT_TIERING", "intelligent_tiering_access_tier": "FREQUENT"}
    house.deliver(obj("a/small", 128 * KIB - 1, **it), obj("a/large", 128 * KIB, **it))
    found = wasted(house)
    assert figures(found["unmonitored_objects", "a/"]) == (1, 128 * KIB - 1, None)


def test_what_the_report_does_not_tell_is_a_row_without_figures(tmp_path: Path) -> None:
    house = House(
        tmp_path,
        {"resource_id": "data-1", "versioning": "Enabled"},
        {"resource_id": "plain", "versioning": "Off"},
    )
    for bucket in ("data-1", "plain"):
        house.deliver(obj("a/k", is_latest=None), bucket=bucket, fields="Bucket, Key, Size")
    found = house_rows = wasted(house)
    assert {(row["source_bucket"], kind) for (kind, _), row in house_rows.items()} == {
        ("data-1", "noncurrent_versions"),
        ("data-1", "delete_markers"),
    }
    row = found["noncurrent_versions", None]
    assert figures(row) == (None, None, None)
    assert row["unpriced_reason"] == "the report lists current versions only"
