"""The monthly review of stale resources as JSON: a pure function of rows."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]

SHOWN = (
    "rule_id",
    "account_id",
    "department",
    "region",
    "resource_type",
    "resource_id",
    "name",
    "idle_days",
    "monthly_saving_usd",
    "saving_unknown_reason",
    "reason",
)


def stale_report(findings: Iterable[Row], days: int) -> dict[str, Any]:
    """What is idle, from the rows of `waste_findings` of one snapshot.

    `stale` has been idle for at least `days` days, provably; `not_yet_provable` is idle, but
    nothing proves for how long. `monthly_saving_usd` is that of the stale ones whose saving is
    known, each resource counted once, by its largest.
    """
    idle = sorted(
        (row for row in findings if row["verdict"] == "yes"),
        key=lambda row: (-(row["monthly_saving_usd"] or 0), row["rule_id"], *_resource(row)),
    )
    stale = [row for row in idle if (row["idle_days"] or 0) >= days]
    largest: dict[tuple[str, ...], Decimal] = {}
    for row in stale:
        saving = row["monthly_saving_usd"] or Decimal(0)
        largest[_resource(row)] = max(saving, largest.get(_resource(row), saving))
    return {
        "days": days,
        "monthly_saving_usd": sum(largest.values(), Decimal(0)),
        "savings_unknown": sum(row["monthly_saving_usd"] is None for row in stale),
        "stale": [_entry(row) for row in stale],
        "not_yet_provable": [_entry(row) for row in idle if (row["idle_days"] or 0) < days],
    }


def _resource(row: Row) -> tuple[str, ...]:
    return row["account_id"], row["region"], row["resource_type"], row["resource_id"]


def _entry(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in SHOWN}
