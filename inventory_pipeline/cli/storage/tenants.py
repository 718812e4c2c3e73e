"""`inventory storage tenants`: what each tenant of the settings has stored."""

from __future__ import annotations

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.storage.newest import newest_rows

DIMENSIONS = {"tenant": "tenant", "bucket": "tenant, source_bucket"}

TENANTS = """
SELECT {by}, CAST(SUM(objects) AS BIGINT) AS objects, CAST(SUM(bytes) AS BIGINT) AS bytes,
  SUM(CASE WHEN unpriced_reason IS NULL OR known_usd > 0 THEN known_usd END) AS monthly_usd,
  COUNT(unpriced_reason) AS unpriced_parts, MIN(unpriced_reason) AS reason
FROM {table}
GROUP BY {by} ORDER BY bytes DESC, {by}
"""


@click.command("tenants")
@click.option("--by", type=click.Choice(list(DIMENSIONS)), default="tenant", show_default=True)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, by: str) -> None:
    """Objects, bytes and price of each tenant, and of what is unassigned.

    Tenants are those of s3_inventory.tenants in the settings. A price is exact where all objects of
    a prefix (to s3_inventory.prefix_depth) are one tenant's; otherwise it is a lower bound.

    \b
    Examples:
      inventory storage tenants
      inventory storage tenants --by bucket --format csv
    """
    found = newest_rows(reader, "tenant_usage", TENANTS.replace("{by}", DIMENSIONS[by]))
    shown = (*DIMENSIONS[by].split(", "), "objects", "bytes", "monthly_usd", "reason")
    section = Section.of("rows", f"Storage by {by}", found, shown)
    reader.show(section, coverage=reader.delivery_coverage(), facts={"by": by})
