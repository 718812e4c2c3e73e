"""Jobs and the four schedules; cron and on/off come from settings, times are UTC."""

from typing import TYPE_CHECKING

import dagster as dg

from inventory_pipeline.defs.partitions import SNAPSHOT_FORMAT, snapshot_key
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.settings import Settings

if TYPE_CHECKING:
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
    "archive_plan": (
        GROUPS("archive"),
        "Candidates, economics and manifests for a day's deliveries.",
    ),
}


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
