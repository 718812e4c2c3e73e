"""What looking at every single object must find: copies, compliance, people, tenants, waste.

All of it follows from the populations of `objects`. Not here: how much there is (`truth_storage`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inventory_pipeline.demo.estate import ANALYTICS, STOREFRONT, Day, Estate
from inventory_pipeline.demo.fact import Fact, Rows
from inventory_pipeline.demo.objects import (
    ENCRYPTIONS,
    FOREIGN_PLACE,
    PUBLIC_PLACE,
    Report,
    Versions,
    population,
    totals,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

SECTION = "S3 objects"
COMPARED_FROM = 2**20
"""Bytes from which objects are compared, by default."""

Choice = Callable[[Versions], "Flags"]


@dataclass(frozen=True)
class Counted:
    """Versions that a mart must count in each bucket, and its columns of objects and bytes."""

    title: str
    choice: Choice
    table: str
    condition: str
    objects: str = "objects"
    bytes: str = "bytes"

    @property
    def sql(self) -> str:
        sums = ", ".join(f"CAST(SUM({c}) AS BIGINT)" for c in (self.objects, self.bytes))
        return (
            f"SELECT source_bucket, {sums} FROM {self.table} WHERE delivered_on = $on"
            f" AND {self.condition} GROUP BY source_bucket HAVING SUM({self.objects}) > 0"
        )


def _failing(rule: str, choice: Choice) -> Counted:
    return Counted(
        f"objects that fail the rule {rule}, by bucket",
        choice,
        "object_compliance",
        f"rule_id = '{rule}'",
        "failing_objects",
        "failing_bytes",
    )


def _with_acl(place: int) -> Choice:
    return lambda v: v.is_every_thousandth(place) & v.report.acls


def _unencrypted(versions: Versions) -> "Flags":
    drawn = versions.noise("encryption") % np.uint64(len(ENCRYPTIONS))
    found: Flags = (drawn == ENCRYPTIONS.index("NOT-SSE")) & ~versions.is_marker
    return found


COUNTED = (
    Counted(
        "copies of a mebibyte and more, and their bytes, by bucket",
        lambda v: v.is_copy & (v.sizes >= COMPARED_FROM),
        "duplicate_candidates",
        "scope = 'bucket'",
        "sets",
        "reclaimable_bytes",
    ),
    _failing("unencrypted", _unencrypted),
    _failing("public_acl", _with_acl(PUBLIC_PLACE)),
    _failing("foreign_owner", _with_acl(FOREIGN_PLACE)),
    Counted(
        "noncurrent versions and their bytes, by bucket",
        lambda v: ~v.is_latest,
        "storage_waste",
        "kind = 'noncurrent_versions'",
    ),
    Counted(
        "objects in folders of people, by bucket",
        lambda v: _under(v, "curated/users/") & ~v.is_marker,
        "personal_data_prefixes",
        "rule_id = 'people_folder'",
    ),
    Counted(
        "objects in Intelligent-Tiering, by bucket",
        lambda v: _tiered(v),
        "tiering_effectiveness",
        "TRUE",
    ),
)


def object_facts(estate: Estate, day: Day, arrived: Sequence[Report]) -> Iterator[Fact]:
    on = estate.delivered_on(day)

    def fact(title: str, planted: Rows, sql: str, table: str) -> Fact:
        return Fact(SECTION, f"{title}, delivered {on}", planted, sql, (table,), params={"on": on})

    for one in COUNTED:
        rows = ((r.bucket, *_counted(estate, r, day, one.choice)) for r in arrived)
        yield fact(one.title, tuple(row for row in rows if row[1]), one.sql, one.table)
    yield fact(
        "objects of tenants",
        tuple(_tenants(estate, day, arrived)),
        "SELECT tenant, CAST(SUM(objects) AS BIGINT), CAST(SUM(bytes) AS BIGINT)"
        " FROM tenant_usage WHERE delivered_on = $on GROUP BY tenant",
        "tenant_usage",
    )
    yield fact(
        "figures of reports that are not what CloudWatch measured on day one",
        ((sum(_changed(estate, report, day) for report in arrived),),),
        "SELECT COUNT(*) FROM bucket_reconciliation WHERE delivered_on = $on"
        " AND status NOT IN ('matches', 'unknown')",
        "bucket_reconciliation",
    )


def _changed(estate: Estate, report: Report, day: Day) -> int:
    """Classes whose bytes are not those of day one, and one more if the number of objects is not.

    The newest snapshot by either delivery is day one's.
    """
    listed, measured = totals(estate, report, day), totals(estate, report, 1)
    kinds = listed.bytes_by_class.keys() | measured.bytes_by_class.keys()
    differ = [listed.bytes_by_class.get(k) != measured.bytes_by_class.get(k) for k in kinds]
    return sum(differ) + (listed.versions != measured.versions)


def _under(versions: Versions, prefix: str) -> "Flags":
    """Ordinary keys under one of the report's prefixes; all others have one of their own."""
    if prefix not in versions.report.prefixes:
        return np.zeros(len(versions), np.bool_)
    found: Flags = versions.prefixes == versions.report.prefixes.index(prefix)
    return found & ~versions.is_awkward


def _tiered(versions: Versions) -> "Flags":
    tiers = np.array([kind.tier is not None for kind in versions.report.kinds])
    found: Flags = tiers[versions.kinds] & ~versions.is_marker
    return found


def _tenants(estate: Estate, day: Day, arrived: Sequence[Report]) -> Iterator[tuple[str, int, int]]:
    owners: dict[str, Callable[[Report], Choice]] = {
        "storefront": lambda r: lambda v: np.full(len(v), r.account == STOREFRONT),
        "orders": lambda r: lambda v: _under(v, "curated/orders/") & (r.account == ANALYTICS),
        "unassigned": lambda r: lambda v: ~_under(v, "curated/orders/") & (r.account != STOREFRONT),
    }
    for tenant, choice in owners.items():
        counts = [_counted(estate, report, day, choice(report)) for report in arrived]
        yield tenant, sum(count for count, _ in counts), sum(size for _, size in counts)


def _counted(estate: Estate, report: Report, day: Day, choice: Choice) -> tuple[int, int]:
    """How many versions are chosen, and their bytes."""
    parts = [(part.sizes, choice(part)) for part in population(estate, report, day)]
    return (
        sum(int(chosen.sum()) for _, chosen in parts),
        sum(int(sizes[chosen].sum()) for sizes, chosen in parts),
    )
