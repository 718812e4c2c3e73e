"""Whether Intelligent-Tiering pays, by size of object, to the micro-dollar."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline_tests.archive.planted import plant_prices, usage
from inventory_pipeline_tests.marts.storage.planting import House

GIB = 1024**3
TIB = 1024 * GIB
BIG, SMALL = "16-128 MiB", "16-128 KiB"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, {"resource_id": "data-1"}, {"resource_id": "data-2"})


def tier(bucket: str, size: int, tier: str | None, **more: Any) -> dict[str, Any]:
    return usage(bucket, "INTELLIGENT_TIERING", size, access_tier=tier, **more)


def judged(house: House, *usages: dict[str, Any]) -> list[dict[str, Any]]:
    house.roll_up(*usages)
    house.build("storage_costs")
    return house.build("tiering_effectiveness")


def test_a_size_is_judged_with_all_its_tiers(house: House) -> None:
    rows = judged(
        house,
        tier("data-1", 100 * GIB, "FREQUENT", objects=1000, size_band=BIG),
        tier("data-1", 100 * GIB, "INFREQUENT", objects=1000, size_band=BIG),
        tier("data-1", 100 * GIB, "INFREQUENT", objects=1_000_000, size_band="128 KiB-1 MiB"),
        tier("data-1", 100 * GIB, "FREQUENT", objects=1_000_000, size_band=SMALL),
    )
    found = {(r["size_band"], r["access_tier"]): r for r in rows}
    frequent, infrequent = found[BIG, "FREQUENT"], found[BIG, "INFREQUENT"]
    assert (frequent["tier_usd"], frequent["standard_usd"]) == (Decimal("2.3"), Decimal("2.3"))
    assert frequent["monthly_saving_usd"] == Decimal("-0.0025")
    assert infrequent["monthly_saving_usd"] == Decimal("1.05") - Decimal("0.0025")
    assert frequent["verdict"] == infrequent["verdict"] == "yes"
    # Half a dollar of storage a month less, for two and a half of monitoring.
    lossy = found["128 KiB-1 MiB", "INFREQUENT"]
    assert (lossy["monitoring_usd"], lossy["monthly_saving_usd"], lossy["verdict"]) == (
        Decimal("2.5"), Decimal("-1.45"), "no",
    )  # fmt: skip
    small = found[SMALL, "FREQUENT"]
    assert (small["monitored_objects"], small["monitoring_usd"], small["verdict"]) == (0, 0, "no")


def test_bytes_would_come_on_top_of_what_the_account_has_in_standard(house: House) -> None:
    rows = judged(
        house,
        usage("data-2", "STANDARD", 49 * TIB, objects=9),
        # The same bytes in another report of the bucket are no volume on top.
        usage("data-2", "STANDARD", 49 * TIB, configuration_id="another"),
        tier("data-1", 2 * TIB, "INFREQUENT", size_band=BIG),
    )
    (row,) = rows
    assert row["standard_usd"] == 1024 * (Decimal("0.023") + Decimal("0.022"))
    assert row["tier_usd"] == 2048 * Decimal("0.0125")


def test_what_tiers_cost_is_what_storage_costs_says(house: House) -> None:
    rows = judged(
        house,
        *(tier(f"data-{n}", n * 30 * TIB, "FREQUENT", objects=n, size_band=BIG) for n in (1, 2)),
        tier("data-1", 7 * TIB, "INFREQUENT", size_band=BIG),
        tier("data-1", 7 * TIB, "ARCHIVE", objects=1024 * 1024, size_band=BIG),
        tier("data-2", 7 * TIB, "DEEP_ARCHIVE", objects=3 * 1024 * 1024, size_band=BIG),
    )
    costs = house.lake.read("storage_costs").to_pylist()
    assert sum(r["tier_usd"] + r["monitoring_usd"] for r in rows) == sum(
        c["monthly_usd"] for c in costs
    )


MANY = 1024 * 1024
ARCHIVED = tier("data-1", 128 * GIB, "DEEP_ARCHIVE", objects=MANY, size_band="128 KiB-1 MiB")
"""Objects of 128 KiB; 32 GiB more are billed in their tier, and 8 GiB in STANDARD."""
IN_TIER = (128 + 32) * Decimal("0.00099")


def test_the_overhead_of_archived_objects_can_eat_what_their_tier_saves(house: House) -> None:
    (row,) = judged(house, ARCHIVED)
    assert row["standard_usd"] == 128 * Decimal("0.023")
    assert row["tier_usd"] == IN_TIER + 8 * Decimal("0.023") == Decimal("0.3424")
    assert row["monitoring_usd"] == Decimal("2.62144")
    # Without the overhead they would seem to save 0.19584.
    assert (row["monthly_saving_usd"], row["verdict"]) == (Decimal("-0.01984"), "no")


@pytest.mark.parametrize(("gib", "usd"), [(50 * 1024 - 128, "0.023"), (50 * 1024, "0.022")])
def test_the_index_is_volume_of_standard_only_where_the_objects_are_not(
    house: House, gib: int, usd: str
) -> None:
    (row,) = judged(house, usage("data-2", "STANDARD", gib * GIB), ARCHIVED)
    assert row["standard_usd"] == 128 * Decimal(usd)
    assert row["tier_usd"] == IN_TIER + 8 * Decimal(usd)


def test_a_tier_whose_overhead_has_no_price_has_no_known_cost(house: House) -> None:
    plant_prices(house.lake, without={"STANDARD"})
    (row,) = judged(house, ARCHIVED)
    assert (row["tier_usd"], row["verdict"]) == (None, "unknown")
    assert row["unpriced_reason"] == "no price for s3 STANDARD in us-east-1"


UNKNOWN = (
    (tier("data-1", GIB, None, size_band=BIG), "access tiers"),
    (tier("data-1", 0, "FREQUENT", size_band="unknown"), "sizes"),
    (tier("stranger", GIB, "FREQUENT", size_band=BIG), "not collected"),
    (tier("data-2", GIB, "NOVEL", size_band=BIG), "no price for s3 INTELLIGENT_TIERING:NOVEL"),
)


def test_what_is_unknown_makes_its_size_unknown(house: House) -> None:
    known = [
        tier(row["source_bucket"], GIB, "INFREQUENT", size_band=row["size_band"])
        for row, _ in UNKNOWN
    ]
    rows = judged(house, *(row for row, _ in UNKNOWN), *known)
    assert {r["verdict"] for r in rows} == {"unknown"}
    same = ("source_bucket", "size_band", "access_tier")
    found = {tuple(r[name] for name in same): r for r in rows}
    for row, reason in UNKNOWN:
        unknown = found[tuple(row[name] for name in same)]
        assert reason in unknown["unpriced_reason"]
        assert unknown["monthly_saving_usd"] is None


def test_an_unknown_tier_is_certain_for_small_objects(house: House) -> None:
    (row,) = judged(house, tier("data-1", GIB, None, size_band=SMALL))
    assert (row["tier_usd"], row["verdict"]) == (Decimal("0.023"), "no")
