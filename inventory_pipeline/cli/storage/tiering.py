"""`inventory storage tiering`: whether Intelligent-Tiering pays."""

from __future__ import annotations

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.storage.newest import newest_rows

TIERING = """
SELECT source_bucket, size_band, access_tier, objects, bytes, monitored_objects, tier_usd,
  standard_usd, monitoring_usd, monthly_saving_usd, verdict, unpriced_reason AS reason,
  price_as_of, account_id, account_name, department, region, delivered_on, configuration_id
FROM {table}
ORDER BY bytes DESC, source_bucket, size_band, access_tier
"""

SHOWN = (
    *("source_bucket", "size_band", "access_tier", "objects", "bytes", "monitoring_usd"),
    *("monthly_saving_usd", "verdict", "reason"),
)


@click.command("tiering")
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader) -> None:
    """What Intelligent-Tiering saves against STANDARD, by size of object.

    The saving is after the fee for monitoring; the verdict is on all tiers of a size together.

    \b
    Examples:
      inventory storage tiering
      inventory storage tiering --account payments --format json
    """
    found = newest_rows(reader, "tiering_effectiveness", TIERING)
    section = Section.of("rows", "Intelligent-Tiering", found, SHOWN)
    reader.show(section, coverage=reader.delivery_coverage())
