"""Cost, security and storage: one asset per mart, built by its SQL for any snapshot still kept."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg

from inventory_pipeline.defs.checks import MART_CHECKS, MartCheck, Verdict
from inventory_pipeline.defs.partitions import delivery_day, snapshot_instant
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    table_spec,
)
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.lake import Where
from inventory_pipeline.marts import Mart, MartError, build_mart, marts, rows_read
from inventory_pipeline.marts.lineage import column_lineage
from inventory_pipeline.marts.mart import HISTORY_DAYS
from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.prices import load_book
from inventory_pipeline.settings import Settings


def prices_asset() -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="load_prices",
        specs=[table_spec("prices")],
        check_specs=[contract_check_spec("prices")],
    )
    def load_prices(inventory: Inventory) -> dg.MaterializeResult:
        """Put the bundled price book into the lake."""
        inventory.lake.replace("prices", [{}], load_book())
        with inventory.engine.session({"prices": {}}) as db:
            return materialized(db, "prices", {})

    return load_prices


def mart_assets(
    snapshots: dg.PartitionsDefinition, days: dg.PartitionsDefinition
) -> list[dg.AssetsDefinition]:
    return [
        mart_asset(mart, snapshots if mart.partition == "snapshot" else days)
        for mart in marts().values()
    ]


def mart_asset(mart: Mart, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    checks = MART_CHECKS.get(mart.table, ())

    @dg.multi_asset(
        name=f"build_{mart.table}",
        specs=[
            table_spec(
                mart.table, list(_deps(mart)), partitions_def=partitions, kinds={"duckdb", "sql"}
            )
        ],
        check_specs=[
            contract_check_spec(mart.table),
            *(check.spec(mart.table) for check in checks),
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def build(
        context: dg.AssetExecutionContext, inventory: Inventory
    ) -> Iterator[dg.MaterializeResult]:
        built = [build_partition(inventory, mart, key) for key in context.partition_keys]
        results = [
            check.result(
                mart.table, [judged(inventory, check, mart.table, where) for where in built]
            )
            for check in checks
        ]
        whole = {column: [where[column] for where in built] for column in built[0]}
        with inventory.engine.session({mart.table: whole}) as db:
            yield materialized(db, mart.table, whole, results, lineage_metadata(mart.table))

    return build


@cache
def lineage_metadata(table: str) -> dict[str, dg.TableColumnLineage]:
    """Which columns each column of a mart comes from, as Dagster draws it."""
    sources = column_lineage(marts()[table])
    deps = {
        column: [dg.TableColumnDep(asset_key(source), name) for source, name in sorted(found)]
        for column, found in sources.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)}


def judged(inventory: Inventory, check: MartCheck, table: str, where: Where) -> Verdict:
    """What a check says of one partition of a mart, held against the rows that it was made from."""
    [at] = where.values()
    read = rows_read(inventory.lake, marts()[table], at)
    others = {name: read.get(name, where) for name in check.reads}
    with inventory.engine.session({table: where, **others}) as db:
        return check.judge(db, table, inventory.settings)


def build_partition(inventory: Inventory, mart: Mart, key: str) -> Where:
    """Build one partition of a mart; returns the partition."""
    at = delivery_day(key) if mart.partition == "day" else snapshot_instant(key)
    try:
        return build_mart(inventory.engine, mart, at, parameters(inventory.settings)).partition
    except MartError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def parameters(settings: Settings) -> dict[str, Any]:
    """What settings say to marts, by the `$name` that their SQL uses."""
    return {
        "idle_resource_days": settings.cost_thresholds.idle_resource_days,
        "stale_resource_days": settings.cost_thresholds.stale_resource_days,
        "rules_off": settings.cost.rules_off,
        "controls_off": settings.security.controls_off,
        **storage_parameters(settings.s3_inventory),
    }


_EARLIER_DAYS: Mapping[str, dg.PartitionMapping] = {
    rows: dg.TimeWindowPartitionMapping(start_offset=-days)
    # Reports come daily or weekly: where one is missing, the one before is older still.
    for rows, days in (("previous", 7), ("history", HISTORY_DAYS))
}
"""Rows of earlier days that a day's mart reads as well."""


def _deps(mart: Mart) -> Iterator[str | dg.AssetDep]:
    for table, rows in mart.reads.items():
        mapping = _EARLIER_DAYS.get(rows)
        if mart.partition == "day" and rows == "snapshot":
            # A day's mart reads the newest snapshot of that day.
            mapping = dg.LastPartitionMapping()
        yield dg.AssetDep(asset_key(table), partition_mapping=mapping) if mapping else table
    if mart.partition == "snapshot":
        yield "snapshots"
