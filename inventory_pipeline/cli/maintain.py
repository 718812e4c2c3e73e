"""`inventory maintain`: remove the lake's files that no table needs any more."""

from __future__ import annotations

from pathlib import Path

import click

from inventory_pipeline.cli.answer import Answer, Section
from inventory_pipeline.cli.output import emit, size
from inventory_pipeline.cli.reading import SETTINGS_OPTION

COLUMNS = ("table", "removed", "removed_bytes", "waiting", "waiting_bytes")


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@SETTINGS_OPTION
def maintain(dry_run: bool, settings_path: Path | None) -> None:
    """Remove files of the lake that no table refers to any more.

    A file goes once it has been without a reference for a day: found so by one run, and again by
    one a day later. The schedule maintain_schedule runs this daily.

    \b
    Examples:
      inventory maintain --dry-run
      inventory maintain
    """
    from datetime import UTC, datetime

    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.lake.upkeep import sweep

    inventory = Inventory(settings_path=str(settings_path) if settings_path else None)
    swept = sweep(inventory.lake, datetime.now(UTC), dry_run=dry_run)
    rows = [(s.table, s.removed, s.removed_bytes, s.waiting, s.waiting_bytes) for s in swept]
    removed, waiting = sum(s.removed_bytes for s in swept), sum(s.waiting_bytes for s in swept)
    would = "would be removed" if dry_run else "removed"
    told = f"{size(removed)} {would}, {size(waiting)} wait until they were a day without reference"
    emit(Answer((Section("rows", "Files", COLUMNS, rows),), {}, (told,)), "table", None)
