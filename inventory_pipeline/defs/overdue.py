"""Overdue deliveries: which reports of a day never came, of which an alert tells once a streak."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from inventory_pipeline.defs.alerts import tell
from inventory_pipeline.defs.partitions import delivery_day
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    table_spec,
)
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.marts.storage.overdue import TABLE, Overdue, note_overdue, note_told
from inventory_pipeline.outputs import Alert

CHECK = "in_time"


def overdue_asset(days: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    reads = ["delivery_health", "s3_deliveries"]
    check = dg.AssetCheckSpec(
        CHECK,
        asset=asset_key(TABLE),
        description="No report of the day is missing; a warning if one is.",
    )

    @dg.multi_asset(
        name=f"note_{TABLE}",
        specs=[table_spec(TABLE, reads, partitions_def=days, kinds={"duckdb"})],
        check_specs=[contract_check_spec(TABLE), check],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def overdue(
        context: dg.AssetExecutionContext, inventory: Inventory, clock: Clock
    ) -> Iterator[dg.MaterializeResult]:
        """Note what is missing of a day, and alert of what has been silent ever since."""
        noted = [delivery_day(key) for key in context.partition_keys]
        found: list[Overdue] = []
        for day in noted:
            found.append(note_overdue(inventory.engine, day))
            alert = overdue_alert(day, found[-1])
            if found[-1].untold and tell(alert, inventory, context.log):
                note_told(inventory.engine, day, clock.now())
        where = {"delivered_on": noted}
        with inventory.engine.session({TABLE: where}) as db:
            yield materialized(db, TABLE, where, [_checked(found)])

    return overdue


def overdue_alert(day: date, found: Overdue) -> Alert:
    """Which configurations owe the day's report and have delivered nothing since."""
    more = found.untold - len(found.named_untold)
    lines = [
        f"S3 Inventory did not deliver for {day}, nor since:",
        *_lines(found.named_untold),
        *([f"and {more} more"] if more else []),
        "See `inventory storage health`. Where the destination's policy or its KMS key refuses S3, "
        "nothing is delivered; `inventory configs policies` renders what they need.",
    ]
    return Alert(f"inventory: {_reports(found.untold)} overdue", "\n".join(lines))


def _checked(found: Sequence[Overdue]) -> dg.AssetCheckResult:
    missing = sum(one.missing for one in found)
    named = "\n".join(f"- {line}" for one in found for line in _lines(one.named))
    return dg.AssetCheckResult(
        asset_key=asset_key(TABLE),
        check_name=CHECK,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{_reports(missing)} missing",
        metadata={"missing": missing, "configurations": dg.MetadataValue.md(named)},
    )


def _reports(count: int) -> str:
    return f"{count} S3 Inventory report{'' if count == 1 else 's'}"


def _lines(named: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{row['source_bucket']} {row['configuration_id']} (account {row['account_id']}): "
        f"{row['missed']} {row['frequency'].lower()} in a row, nothing after {row['silent_since']}"
        for row in named
    ]
