"""`inventory ingest`: bring in new S3 Inventory deliveries, by the job `ingest_deliveries`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from inventory_pipeline.cli.output import size
from inventory_pipeline.cli.reading import SETTINGS_OPTION
from inventory_pipeline.cli.running import finish
from inventory_pipeline.cli.safe import safe

if TYPE_CHECKING:
    from inventory_pipeline.defs.launch import JobOutcome
    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.reports import Weighed


class NoDestinationError(Exception):
    """The settings name no destination of S3 Inventory reports."""


@click.command()
@click.option("--retry", is_flag=True, help="Also try again what is quarantined.")
@SETTINGS_OPTION
def ingest(retry: bool, settings_path: Path | None) -> None:
    """Find new S3 Inventory deliveries and ingest them.

    Looks at every destination of the settings (s3_inventory.destinations). A delivery that cannot
    be trusted is quarantined with the reason and the others go on; the exit code is then 3. Once
    its cause is mended, --retry takes it up again.

    \b
    Examples:
      inventory ingest
      inventory ingest --retry
      inventory ingest --settings config/inventory.yaml
    """
    from inventory_pipeline.defs.launch import run_job
    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.defs.s3_inventory import JOB, ingest_config, planned_runs

    inventory = Inventory(settings_path=str(settings_path) if settings_path else None)
    if not inventory.settings.s3_inventory.destinations:
        raise NoDestinationError(
            "no destination to look at: set s3_inventory.destinations, "
            "where S3 delivers the reports"
        )
    found, problems = _new_deliveries(inventory, retry=retry)
    for problem in problems:
        click.echo(safe(problem), err=True)
    if not found and not problems:
        click.echo("no new deliveries")
    outcomes: list[JobOutcome] = []
    for run in planned_runs(inventory, found):
        day = run[0].delivery.delivered_on
        click.echo(f"{day}: {len(run):,} of the day's, {size(sum(w.bytes for w in run))}")
        config = ingest_config([weighed.delivery.manifest_uri for weighed in run])
        outcomes.append(run_job(JOB, settings_path, day.isoformat(), config))
    finish(outcomes, partial=bool(problems))


def _new_deliveries(inventory: Inventory, *, retry: bool) -> tuple[list[Weighed], list[str]]:
    """Deliveries to ingest, and why a destination could not be listed."""
    from inventory_pipeline.defs.s3_inventory import unsettled_deliveries
    from inventory_pipeline.reports import ReportError, find_deliveries

    new: list[Weighed] = []
    problems: list[str] = []
    for destination in inventory.settings.s3_inventory.destinations:
        s3 = inventory.s3(destination)
        try:
            listed = find_deliveries(s3, destination, {})
            new += unsettled_deliveries(inventory, s3, listed, retry=retry)
        except ReportError as error:
            problems.append(str(error))
    return new, problems
