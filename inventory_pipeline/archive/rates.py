"""The rates of a plan's possible moves as rows of SQL, for `candidates.sql` to join objects with.

Belongs here: writing a `Move` out. Only this project's own words and numbers are written, never
text from a report. Not here: what the numbers are (`economics`).
"""

from collections.abc import Mapping
from decimal import Decimal

from inventory_pipeline.archive.economics import Move, Rate

_RATE = (
    ("per_byte", "DECIMAL(24,24)"),
    ("minimum_bytes", "BIGINT"),
    ("minimum_days", "BIGINT"),
    ("fixed", "DECIMAL(24,24)"),
    ("fixed_from", "BIGINT"),
)
_COLUMNS = (
    ("now_key", "VARCHAR"),
    ("unpriced", "VARCHAR"),
    ("horizon_months", "BIGINT"),
    ("object_fee", "DECIMAL(18,12)"),
    ("read_per_byte", "DECIMAL(24,24)"),
    *((f"{when}_{name}", kind) for when in ("now", "target") for name, kind in _RATE),
)

Value = str | int | Decimal | None


def rates_sql(moves: Mapping[str, Move | str]) -> str:
    """A common table expression `rates`: one row for each class that an object may be in now.

    `moves` gives the move by price key, or the reason why it cannot be priced.
    """
    names = ", ".join(name for name, _ in _COLUMNS)
    rows = ",\n    ".join(_row(key, priced) for key, priced in moves.items())
    return f"rates ({names}) AS (\n  VALUES\n    {rows}\n)"


def _row(key: str, priced: Move | str) -> str:
    if isinstance(priced, str):
        values: list[Value] = [key, priced, *[None] * (len(_COLUMNS) - 2)]
    else:
        values = [
            key,
            None,
            priced.horizon_months,
            priced.object_fee_usd,
            priced.read_usd_per_byte,
            *_rate(priced.now),
            *_rate(priced.target),
        ]
    cells = (_cell(value, kind) for value, (_, kind) in zip(values, _COLUMNS, strict=True))
    return f"({', '.join(cells)})"


def _rate(rate: Rate) -> tuple[Value, ...]:
    return (
        rate.usd_per_byte,
        rate.minimum_bytes,
        rate.minimum_days,
        rate.fixed_usd,
        rate.fixed_from_bytes,
    )


def _cell(value: Value, kind: str) -> str:
    if value is None:
        return f"CAST(NULL AS {kind})"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value).replace("'", "''")
    return f"CAST('{text}' AS {kind})"
