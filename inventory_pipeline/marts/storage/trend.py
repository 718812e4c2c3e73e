"""The trend of a configuration's bytes: the arithmetic of `storage_trend.sql`.

Sums of bytes times days leave BIGINT, and engines divide decimals each in their own way: so all
divisions are of whole numbers, without remainder, and of quotients that a DOUBLE holds exactly.
"""

from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.marts.sql import read_sql, with_relations
from inventory_pipeline.marts.storage.places import PLACED_BUCKETS, REPORTS, tells

MINIMUM_DELIVERIES = 5
MINIMUM_DAYS = 14
"""Deliveries, and days from the first to the last of them, below which there is no trend."""

WINDOWS = (7, 30, 90)
HORIZONS = (30, 90)
TODAY = 90
"""x of the day that the trend is of: it looks back 90 days, to x = 0."""
_STEP = 2**30
_MOST = 2**63 - 1


def storage_trend_sql() -> str:
    select = read_sql(__package__, "storage_trend.sql")
    parts = {
        "is_sized": tells("r", "Size"),
        "minimum_deliveries": str(MINIMUM_DELIVERIES),
        "minimum_days": str(MINIMUM_DAYS),
        "fitted": _on_line(f"({TODAY} - p.age)"),
        "slope": _quotient("l.rise", "l.run"),
        "points_before": "\n".join(map(_point_before, WINDOWS)),
        "forecast_columns": ",\n  ".join(map(_forecast_columns, HORIZONS)),
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


def _forecast_columns(days: int) -> str:
    bytes_, half = f"f.forecast_{days}d", f"f.half_{days}d"
    ends = {
        f"forecast_{days}d_bytes": bytes_,
        f"forecast_{days}d_low_bytes": f"{bytes_} - {half}",
        f"forecast_{days}d_high_bytes": f"{bytes_} + {half}",
    }
    # GREATEST skips NULL, so that without a forecast it would be 0.
    return ", ".join(
        f"CASE WHEN {bytes_} IS NOT NULL THEN LEAST(GREATEST({sql}, 0), {_MOST}) END AS {name}"
        for name, sql in ends.items()
    )


TREND = Mart(
    "storage_trend",
    storage_trend_sql,
    {"storage_usage": "history", "s3_deliveries": "history", "s3_buckets": "snapshot"},
    "day",
)
