"""Where stored bytes lead: trends of reports, and their sums over accounts, departments, regions.

Not here: what came and went since the delivery before (`growth`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, dollars, size

Row = Mapping[str, Any]

POINTS = 16
"""Deliveries that a sparkline shows, at most."""

BLOCKS = "▁▂▃▄▅▆▇█"

PLACES = {
    "account": ("account_id", "account_name"),
    "department": ("department",),
    "region": ("region",),
}
"""Dimensions over which trends are summed; of any other they are of single reports."""

CHANGES = tuple(f"change_{days}d_bytes" for days in (7, 30, 90))
FORECASTS = tuple(
    f"forecast_{days}d{end}_{unit}"
    for days in (30, 90)
    for unit in ("bytes", "usd")
    for end in ("", "_low", "_high")
)

TRENDS = f"""
SELECT t.source_bucket, t.configuration_id, t.delivered_on,
  t.account_id, t.account_name, t.department, t.region,
  t.bytes, t.monthly_usd, t.days_covered, {", ".join(f"t.{name}" for name in CHANGES)},
  t.daily_bytes, {", ".join(f"t.{name}" for name in FORECASTS)},
  t.unknown_reason, t.unpriced_reason, t.price_as_of
FROM storage_trend AS t
JOIN counted AS n ON n.delivered_on = t.delivered_on AND n.source_bucket = t.source_bucket
  AND n.configuration_id = t.configuration_id
ORDER BY t.bytes DESC NULLS LAST, t.source_bucket
"""

HISTORY = """
SELECT t.source_bucket, t.configuration_id, t.bytes FROM storage_trend AS t
JOIN counted AS n ON n.source_bucket = t.source_bucket AND n.configuration_id = t.configuration_id
WHERE t.delivered_on <= n.delivered_on AND t.bytes IS NOT NULL
ORDER BY t.source_bucket, t.configuration_id, t.delivered_on
"""

SHOWN = (
    *("reports", "bytes", "monthly_usd", "history", "change_7d_bytes", "change_30d_bytes"),
    *("forecast_30d_bytes", "forecast_90d_bytes"),
    *("forecast_90d_low_bytes", "forecast_90d_high_bytes"),
    *("forecast_90d_usd", "forecast_90d_low_usd", "forecast_90d_high_usd"),
    *("unknown_reason", "unpriced_reason"),
)


def trends_section(
    reports: Sequence[Row], history: Mapping[tuple[str, str], Sequence[int]], by: str
) -> Section:
    """The trends by a dimension; those of single reports with a line of their past bytes."""
    if place := PLACES.get(by):
        title, rows = f"Where bytes lead, by {by}", by_place(reports, place)
    else:
        title = f"Bytes, their last {POINTS} deliveries, and where they lead"
        rows = [{**row, "history": _line(row, history)} for row in reports]
    columns = list(rows[0]) if rows else []
    named = [place[-1] if place else "source_bucket"]
    known = [name for name in SHOWN if any(row.get(name) is not None for row in rows)]
    return Section(
        "trends",
        title,
        columns,
        [[row[name] for name in columns] for row in rows],
        [*named, *known] if rows else (),
        first=20,
    )


def by_place(reports: Sequence[Row], place: Sequence[str]) -> list[dict[str, Any]]:
    """Sums of the reports of each place, the one with most bytes first."""

    def named(row: Row) -> tuple[str, ...]:
        return tuple(row[name] or "" for name in place)

    groups = [list(found) for _, found in groupby(sorted(reports, key=named), named)]
    rows = [{**{name: found[0][name] for name in place}, **summed(found)} for found in groups]
    return sorted(rows, key=lambda row: row["bytes"] or 0, reverse=True)


def summed(reports: Sequence[Row]) -> dict[str, Any]:
    """Sums over reports that add up.

    What is stored and how it has changed is None where one of them does not know. Dollars and
    forecasts are of those that do, with how many do not. The ends of intervals are summed as well:
    as wide as if all were off in the same direction.
    """
    untrended = sum(row["daily_bytes"] is None for row in reports)
    unpriced = sum(
        row["daily_bytes"] is not None and row["forecast_90d_usd"] is None for row in reports
    )
    of = f"of {counted(len(reports), 'report')}"
    return {
        "reports": len(reports),
        "bytes": _sum(reports, "bytes", whole=True),
        "monthly_usd": _sum(reports, "monthly_usd"),
        "unpriced_parts": sum(row["monthly_usd"] is None for row in reports),
        **{name: _sum(reports, name, whole=True) for name in CHANGES},
        **{name: _sum(reports, name) for name in ("daily_bytes", *FORECASTS)},
        "unknown_reason": f"{untrended} {of} left out, without a trend" if untrended else None,
        "unpriced_reason": f"{unpriced} {of} left out, without a price" if unpriced else None,
    }


def _sum(reports: Sequence[Row], name: str, *, whole: bool = False) -> Any:
    known = [row[name] for row in reports if row[name] is not None]
    return sum(known) if known and not (whole and len(known) < len(reports)) else None


def forecast_note(total: Row) -> Iterator[str]:
    """What all reports together come to in 90 days, if any has a trend."""
    low, middle, high = (total[f"forecast_90d{end}_bytes"] for end in ("_low", "", "_high"))
    if middle is None:
        return
    told = f"In 90 days: {size(middle)} ({size(low)} to {size(high)})"
    low, middle, high = (total[f"forecast_90d{end}_usd"] for end in ("_low", "", "_high"))
    if middle is not None:
        told += f", {dollars(middle)} a month ({dollars(low)} to {dollars(high)})"
    left_out = [total[name] for name in ("unknown_reason", "unpriced_reason") if total[name]]
    yield "; ".join([told, *left_out])


def _line(row: Row, history: Mapping[tuple[str, str], Sequence[int]]) -> str:
    return sparkline(history.get((row["source_bucket"], row["configuration_id"]), ())[-POINTS:])


def sparkline(values: Sequence[int]) -> str:
    """A line of blocks, the lowest value least; even ones in the middle."""
    if not values:
        return ""
    low, high = min(values), max(values)
    top = len(BLOCKS) - 1
    if low == high:
        return BLOCKS[top // 2] * len(values)
    return "".join(BLOCKS[(value - low) * top // (high - low)] for value in values)
