"""Which deliveries views speak of: each bucket's newest, all that list what no other lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inventory_pipeline.cli.filters import Filters
from inventory_pipeline.cli.reading import Reader, missing

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import Session

# Days a report may be older than its bucket's newest: a week, and its delay.
RECENT_DAYS = 10

_NEWEST = """
WITH analyzed AS (
  SELECT delivered_on, source_bucket, configuration_id, delivered_at, rows
  FROM s3_deliveries WHERE status = 'ingested' AND {days} AND {ready}
),
recent AS (
  SELECT delivered_on, source_bucket, configuration_id, rows
  FROM (
    SELECT delivered_on, source_bucket, configuration_id, rows,
      ROW_NUMBER() OVER (
        PARTITION BY source_bucket, configuration_id ORDER BY delivered_on DESC, delivered_at DESC
      ) AS place,
      MAX(delivered_on) OVER (PARTITION BY source_bucket) AS newest_on
    FROM analyzed
  ) AS deliveries
  WHERE place = 1 AND date_diff('day', delivered_on, newest_on) <= {recent_days}
),
newest AS (
{uncovered}
)
"""

# A delivery without rows has no usage, since it lists nothing; any other waits for its marts.
ANALYZED = """(rows = 0 OR (delivered_on, source_bucket, configuration_id)
    IN (SELECT delivered_on, source_bucket, configuration_id FROM storage_usage))"""

IN_NEWEST = """(delivered_on, source_bucket, configuration_id)
    IN (SELECT delivered_on, source_bucket, configuration_id FROM newest)"""


@contextmanager
def newest_session(reader: Reader, *marts: str) -> Iterator[Session]:
    """SQL over these marts and what tells the newest deliveries."""
    at = (reader.lake.snapshots() or [datetime.min.replace(tzinfo=UTC)])[-1]
    names = (*marts, "storage_usage", "s3_deliveries", "bucket_inventory_configurations")
    with reader.session(*names, at=at) as session:
        yield session


def newest(reader: Reader, ready: str = ANALYZED) -> tuple[str, Mapping[str, Any]]:
    """The start of a SELECT and its parameters: the relation `newest`, of those in `recent`.

    These are of `analyzed`, all deliveries that there are marts of.

    Of all filters, only --since and --until choose a bucket's newest deliveries.
    """
    from inventory_pipeline.marts.storage.places import uncovered

    days = Filters(since=reader.filters.since, until=reader.filters.until)
    where, values = days.where(time="delivered_on")
    sql = (
        _NEWEST.replace("{days}", where)
        .replace("{ready}", ready)
        .replace("{recent_days}", str(RECENT_DAYS))
        .replace("{uncovered}", uncovered("SELECT * FROM recent"))
    )
    return sql, values


def newest_rows(reader: Reader, table: str, select: str) -> pa.Table:
    """Rows of a mart's newest deliveries; `{table}` in the SELECT is those that pass the filters.

    Raises NothingToReadError where the mart was never built.
    """
    start, values = newest(reader)
    rows = f"(SELECT * FROM {table} WHERE {{where}} AND {IN_NEWEST}) AS listed"
    with newest_session(reader, table) as session:
        sql = start + select.replace("{table}", rows)
        found: pa.Table = reader.rows(session, sql, values, time="delivered_on")
    if not found.num_rows and not reader.lake.files(table):
        raise missing(table)
    return found
