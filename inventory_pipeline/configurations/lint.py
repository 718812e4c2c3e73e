"""The linter: configurations as they are, against the rules, as findings.

Not here: the rules (`rules`), nor what readers need (`needs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from inventory_pipeline.configurations.model import Bucket
from inventory_pipeline.configurations.needs import needs
from inventory_pipeline.configurations.observed import Observed
from inventory_pipeline.configurations.rules import RULES, Cost, Listed, Place, Subject
from inventory_pipeline.settings import Settings

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

REMEMBERED = timedelta(days=40)
"""How far back deliveries are compared."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a configuration, why that matters, and what to do.

    `monthly_usd` is what it costs where it costs something and that is known; `unpriced_reason`
    says why it is not.
    """

    rule: str
    severity: str
    bucket: Bucket
    configuration_id: str
    what: str
    why: str
    fix: str
    monthly_usd: Decimal | None
    unpriced_reason: str | None


def lint(
    settings: Settings, lake: Lake, at: datetime, observed: Iterable[Observed]
) -> list[Finding]:
    """Findings on these buckets' configurations, the gravest first."""
    listed, prices, buckets = _listed(lake), _prices(lake), _buckets(lake, at)
    destinations = settings.s3_inventory.destinations
    read = frozenset((one.bucket, one.prefix.rstrip("/")) for one in destinations)
    regions = {name: row["region"] for name, row in buckets.items()}
    regions |= {one.bucket: one.region for one in destinations}
    found: list[Finding] = []
    for one in observed:
        if not one.configurations:
            continue
        bucket = one.bucket
        readers = tuple(needs(settings, bucket.name))
        place = Place(read, regions, readers, prices.get(bucket.region))
        versioning = buckets.get(bucket.name, {}).get("versioning")
        for configuration in one.configurations:
            others = tuple(c for c in one.configurations if c is not configuration)
            reports = listed.get(bucket.name, {})
            subject = Subject(bucket, configuration, others, versioning, reports)
            found += _findings(subject, place)
    order = {"high": 0, "medium": 1, "low": 2}
    return sorted(
        found, key=lambda f: (order[f.severity], f.rule, f.bucket.name, f.configuration_id)
    )


def _findings(subject: Subject, place: Place) -> Iterator[Finding]:
    for rule in RULES:
        if subject.configuration.enabled is False and not rule.of_disabled:
            continue
        for hit in rule.find(subject, place):
            cost = hit.cost or Cost(None)
            yield Finding(
                rule.id,
                rule.severity,
                subject.bucket,
                subject.configuration.id,
                hit.what,
                rule.why,
                rule.fix,
                cost.monthly_usd,
                cost.unpriced_reason,
            )


def _buckets(lake: Lake, at: datetime) -> Mapping[str, Mapping[str, Any]]:
    columns = ["resource_id", "region", "versioning"]
    rows = lake.read("s3_buckets", {"snapshot_at": at}, columns).to_pylist()
    return {row["resource_id"]: row for row in rows}


def _prices(lake: Lake) -> Mapping[str, Decimal]:
    """Dollars for an object listed, by region."""
    rows = lake.read("prices", {"service": "s3", "key": "inventory:object"}).to_pylist()
    return {row["region"]: row["usd"] for row in rows}


def _listed(lake: Lake) -> Mapping[str, Mapping[str, Listed]]:
    """By bucket and id the newest delivery, and one of a week and more before."""
    days: set[date] = {f.partition["delivered_on"] for f in lake.files("s3_deliveries")}
    if not days:
        return {}
    lately = sorted(day for day in days if day >= max(days) - REMEMBERED)
    columns = ["delivered_on", "source_bucket", "configuration_id", "rows", "status"]
    where = {"delivered_on": lately, "status": "ingested"}
    reports: dict[str, dict[str, dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in lake.read("s3_deliveries", where, columns).to_pylist():
        if row["rows"] is not None:
            by_day = reports[row["source_bucket"]][row["configuration_id"]]
            by_day[row["delivered_on"]] = row["rows"]
    return {
        bucket: {name: Listed.of(by_day) for name, by_day in of_bucket.items()}
        for bucket, of_bucket in reports.items()
    }
