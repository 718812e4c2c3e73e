"""Which of the deliveries found are to be ingested, and which one run takes.

The ledger says what is settled. A run's budget, by count and bytes, needs each manifest, read once
here and again, verified, by `ingest`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inventory_pipeline.reports.deliveries import Delivery, Found
from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.ledger import read_ledger
from inventory_pipeline.reports.manifest import parse_manifest
from inventory_pipeline.reports.storage import S3Client
from inventory_pipeline.reports.verification import read_manifest

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

WEIGHERS = 16
"""Manifests read at once."""


@dataclass(frozen=True)
class Weighed:
    """A delivery and its report's bytes; 0 where the manifest cannot be read or parsed."""

    delivery: Delivery
    manifest_md5: str | None
    bytes: int


@dataclass(frozen=True)
class Unsettled:
    """What the ledger has not settled of what was found.

    `ready` are to be ingested; `left` were not looked at, for want of time; `under_way` some run is
    at already. An incomplete delivery is in none of them.
    """

    ready: Sequence[Weighed]
    left: Sequence[Delivery]
    under_way: Sequence[Delivery]


def unsettled(
    lake: Lake,
    s3: S3Client,
    found: Found,
    *,
    under_way: Collection[str] = (),
    late: Callable[[], bool] = lambda: False,
    retry: bool = False,
) -> Unsettled:
    """What is to be ingested of what was found, in the order found.

    `under_way` are manifests that runs are at; to `retry` takes what is quarantined as well. When
    `late()` turns true no more manifests are read, but some are read in any case.
    """
    days = {d.delivered_on for d in found.deliveries}
    sources = {d.source_bucket for d in found.deliveries}
    ledger = read_ledger(lake, days, sources=sources, retry=retry)
    unknown = [d for d in found.deliveries if not ledger.is_settled_as_listed(d)]
    free = [d for d in unknown if d.manifest_uri not in under_way]
    weighed = _weigh_all(s3, free, late)
    # KMS hides the MD5 in a listing: it may be known after all.
    ready = [w for w in weighed if w and not ledger.is_settled(w.delivery, w.manifest_md5)]
    taken = [d for d in unknown if d.manifest_uri in under_way]
    return Unsettled(ready, free[len(weighed) :], taken)


def _weigh_all(
    s3: S3Client, deliveries: Sequence[Delivery], late: Callable[[], bool]
) -> list[Weighed | None]:
    """The manifests of these deliveries, or of the first ones when time is up."""
    weighed: list[Weighed | None] = []
    with ThreadPoolExecutor(WEIGHERS, "weigh") as pool:
        while len(weighed) < len(deliveries) and not (weighed and late()):
            some = deliveries[len(weighed) : len(weighed) + 4 * WEIGHERS]
            weighed += pool.map(lambda delivery: weigh(s3, delivery), some)
    return weighed


def weigh(s3: S3Client, delivery: Delivery) -> Weighed | None:
    """Read a delivery's manifest; None where it is not (or not yet wholly) delivered.

    A manifest that is wrong for good weighs nothing, so that a run takes it and records why.
    """
    try:
        manifest, md5 = read_manifest(s3, delivery)
    except NotReadyError:
        return None
    except ReportError:
        return Weighed(delivery, None, 0)
    try:
        return Weighed(delivery, md5, parse_manifest(manifest.content).bytes)
    except ReportError:
        return Weighed(delivery, md5, 0)


def plan_runs(
    weighed: Iterable[Weighed],
    *,
    max_deliveries: int,
    max_bytes: int,
    limits: Mapping[str, int] | None = None,
) -> list[list[Weighed]]:
    """Group deliveries into runs, oldest first.

    A run holds deliveries of one day. One larger than `max_bytes` gets a run of its own. `limits`
    are of manifests that failed in company: they share a run with so many of their like at most.
    """
    limits = limits or {}

    def order(item: Weighed) -> tuple[object, ...]:
        d = item.delivery
        return d.delivered_on, limit(item), d.delivered_at, d.prefix

    def limit(item: Weighed) -> int:
        return min(limits.get(item.delivery.manifest_uri, max_deliveries), max_deliveries)

    runs: list[list[Weighed]] = []
    room = 0
    for item in sorted(weighed, key=order):
        run = runs[-1] if runs else []
        alike = run and order(run[-1])[:2] == order(item)[:2]
        if alike and len(run) < limit(item) and item.bytes <= room:
            run.append(item)
        else:
            runs.append([item])
            room = max_bytes
        room -= item.bytes
    return runs
