"""What each schedule starts at a given time, and how settings change it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from inventory_pipeline.defs.schedules import schedules
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.cli.planted import plant
from inventory_pipeline_tests.defs.conftest import House

ON_NEWEST = ["cost_analysis", "security_check", "cleanup"]


def requests(house: House, job: str, at: datetime) -> list[dg.RunRequest]:
    return evaluated(house, job, at).run_requests or []


def evaluated(house: House, job: str, at: datetime) -> dg.ScheduleExecutionData:  # type: ignore[name-defined]
    definitions = house.definitions
    context = dg.build_schedule_context(
        instance=house.instance,
        scheduled_execution_time=at,
        resources={"inventory": house.inventory},
        repository_def=definitions.get_repository_def(),
    )
    return definitions.resolve_schedule_def(f"{job}_schedule").evaluate_tick(context)


@pytest.mark.parametrize(
    ("at", "key"),
    [
        (datetime(2026, 1, 20, 12, tzinfo=UTC), "2026-01-20T12:00"),
        (datetime(2026, 1, 20, 12, 20, tzinfo=UTC), "2026-01-20T12:00"),
        (datetime(2026, 1, 20, tzinfo=UTC), "2026-01-20T00:00"),
    ],
)
def test_collection_is_of_the_window_it_falls_into(house: House, at: datetime, key: str) -> None:
    (request,) = requests(house, "collect", at)
    assert request.partition_key == key
    assert request.run_key == key


@pytest.mark.parametrize("job", ON_NEWEST)
def test_the_others_take_the_newest_published_snapshot(house: House, job: str) -> None:
    at = datetime(2026, 1, 20, 8, tzinfo=UTC)
    skipped = evaluated(house, job, at)
    assert not skipped.run_requests
    assert "no snapshot is published yet" in str(skipped.skip_message)
    published = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (18, 19)]
    plant(
        house.inventory.lake,
        "snapshots",
        [{"snapshot_at": at, "status": "complete"} for at in published],
    )
    (request,) = requests(house, job, at)
    assert request.partition_key == "2026-01-19T12:00"
    (later,) = requests(house, job, datetime(2026, 1, 21, 8, tzinfo=UTC))
    assert later.partition_key == "2026-01-19T12:00"
    assert later.run_key != request.run_key


@pytest.mark.parametrize("job", ["collect", *ON_NEWEST])
def test_settings_say_when_and_whether(job: str) -> None:
    settings = Settings.model_validate(
        {"schedules": {job: {"cron": "30 5 * * TUE", "enabled": False}}}
    )
    told = {s.name: (s.cron_schedule, s.default_status) for s in schedules(settings)}
    assert told.pop(f"{job}_schedule") == ("30 5 * * TUE", dg.DefaultScheduleStatus.STOPPED)
    assert "30 5 * * TUE" not in {cron for cron, _ in told.values()}
    assert {status for _, status in told.values()} == {dg.DefaultScheduleStatus.RUNNING}


def after_ingestion(house: House, key: str) -> list[dg.RunRequest]:
    """What follows a run that ingested deliveries of a day."""
    ingested = house.instance.create_run_for_job(
        house.definitions.resolve_job_def("ingest_deliveries"),
        status=dg.DagsterRunStatus.SUCCESS,
        tags={"dagster/partition": key},
    )
    return followed_by(house, "analysis_after_ingestion", ingested)


def followed_by(house: House, sensor: str, run: dg.DagsterRun) -> list[dg.RunRequest]:
    """What a sensor asks for after a run of success."""
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor,
        dagster_instance=house.instance,
        dagster_run=run,
        resources={"inventory": house.inventory},
        dagster_event=dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name
        ),
    )
    asked = house.definitions.resolve_sensor_def(sensor)(context)
    requests = [asked] if isinstance(asked, dg.RunRequest | dg.SkipReason) else list(asked)
    requests = [one for one in requests if isinstance(one, dg.RunRequest)]
    assert len({r.run_key for r in requests}) == len(requests)
    assert all(run.run_id in str(r.run_key) for r in requests)
    return requests


def test_an_ingestion_is_followed_by_its_days_analysis(house: House) -> None:
    requests = after_ingestion(house, "2026-01-19")
    assert [(r.job_name, r.partition_key) for r in requests] == [
        ("storage_analysis", "2026-01-19"),
        ("archive_plan", "2026-01-19"),
    ]


def test_a_late_delivery_has_the_days_after_it_compared_again(house: House) -> None:
    delivered = {"daily": (16, 18, 19, 20), "weekly": (11, 18, 25), "another": (18, 21)}
    ledger = [
        {
            "delivered_on": date(2026, 1, day),
            "source_bucket": "data",
            "configuration_id": configuration,
            "status": "quarantined" if (configuration, day) == ("daily", 19) else "ingested",
        }
        for configuration, days in delivered.items()
        for day in days
        if (configuration, day) != ("another", 18)
    ]
    plant(house.inventory.lake, "s3_deliveries", ledger)
    requests = after_ingestion(house, "2026-01-18")
    compared = [dg.AssetKey("storage_growth")]
    assert [(r.job_name, r.partition_key, r.asset_selection) for r in requests] == [
        ("storage_analysis", "2026-01-18", None),
        ("archive_plan", "2026-01-18", None),
        ("storage_analysis", "2026-01-20", compared),
        ("storage_analysis", "2026-01-25", compared),
    ]


def test_the_lake_is_kept_daily(house: House) -> None:
    schedule = house.definitions.resolve_schedule_def("maintain_schedule")
    assert (schedule.cron_schedule, schedule.job_name) == ("0 3 * * *", "maintain")
    lake = house.inventory.lake
    for number in range(8):
        plant(lake, "prices", [{"service": str(number)}])
    files = set(Path(lake.location, "tables", "prices").rglob("*.*"))
    for day in (30, 31):  # files are of the clock's today, whatever the house's is
        house.now = datetime.now(UTC) + timedelta(days=day)
        house.definitions.resolve_job_def("maintain").execute_in_process(instance=house.instance)
    left = set(Path(lake.location, "tables", "prices").rglob("*.*"))
    assert left < files
    assert lake.read("prices")["service"].to_pylist() == ["7"]
