"""The trend of a configuration's bytes, and what they cost: the arithmetic of `storage_trend.sql`.

Sums of bytes times days leave BIGINT, and engines divide decimals each in their own way: so all
divisions are of whole numbers, without remainder, and of quotients that a DOUBLE holds exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from inventory_pipeline.marts.mart import HISTORY_DAYS, Mart
from inventory_pipeline.marts.sql import read_sql, with_relations
from inventory_pipeline.marts.storage.places import PLACED_BUCKETS, REPORTS, tells
from inventory_pipeline.tables import DELIVERY

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

MINIMUM_DELIVERIES = 5
MINIMUM_DAYS = 14
"""Deliveries, and days from the first to the last of them, below which there is no trend."""

WINDOWS = (7, 30, 90)
HORIZONS = (30, 90)
TODAY = 90
"""x of the day that the trend is of: it looks back 90 days, to x = 0."""
_STEP = 2**30
_MOST = 2**63 - 1
_MOST_USD = 10**18 - 1
_BILLION = 10**9

_HAS_AVERAGE = f"n.bytes >= {2**30}"
"""Prices of fewer bytes are mostly what was rounded off."""


def storage_trend_sql() -> str:
    select = read_sql(__package__, "storage_trend.sql")
    parts = {
        "is_sized": tells("r", "Size"),
        "minimum_deliveries": str(MINIMUM_DELIVERIES),
        "minimum_days": str(MINIMUM_DAYS),
        "fitted": _on_line(f"({TODAY} - p.age)"),
        "slope": _quotient("l.rise", "l.run"),
        "points_before": "\n".join(map(_point_before, WINDOWS)),
        "ends": ", ".join(end for days in HORIZONS for end in _ends(days)),
        "forecast_columns": ",\n  ".join(c for days in HORIZONS for c in _forecast_columns(days)),
        "has_average": _HAS_AVERAGE,
    }
    for days in HORIZONS:
        parts[f"forecast_{days}d"] = _on_line(str(TODAY + days))
        parts[f"half_width_{days}d"] = _half_width(TODAY + days)
    for name, sql in parts.items():
        select = select.replace(f"{{{name}}}", sql)
    return with_relations({"reports": REPORTS, "placed_buckets": PLACED_BUCKETS}, select)


def _quotient(dividend: str, divisor: str) -> str:
    """A DECIMAL(38,0) by a BIGINT below 2^33, towards zero: high digits and low digits apart."""
    rest = f"({dividend} % ({divisor} * {_STEP}))"
    high = f"CAST(({dividend} - {rest}) / ({divisor} * {_STEP}) AS DECIMAL(38,0))"
    low = f"CAST(({rest} - {rest} % {divisor}) / {divisor} AS DECIMAL(38,0))"
    return f"({high} * {_STEP} + {low})"


def _on_line(x: str) -> str:
    """Bytes that the line `l` has at x: mean of y + slope * (x - mean of x)."""
    return _quotient(f"(l.sy * l.run + l.rise * (l.n * {x} - l.sx))", "(l.n * l.run)")


def _half_width(x: int) -> str:
    """Half of the interval at x: the spread, wider for few points and far from their middle."""
    distance = f"(l.n * {x} - l.sx)"
    leverage = (
        f"(CAST(l.n * l.run + l.run + {distance} * {distance} AS DOUBLE) "
        "/ CAST(l.n * l.run AS DOUBLE))"
    )
    few = "(CAST(l.n AS DOUBLE) / CAST(l.n - 2 AS DOUBLE))"
    millionths = f"CAST(FLOOR(sqrt({leverage} * {few}) * 1000000) AS BIGINT)"
    return _quotient(f"(s.spread * {millionths})", "CAST(1000000 AS BIGINT)")


def _point_before(days: int) -> str:
    p = f"p{days}"
    return (
        f"LEFT JOIN points AS {p} ON {p}.source_bucket = n.source_bucket "
        f"AND {p}.configuration_id = n.configuration_id AND {p}.age = s.age_{days}d"
    )


def _ends(days: int) -> Iterator[str]:
    """The forecast, and its interval's ends, as far as bytes can go."""
    middle, half = f"f.forecast_{days}d", f"f.half_{days}d"
    for name, sql in ("", middle), ("_low", f"{middle} - {half}"), ("_high", f"{middle} + {half}"):
        yield f"LEAST(GREATEST({sql}, 0), {_MOST}) AS forecast_{days}d{name}_bytes"


def _forecast_columns(days: int) -> Iterator[str]:
    names = [f"forecast_{days}d{end}" for end in ("", "_low", "_high")]
    yield from (f"f.{name}_bytes" for name in names)
    yield from (f"{_usd(f'f.{name}_bytes')} AS {name}_usd" for name in names)


def _usd(bytes_: str) -> str:
    """What so many bytes cost at the average price of those stored; NULL where there is none.

    They are billionths of those stored, which an interval is far from being exact to.
    """
    ratio = f"CAST(CAST({bytes_} AS BIGINT) AS DOUBLE) / CAST(CAST(n.bytes AS BIGINT) AS DOUBLE)"
    billionths = f"CAST(FLOOR({ratio} * {_BILLION}) AS BIGINT)"
    stored = "CAST(CAST(n.monthly_usd AS DECIMAL(25,6)) * 1000000 AS DECIMAL(38,0))"
    millionths = _quotient(f"({stored} * {billionths})", f"CAST({_BILLION} AS BIGINT)")
    usd = f"CAST(LEAST({millionths}, {_MOST_USD}) AS DECIMAL(18,0)) * 0.000001"
    # LEAST skips NULL, so that without a forecast it would be the most.
    return (
        f"CASE WHEN {_HAS_AVERAGE} AND n.monthly_usd IS NOT NULL AND {bytes_} IS NOT NULL "
        f"THEN {usd} END"
    )


TREND = Mart(
    "storage_trend",
    storage_trend_sql,
    {
        "storage_usage": "history",
        "storage_costs": "day",
        "s3_deliveries": "history",
        "s3_buckets": "snapshot",
    },
    "day",
)


def trends_resting_on(lake: Lake, first: date, last: date, *, within: bool = False) -> list[date]:
    """The days after `last` with trends that have deliveries of `first` to `last` among their
    points: stale once usage of these days is computed late. `within`: those after `first`."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    sources = {delivery[1:] for delivery in lake.deliveries(days)}
    later = [last + timedelta(days=n + 1) for n in range(HISTORY_DAYS)]
    trends = lake.read(
        TREND.table, {"delivered_on": [*(days[1:] if within else ()), *later]}, DELIVERY
    )
    drawn = zip(*(trends[name].to_pylist() for name in DELIVERY), strict=True)
    return sorted({day for day, *source in drawn if tuple(source) in sources})
