"""Growth through Dagster: on the first day that partitions know, its check, its dependencies."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest

from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline_tests.defs.conftest import House
from inventory_pipeline_tests.defs.test_marts import checks, spoil
from inventory_pipeline_tests.defs.test_schedules import after_ingestion, followed_by
from inventory_pipeline_tests.marts.storage.delivered import deliver, obj

DAY = date(2026, 1, 1)
TABLES = ("storage_usage", "storage_growth", "storage_trend")


@pytest.fixture
def delivered(house: House) -> House:
    house.content |= {"schedules": {"snapshots_start": str(DAY)}}
    lake = house.inventory.lake
    deliver(lake, [obj("a/1"), obj("a/2")], DAY - timedelta(days=1))
    deliver(lake, [obj("a/1"), obj("b/1", 7)], DAY)
    return house


def test_the_changes_add_up_even_on_the_first_day_of_all(delivered: House) -> None:
    """The day compared with may be older than any partition."""
    result = delivered.build(*TABLES, partition=str(DAY))
    assert result.success
    check = checks(result)["storage_growth", "reconciles"]
    assert check.passed
    assert {r["change"] for r in delivered.rows("storage_growth")} == {"created", "deleted"}
    assert [r["bytes"] for r in delivered.rows("storage_trend")] == [17]


def test_changes_that_do_not_add_up_are_found(
    delivered: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, "storage_growth", "bytes_added", 6)
    check = checks(delivered.build("storage_growth", partition=str(DAY)))
    assert not check["storage_growth", "reconciles"].passed
    assert check["storage_growth", "reconciles"].description == (
        "of 1 deliveries the changes are not what usage has more: data-1/daily"
    )


Made = set[tuple[str, str | None]]


def run_requested(house: House, request: dg.RunRequest, *only: str) -> tuple[dg.DagsterRun, Made]:
    """Run what a sensor asks for, as Dagster's daemon does, or only these assets of it."""
    job = house.definitions.resolve_job_def(str(request.job_name))
    result = job.execute_in_process(
        instance=house.instance,
        partition_key=request.partition_key,
        asset_selection=[*map(dg.AssetKey, only)] or request.asset_selection,
        tags=dict(request.tags),
    )
    made = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
    ]
    return result.dagster_run, {(one.asset_key.path[-1], one.partition) for one in made}


def test_what_rests_on_a_late_delivery_is_made_again_and_nothing_else(house: House) -> None:
    house.content |= {"schedules": {"snapshots_start": str(DAY)}}
    first, late, third, fourth, other = days = [DAY + timedelta(days=n) for n in range(5)]
    lake, engine = house.inventory.lake, house.inventory.engine
    for day in days:
        if day != late:
            deliver(lake, [obj("a/1")], day, bucket="another" if day == other else "data-1")
            for table in ("storage_usage", "storage_trend"):
                build_mart(engine, marts()[table], day, {})
    deliver(lake, [obj("a/1"), obj("a/2")], late)

    analysis, _, comparison = after_ingestion(house, str(late))
    compared, made = run_requested(house, comparison)
    assert made == {("storage_growth", str(third))}
    assert followed_by(house, "trends_after_analysis", compared) == [], "usage is as it was"
    analyzed, _ = run_requested(house, analysis, "storage_usage", "storage_trend")
    [redrawing] = followed_by(house, "trends_after_analysis", analyzed)
    again, made = run_requested(house, redrawing)
    assert made == {("storage_trend", str(third)), ("storage_trend", str(fourth))}
    assert followed_by(house, "trends_after_analysis", again) == []
    points = {
        row["delivered_on"]: row["deliveries"] for row in lake.read("storage_trend").to_pylist()
    }
    assert points == {first: 1, late: 2, third: 3, fourth: 4, other: 1}


def test_the_last_run_of_a_backfill_draws_the_later_trends(house: House) -> None:
    """Not each: 90 runs, newest day first, would draw 4,000."""
    house.content |= {"schedules": {"snapshots_start": str(DAY)}}
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day in days:
        deliver(house.inventory.lake, [obj("a/1")], day)
        for table in ("storage_usage", "storage_trend"):
            build_mart(house.inventory.engine, marts()[table], day, {})
    job = house.definitions.resolve_job_def("storage_analysis")
    first, second = (
        house.instance.create_run_for_job(
            job,
            tags={"dagster/partition": str(day), "dagster/backfill": "b"},
            status=dg.DagsterRunStatus.STARTED,
        )
        for day in days[:2]
    )
    for done, asked in (second, 0), (first, 1):
        house.instance.report_run_canceled(done)
        requests = followed_by(house, "trends_after_analysis", done)
        assert len(requests) == asked
    [redrawing] = requests
    _, made = run_requested(house, redrawing)
    assert made == {("storage_trend", str(day)) for day in days[1:]}


def test_it_depends_on_the_days_before(house: House) -> None:
    graph = house.definitions.resolve_asset_graph()
    for table, source, days in (
        ("storage_growth", "s3_objects", 7),
        ("storage_growth", "s3_usage", 7),
        ("storage_trend", "storage_usage", 97),
    ):
        mapping = graph.get(dg.AssetKey(table)).partition_mappings[dg.AssetKey(source)]
        assert mapping == dg.TimeWindowPartitionMapping(start_offset=-days)
