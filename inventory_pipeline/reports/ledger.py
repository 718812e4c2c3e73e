"""The ledger `s3_deliveries`: which manifests have been dealt with, and how.

Belongs here: reading it, asking it, and the rules by which a new row changes old ones. Exactly one
manifest fills a partition: its row is `ingested`, and readers see the partition for that. Not here:
commits (`ingest`).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from inventory_pipeline.reports.deliveries import Delivery

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

Status = Literal["seen", "ingested", "superseded", "quarantined"]
Row = dict[str, Any]
"""A row of `s3_deliveries`."""


@dataclass(frozen=True)
class Ledger:
    """Rows of `s3_deliveries`, to be asked about deliveries."""

    statuses: Mapping[tuple[str, str, datetime, str | None], Status]
    newest_ingested: Mapping[tuple[date, str, str], datetime]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Ledger:
        statuses: dict[tuple[str, str, datetime, str | None], Status] = {}
        newest: dict[tuple[date, str, str], datetime] = {}
        for row in rows:
            statuses[*_identity(row), row["manifest_md5"]] = row["status"]
            if row["status"] == "ingested":
                newest[_partition(row)] = row["delivered_at"]
        return cls(statuses, newest)

    def status(self, delivery: Delivery, manifest_md5: str | None) -> Status | None:
        """What became of this manifest of the delivery; None where it is not known."""
        identity = (delivery.source_bucket, delivery.configuration_id, delivery.delivered_at)
        return self.statuses.get((*identity, manifest_md5))

    def overtaken(self, delivery: Delivery) -> bool:
        """Whether a later delivery of the same day and configuration is ingested."""
        newest = self.newest_ingested.get(delivery.partition)
        return newest is not None and newest > delivery.delivered_at

    def is_settled(self, delivery: Delivery, manifest_md5: str | None) -> bool:
        """Whether nothing is left to do: ingested, quarantined, or overtaken and recorded so."""
        status = self.status(delivery, manifest_md5)
        return status in ("ingested", "quarantined") or (
            status == "superseded" and self.overtaken(delivery)
        )


def read_ledger(lake: Lake, days: Collection[date], *, retry: bool = False) -> Ledger:
    """The ledger of these days of delivery; to `retry`, as if it had quarantined nothing."""
    if not days:
        return Ledger.of(())
    rows = lake.read("s3_deliveries", {"delivered_on": sorted(days)}).to_pylist()
    return Ledger.of(r for r in rows if not (retry and r["status"] == "quarantined"))


def record(rows: Sequence[Row], news: Sequence[Row]) -> list[Row]:
    """A day's rows with `news` written in.

    A new row takes the place of the one of the same manifest, and of one whose manifest could not
    be read. An ingested one supersedes what filled its partition before.
    """
    kept: dict[tuple[date, str, str], list[Row]] = {}
    for row in rows:
        kept.setdefault(_partition(row), []).append(row)
    for new in news:
        others = [r for r in kept.get(_partition(new), ()) if not _same_manifest(r, new)]
        kept[_partition(new)] = [*(_after(row, new) for row in others), new]
    return sorted(
        itertools.chain.from_iterable(kept.values()),
        key=lambda r: (*_identity(r), r["manifest_md5"] or ""),
    )


def hide(rows: Sequence[Row], partitions: Collection[tuple[date, str, str]]) -> list[Row]:
    """A day's rows with these partitions no longer visible, while they are replaced."""
    note = {"status": "seen", "error": "being replaced; ingested again if that was cut short"}
    return [
        row | note if row["status"] == "ingested" and _partition(row) in partitions else row
        for row in rows
    ]


def _same_manifest(row: Row, new: Row) -> bool:
    return _identity(row) == _identity(new) and row["manifest_md5"] in (None, new["manifest_md5"])


def _after(row: Row, new: Row) -> Row:
    """What becomes of another row of the same partition."""
    stale = row["status"] in ("ingested", "seen") and row["delivered_at"] <= new["delivered_at"]
    if new["status"] == "ingested" and stale:
        later = "manifest" if row["delivered_at"] == new["delivered_at"] else "delivery"
        return row | {"status": "superseded", "error": f"a later {later} of the day is ingested"}
    return row


def _identity(row: Row) -> tuple[str, str, datetime]:
    return row["source_bucket"], row["configuration_id"], row["delivered_at"]


def _partition(row: Row) -> tuple[date, str, str]:
    return row["delivered_on"], row["source_bucket"], row["configuration_id"]
