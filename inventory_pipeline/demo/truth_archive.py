"""What the demo's archive policy must come to: its economics said anew, per object and exact.

Belongs here: facts about the plan and its manifest. Prices are the book's, nothing else is shared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inventory_pipeline.demo.configuration import ARCHIVE_POLICY
from inventory_pipeline.demo.estate import Day, Estate
from inventory_pipeline.demo.fact import Fact, Rows
from inventory_pipeline.demo.objects import (
    DAY_MS,
    LOGS_BUCKET,
    Report,
    Versions,
    population,
    reports,
)
from inventory_pipeline.demo.truth_costs import GB, cents, price

if TYPE_CHECKING:
    from inventory_pipeline.demo.objects import Flags

KB = 1024
LARGEST = 2**43
"""No object is larger: 8 TiB."""


@dataclass(frozen=True)
class Move:
    """Economics of moving an object from STANDARD to the policy's class in a region.

    GLACIER and DEEP_ARCHIVE bill 32 KiB more for each object, and 8 KiB in STANDARD.
    """

    region: str

    @cached_property
    def fee(self) -> Decimal:
        """Dollars to move one object by S3 Batch Operations."""
        return self._price(f"{ARCHIVE_POLICY['target_class']}:transition") + self._price(
            "batch:object"
        )

    def net(self, objects: int, size: int) -> Decimal:
        """Dollars that so many objects of so many bytes in all save over the horizon, fees taken
        off."""
        standard, target = self._price("STANDARD"), self._price(ARCHIVE_POLICY["target_class"])
        overhead = objects * (32 * KB * target + 8 * KB * standard)
        monthly = (size * (standard - target) - overhead) / GB
        months: int = ARCHIVE_POLICY["horizon_months"]
        return months * monthly - objects * self.fee

    @cached_property
    def smallest(self) -> int:
        """The smallest object, in bytes, whose move pays."""
        low, high = 0, LARGEST
        while low < high:
            middle = (low + high) // 2
            if self.net(1, middle) > 0:
                high = middle
            else:
                low = middle + 1
        return low

    def _price(self, key: str) -> Decimal:
        found = price("s3", self.region, key)
        if found is None:
            raise LookupError(f"the price book has no s3 {key} in {self.region}")
        return found


@dataclass(frozen=True)
class Plan:
    """How many objects and bytes the policy matches, and of how many the move pays."""

    matched: int
    matched_bytes: int
    paying: int
    paying_bytes: int


def archive_facts(estate: Estate, day: Day) -> Iterator[Fact]:
    report = next(r for r in reports(estate) if r.bucket == LOGS_BUCKET)
    on = estate.delivered_on(day)
    params = {"policy": ARCHIVE_POLICY["name"], "bucket": report.bucket, "on": on}

    def fact(title: str, planted: Rows, sql: str, table: str) -> Fact:
        title = f"{title}, delivered {on}"
        which = " policy = $policy AND source_bucket = $bucket AND delivered_on = $on"
        return Fact("archive", title, planted, sql + which, (table,), params=params)

    move = Move(report.region)
    plan = _plan(estate, report, day, move)
    yield fact(
        "objects and bytes matched; objects and bytes whose move pays",
        ((plan.matched, plan.matched_bytes, plan.paying, plan.paying_bytes),),
        "SELECT matched_objects, matched_bytes, profitable_objects, profitable_bytes"
        " FROM archive_plans WHERE",
        "archive_plans",
    )
    yield fact(
        "objects too small to pay",
        ((plan.matched - plan.paying,),),
        "SELECT COUNT(*) FROM archive_candidates WHERE decision = 'unprofitable' AND",
        "archive_candidates",
    )
    yield fact(
        "dollars of fees; dollars saved over the horizon, fees taken off",
        ((cents(plan.paying * move.fee), cents(move.net(plan.paying, plan.paying_bytes))),),
        "SELECT CAST(ROUND(fee_usd, 2) AS DECIMAL(18,2)),"
        " CAST(ROUND(net_saving_usd, 2) AS DECIMAL(18,2)) FROM archive_plans WHERE",
        "archive_plans",
    )
    yield fact(
        "objects and bytes in the manifest",
        ((plan.paying, plan.paying_bytes),),
        "SELECT objects, bytes FROM archive_manifests WHERE",
        "archive_manifests",
    )


def _plan(estate: Estate, report: Report, day: Day, move: Move) -> Plan:
    matched = matched_bytes = paying = paying_bytes = 0
    for part in population(estate, report, day):
        sizes = part.sizes[_picked(part)]
        pays = sizes >= move.smallest
        matched, matched_bytes = matched + len(sizes), matched_bytes + int(sizes.sum())
        paying, paying_bytes = paying + int(pays.sum()), paying_bytes + int(sizes[pays].sum())
    return Plan(matched, matched_bytes, paying, paying_bytes)


def _picked(part: Versions) -> "Flags":
    """Versions that the policy picks."""
    delivered_ms = int(part.estate.delivered_at(part.day).timestamp()) * 1000
    old = part.modified_ms <= delivered_ms - ARCHIVE_POLICY["min_age_days"] * DAY_MS
    large = part.sizes >= ARCHIVE_POLICY["min_size_bytes"]
    prefixes = [p.startswith(ARCHIVE_POLICY["prefix"]) for p in part.report.prefixes]
    classes = [k.storage_class in ARCHIVE_POLICY["storage_classes"] for k in part.report.kinds]
    picked: Flags = old & large & np.array(prefixes)[part.prefixes] & np.array(classes)[part.kinds]
    return picked
