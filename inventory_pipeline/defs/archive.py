"""Archive: candidates and plans of a day's deliveries, then their manifests. Nothing is moved."""

from collections.abc import Iterator

import dagster as dg

from inventory_pipeline.archive import plan, write_manifests
from inventory_pipeline.defs.partitions import delivery_day
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    table_spec,
)
from inventory_pipeline.defs.resources import Clock, Inventory

PLANNED = ("archive_candidates", "archive_plans")
INPUTS = ("s3_objects", "s3_deliveries")


def archive_assets(days: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    newest = dg.LastPartitionMapping()
    inputs: list[str | dg.AssetDep] = [
        *INPUTS,
        dg.AssetDep(asset_key("s3_buckets"), partition_mapping=newest),
        "prices",
    ]

    @dg.multi_asset(
        name="plan_archive",
        specs=[table_spec(name, inputs, partitions_def=days, kinds={"duckdb"}) for name in PLANNED],
        check_specs=[contract_check_spec(name) for name in PLANNED],
    )
    def plan_archive(
        context: dg.AssetExecutionContext, inventory: Inventory
    ) -> Iterator[dg.MaterializeResult]:
        """Pick objects by policy, drop those whose move would lose money, and show the funnel."""
        day = delivery_day(context.partition_key)
        plan(inventory.engine, inventory.lake, inventory.settings.archive.policies, day)
        where = {"delivered_on": day}
        with inventory.engine.session(dict.fromkeys(PLANNED, where)) as db:
            for name in PLANNED:
                yield materialized(db, name, where)

    @dg.multi_asset(
        name="write_archive_manifests",
        specs=[table_spec("archive_manifests", PLANNED, partitions_def=days, kinds={"s3", "csv"})],
        check_specs=[contract_check_spec("archive_manifests")],
    )
    def manifests(
        context: dg.AssetExecutionContext, inventory: Inventory, clock: Clock
    ) -> dg.MaterializeResult:
        """Write each plan's manifest for S3 Batch Operations and record its ETag."""
        day = delivery_day(context.partition_key)
        write_manifests(
            inventory.engine,
            inventory.lake,
            day,
            inventory.settings.archive.manifests,
            clock.now(),
            inventory.own_s3,
        )
        where = {"delivered_on": day}
        with inventory.engine.session({"archive_manifests": where}) as db:
            return materialized(db, "archive_manifests", where)

    return [plan_archive, manifests]
