"""`inventory storage duplicates`: objects that may be copies of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, size
from inventory_pipeline.cli.reading import Reader, missing, reading
from inventory_pipeline.cli.storage.newest import RECENT_DAYS, newest, newest_session

if TYPE_CHECKING:
    import pyarrow as pa

# Each bucket's newest day. Buckets are compared among deliveries of one day: for sets in several it
# is the day that has most of them, which with weekly reports among daily ones is a Sunday.
NEWEST_DAYS = f"""
, of_late AS (
  SELECT delivered_on, source_bucket FROM analyzed
  WHERE date_diff('day', delivered_on, (SELECT MAX(delivered_on) FROM analyzed)) <= {RECENT_DAYS}
),
compared AS (
  SELECT delivered_on, COUNT(DISTINCT source_bucket) AS buckets
  FROM of_late GROUP BY delivered_on
  ORDER BY buckets DESC, delivered_on DESC LIMIT 1
),
days AS (
  SELECT 'bucket' AS scope, source_bucket, MAX(delivered_on) AS delivered_on
  FROM newest GROUP BY source_bucket
  UNION ALL
  SELECT 'all_buckets' AS scope, NULL AS source_bucket, delivered_on FROM compared
)
"""

COMPARED = """
SELECT delivered_on, buckets, (SELECT COUNT(DISTINCT source_bucket) FROM of_late) AS of_buckets
FROM compared
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
    or customer keys: see confidence, and compare content before deleting anything. Several buckets
    are compared on the one day, of the last ten, on which most of them delivered.

    \b
    Examples:
      inventory storage duplicates
      inventory storage duplicates --scope all --confidence high --format json
    """
    found, compared = duplicates(reader, SCOPES[scope])
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
    reader.show(
        section,
        coverage=reader.delivery_coverage(),
        notes=tuple(_notes(total, len(listed), compared if scope == "all" else [])),
        facts={"scope": scope, "total": total},
    )


def duplicates(reader: Reader, scope: str) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Sets of a scope, and the day on which several buckets are compared, if any delivered.

    Raises NothingToReadError where none was ever looked for.
    """
    start, values = newest(reader)
    start += NEWEST_DAYS
    with newest_session(reader, "duplicate_candidates") as session:
        found = reader.rows(
            session, start + DUPLICATES, {**values, "scope": scope}, time="delivered_on"
        )
        compared = session.query(start + COMPARED, values)
    if not found.num_rows and not reader.lake.files("duplicate_candidates"):
        raise missing("duplicate_candidates")
    return found, compared.to_pylist()


def _notes(
    total: Mapping[str, int], listed: int, compared: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    yield (
        f"Total: {counted(total['sets'], 'set')}, {size(total['reclaimable_bytes'])} in copies "
        f"beyond the first; {counted(listed, 'set')} listed"
    )
    for day in compared:
        yield (
            f"Compared: {day['buckets']:,} of {counted(day['of_buckets'], 'bucket')}, "
            f"which delivered on {day['delivered_on']}."
        )
