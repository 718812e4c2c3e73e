"""Publication: the analysts' warehouse file, and the JSON of the weekly and monthly reviews."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from inventory_pipeline.defs.partitions import snapshot_instant
from inventory_pipeline.defs.presentation import OWNERS, asset_key
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.lake.warehouse import publish_warehouse
from inventory_pipeline.marts import marts
from inventory_pipeline.marts.cost.report import stale_report
from inventory_pipeline.marts.security.report import security_report
from inventory_pipeline.outputs import copy_report, write_report

WAREHOUSE = (
    "The analysts' file: marts and the newest snapshot as one DuckDB database, swapped in whole."
)
SECURITY = "The weekly JSON: unencrypted_resources, public_resources, compliance_score."
STALE = "The monthly JSON: what stands idle, since when, and what acting on it saves."


def publication_assets(snapshots: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    reads = ["security_findings", "compliance_scores"]
    return [
        warehouse_asset(),
        report_asset("security_report", SECURITY, reads, snapshots, _security),
        report_asset("stale_resources_report", STALE, ["waste_findings"], snapshots, _stale),
    ]


def warehouse_asset() -> dg.AssetsDefinition:
    newest = dg.LastPartitionMapping()
    spec = dg.AssetSpec(
        "warehouse",
        deps=[
            dg.AssetDep(asset_key(name), partition_mapping=newest)
            for name in ("snapshots", *marts())
        ],
        description=WAREHOUSE,
        group_name="publication",
        owners=OWNERS,
        kinds={"duckdb"},
    )

    @dg.multi_asset(name="publish_warehouse", specs=[spec])
    def warehouse(inventory: Inventory) -> dg.MaterializeResult:
        path = inventory.settings.lake.warehouse_path
        result = publish_warehouse(inventory.lake, path, inventory.settings.lake.memory_limit)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(path.absolute())),
                "tables": result.tables,
                "dagster/row_count": result.rows,
                "bytes": result.bytes,
            }
        )

    return warehouse


def report_asset(
    name: str,
    description: str,
    reads: Sequence[str],
    snapshots: dg.PartitionsDefinition,
    content: Callable[[Inventory, datetime], dict[str, Any]],
) -> dg.AssetsDefinition:
    """A report of a snapshot as a JSON file beside the warehouse."""
    spec = dg.AssetSpec(
        name,
        deps=reads,
        description=description,
        group_name="publication",
        owners=OWNERS,
        kinds={"json"},
        partitions_def=snapshots,
    )

    @dg.multi_asset(
        name=f"write_{name}", specs=[spec], backfill_policy=dg.BackfillPolicy.single_run()
    )
    def report(context: dg.AssetExecutionContext, inventory: Inventory) -> dg.MaterializeResult:
        folder = inventory.settings.lake.warehouse_path.parent / "reports"
        bucket = inventory.settings.outputs.report_bucket
        for key in context.partition_keys:
            at = snapshot_instant(key)
            told = content(inventory, at)
            path = write_report(folder, name, at, told)
            if bucket:
                address = copy_report(path, name, bucket, inventory.own_s3)
                context.log.info(f"copied to {address}")
        return dg.MaterializeResult(metadata={**_path(path), **_counts(told)})

    return report


def _security(inventory: Inventory, at: datetime) -> dict[str, Any]:
    where = {"snapshot_at": at}
    return security_report(
        inventory.lake.read("security_findings", where).to_pylist(),
        inventory.lake.read("compliance_scores", where).to_pylist(),
    )


def _stale(inventory: Inventory, at: datetime) -> dict[str, Any]:
    findings = inventory.lake.read("waste_findings", {"snapshot_at": at}).to_pylist()
    return stale_report(findings, inventory.settings.cost_thresholds.stale_resource_days)


def _path(path: Path) -> dict[str, dg.MetadataValue]:
    return {"path": dg.MetadataValue.path(str(path.absolute()))}


def _counts(told: dict[str, Any]) -> dict[str, int]:
    """How long each of the report's lists is."""
    return {name: len(value) for name, value in told.items() if isinstance(value, list)}
