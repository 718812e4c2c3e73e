"""What follows a publication: the snapshot beside the ones before it.

Changes of resources, and cells that fail again, of which an alert tells once for each streak.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from inventory_pipeline.collect.changes import build_changes
from inventory_pipeline.collect.failing import (
    RepeatedFailures,
    note_repeated_failures,
    note_told,
)
from inventory_pipeline.collect.publication import UnpublishedError
from inventory_pipeline.defs.alerts import tell
from inventory_pipeline.defs.partitions import snapshot_instant, snapshot_key
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    table_spec,
)
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.outputs import Alert

FAILURES = "repeated_failures"
CHANGES = "resource_changes"


def comparison_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name=f"build_{CHANGES}",
        specs=[table_spec(CHANGES, ["snapshots"], partitions_def=partitions, kinds={"duckdb"})],
        check_specs=[contract_check_spec(CHANGES)],
    )
    def changes(
        context: dg.AssetExecutionContext, inventory: Inventory
    ) -> Iterator[dg.MaterializeResult]:
        """Compare a snapshot with what was known before it."""
        at = snapshot_instant(context.partition_key)
        try:
            build_changes(inventory.engine, at)
        except UnpublishedError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        with inventory.engine.session({CHANGES: {"snapshot_at": at}}) as db:
            yield materialized(db, CHANGES, {"snapshot_at": at})

    @dg.multi_asset(
        name=f"note_{FAILURES}",
        specs=[table_spec(FAILURES, ["snapshots"], partitions_def=partitions, kinds={"duckdb"})],
        check_specs=[contract_check_spec(FAILURES), repetition_check_spec()],
    )
    def failures(
        context: dg.AssetExecutionContext, inventory: Inventory, clock: Clock
    ) -> Iterator[dg.MaterializeResult]:
        """Compare a snapshot's ledger with the one before, and alert of what failed in both."""
        at = snapshot_instant(context.partition_key)
        try:
            found = note_repeated_failures(inventory.engine, at)
        except UnpublishedError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        is_newest = at == inventory.lake.snapshots()[-1]
        # Again next time, as long as no channel hears.
        if found.untold and is_newest and tell(repetition_alert(at, found), inventory, context.log):
            note_told(inventory.engine, at, clock.now())
        with inventory.engine.session({FAILURES: {"snapshot_at": at}}) as db:
            yield materialized(db, FAILURES, {"snapshot_at": at}, [repetition_check(found)])

    return [changes, failures]


def repetition_alert(at: datetime, found: RepeatedFailures) -> Alert:
    """Which cells failed again; what AWS said of them stays in the ledger."""
    subject = f"inventory: {_cells(found.untold)} could not be seen twice in a row"
    more = found.untold - len(found.named_untold)
    lines = [
        f"In the snapshot {snapshot_key(at)} UTC and the one before:",
        *_lines(found.named_untold),
        *([f"and {more} more"] if more else []),
        'See `inventory sql "SELECT * FROM repeated_failures"`; `inventory collect --failed` '
        "asks them again.",
    ]
    return Alert(subject, "\n".join(lines))


def repetition_check_spec() -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        "seen_again",
        asset=asset_key(FAILURES),
        description="No cell failed in this snapshot as in the one before; a warning if one did.",
    )


def repetition_check(found: RepeatedFailures) -> dg.AssetCheckResult:
    named = "\n".join(f"- {line}" for line in _lines(found.named))
    return dg.AssetCheckResult(
        asset_key=asset_key(FAILURES),
        check_name="seen_again",
        passed=not found.failing,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{_cells(found.failing)} failed twice in a row",
        metadata={"failing": found.failing, "cells": dg.MetadataValue.md(named)},
    )


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"


def _lines(named: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{row['account_id']} {row['region']} {row['collector']}: {row['status']}"
        f"{' (' + row['error_code'] + ')' if row['error_code'] else ''}, "
        f"since {snapshot_key(row['since'])}"
        for row in named
    ]
