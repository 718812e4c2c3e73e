"""`inventory storage growth`: what came and went since the delivery before, and where it leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, size
from inventory_pipeline.cli.reading import Reader, missing, reading
from inventory_pipeline.cli.storage.newest import IN_NEWEST, newest, newest_session
from inventory_pipeline.cli.storage.trends import (
    HISTORY,
    TRENDS,
    forecast_note,
    summed,
    trends_section,
)

if TYPE_CHECKING:
    import pyarrow as pa

DIMENSIONS = {
    "bucket": "source_bucket",
    "prefix": "source_bucket, prefix",
    "class": "storage_class",
    "version": "version_state",
    "account": "account_id, account_name",
    "department": "department",
    "region": "region",
}

# Deliveries that pass the filters.
COUNTED = """
, counted AS (
  SELECT delivered_on, source_bucket, configuration_id FROM storage_trend
  WHERE {where} AND {in_newest}
)
"""

# A group in which something is unknown of one delivery has no sum of it.
CHANGES = """
, compared AS (
  SELECT g.*, COALESCE(u.undated, 0) AS undated, COALESCE(u.unclassed, 0) AS unclassed
  FROM storage_growth AS g
  JOIN counted AS n ON n.delivered_on = g.delivered_on AND n.source_bucket = g.source_bucket
    AND n.configuration_id = g.configuration_id
  LEFT JOIN (
    SELECT delivered_on, source_bucket, configuration_id,
      MAX(CASE WHEN unknown_reason = $undated THEN 1 ELSE 0 END) AS undated,
      MAX(CASE WHEN unknown_reason = $unclassed THEN 1 ELSE 0 END) AS unclassed
    FROM storage_growth WHERE change = 'unknown'
    GROUP BY delivered_on, source_bucket, configuration_id
  ) AS u ON u.delivered_on = g.delivered_on AND u.source_bucket = g.source_bucket
    AND u.configuration_id = g.configuration_id
)
SELECT {by},
  CAST(SUM(CASE WHEN change = 'created' AND version_state = 'current'
    THEN objects_added ELSE 0 END) AS BIGINT) AS created,
  CAST(SUM(CASE WHEN change = 'deleted' AND version_state = 'current'
    THEN objects_removed ELSE 0 END) AS BIGINT) AS deleted,
  CAST(CASE WHEN MAX(undated) = 0 THEN SUM(CASE WHEN change = 'overwritten'
    AND version_state = 'current' THEN objects_added ELSE 0 END) END AS BIGINT) AS overwritten,
  CAST(CASE WHEN MAX(unclassed) = 0 THEN SUM(CASE WHEN change = 'class_changed'
    THEN objects_added ELSE 0 END) END AS BIGINT) AS class_changed,
  CAST(CASE WHEN COUNT(bytes_net) = COUNT(*) THEN SUM(bytes_added) END AS BIGINT) AS added_bytes,
  CAST(CASE WHEN COUNT(bytes_net) = COUNT(*) THEN SUM(bytes_removed) END AS BIGINT)
    AS removed_bytes,
  CAST(CASE WHEN COUNT(bytes_net) = COUNT(*) THEN SUM(bytes_net) END AS BIGINT) AS net_bytes
FROM compared WHERE change <> 'unknown'
GROUP BY {by} ORDER BY ABS(net_bytes) DESC NULLS LAST, {by}
"""

UNKNOWN = """
SELECT g.unknown_reason AS reason, COUNT(*) AS deliveries FROM storage_growth AS g
JOIN counted AS n ON n.delivered_on = g.delivered_on AND n.source_bucket = g.source_bucket
  AND n.configuration_id = g.configuration_id
WHERE g.change = 'unknown' GROUP BY g.unknown_reason ORDER BY deliveries DESC, reason
"""


@click.command("growth")
@click.option("--by", type=click.Choice(list(DIMENSIONS)), default="bucket", show_default=True)
@reading("account", "department", "region", "since", "until", snapshot=False)
def view(reader: Reader, by: str) -> None:
    """What came and went since the delivery before, and the trend.

    Each bucket counts with its newest deliveries; --since and --until are about their day. A
    version that a newer one or a delete marker hides is stored on: its bytes are not removed.
    Forecasts are straight lines through 90 days, in an interval that four of five deliveries keep
    to, and cost what bytes cost now on average. By account, department or region they are summed,
    intervals as wide as if all were off in the same direction.

    \b
    Examples:
      inventory storage growth
      inventory storage growth --by account
      inventory storage growth --by prefix --department Engineering --format json
    """
    found = growth(reader, by)
    names = DIMENSIONS[by].removeprefix("account_id, ").split(", ")
    shown = (
        *names,
        *("created", "deleted", "overwritten", "class_changed"),
        *("added_bytes", "removed_bytes", "net_bytes"),
    )
    reader.show(
        Section.of("rows", f"Changes since the delivery before, by {by}", found.changes, shown),
        trends_section(found.trends, found.history, by),
        coverage=reader.delivery_coverage(),
        notes=tuple(_notes(found)),
        facts={
            "by": by,
            "total": found.total,
            "forecast": summed(found.trends),
            "unknown": found.unknown,
        },
    )


@dataclass(frozen=True)
class Growth:
    """Changes by a dimension, trends by report with the bytes of past deliveries, and what of how
    many deliveries is unknown."""

    changes: pa.Table
    trends: Sequence[Mapping[str, Any]]
    history: Mapping[tuple[str, str], Sequence[int]]
    unknown: Sequence[Mapping[str, Any]]

    @property
    def total(self) -> dict[str, int | None]:
        """Sums of all groups; None where a group does not know, or all there is is unknown."""
        columns = self.changes.column_names
        names = [n for n in columns if n in ("created", "deleted") or n.endswith("_bytes")]
        if self.unknown and not self.changes.num_rows:
            return dict.fromkeys(names)
        values = {name: self.changes[name].to_pylist() for name in names}
        return {name: None if None in v else sum(v) for name, v in values.items()}


def growth(reader: Reader, by: str) -> Growth:
    """The newest deliveries' growth; raises NothingToReadError where none was ever compared."""
    from inventory_pipeline.marts.storage.growth.comparing import UNCLASSED, UNDATED

    start, values = newest(reader)
    start += COUNTED.replace("{in_newest}", IN_NEWEST)
    asked = {"undated": UNDATED, "unclassed": UNCLASSED}
    with newest_session(reader, "storage_growth", "storage_trend") as session:
        changes = reader.rows(
            session,
            start + CHANGES.replace("{by}", DIMENSIONS[by]),
            {**values, **asked},
            time="delivered_on",
        )
        trends, history, unknown = (
            reader.rows(session, start + sql, values, time="delivered_on")
            for sql in (TRENDS, HISTORY, UNKNOWN)
        )
    if not trends.num_rows and not reader.lake.files("storage_trend"):
        raise missing("storage_trend")
    points: dict[tuple[str, str], list[int]] = {}
    for bucket, configuration, stored in zip(*history.to_pydict().values(), strict=True):
        points.setdefault((bucket, configuration), []).append(stored)
    return Growth(changes, trends.to_pylist(), points, unknown.to_pylist())


def _notes(found: Growth) -> Iterator[str]:
    total = found.total
    if total["net_bytes"] is not None:
        yield (
            f"Total: {counted(total['created'] or 0, 'object')} created, "
            f"{total['deleted']:,} deleted, {size(total['net_bytes'])} net"
        )
    yield from forecast_note(summed(found.trends))
    for unknown in found.unknown:
        count = unknown["deliveries"]
        noun = "delivery" if count == 1 else "deliveries"
        yield f"Unknown of {count:,} {noun}: {unknown['reason']}."
