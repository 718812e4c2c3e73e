"""`inventory collect`: see the organisation now, by the Dagster job `collect`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from inventory_pipeline.cli.reading import SETTINGS_OPTION
from inventory_pipeline.cli.running import finish


@click.command()
@click.option("--accounts", help="Only these accounts (names or ids), by comma.")
@click.option("--regions", help="Only these regions, by comma.")
@click.option("--resource-types", help="Only these types or groups, by comma.")
@click.option("--failed", is_flag=True, help="Only what the current snapshot has not seen.")
@SETTINGS_OPTION
def collect(
    accounts: str | None,
    regions: str | None,
    resource_types: str | None,
    failed: bool,
    settings_path: Path | None,
) -> None:
    """Collect a snapshot of every account and region, and publish it.

    With a subset, that part of the current snapshot is collected again; with --failed, what was
    denied, throttled or otherwise not seen. A run that was cut short is carried on with. Exits
    with 3 where a part could not be seen; the coverage ledger says which.

    \b
    Examples:
      inventory collect
      inventory collect --accounts payments --regions eu-west-1,us-east-1 --resource-types rds
      inventory collect --failed
    """
    from inventory_pipeline.defs.launch import run_job
    from inventory_pipeline.defs.partitions import snapshot_key
    from inventory_pipeline.defs.snapshots import collect_config

    chosen = {"accounts": accounts, "regions": regions, "resource_types": resource_types}
    subset = {name: _parts(value) for name, value in chosen.items() if value is not None}
    config = collect_config(**subset, **({"failed": True} if failed else {}))
    key = snapshot_key(datetime.now(UTC))
    outcome = run_job("collect", settings_path, partition_key=key, run_config=config)
    click.echo(f"snapshot {key} UTC")
    finish([outcome])


def _parts(value: str) -> list[str]:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts:
        raise click.UsageError("a subset names at least one thing; leave the option out for all")
    return parts
