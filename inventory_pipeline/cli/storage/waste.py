"""`inventory storage waste`: what is stored or billed for nothing."""

from __future__ import annotations

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.storage.newest import newest_rows

DIMENSIONS = {
    "kind": "",
    "bucket": "source_bucket, ",
    "prefix": "source_bucket, prefix, ",
    "account": "account_id, account_name, ",
    "department": "department, ",
}

WASTE = """
SELECT {by}kind, CAST(SUM(objects) AS BIGINT) AS objects, CAST(SUM(bytes) AS BIGINT) AS bytes,
  SUM(monthly_usd) AS monthly_usd, COUNT(unpriced_reason) AS unpriced_parts,
  MIN(unpriced_reason) AS reason
FROM {table}
GROUP BY {by}kind ORDER BY monthly_usd DESC NULLS LAST, bytes DESC NULLS LAST, {by}kind
"""


@click.command("waste")
@click.option("--by", type=click.Choice(list(DIMENSIONS)), default="kind", show_default=True)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, by: str) -> None:
    """Old versions, delete markers, small objects: what is billed for nothing.

    Kinds overlap (an old version may be small as well), so they do not add up.

    \b
    Examples:
      inventory storage waste
      inventory storage waste --by prefix --format csv
    """
    found = newest_rows(reader, "storage_waste", WASTE.replace("{by}", DIMENSIONS[by]))
    names = DIMENSIONS[by].removeprefix("account_id, ").split(", ")[:-1]
    shown = ("kind", *names, "objects", "bytes", "monthly_usd", "reason")
    section = Section.of("rows", f"Waste by {by}", found, shown)
    note = "Kinds overlap, so they do not add up."
    reader.show(section, coverage=reader.delivery_coverage(), notes=(note,), facts={"by": by})
