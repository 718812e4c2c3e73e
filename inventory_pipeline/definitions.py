"""What Dagster loads: the whole project as one code location."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from inventory_pipeline.defs.alerts import failure_sensor
from inventory_pipeline.defs.archive import archive_assets
from inventory_pipeline.defs.comparisons import comparison_assets
from inventory_pipeline.defs.delivery_sensor import delivery_sensor
from inventory_pipeline.defs.marts import mart_assets, prices_asset
from inventory_pipeline.defs.overdue import overdue_asset
from inventory_pipeline.defs.partitions import delivery_partitions, snapshot_partitions
from inventory_pipeline.defs.publication import publication_assets
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.defs.s3_inventory import erasures_asset, ingest_assets
from inventory_pipeline.defs.schedules import analysis_sensor, jobs, schedules, trend_sensor
from inventory_pipeline.defs.snapshots import snapshot_assets
from inventory_pipeline.defs.upkeep import upkeep_job, upkeep_schedule


def build_defs(resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The code location; `resources` replace the defaults by name (`inventory`, `clock`)."""
    resources = {"inventory": Inventory(), "clock": Clock(), **(resources or {})}
    settings = resources["inventory"].settings
    snapshots = snapshot_partitions(settings.schedules.snapshots_start)
    days = delivery_partitions(settings.schedules.snapshots_start)
    all_jobs = {job.name: job for job in jobs()}
    return dg.Definitions(
        assets=[
            *snapshot_assets(snapshots),
            *comparison_assets(snapshots),
            *ingest_assets(days),
            erasures_asset(),
            prices_asset(),
            *mart_assets(snapshots, days),
            overdue_asset(days),
            *archive_assets(days),
            *publication_assets(snapshots),
        ],
        jobs=[*all_jobs.values(), upkeep_job()],
        schedules=[*schedules(settings), upkeep_schedule(settings)],
        sensors=[
            delivery_sensor(),
            analysis_sensor(all_jobs),
            trend_sensor(all_jobs),
            failure_sensor(),
        ],
        resources=resources,
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    return build_defs()
