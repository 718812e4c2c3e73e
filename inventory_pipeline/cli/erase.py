"""`inventory erase`: what the lake knows of a bucket's keys is deleted, on an explicit yes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from inventory_pipeline.cli.answer import Answer, Section
from inventory_pipeline.cli.group import PARTIAL
from inventory_pipeline.cli.output import counted, emit
from inventory_pipeline.cli.reading import SETTINGS_OPTION
from inventory_pipeline.cli.safe import safe

if TYPE_CHECKING:
    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.reports.erasure import Erasing, Keys, Survey

COLUMNS = ("table", "rows", "files", "bytes")


@click.command()
@click.option("--source", required=True, help="Bucket whose keys are to be erased.")
@click.option("--prefix", default="", help="Only keys that begin so; otherwise all of the bucket.")
@click.option("--yes", is_flag=True, help="Erase; otherwise only say what would be erased.")
@SETTINGS_OPTION
def erase(source: str, prefix: str, yes: bool, settings_path: Path | None) -> None:
    """Erase what the lake knows of a bucket's objects, whose keys may be personal data.

    Takes them out of every table, of what the tables were before, of manifests for archiving and of
    the published warehouse. Erased deliveries are not ingested again; that it was done is recorded
    in the table `erasures`, without the prefix. A run that was cut short is completed by running it
    again. Who reads the lake meanwhile may fail.

    \b
    Examples:
      inventory erase --source uploads --prefix customers/4711/
      inventory erase --source uploads --prefix customers/4711/ --yes
    """
    from inventory_pipeline.defs.resources import Inventory
    from inventory_pipeline.reports.erasure import Keys, survey

    inventory = Inventory(settings_path=str(settings_path) if settings_path else None)
    keys = Keys(source, prefix)
    found = survey(inventory.engine, keys)
    rows = [(one.table, one.rows, one.files, one.bytes) for one in found.held]
    notes = tuple(_manifests(found))
    emit(Answer((Section("rows", "To be erased", COLUMNS, rows),), {}, notes), "table", None)
    if not yes:
        click.echo("nothing is erased yet: --yes does it, and cannot be undone")
        return
    erased = _erasing(inventory, keys).run(found)
    click.echo(f"erased; {counted(erased.removed, 'file')} removed from the lake")
    for line in erased.left:
        click.echo(safe(line), err=True)
    for line in _elsewhere():
        click.echo(line)
    if erased.left:
        raise click.exceptions.Exit(PARTIAL)


def _manifests(found: Survey) -> Iterator[str]:
    for row in found.manifests:
        yield f"Also to be deleted, a manifest for archiving: {safe(row['uri'])}"


def _elsewhere() -> Iterator[str]:
    """Where the keys still are when the lake has none."""
    yield (
        "The reports in S3 still list these keys: delete them, or let a lifecycle rule on the "
        "reports' prefix expire them."
    )
    yield (
        "Later reports list a key until its object, and every version of it, is gone from the "
        "bucket, and bring it back here."
    )


def _erasing(inventory: Inventory, keys: Keys) -> Erasing:
    import getpass
    from datetime import UTC, datetime

    from inventory_pipeline.archive.store import delete
    from inventory_pipeline.lake import publish_warehouse
    from inventory_pipeline.reports.erasure import Erasing

    settings = inventory.settings
    path = settings.lake.warehouse_path

    def publish() -> None:
        if path.exists():
            publish_warehouse(inventory.lake, path, settings.lake.memory_limit)

    return Erasing(
        engine=inventory.engine,
        keys=keys,
        by=getpass.getuser(),
        clock=lambda: datetime.now(UTC),
        prefix_depth=settings.s3_inventory.prefix_depth,
        prefix_limit=settings.s3_inventory.prefix_limit,
        delete_manifest=lambda uri: delete(uri, lambda: inventory.own_s3),
        publish=publish,
    )
