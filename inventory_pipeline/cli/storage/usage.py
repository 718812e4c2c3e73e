"""`inventory storage usage`: objects, bytes and list price, from the newest deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, dollars, size
from inventory_pipeline.cli.reading import Reader, missing, reading
from inventory_pipeline.cli.storage.newest import IN_NEWEST, newest, newest_session

if TYPE_CHECKING:
    import pyarrow as pa

DIMENSIONS = {
    "class": "storage_class",
    "prefix": "source_bucket, prefix",
    "age": "age_band",
    "bucket": "source_bucket",
    "version": "version_state",
    "account": "account_id, account_name",
    "department": "department",
    "region": "region",
}

# Delete markers have no lines in storage_costs, because they cost nothing.
STORAGE = """
SELECT {by}, CAST(SUM(objects) AS BIGINT) AS objects, CAST(SUM(bytes) AS BIGINT) AS bytes,
  CAST(SUM(billable_bytes) AS BIGINT) AS billable_bytes,
  SUM(monthly_usd) AS monthly_usd, CAST(SUM(unpriced) AS BIGINT) AS unpriced_parts
FROM (
  SELECT {by}, objects, bytes, billable_bytes,
    CAST(CASE WHEN version_state = 'delete_marker' THEN 0 END AS DECIMAL(18,6)) AS monthly_usd,
    0 AS unpriced
  FROM storage_usage WHERE {where} AND {in_newest}
  UNION ALL
  SELECT {by}, 0, 0, 0, monthly_usd, CASE WHEN monthly_usd IS NULL THEN 1 ELSE 0 END
  FROM storage_costs WHERE {where} AND {in_newest}
) AS parts
GROUP BY {by} ORDER BY bytes DESC, {by}
"""

LISTED = """
SELECT COUNT(DISTINCT n.source_bucket) AS buckets,
  MIN(n.delivered_on) AS oldest, MAX(n.delivered_on) AS newest,
  COUNT(*) - COUNT(n.source_bucket) AS other_reports
FROM (
  SELECT DISTINCT delivered_on, source_bucket, configuration_id FROM storage_usage WHERE {where}
) AS u
JOIN recent AS r ON r.delivered_on = u.delivered_on AND r.source_bucket = u.source_bucket
  AND r.configuration_id = u.configuration_id
LEFT JOIN newest AS n ON n.delivered_on = u.delivered_on AND n.source_bucket = u.source_bucket
  AND n.configuration_id = u.configuration_id
"""

# Nothing of them is in the marts.
EMPTY = """
SELECT COUNT(*) AS empty_reports
FROM (
  SELECT r.*, b.account_id, b.account_name, b.department, b.region
  FROM recent AS r
  LEFT JOIN ({placed_buckets}) AS b ON b.bucket = r.source_bucket
  WHERE r.rows = 0
) AS listing_nothing
WHERE {where} AND {in_newest}
"""


@click.command("usage")
@click.option("--by", type=click.Choice(list(DIMENSIONS)), default="class", show_default=True)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, by: str) -> None:
    """Objects, bytes and list price, by class, prefix or age.

    Each bucket counts with its newest deliveries, those that list the same once; --since and
    --until are about their day.

    \b
    Examples:
      inventory storage --by prefix
      inventory storage usage --by age --department Engineering --format json
    """
    found = stored(reader, by)
    shown = (
        *DIMENSIONS[by].removeprefix("account_id, ").split(", "),
        "objects",
        "bytes",
        "monthly_usd",
    )
    section = Section.of("rows", f"Storage by {by}", found.rows, shown)
    reader.show(
        section,
        coverage=reader.delivery_coverage(),
        notes=tuple(_notes(found)),
        facts={"by": by, "total": found.total, "deliveries": found.deliveries},
    )


@dataclass(frozen=True)
class Usage:
    """Rows by a dimension, their total, and how many buckets' deliveries of which days."""

    rows: pa.Table
    total: dict[str, Any]
    deliveries: dict[str, Any]


def stored(reader: Reader, by: str) -> Usage:
    """Storage by a dimension; raises NothingToReadError where no delivery was ever rolled up."""
    from inventory_pipeline.marts.storage.places import PLACED_BUCKETS

    start, values = newest(reader)
    select = STORAGE.replace("{by}", DIMENSIONS[by])
    empty = EMPTY.replace("{placed_buckets}", PLACED_BUCKETS)
    with newest_session(reader, "storage_costs", "s3_buckets") as session:
        found, listed, listing_nothing = (
            reader.rows(
                session, start + sql.replace("{in_newest}", IN_NEWEST), values, time="delivered_on"
            )
            for sql in (select, LISTED, empty)
        )
    deliveries = {**listed.to_pylist()[0], **listing_nothing.to_pylist()[0]}
    seen = found.num_rows or deliveries["empty_reports"]
    if not seen and not reader.lake.files("storage_usage"):
        raise missing("storage_usage")
    return Usage(found, _total(found.to_pylist(), deliveries["empty_reports"]), deliveries)


def _total(rows: list[dict[str, Any]], empty_reports: int) -> dict[str, Any]:
    """Sums of all groups; dollars are a lower bound where a part has no price.

    What lists nothing costs nothing; where nothing is listed at all, dollars are unknown.
    """
    prices = [row["monthly_usd"] for row in rows if row["monthly_usd"] is not None]
    unpriced = sum(row["unpriced_parts"] for row in rows)
    is_nothing = empty_reports and not rows
    return {
        "objects": sum(row["objects"] for row in rows),
        "bytes": sum(row["bytes"] for row in rows),
        "monthly_usd": Decimal(sum(prices)) if prices or is_nothing else None,
        "is_lower_bound": bool(unpriced),
    }


def total_line(total: dict[str, Any]) -> str:
    price = dollars(total["monthly_usd"])
    if total["monthly_usd"] is not None:
        price = f"{'at least ' if total['is_lower_bound'] else ''}{price} a month"
    return f"{counted(total['objects'], 'object')}, {size(total['bytes'])}, {price}"


def _notes(found: Usage) -> Iterator[str]:
    yield f"Total: {total_line(found.total)}"
    if buckets := found.deliveries["buckets"]:
        days = sorted({str(found.deliveries["oldest"]), str(found.deliveries["newest"])})
        yield f"{counted(buckets, 'bucket')} with objects, delivered {' to '.join(days)}"
    if empty := found.deliveries["empty_reports"]:
        yield f"{counted(empty, 'report')} without objects."
    if others := found.deliveries["other_reports"]:
        yield f"{counted(others, 'further report')} of these buckets, for that may list the same."
