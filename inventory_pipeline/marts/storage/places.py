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

_SIGNS = ",:;<>(){}\t\n\r"


def _words(schema: str) -> str:
    """SQL: the words of a schema between single spaces, without case and underscores, so that all
    three formats spell a field alike."""
    spaced = f"replace(lower(COALESCE({schema}, '')), '_', '')"
    for sign in _SIGNS:
        spaced = f"replace({spaced}, {literal(sign)}, ' ')"
    return f"concat(' ', {spaced}, ' ')"


REPORTS = f"""SELECT delivered_on, source_bucket, configuration_id, delivered_at, rows,
  {_words("schema")} AS fields
FROM s3_deliveries
WHERE status = 'ingested'"""
"""The day's deliveries and the fields of their reports."""

# Of equal prefixes, those that are known come first: of them the newest report, and of unknown
# ones, which may be narrower than they are taken for, the one that lists most.
_UNCOVERED = """WITH prefixed AS (
  SELECT r.delivered_on, r.source_bucket, r.configuration_id, COALESCE(c.prefix, '') AS prefix,
    ROW_NUMBER() OVER (
      PARTITION BY r.source_bucket, COALESCE(c.prefix, '')
      ORDER BY CASE WHEN c.bucket IS NOT NULL THEN r.delivered_on END DESC NULLS LAST,
        r.rows DESC NULLS LAST, r.delivered_on DESC, r.configuration_id
    ) AS place
  FROM ({reports}) AS r
  LEFT JOIN (
    SELECT resource_id AS bucket, configuration_id, MIN(prefix) AS prefix
    FROM bucket_inventory_configurations
    GROUP BY resource_id, configuration_id
  ) AS c ON c.bucket = r.source_bucket AND c.configuration_id = r.configuration_id
)
SELECT p.delivered_on, p.source_bucket, p.configuration_id
FROM prefixed AS p
LEFT JOIN prefixed AS w
  ON w.source_bucket = p.source_bucket AND w.prefix <> p.prefix
  AND starts_with(p.prefix, w.prefix)
WHERE p.place = 1 AND w.source_bucket IS NULL"""


def uncovered(reports: str) -> str:
    """SQL: the reports that list what no other report of their bucket lists, so that they add up.

    A report is covered by one whose configured prefix is the start of its own; a configuration
    that was not collected counts as one of the whole bucket. `reports` is a SELECT of
    delivered_on, source_bucket, configuration_id and rows, one report of a configuration.
    """
    return _UNCOVERED.replace("{reports}", reports)


WIDEST_REPORTS = uncovered("""SELECT
    delivered_on, source_bucket, configuration_id, SUM(objects) AS rows
  FROM s3_usage
  GROUP BY delivered_on, source_bucket, configuration_id""")
"""The day's reports that no other covers."""

KEPT_PREFIXES = """SELECT DISTINCT source_bucket, configuration_id, prefix
FROM s3_usage
WHERE prefix IS NOT NULL"""
"""The prefixes that usage has rows for; objects of all others are its remainder."""


def tells(reports: str, field: str) -> str:
    """SQL: whether the report has a field, by the name that CSV gives it."""
    return f"{reports}.fields LIKE {literal(f'% {field.lower()} %')}"


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
