"""The terms on which a bucket stores its objects: region, versioning and the prices that count.

Belongs here: looking them up for the buckets of a day's deliveries. What was not collected is
None, never a default. Not here: what follows for an object (`economics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from inventory_pipeline.archive.economics import Price, Prices, Route
from inventory_pipeline.prices.storage_classes import price_key_sql

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine, Lake


@dataclass(frozen=True)
class Terms:
    """A bucket's region, the route by which its objects can be moved, and S3's prices for it.

    In a versioned bucket a copy in place leaves the old bytes behind, billed as before; so its
    objects are tagged for a lifecycle rule instead. `route` and `region` are None where unknown.
    """

    region: str | None = None
    route: Route | None = None
    prices: Prices = field(default_factory=dict[str, Price])

    @property
    def unknown(self) -> str | None:
        """Why nothing can be priced on these terms; None where it can."""
        if self.region is None:
            return "the bucket was not collected, so its region is not known"
        if self.route is None:
            return "whether the bucket keeps versions was not seen"
        return None


def bucket_terms(
    engine: DuckDBEngine, lake: Lake, delivered_on: date, buckets: Iterable[str]
) -> dict[str, Terms]:
    """Terms of each bucket, from the day's snapshot (as marts of a day see it) and the prices.

    Of a price with volume tiers, the tier counts in which the account's listed bytes of that class
    and region end, since moved bytes leave from there. Accounts billed together, or buckets
    without a report, may reach a cheaper tier than that.
    """
    terms = dict.fromkeys(buckets, Terms())
    snapshot = _snapshot(lake, delivered_on)
    if snapshot is None or not terms:
        return terms
    found = _collected(lake, snapshot, sorted(terms))
    tiers = _tiers(lake, sorted({row["region"] for row in found.values()}))
    listed = _listed_gb(engine, snapshot, delivered_on)
    for bucket, row in found.items():
        place = (row["account_id"], row["region"])
        prices = {
            key: _marginal(steps, listed.get((*place, key), Decimal(0)))
            for key, steps in tiers.get(row["region"], {}).items()
        }
        terms[bucket] = Terms(row["region"], _route(row["versioning"]), prices)
    return terms


def _route(versioning: str | None) -> Route | None:
    if versioning is None:
        return None
    return "copy" if versioning == "Off" else "tag"


def _snapshot(lake: Lake, delivered_on: date) -> datetime | None:
    """The newest snapshot taken by the end of the day, or else the first."""
    published = lake.snapshots()
    taken = [snapshot for snapshot in published if snapshot.date() <= delivered_on]
    return taken[-1] if taken else next(iter(published), None)


def _collected(lake: Lake, snapshot: datetime, buckets: list[str]) -> dict[str, dict[str, Any]]:
    where = {"snapshot_at": snapshot, "resource_id": buckets}
    columns = ["resource_id", "account_id", "region", "versioning", "observed_at"]
    rows = lake.read("s3_buckets", where, columns).to_pylist()
    # A bucket made anew in another account within one snapshot: what was seen last counts.
    return {row["resource_id"]: row for row in sorted(rows, key=lambda r: r["observed_at"])}


def _tiers(lake: Lake, regions: list[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """S3's prices by region and key, tiers in rising order."""
    tiers: dict[str, dict[str, list[dict[str, Any]]]] = {}
    if regions:
        rows = lake.read("prices", {"service": "s3", "region": regions}).to_pylist()
        for row in sorted(rows, key=lambda r: r["tier_from"]):
            tiers.setdefault(row["region"], {}).setdefault(row["key"], []).append(row)
    return tiers


def _marginal(steps: list[dict[str, Any]], gb: Decimal) -> Price:
    """The price of the last of `gb` (of the first GB where there is none)."""
    reached = [step for step in steps if step["tier_from"] < gb] or steps[:1]
    return Price(reached[-1]["usd"], reached[-1]["as_of"])


def _listed_gb(
    engine: DuckDBEngine, snapshot: datetime, delivered_on: date
) -> Mapping[tuple[str, str, str], Decimal]:
    """Billable GB of each account, region and price key, as the day's deliveries list them."""
    sql = files(__package__).joinpath("listed.sql").read_text(encoding="utf-8")
    sql = sql.format(price_key=price_key_sql("storage_class", "access_tier"))
    reads: dict[str, dict[str, Any]] = {
        "s3_usage": {"delivered_on": delivered_on},
        "s3_buckets": {"snapshot_at": snapshot},
    }
    with engine.session(reads) as db:
        rows = db.query(sql).to_pylist()
    return {(r["account_id"], r["region"], r["price_key"]): r["gb"] for r in rows}
