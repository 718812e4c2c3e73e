"""Where a delivery's objects belong: its bucket's place, its prefix, what its report tells.

Relations that several marts of a delivery day stand on. Not here: prices (`usage`).
"""

import re

from inventory_pipeline.marts.sql import literal

# A bucket made anew in another account within one snapshot: what was seen last counts.
SEEN_BUCKETS = """SELECT *
FROM (
  SELECT *, resource_id AS bucket, ROW_NUMBER() OVER (
    PARTITION BY resource_id ORDER BY observed_at DESC, account_id
  ) AS place
  FROM s3_buckets
) AS seen
WHERE place = 1"""

PLACED_BUCKETS = f"""SELECT bucket, account_id, account_name, department, region
FROM ({SEEN_BUCKETS}) AS latest"""

# Field names without case, underscores and spaces, so that all three formats spell them alike.
REPORTS = """SELECT delivered_on, source_bucket, configuration_id, delivered_at, rows,
  lower(replace(replace(COALESCE(schema, ''), '_', ''), ' ', '')) AS fields
FROM s3_deliveries
WHERE status = 'ingested'"""
"""The day's deliveries and the fields of their reports."""

# Several reports of one bucket list the same objects: the one that lists most speaks for it.
WIDEST_REPORTS = """SELECT delivered_on, source_bucket, configuration_id
FROM (
  SELECT
    delivered_on, source_bucket, configuration_id,
    ROW_NUMBER() OVER (
      PARTITION BY source_bucket ORDER BY SUM(objects) DESC, configuration_id
    ) AS place
  FROM s3_usage
  GROUP BY delivered_on, source_bucket, configuration_id
) AS ranked
WHERE place = 1"""

KEPT_PREFIXES = """SELECT DISTINCT source_bucket, configuration_id, prefix
FROM s3_usage
WHERE prefix IS NOT NULL"""
"""The prefixes that usage has rows for; objects of all others are its remainder."""


def tells(reports: str, field: str) -> str:
    """SQL: whether the report has a field, by the name that CSV gives it."""
    return f"{reports}.fields LIKE {literal(f'%{field.lower()}%')}"


def prefix_pattern(depth: int) -> str:
    """The regular expression of the part of a key that usage is rolled up by."""
    return f"^(?:[^/]*/){{0,{depth}}}"


def glob_pattern(glob: str) -> str:
    """A glob over names of buckets as a regular expression that both engines know."""
    return f"^{''.join(map(_of_glob, _GLOB_PARTS.findall(glob)))}$"


_GLOB_PARTS = re.compile(r"\[!?[a-z0-9.-]+\]|.")


def _of_glob(part: str) -> str:
    """A set is one in both; of other signs, names of buckets have only letters, digits, -, ."""
    if len(part) > 1:
        return part.replace("[!", "[^")
    return {"*": ".*", "?": "."}.get(part, part if part.isalnum() else f"[{part}]")
