"""`inventory ingest`: bring in new S3 Inventory deliveries, by the job `ingest_deliveries`."""

from __future__ import annotations

from collections.abc import Sequence
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
@click.option(
    "--delivery",
    "uris",
    multiple=True,
    metavar="URI",
    help="Only this delivery, whatever became of it before: the s3:// address of its "
    "manifest.json. May be given several times.",
)
@SETTINGS_OPTION
def ingest(retry: bool, uris: tuple[str, ...], settings_path: Path | None) -> None:
    """Find new S3 Inventory deliveries and ingest them.

    Looks at every destination of the settings (s3_inventory.destinations). A delivery that cannot
    be trusted is quarantined with the reason and the others go on; the exit code is then 3. Once
    its cause is mended, --delivery takes it up again, and --retry all that are quarantined.

    \b
    Examples:
      inventory ingest
      inventory ingest --retry
      inventory ingest --delivery s3://reports/logs/daily/2026-11-20T01-00Z/manifest.json
    """
    from inventory_pipeline.defs.delivery_sensor import planned_runs
    from inventory_pipeline.defs.launch import run_job
    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.defs.s3_inventory import JOB, ingest_config

    inventory = Inventory(settings_path=str(settings_path) if settings_path else None)
    if not inventory.settings.s3_inventory.destinations:
        raise NoDestinationError(
            "no destination to look at: set s3_inventory.destinations, "
            "where S3 delivers the reports"
        )
    found, problems = _named(inventory, uris) if uris else _new_deliveries(inventory, retry=retry)
    for problem in problems:
        click.echo(safe(problem), err=True)
    if not found and not problems:
        click.echo("no new deliveries")
    outcomes: list[JobOutcome] = []
    for run in planned_runs(inventory, _with_partition(inventory, found)):
        day = run[0].delivery.delivered_on
        click.echo(f"{day}: {len(run):,} of the day's, {size(sum(w.bytes for w in run))}")
        manifests = [weighed.delivery.manifest_uri for weighed in run]
        config = ingest_config(manifests, restore=bool(uris))
        outcomes.append(run_job(JOB, settings_path, day.isoformat(), config))
    finish(outcomes, partial=bool(problems))


def _with_partition(inventory: Inventory, found: Sequence[Weighed]) -> list[Weighed]:
    """Those of days that Dagster knows; says how many others there are."""
    from datetime import UTC, datetime

    first, last = inventory.settings.schedules.snapshots_start, datetime.now(UTC).date()
    known = [w for w in found if first <= w.delivery.delivered_on <= last]
    if strange := len(found) - len(known):
        click.echo(
            f"{strange:,} deliveries are left out: of days before schedules.snapshots_start "
            f"({first}) or after today",
            err=True,
        )
    return known


def _new_deliveries(inventory: Inventory, *, retry: bool) -> tuple[list[Weighed], list[str]]:
    """Deliveries to ingest, and why a destination could not be listed."""
    from inventory_pipeline.defs.s3_inventory import UNREADABLE
    from inventory_pipeline.reports import find_deliveries, unsettled

    new: list[Weighed] = []
    problems: list[str] = []
    for destination in inventory.settings.s3_inventory.destinations:
        s3 = inventory.s3(destination)
        try:
            found = find_deliveries(s3, destination)
            new += unsettled(inventory.lake, s3, found, retry=retry).ready
        except UNREADABLE as error:
            problems.append(str(error))
    return new, problems


def _named(inventory: Inventory, uris: Sequence[str]) -> tuple[list[Weighed], list[str]]:
    """The deliveries at these addresses, and which of them are not there."""
    from inventory_pipeline.defs.s3_inventory import delivery_at
    from inventory_pipeline.reports import weigh

    there: list[Weighed] = []
    missing: list[str] = []
    for uri in dict.fromkeys(uris):
        delivery = delivery_at(inventory.settings, uri)
        weighed = delivery and weigh(inventory.s3(delivery.destination), delivery)
        if weighed:
            there.append(weighed)
        elif delivery:
            missing.append(f"{uri}: there is no complete delivery")
        else:
            missing.append(f"{uri} is no manifest in a destination of the settings")
    return there, missing
