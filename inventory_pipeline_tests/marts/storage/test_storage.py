"""Storage marts over planted usage: places, tiers, overheads, and what stays unknown."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline_tests.archive.planted import (
    DAY,
    KIB,
    open_lake,
    plant_buckets,
    plant_deliveries,
    plant_prices,
    plant_usage,
    usage,
)

GIB = 1024**3
TIB = 1024**4


@pytest.fixture
def world(tmp_path: Path) -> tuple[Lake, DuckDBEngine]:
    lake, engine = open_lake(tmp_path)
    plant_prices(lake)
    plant_buckets(lake, {"resource_id": "data-1"}, {"resource_id": "data-2"})
    return lake, engine


def built(
    world: tuple[Lake, DuckDBEngine], table: str, *usages: Mapping[str, Any]
) -> list[dict[str, Any]]:
    lake, engine = world
    deliveries: dict[tuple[str, str], list[Mapping[str, Any]]] = {
        (u["source_bucket"], u["configuration_id"]): [] for u in usages
    }
    plant_deliveries(lake, deliveries)
    plant_usage(lake, *usages)
    build_mart(engine, marts()[table], DAY, {})
    with engine.session({table: {"delivered_on": DAY}}) as db:
        assert violations(db, table) == []
    return lake.read(table).sort_by("source_bucket").to_pylist()


def costs(world: tuple[Lake, DuckDBEngine], *usages: Mapping[str, Any]) -> list[dict[str, Any]]:
    return built(world, "storage_costs", *usages)


def by_component(rows: list[dict[str, Any]]) -> dict[str, Decimal | None]:
    return {row["component"]: row["monthly_usd"] for row in rows}


def test_usage_has_its_buckets_place_and_sums_above_2_to_the_53(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    exact = 2**53 + 1
    rows = built(
        world,
        "storage_usage",
        usage("data-1", "STANDARD", exact, encryption_status="SSE-S3"),
        usage("data-1", "STANDARD", 1, size_band="1 B-16 KiB", objects=3),
        usage("data-1", None, 0, version_state="delete_marker", objects=5),
        usage("stranger", "STANDARD", 9),
    )
    found = {(r["source_bucket"], r["version_state"]): r for r in rows}
    assert len(found) == len(rows) == 3
    current = found["data-1", "current"]
    assert (current["bytes"], current["billable_bytes"], current["objects"]) == (
        exact + 1,
        exact + 1,
        4,
    )
    assert (current["account_id"], current["department"], current["region"]) == (
        "111122223333",
        "Research",
        "us-east-1",
    )
    assert found["data-1", "delete_marker"]["objects"] == 5
    stranger = found["stranger", "current"]
    assert stranger["account_id"] is stranger["region"] is stranger["department"] is None


def test_volume_tiers_count_over_the_account(world: tuple[Lake, DuckDBEngine]) -> None:
    rows = costs(
        world,
        usage("data-1", "STANDARD", 40 * TIB),
        usage("data-2", "STANDARD", 20 * TIB),
        usage("data-2", "STANDARD", 450 * TIB, prefix="z/"),
    )
    first = next(r["monthly_usd"] for r in rows if r["source_bucket"] == "data-1")
    assert f"{first:.2f}" == "942.08"
    tiers = ((50, "0.023"), (450, "0.022"), (10, "0.021"))
    expected = sum(Decimal(tb * 1024) * Decimal(usd) for tb, usd in tiers)
    assert f"{sum(r['monthly_usd'] for r in rows):.2f}" == f"{expected:.2f}"


def test_a_second_report_of_a_bucket_brings_no_volume_discount(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    rows = costs(
        world,
        usage("data-1", "STANDARD", 40 * TIB, objects=2),
        usage("data-1", "STANDARD", 40 * TIB, configuration_id="another"),
        usage("data-2", "STANDARD", 10 * TIB),
    )
    assert {
        (r["source_bucket"], r["configuration_id"]): f"{r['monthly_usd']:.2f}" for r in rows
    } == {
        ("data-1", "daily"): "942.08",
        ("data-1", "another"): "942.08",
        ("data-2", "daily"): "235.52",
    }


def test_archived_objects_carry_their_overhead(world: tuple[Lake, DuckDBEngine]) -> None:
    many = 1024 * 1024
    rows = costs(world, usage("data-1", "DEEP_ARCHIVE", 100 * GIB, objects=many))
    assert by_component(rows) == {
        "storage": Decimal("0.099000"),
        "overhead": 32 * Decimal("0.00099"),
        "overhead_index": 8 * Decimal("0.023"),
    }
    index = next(r for r in rows if r["component"] == "overhead_index")
    assert (index["price_key"], index["quantity"], index["unit"]) == ("STANDARD", 8, "GB-month")


@pytest.mark.parametrize(("tier", "usd"), [("ARCHIVE", "0.0036"), ("DEEP_ARCHIVE", "0.00099")])
def test_tiers_that_archive_carry_the_overhead_as_well(
    world: tuple[Lake, DuckDBEngine], tier: str, usd: str
) -> None:
    many, it = 1024 * 1024, "INTELLIGENT_TIERING"
    rows = costs(
        world,
        usage("data-1", it, 100 * GIB, objects=many, access_tier=tier, size_band="128 KiB-1 MiB"),
    )
    assert by_component(rows) == {
        "storage": 100 * Decimal(usd),
        "overhead": 32 * Decimal(usd),
        "overhead_index": 8 * Decimal("0.023"),
        "monitoring": Decimal("2.62144"),
    }
    charged = {r["component"]: r["price_key"] for r in rows}
    assert charged["overhead"] == f"{it}:{tier}"
    assert charged["overhead_index"] == "STANDARD"


def test_intelligent_tiering_is_priced_by_tier_and_watches_large_objects(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    it = "INTELLIGENT_TIERING"
    rows = costs(
        world,
        usage("data-1", it, GIB, access_tier="FREQUENT", objects=1000, size_band="128 KiB-1 MiB"),
        usage("data-1", it, GIB, access_tier="FREQUENT", objects=500, size_band="16-128 KiB"),
        usage("data-1", it, GIB, access_tier="INFREQUENT", objects=2000, size_band="5 GiB+"),
    )
    found = {(r["access_tier"], r["component"]): r for r in rows}
    assert found["FREQUENT", "storage"]["price_key"] == "INTELLIGENT_TIERING:FREQUENT"
    assert found["FREQUENT", "storage"]["monthly_usd"] == Decimal("0.046")
    assert found["FREQUENT", "monitoring"]["quantity"] == 1000
    assert found["FREQUENT", "monitoring"]["monthly_usd"] == Decimal("0.0025")
    assert found["INFREQUENT", "storage"]["monthly_usd"] == Decimal("0.0125")
    assert found["INFREQUENT", "monitoring"]["monthly_usd"] == Decimal("0.005")


def test_an_access_tier_left_out_is_certain_for_small_objects_only(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    it = "INTELLIGENT_TIERING"
    rows = costs(
        world,
        usage("data-1", it, GIB, objects=500, size_band="16-128 KiB"),
        usage("data-2", it, GIB, objects=1000, size_band="128 KiB-1 MiB"),
    )
    found = {(r["source_bucket"], r["component"]): r for r in rows}
    assert found["data-1", "storage"]["monthly_usd"] == Decimal("0.023")
    assert found["data-2", "storage"]["monthly_usd"] is None
    assert "access tiers" in found["data-2", "storage"]["unpriced_reason"]
    assert found["data-2", "monitoring"]["monthly_usd"] == Decimal("0.0025")


def test_small_infrequent_objects_pay_for_128_kib(world: tuple[Lake, DuckDBEngine]) -> None:
    rows = costs(
        world,
        usage("data-1", "STANDARD_IA", KIB, objects=8192, billable_bytes=8192 * 128 * KIB),
    )
    assert by_component(rows) == {"storage": Decimal("0.0125")}


def test_delete_markers_cost_nothing_and_old_versions_do(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    rows = costs(
        world,
        usage("data-1", None, 0, version_state="delete_marker", objects=5),
        usage("data-1", "STANDARD", GIB, version_state="noncurrent"),
    )
    assert [(r["version_state"], r["monthly_usd"]) for r in rows] == [
        ("noncurrent", Decimal("0.023"))
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (usage("stranger", "STANDARD", GIB), "the bucket was not collected"),
        (usage("data-1", "OUTPOSTS", GIB), "no price for s3 OUTPOSTS in us-east-1"),
        (usage("data-1", None, GIB), "the report does not say the storage class"),
        (usage("data-1", "STANDARD", 0, size_band="unknown"), "the report does not say the sizes"),
    ],
)
def test_unknown_is_null_with_a_reason(
    world: tuple[Lake, DuckDBEngine], row: dict[str, Any], reason: str
) -> None:
    known = usage("data-2", "GLACIER_IR", GIB)
    found = {r["source_bucket"]: r for r in costs(world, known, row)}
    unknown = found[row["source_bucket"]]
    assert unknown["monthly_usd"] is None
    assert unknown["unpriced_reason"].startswith(reason)
    assert found["data-2"]["monthly_usd"] == Decimal("0.004")
    assert found["data-2"]["unpriced_reason"] is None


def test_nothing_stored_costs_nothing(world: tuple[Lake, DuckDBEngine]) -> None:
    rows = costs(world, usage("data-1", "STANDARD", 0, size_band="0 B"))
    assert [(r["quantity"], r["monthly_usd"]) for r in rows] == [(0, 0)]


def test_building_again_gives_equal_rows(world: tuple[Lake, DuckDBEngine]) -> None:
    given = [usage("data-1", "GLACIER", n * GIB, prefix=f"{n}/") for n in range(1, 20)]
    first = sorted(map(str, costs(world, *given)))
    assert sorted(map(str, costs(world, *reversed(given)))) == first
