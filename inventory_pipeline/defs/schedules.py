"""Jobs, their schedules, and what follows an ingestion. Cron and on/off come from settings."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from inventory_pipeline.defs.partitions import (
    DAY_FORMAT,
    SNAPSHOT_FORMAT,
    delivery_day,
    snapshot_key,
)
from inventory_pipeline.defs.presentation import asset_key
from inventory_pipeline.defs.processes import UNFINISHED
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.marts import days_compared_with
from inventory_pipeline.marts.storage.growth import GROWTH
from inventory_pipeline.marts.storage.overdue import awaited_days
from inventory_pipeline.marts.storage.trend import TREND, trends_resting_on
from inventory_pipeline.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

GROUPS = dg.AssetSelection.groups

JOBS: dict[str, tuple[dg.AssetSelection, str]] = {
    "collect": (GROUPS("snapshots"), "Collect the current snapshot and publish it."),
    "cost_analysis": (
        GROUPS("cost") | dg.AssetSelection.assets("warehouse"),
        "Prices, cost marts and waste findings of a snapshot.",
    ),
    "security_check": (
        GROUPS("security") | dg.AssetSelection.assets("security_report", "warehouse"),
        "Security findings and scores of a snapshot, and the weekly report.",
    ),
    "cleanup": (
        dg.AssetSelection.assets(
            "prices", "cost_components", "waste_findings", "stale_resources_report"
        ),
        "Review of stale resources: what stands idle, for how long, and what it would save.",
    ),
    "ingest_deliveries": (
        GROUPS("s3_inventory"),
        "Verify and ingest S3 Inventory deliveries.",
    ),
    "storage_analysis": (
        GROUPS("storage") | dg.AssetSelection.assets("prices"),
        "Usage and cost of a day's deliveries.",
    ),
    "delivery_check": (
        dg.AssetSelection.assets("delivery_health", "overdue_deliveries"),
        "Which S3 Inventory reports of a day never came.",
    ),
    "archive_plan": (
        GROUPS("archive") | dg.AssetSelection.assets("prices"),
        "Candidates, economics and manifests for a day's deliveries.",
    ),
}

OVER = timedelta(days=3)
"""How far back the day is whose reports' 48 hours are over."""

ASKED_AGAIN = 7
"""How many days, of which that one is the last, are checked again while a report is awaited."""

ANALYSIS = "storage_analysis"
AFTER_INGESTION = (ANALYSIS, "archive_plan")

# How Dagster tags a run with its partition, or with the first and the last of several.
PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
BACKFILL = "dagster/backfill"


def jobs() -> "list[UnresolvedAssetJobDefinition]":
    return [
        dg.define_asset_job(name, selection, description=description)
        for name, (selection, description) in JOBS.items()
    ]


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    return [
        collect_schedule(settings),
        *(
            newest_snapshot_schedule(name, settings)
            for name in ("cost_analysis", "security_check", "cleanup")
        ),
        delivery_check_schedule(settings),
    ]


def _status(enabled: bool) -> dg.DefaultScheduleStatus:
    return dg.DefaultScheduleStatus.RUNNING if enabled else dg.DefaultScheduleStatus.STOPPED


def collect_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Collects the snapshot whose window the tick falls into."""
    timing = settings.schedules.collect

    @dg.schedule(
        name="collect_schedule",
        job_name="collect",
        cron_schedule=timing.cron,
        execution_timezone="UTC",
        default_status=_status(timing.enabled),
        description="Collect every account and region.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        key = snapshot_key(context.scheduled_execution_time)
        return dg.RunRequest(run_key=key, partition_key=key)

    return tick


def newest_snapshot_schedule(job: str, settings: Settings) -> dg.ScheduleDefinition:
    """Runs a job on the newest published snapshot."""
    timing = getattr(settings.schedules, job)

    @dg.schedule(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=timing.cron,
        execution_timezone="UTC",
        default_status=_status(timing.enabled),
        description=JOBS[job][1],
    )
    def tick(
        context: dg.ScheduleEvaluationContext, inventory: Inventory
    ) -> dg.RunRequest | dg.SkipReason:
        published = inventory.lake.snapshots()
        if not published:
            return dg.SkipReason("no snapshot is published yet: run the job `collect` first")
        key = published[-1].strftime(SNAPSHOT_FORMAT)
        return dg.RunRequest(
            run_key=f"{key} {context.scheduled_execution_time.isoformat()}", partition_key=key
        )

    return tick


def delivery_check_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Checks the newest day of which S3 has no more time to deliver; also where nothing comes.

    Where nothing does, only snapshots tell the lake the time, and the newest may be yesterday's:
    earlier days of which a report is still awaited are checked again, in the same run, so that a
    streak is told of once.
    """
    timing = settings.schedules.delivery_check

    @dg.schedule(
        name="delivery_check_schedule",
        job_name="delivery_check",
        cron_schedule=timing.cron,
        execution_timezone="UTC",
        default_status=_status(timing.enabled),
        description=JOBS["delivery_check"][1],
    )
    def tick(
        context: dg.ScheduleEvaluationContext, inventory: Inventory
    ) -> dg.RunRequest | dg.SkipReason:
        at = context.scheduled_execution_time
        day, start = (at - OVER).date(), settings.schedules.snapshots_start
        if day < start:
            return dg.SkipReason(f"{day} is before schedules.snapshots_start")
        earlier = [day - timedelta(days=n) for n in range(1, ASKED_AGAIN)]
        awaited = awaited_days(inventory.lake, [one for one in earlier if one >= start])
        return _request_of_days(min([*awaited, day]), day, at.isoformat())

    return tick


def _request_of_days(first: date, last: date, tick: str, **more: Any) -> dg.RunRequest:
    """One run of all these days; of several, as Dagster tags a backfill in a single run."""
    start, end = f"{first:{DAY_FORMAT}}", f"{last:{DAY_FORMAT}}"
    if start == end:
        return dg.RunRequest(run_key=f"{end} {tick}", partition_key=end, **more)
    tags = {RANGE_START: start, RANGE_END: end}
    return dg.RunRequest(run_key=f"{end} {tick}", tags=tags, **more)


def analysis_sensor(
    known: "Mapping[str, UnresolvedAssetJobDefinition]",
) -> dg.SensorDefinition:
    """Analyses a day's storage and plans its archive each time deliveries of it were ingested.

    Where they were late, the days that are compared with it are compared again.
    """

    @dg.run_status_sensor(
        name="analysis_after_ingestion",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[known["ingest_deliveries"]],
        request_jobs=[known[name] for name in AFTER_INGESTION],
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Storage marts and archive plans of a day whose deliveries were ingested.",
    )
    def ingested(context: dg.RunStatusSensorContext, inventory: Inventory) -> list[dg.RunRequest]:
        run = context.dagster_run
        key = run.tags[PARTITION]
        of_day = [
            dg.RunRequest(
                run_key=f"{job} of {key} after {run.run_id}", job_name=job, partition_key=key
            )
            for job in AFTER_INGESTION
        ]
        again = [
            _request_of_days(
                day,
                day,
                f"compared after {run.run_id}",
                job_name=ANALYSIS,
                asset_selection=[asset_key(GROWTH.table)],
            )
            for day in days_compared_with(inventory.lake, delivery_day(key))
        ]
        return [*of_day, *again]

    return ingested


def trend_sensor(known: "Mapping[str, UnresolvedAssetJobDefinition]") -> dg.SensorDefinition:
    """Draws the trends of later days again, in one run, each time a day's usage was computed late.

    Not after its ingestion: a trend's points are of the day's usage, which comes after. Of the runs
    of a backfill, the last draws for all.
    """

    @dg.run_status_sensor(
        name="trends_after_analysis",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[known[ANALYSIS]],
        request_jobs=[known[ANALYSIS]],
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Storage trends of the days after one whose usage was computed late.",
    )
    def analyzed(
        context: dg.RunStatusSensorContext, inventory: Inventory
    ) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if run.asset_selection and asset_key("storage_usage") not in run.asset_selection:
            return dg.SkipReason("the run computed no usage, which trends rest on")
        runs = _of_backfill(context.instance, run)
        if any(one.status in UNFINISHED for one in runs):
            return dg.SkipReason("the last run of the backfill draws the trends")
        days = sorted(day for one in runs for day in _days_of(one))
        # In one run trends are drawn after all usage; among several there is no order.
        later = trends_resting_on(inventory.lake, days[0], days[-1], within=len(runs) > 1)
        if not later:
            return dg.SkipReason(f"no later trend rests on {days[-1]}")
        return _request_of_days(
            later[0],
            later[-1],
            f"trends after {run.run_id}",
            job_name=ANALYSIS,
            asset_selection=[asset_key(TREND.table)],
        )

    return analyzed


def _of_backfill(instance: dg.DagsterInstance, run: dg.DagsterRun) -> "Sequence[dg.DagsterRun]":
    """The runs of the backfill that a run belongs to, or it alone."""
    if backfill := run.tags.get(BACKFILL):
        return instance.get_runs(dg.RunsFilter(job_name=run.job_name, tags={BACKFILL: backfill}))
    return [run]


def _days_of(run: dg.DagsterRun) -> tuple[date, date]:
    """The first and the last day that a run was of."""
    if key := run.tags.get(PARTITION):
        return delivery_day(key), delivery_day(key)
    return delivery_day(run.tags[RANGE_START]), delivery_day(run.tags[RANGE_END])
