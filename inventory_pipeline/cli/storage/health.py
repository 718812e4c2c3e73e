"""`inventory storage health`: which configurations delivered what was due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted
from inventory_pipeline.cli.reading import Reader, missing, reading

if TYPE_CHECKING:
    import pyarrow as pa

# Of a configuration the newest day that is decided: a later one of which nothing can be said yet,
# or on which nothing was due, does not hide a report that never came. Who has no such day in two
# weeks is gone.
HEALTH = """
SELECT source_bucket, configuration_id, account_id, account_name, department, region, frequency,
  delivered_on, status, verdict, configured, enabled, expected, missed, silent_since,
  last_delivered_at, delivered_at, arrived_at, since, lacking_fields, reason
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY source_bucket, configuration_id
    ORDER BY CASE WHEN status IN ('awaited', 'seen', 'not_expected') THEN 1 ELSE 0 END,
      delivered_on DESC
  ) AS place, MAX(delivered_on) OVER () AS newest_on
  FROM delivery_health WHERE {where}
) AS days
WHERE place = 1 AND date_diff('day', delivered_on, newest_on) <= 14
ORDER BY CASE verdict WHEN 'no' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END, missed DESC,
  source_bucket, configuration_id
"""

SHOWN = (
    "source_bucket",
    "configuration_id",
    "frequency",
    "delivered_on",
    "status",
    "missed",
    "last_delivered_at",
    "lacking_fields",
    "reason",
)


@click.command("health")
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader) -> None:
    """Which S3 Inventory configurations delivered what was due.

    Each with the newest day that is decided. A report has 48 hours from the end of its day; until
    then it is awaited. --since and --until are about the day.

    \b
    Examples:
      inventory storage health
      inventory storage health --format json
    """
    with reader.session("delivery_health") as session:
        found: pa.Table = reader.rows(session, HEALTH, time="delivered_on")
    if not found.num_rows and not reader.lake.files("delivery_health"):
        raise missing("delivery_health")
    rows = found.to_pylist()
    reader.show(
        Section.of("rows", "Health of S3 Inventory deliveries", found, SHOWN),
        coverage=reader.delivery_coverage(),
        notes=tuple(_notes(rows)),
    )


def _notes(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    by_verdict = {
        name: sum(row["verdict"] == name for row in rows) for name in ("yes", "no", "unknown")
    }
    yield (
        f"{counted(len(rows), 'configuration')}: {by_verdict['yes']:,} well, "
        f"{by_verdict['no']:,} not, {by_verdict['unknown']:,} unknown"
    )
    if strange := sum(row["configured"] == "no" for row in rows):
        yield f"{strange:,} delivered, though their bucket has no such configuration any more."
