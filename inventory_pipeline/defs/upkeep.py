"""Upkeep of the lake: a daily job that removes files that no table refers to any more."""

import dagster as dg

from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.lake.upkeep import sweep
from inventory_pipeline.settings import Settings

JOB = "maintain"
DESCRIPTION = "Remove the lake's files that no table has referred to for a day."


def upkeep_job() -> dg.JobDefinition:
    @dg.op(name="sweep_lake", description=DESCRIPTION)
    def sweep_lake(context: dg.OpExecutionContext, inventory: Inventory, clock: Clock) -> None:
        swept = sweep(inventory.lake, clock.now())
        context.add_output_metadata(
            {
                "files removed": sum(one.removed for one in swept),
                "bytes removed": sum(one.removed_bytes for one in swept),
                "files waiting": sum(one.waiting for one in swept),
                "bytes waiting": sum(one.waiting_bytes for one in swept),
            }
        )

    @dg.job(name=JOB, description=DESCRIPTION)
    def maintain() -> None:
        sweep_lake()

    return maintain


def upkeep_schedule(settings: Settings) -> dg.ScheduleDefinition:
    timing = settings.schedules.maintain
    on, off = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name=f"{JOB}_schedule",
        job_name=JOB,
        cron_schedule=timing.cron,
        execution_timezone="UTC",
        default_status=on if timing.enabled else off,
        description=DESCRIPTION,
    )
