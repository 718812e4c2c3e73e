"""Marts through Dagster: which snapshots they can be built for, their checks, what settings do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from inventory_pipeline.defs import marts
from inventory_pipeline.defs.partitions import snapshot_instant
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline_tests.cli.planted import ENGINEERING, plant, plant_resources, volume
from inventory_pipeline_tests.defs.conftest import NOON, House

MIDNIGHT = "2026-01-20T00:00"
KEYS = (MIDNIGHT, NOON)
COSTS = ("prices", "cost_components", "resource_costs")
Failures = Callable[[dg.ExecuteInProcessResult], list[str]]


@pytest.fixture
def priced(house: House) -> House:
    """Two snapshots: one volume of 100 GB, then two, none attached to anything."""
    lake = house.inventory.lake
    volumes = [
        volume(
            f"vol-{n}",
            snapshot_at=snapshot_instant(key),
            observed_at=snapshot_instant(key),
            size_gb=100,
            volume_type="gp3",
            iops=3000,
            throughput_mbps=125,
            state="available",
            created_at=snapshot_instant("2025-01-01T00:00"),
        )
        for key, count in zip(KEYS, (1, 2), strict=True)
        for n in range(count)
    ]
    plant_resources(lake, {"ebs_volumes": volumes})
    plant(
        lake,
        "snapshots",
        [{"snapshot_at": snapshot_instant(key), "status": "complete"} for key in KEYS],
    )
    return house


def backfill(*keys: str) -> dict[str, Any]:
    """What Dagster tags a run with that is to build these partitions at once."""
    return {
        "tags": {
            "dagster/asset_partition_range_start": keys[0],
            "dagster/asset_partition_range_end": keys[-1],
        }
    }


def checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    return {
        (check.asset_key.path[-1], check.check_name): check
        for check in result.get_asset_check_evaluations()
    }


def test_a_snapshot_that_is_not_published_cannot_be_priced(
    house: House, failures: Failures
) -> None:
    outcome = house.run("security_check")
    assert not outcome.success
    assert outcome.messages[0] == (
        "build_security_findings: mart security_findings: no published snapshot of "
        "2026-01-20T12:00:00+00:00; collect it first"
    )
    result = house.build("security_findings")
    assert "no published snapshot" in failures(result)[0]
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_dagster_is_told_what_each_column_comes_from(priced: House) -> None:
    result = priced.build(*COSTS)
    lineage = {
        event.asset_key: event.step_materialization_data.materialization.metadata[
            "dagster/column_lineage"
        ].value
        for event in result.get_asset_materialization_events()
        if event.asset_key != dg.AssetKey("prices")
    }
    assert lineage[dg.AssetKey("resource_costs")].deps_by_column["monthly_usd"] == [
        dg.TableColumnDep(dg.AssetKey("cost_components"), "monthly_usd")
    ]
    (volumes,) = (
        dep
        for dep in lineage[dg.AssetKey("cost_components")].deps_by_column["resource_id"]
        if dep.asset_key.path[-1] == "ebs_volumes"
    )
    assert volumes.asset_key == dg.AssetKey(["resources", "ebs_volumes"])


def test_each_snapshot_of_a_backfill_is_built_in_one_run(priced: House) -> None:
    result = priced.build(*COSTS[1:], partition=None, **backfill(*KEYS))
    assert result.success
    costs = priced.rows("resource_costs")
    assert sorted((r["snapshot_at"], r["resource_id"]) for r in costs) == [
        (snapshot_instant(MIDNIGHT), "vol-0"),
        (snapshot_instant(NOON), "vol-0"),
        (snapshot_instant(NOON), "vol-1"),
    ]
    built = [
        event.partition
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("resource_costs")
    ]
    assert sorted(filter(None, built)) == list(KEYS)


def test_a_check_is_of_every_snapshot_of_a_backfill(priced: House) -> None:
    """The older of two would be over budget; the newer, built last, is not."""
    priced.content |= {"cost_thresholds": {"total_monthly_alert": 10}}
    lake = priced.inventory.lake
    for table in ("ebs_volumes", "resources"):
        nothing = lake.read(table).slice(0, 0)
        lake.replace(table, [{"snapshot_at": snapshot_instant(NOON)}], nothing)
    older = [
        volume(f"vol-{n}", snapshot_at=snapshot_instant(MIDNIGHT), size_gb=100, volume_type="gp3")
        for n in range(2)
    ]
    plant_resources(lake, {"ebs_volumes": older})
    priced.build("prices", partition=None)
    result = priced.build(*COSTS[1:], partition=None, **backfill(*KEYS))
    check = checks(result)["resource_costs", "within_budget"]
    assert not check.passed
    assert "$16.00 a month against $10.00" in str(check.description)


def test_building_again_gives_the_same_rows(priced: House) -> None:
    first, second = [
        (priced.run("cost_analysis"), priced.rows("resource_costs"), priced.rows("cost_by_account"))
        for _ in range(2)
    ]
    assert first[0].success
    assert first[1:] == second[1:]
    assert [row["monthly_usd"] for row in first[1]] == [Decimal(8), Decimal(8)]


@pytest.mark.parametrize(("limit", "passed"), [(16, True), (15.99, False)])
def test_a_month_over_budget_is_a_warning(priced: House, limit: float, passed: bool) -> None:
    priced.content |= {"cost_thresholds": {"total_monthly_alert": limit}}
    priced.build("prices", partition=None)
    result = priced.build(*COSTS[1:])
    assert result.success
    check = checks(result)["resource_costs", "within_budget"]
    assert check.passed is passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert str(check.description).startswith("$16.00 a month against")


def test_totals_that_do_not_reconcile_are_an_error(
    priced: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    priced.build("prices", partition=None)
    result = priced.build(*COSTS[1:], "cost_by_region")
    assert checks(result)["cost_by_region", "reconciles"].passed
    spoil(monkeypatch, "cost_by_region", "monthly_usd", Decimal("16.000001"))
    check = checks(priced.build("cost_by_region"))["cost_by_region", "reconciles"]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert check.description == "$16.000001 here, $16.000000 over all resources"


def spoil(monkeypatch: pytest.MonkeyPatch, table: str, column: str, value: Any) -> None:
    """Have a mart, once built, hold another value in a column."""
    build = marts.build_mart

    def spoilt(engine: Any, mart: Any, at: Any, params: Any) -> Any:
        import pyarrow as pa

        result = build(engine, mart, at, params)
        if mart.table == table:
            lake: Lake = engine.lake
            rows = [r | {column: value} for r in lake.read(table, result.partition).to_pylist()]
            data = pa.Table.from_pylist(rows, schema=nullable(arrow_schema(table)))
            lake.replace(table, [result.partition], data)
        return result

    monkeypatch.setattr(marts, "build_mart", spoilt)


def nullable(schema: Any) -> Any:
    import pyarrow as pa

    return pa.schema([field.with_nullable(True) for field in schema])


def test_a_row_without_what_it_needs_stops_what_reads_it(
    priced: House, monkeypatch: pytest.MonkeyPatch, failures: Failures
) -> None:
    priced.build("prices", partition=None)
    spoil(monkeypatch, "resource_costs", "known_usd", None)
    result = priced.build(*COSTS[1:], "cost_by_service")
    assert not result.success
    check = checks(result)["resource_costs", "contract"]
    assert not check.passed
    assert check.description == "2 rows have no known_usd"
    assert priced.rows("cost_by_service") == []
    assert "cost_by_service" not in {
        event.asset_key.path[-1]
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def test_settings_decide_what_is_waste(priced: House) -> None:
    stopped = {
        "snapshot_at": snapshot_instant(NOON),
        "observed_at": snapshot_instant(NOON),
        "resource_type": "ec2_instance",
        "resource_id": "i-1",
        "state": "stopped",
        "stopped_at": snapshot_instant("2026-01-01T12:00"),
        **ENGINEERING,
    }
    plant(priced.inventory.lake, "ec2_instances", [stopped])
    found = []
    for thresholds, off in (({}, []), ({"idle_resource_days": 10}, []), ({}, ["ec2.stopped"])):
        priced.content |= {"cost_thresholds": thresholds, "cost": {"rules_off": off}}
        assert priced.run("cleanup").success
        rows = priced.rows("waste_findings", rule_id="ec2.stopped")
        found.append([row["verdict"] for row in rows])
    assert found == [["no"], ["yes"], []]
