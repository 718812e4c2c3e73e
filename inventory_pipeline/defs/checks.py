"""Checks that a mart's rows must pass beyond its contract; each runs where the mart is built.

To add one, add an entry to `MART_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import dagster as dg

from inventory_pipeline.defs.presentation import asset_key
from inventory_pipeline.lake import Session
from inventory_pipeline.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """Whether a check passed, and the sentence that says so."""

    passed: bool
    sentence: str


@dataclass(frozen=True)
class MartCheck:
    """A named check of a mart's partition. Warnings are for people, errors mean wrong numbers."""

    name: str
    description: str
    severity: dg.AssetCheckSeverity
    judge: Callable[[Session, str, Settings], Verdict]
    reads: tuple[str, ...] = ()

    def spec(self, table: str) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(self.name, asset=asset_key(table), description=self.description)

    def result(self, table: str, verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
        """What to tell Dagster where these are the verdicts on the partitions that were built."""
        failed = [verdict for verdict in verdicts if not verdict.passed]
        return dg.AssetCheckResult(
            asset_key=asset_key(table),
            check_name=self.name,
            passed=not failed,
            severity=self.severity,
            description="; ".join(verdict.sentence for verdict in failed or verdicts[-1:]),
        )


def _reconciles(db: Session, table: str, _settings: Settings) -> Verdict:
    row = db.query(
        f"SELECT (SELECT COALESCE(SUM(monthly_usd), 0) FROM {table}) AS here, "
        "(SELECT COALESCE(SUM(known_usd), 0) FROM resource_costs) AS resources"
    ).to_pylist()[0]
    return Verdict(
        row["here"] == row["resources"],
        f"${row['here']} here, ${row['resources']} over all resources",
    )


def _within_budget(db: Session, table: str, settings: Settings) -> Verdict:
    limits = settings.cost_thresholds
    row = db.query(
        "SELECT COALESCE(SUM(known_usd), 0) AS total, "
        "COUNT(*) FILTER (WHERE known_usd > $expensive) AS expensive, "
        f"COUNT(*) FILTER (WHERE monthly_usd IS NULL) AS unpriced FROM {table}",
        {"expensive": limits.expensive_resource_monthly},
    ).to_pylist()[0]
    total: Decimal = row["total"]
    at_least = "at least " if row["unpriced"] else ""
    return Verdict(
        total <= limits.total_monthly_alert,
        f"{at_least}${total:,.2f} a month against ${limits.total_monthly_alert:,.2f}; "
        f"{row['expensive']} resources cost more than ${limits.expensive_resource_monthly:,.2f}, "
        f"{row['unpriced']} have no known price",
    )


RECONCILES = MartCheck(
    "reconciles",
    "The total equals that of all resources, to the micro-dollar.",
    dg.AssetCheckSeverity.ERROR,
    _reconciles,
    reads=("resource_costs",),
)

MART_CHECKS: Mapping[str, tuple[MartCheck, ...]] = {
    "resource_costs": (
        MartCheck(
            "within_budget",
            "The estate costs no more than cost_thresholds.total_monthly_alert.",
            dg.AssetCheckSeverity.WARN,
            _within_budget,
        ),
    ),
    **{
        f"cost_by_{dimension}": (RECONCILES,)
        for dimension in ("service", "account", "department", "region")
    },
}
