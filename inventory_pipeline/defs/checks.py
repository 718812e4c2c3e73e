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
from inventory_pipeline.marts.storage.growth.comparing import unexplained_sql
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


def _delivered(db: Session, table: str, _settings: Settings) -> Verdict:
    counts = db.query(f"SELECT status, COUNT(*) AS n FROM {table} GROUP BY status ORDER BY status")
    by_status = {row["status"]: row["n"] for row in counts.to_pylist()}
    lacking = db.query(f"SELECT COUNT(lacking_fields) AS n FROM {table}").to_pylist()[0]["n"]
    told = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in by_status.items())
    return Verdict(
        not {"missing", "quarantined"} & by_status.keys() and not lacking,
        f"{told or 'no configuration is known'}; "
        f"{lacking} reports lack fields that their configuration asks for",
    )


# What a mart of objects counts, and the rollup's count of the same, by delivery.
_STORED = "version_state <> 'delete_marker'"
_OBJECT_COUNTS: Mapping[str, tuple[str, str]] = {
    "object_compliance": (
        "SELECT source_bucket, configuration_id, MIN(objects) AS least, MAX(objects) AS most FROM ("
        "SELECT source_bucket, configuration_id, rule_id, "
        "SUM(failing_objects + unknown_objects + passing_objects + exempt_objects) AS objects "
        "FROM {table} GROUP BY source_bucket, configuration_id, rule_id) AS by_rule "
        "GROUP BY source_bucket, configuration_id",
        "SELECT source_bucket, configuration_id, SUM(objects) AS least, SUM(objects) AS most "
        f"FROM s3_usage WHERE {_STORED} GROUP BY source_bucket, configuration_id",
    ),
    "storage_waste": (
        "SELECT SUM(objects) AS objects FROM {table} WHERE kind = 'noncurrent_versions'",
        "SELECT SUM(objects) AS objects FROM s3_usage WHERE version_state = 'noncurrent'",
    ),
    "tiering_effectiveness": (
        "SELECT SUM(objects) AS objects, SUM(bytes) AS bytes FROM {table}",
        "SELECT SUM(objects) AS objects, SUM(bytes) AS bytes FROM s3_usage "
        f"WHERE storage_class = 'INTELLIGENT_TIERING' AND {_STORED}",
    ),
    "tenant_usage": (
        "SELECT source_bucket, SUM(objects) AS objects FROM {table} GROUP BY source_bucket",
        # By the report that lists most.
        "SELECT source_bucket, MAX(objects) AS objects FROM ("
        "SELECT source_bucket, configuration_id, SUM(objects) AS objects FROM s3_usage "
        "GROUP BY source_bucket, configuration_id) AS by_report GROUP BY source_bucket",
    ),
}


def _counts_all(db: Session, table: str, _settings: Settings) -> Verdict:
    here, rolled_up = (
        {tuple(row.values()) for row in db.query(sql.format(table=table)).to_pylist()}
        for sql in _OBJECT_COUNTS[table]
    )
    if here == rolled_up:
        return Verdict(True, "every object of the rollup is counted")
    found, expected = (
        min(one - other, default=()) for one, other in ((here, rolled_up), (rolled_up, here))
    )
    return Verdict(False, f"{_listed(found)} here, {_listed(expected)} in the rollup")


def _grown(db: Session, table: str, _settings: Settings) -> Verdict:
    days = db.query("SELECT MAX(delivered_on) AS newest FROM s3_deliveries").to_pylist()
    sql = unexplained_sql(table)
    wrong = db.query(sql, {"delivered_on": days[0]["newest"]}).to_pylist()
    named = (f"{row['source_bucket']}/{row['configuration_id']}" for row in wrong[:5])
    return Verdict(
        not wrong,
        f"of {len(wrong)} deliveries the changes are not what usage has more: {', '.join(named)}"
        if wrong
        else "the changes of every delivery are what its usage has more than before",
    )


def _listed(values: Sequence[object]) -> str:
    return " ".join(map(str, values)) or "nothing"


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
    "storage_growth": (
        MartCheck(
            "reconciles",
            "Objects and bytes that came and went are what s3_usage has more than the delivery "
            "before, by version state and class.",
            dg.AssetCheckSeverity.ERROR,
            _grown,
            reads=("s3_usage", "s3_deliveries"),
        ),
    ),
    "delivery_health": (
        MartCheck(
            "delivered",
            "No report of the day is missing or quarantined, and none lacks fields.",
            dg.AssetCheckSeverity.WARN,
            _delivered,
        ),
    ),
    **{
        f"cost_by_{dimension}": (RECONCILES,)
        for dimension in ("service", "account", "department", "region")
    },
    **{
        table: (
            MartCheck(
                "counts_all",
                "Objects are those of s3_usage, each counted once.",
                dg.AssetCheckSeverity.ERROR,
                _counts_all,
                reads=("s3_usage",),
            ),
        )
        for table in _OBJECT_COUNTS
    },
}
