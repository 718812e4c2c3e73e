"""`inventory storage duplicates`: objects that may be copies of each other."""

from __future__ import annotations

from collections.abc import Sequence

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, size
from inventory_pipeline.cli.reading import Reader, missing, reading
from inventory_pipeline.cli.storage.newest import newest, newest_session

# Each bucket's newest day, and the newest of all for sets in several buckets.
NEWEST_DAYS = """
, days AS (
  SELECT 'bucket' AS scope, source_bucket, MAX(delivered_on) AS delivered_on
  FROM newest GROUP BY source_bucket
  UNION ALL
  SELECT 'all_buckets' AS scope, NULL AS source_bucket, MAX(delivered_on) AS delivered_on
  FROM newest
)
"""

DUPLICATES = """
SELECT scope, source_bucket, e_tag, size, copies, buckets, reclaimable_bytes, confidence, caveat,
  first_key, last_key, sets, delivered_on, account_id, account_name
FROM duplicate_candidates AS c
WHERE {where} AND scope = $scope AND EXISTS (
  SELECT 1 FROM days AS d
  WHERE d.scope = c.scope AND d.source_bucket IS NOT DISTINCT FROM c.source_bucket
    AND d.delivered_on = c.delivered_on
)
ORDER BY scope DESC, e_tag IS NULL, reclaimable_bytes DESC, source_bucket, e_tag
"""

SCOPES = {"bucket": "bucket", "all": "all_buckets"}
SHOWN = ("source_bucket", "copies", "size", "reclaimable_bytes", "confidence", "first_key")


@click.command("duplicates")
@click.option(
    "--scope",
    type=click.Choice(list(SCOPES)),
    default="bucket",
    show_default=True,
    help="Sets of copies within a bucket, or in several.",
)
@click.option(
    "--confidence",
    multiple=True,
    type=click.Choice(["high", "medium", "low"]),
    help="How sure it is that content is equal.",
)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, scope: str, confidence: Sequence[str]) -> None:
    """Objects with the same ETag and size, the largest sets first.

    An ETag is a digest of the content only of what was uploaded at once and not encrypted with KMS
    or customer keys: see confidence, and compare content before deleting anything.

    \b
    Examples:
      inventory storage duplicates
      inventory storage duplicates --scope all --confidence high --format json
    """
    start, values = newest(reader)
    with newest_session(reader, "duplicate_candidates") as session:
        found = reader.rows(
            session,
            start + NEWEST_DAYS + DUPLICATES,
            {**values, "scope": SCOPES[scope]},
            time="delivered_on",
        )
    if not found.num_rows and not reader.lake.files("duplicate_candidates"):
        raise missing("duplicate_candidates")
    rows = [
        row
        for row in found.to_pylist()
        if row["confidence"] in (confidence or (row["confidence"],))
    ]
    listed = [row for row in rows if row["e_tag"]]
    section = Section(
        "rows",
        "Sets of equal objects",
        found.column_names,
        [tuple(row.values()) for row in listed],
        SHOWN if scope == "bucket" else ("buckets", *SHOWN[1:]),
    )
    total = {
        "sets": sum(row["sets"] for row in rows),
        "reclaimable_bytes": sum(row["reclaimable_bytes"] for row in rows),
    }
    note = (
        f"Total: {counted(total['sets'], 'set')}, {size(total['reclaimable_bytes'])} in copies "
        f"beyond the first; {counted(len(listed), 'set')} listed"
    )
    reader.show(
        section,
        coverage=reader.delivery_coverage(),
        notes=(note,),
        facts={"scope": scope, "total": total},
    )
