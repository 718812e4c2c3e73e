"""`inventory storage reconciliation`: reports against CloudWatch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.storage.newest import newest_rows

STATUSES = ("unexplained", "unknown", "explained", "matches")

RECONCILIATION = """
SELECT source_bucket, measure, storage_class, listed, measured, difference, status, explanation,
  measured_at, account_id, account_name, department, region, delivered_on, configuration_id
FROM {table}
ORDER BY source_bucket, measure DESC, storage_class
"""

SHOWN = ("source_bucket", "measure", "storage_class", "listed", "measured", "status", "explanation")


@click.command("reconciliation")
@click.option(
    "--status", multiple=True, type=click.Choice(STATUSES), help="Only those; otherwise all."
)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, status: Sequence[str]) -> None:
    """What reports list against what CloudWatch measured, and what explains a difference.

    \b
    Examples:
      inventory storage reconciliation
      inventory storage reconciliation --status unexplained --format json
    """
    found = newest_rows(reader, "bucket_reconciliation", RECONCILIATION)
    rows = found.to_pylist()
    counts = Counter(row["status"] for row in rows)
    section = Section(
        "rows",
        "Reports and CloudWatch",
        found.column_names,
        [tuple(row.values()) for row in rows if row["status"] in (status or STATUSES)],
        SHOWN,
    )
    told = ", ".join(f"{counts[name]:,} {name}" for name in STATUSES)
    reader.show(
        section,
        coverage=reader.delivery_coverage(),
        notes=(f"Figures: {told}",),
        facts={"counts": {name: counts[name] for name in STATUSES}},
    )
