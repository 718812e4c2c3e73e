"""Which deliveries views speak of: one a bucket, its newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inventory_pipeline.cli.reading import Reader, missing

if TYPE_CHECKING:
    import pyarrow as pa

# Of several configurations on that day, the one that lists most.
_NEWEST = """
WITH newest AS (
  SELECT delivered_on, source_bucket, configuration_id
  FROM (
    SELECT delivered_on, source_bucket, configuration_id,
      ROW_NUMBER() OVER (
        PARTITION BY source_bucket ORDER BY delivered_on DESC, SUM({most}) DESC, configuration_id
      ) AS place
    FROM {table} WHERE {where}
    GROUP BY delivered_on, source_bucket, configuration_id
  ) AS deliveries
  WHERE place = 1
)
"""

IN_NEWEST = """(delivered_on, source_bucket, configuration_id)
    IN (SELECT delivered_on, source_bucket, configuration_id FROM newest)"""


def newest(table: str, most: str = "objects") -> str:
    """The start of a SELECT: the relation `newest`; `most` is summed up to tell the widest."""
    return _NEWEST.replace("{table}", table).replace("{most}", most)


def newest_rows(reader: Reader, table: str, select: str, most: str = "objects") -> pa.Table:
    """Rows of a mart's newest deliveries; `{table}` in the SELECT is those that pass the filters.

    Raises NothingToReadError where the mart was never built.
    """
    rows = f"(SELECT * FROM {table} WHERE {{where}} AND {IN_NEWEST}) AS listed"
    sql = newest(table, most) + select.replace("{table}", rows)
    with reader.session(table) as session:
        found: pa.Table = reader.rows(session, sql, time="delivered_on")
    if not found.num_rows and not reader.lake.files(table):
        raise missing(table)
    return found
