"""`inventory storage personal-data`: where keys look like personal data."""

from __future__ import annotations

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.reading import Reader, reading
from inventory_pipeline.cli.storage.newest import newest_rows

PERSONAL_DATA = """
SELECT source_bucket, prefix, rule_id, objects, bytes, sample, unencrypted_objects, public_objects,
  public_bucket, account_id, account_name, department, region, delivered_on, configuration_id
FROM {table}
ORDER BY public_bucket = 'yes' DESC, objects DESC, source_bucket, prefix, rule_id
"""

SHOWN = (
    *("source_bucket", "prefix", "rule_id", "objects", "bytes", "sample", "unencrypted_objects"),
    *("public_objects", "public_bucket"),
)


@click.command("personal-data")
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader) -> None:
    """Prefixes whose keys look like personal data, in public buckets first.

    A guess from names, by rules (`inventory list key-rules`) that settings may add to. Samples are
    shapes: letters as a, digits as 9.

    \b
    Examples:
      inventory storage personal-data
      inventory storage personal-data --department Engineering --format json
    """
    found = newest_rows(reader, "personal_data_prefixes", PERSONAL_DATA)
    section = Section.of("rows", "Keys that look like personal data", found, SHOWN)
    reader.show(section, coverage=reader.delivery_coverage())
