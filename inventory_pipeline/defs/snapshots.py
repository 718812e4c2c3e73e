"""Snapshots: one subsettable asset collects every table, then the snapshot is published."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg

from inventory_pipeline.collect import (
    NotCollectedError,
    PastSnapshotError,
    collect,
    publish_snapshot,
    snapshot_coverage,
)
from inventory_pipeline.defs.partitions import snapshot_instant
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    paced,
    table_spec,
)
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.resource_types import child_tables, resource_types

OP = "collect_resources"
OF_ALL_TYPES = ("accounts", "coverage", "metrics", "relationships", "resources")
COLLECTED = (*OF_ALL_TYPES, *(k.table for k in resource_types().values()), *child_tables())


class CollectConfig(dg.Config):
    """A part of the current snapshot to collect again; empty is everything."""

    accounts: list[str] = []
    regions: list[str] = []
    resource_types: list[str] = []
    failed: bool = False
    """Only cells that the snapshot has not seen completely."""


def collect_config(**subset: list[str] | bool) -> dict[str, Any]:
    """The run config that collects just these accounts, regions or resource_types again, or
    with `failed` what has failed."""
    return {"ops": {OP: {"config": subset}}}


def coverage_check_spec() -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "coverage",
        asset=asset_key("coverage"),
        description="How much of the estate was seen: an error below the threshold, a warning at "
        "any gap.",
    )


def snapshot_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name=OP,
        specs=[
            table_spec(name, skippable=True, partitions_def=partitions, kinds={"aws"})
            for name in COLLECTED
        ],
        check_specs=[*map(contract_check_spec, COLLECTED), coverage_check_spec()],
        can_subset=True,
        pool="collect",
    )
    def collect_resources(
        context: dg.AssetExecutionContext, config: CollectConfig, inventory: Inventory, clock: Clock
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Ask every account and region, by assumed role; the ledger says what was not seen."""
        at = snapshot_instant(context.partition_key)
        chosen = {key.path[-1] for key in context.selected_asset_keys}
        try:
            result = collect(
                inventory.settings,
                inventory.lake,
                at,
                clock.now,
                accounts=config.accounts,
                regions=config.regions,
                resource_types=config.resource_types or _types_of(chosen),
                failed=config.failed,
                progress=paced(context.log.info),
                clients=inventory.clients,
            )
        except (PastSnapshotError, NotCollectedError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        seen = result.planned - result.asked
        context.log.info(f"{result.asked} cells asked, {seen} seen before: {result.statuses}")
        where = {"snapshot_at": at}
        names = [name for name in COLLECTED if name in chosen]
        with inventory.engine.session(dict.fromkeys(names, where), published=False) as db:
            for name in names:
                yield materialized(db, name, where)
        if "coverage" in chosen:
            yield coverage_check(inventory, at)

    @dg.multi_asset(
        name="publish_snapshot",
        specs=[table_spec("snapshots", COLLECTED, partitions_def=partitions)],
    )
    def publish(context: dg.AssetExecutionContext, inventory: Inventory) -> dg.MaterializeResult:
        """Commit the snapshot's row, last of all: from now on readers see it."""
        at = snapshot_instant(context.partition_key)
        row = publish_snapshot(inventory.lake, at)
        inventory.lake.sweep_scratch()
        return dg.MaterializeResult(
            metadata={
                "status": str(row["status"]),
                "dagster/partition_row_count": int(row["rows"]),
                "cells": int(row["cells"]),
                "cells_ok": int(row["cells_ok"]),
            }
        )

    return [collect_resources, publish]


def _types_of(chosen: set[str]) -> list[str]:
    """The resource types of the selected tables; all of them where only ledgers are selected."""
    return [
        kind.name
        for kind in resource_types().values()
        if chosen & {kind.table, *(children.table.name for children in kind.children)}
    ]


def coverage_check(inventory: Inventory, at: datetime) -> dg.AssetCheckResult:
    seen = snapshot_coverage(inventory.lake, at)
    threshold = inventory.settings.collection_settings.coverage_threshold
    below = seen.percent is None or seen.percent < threshold
    gap = seen.ok < seen.cells
    return dg.AssetCheckResult(
        asset_key=asset_key("coverage"),
        check_name="coverage",
        passed=not gap,
        severity=dg.AssetCheckSeverity.ERROR if below else dg.AssetCheckSeverity.WARN,
        description=seen.sentence,
        metadata={"percent": seen.percent or 0.0, "threshold": threshold, **seen.by_status},
    )
