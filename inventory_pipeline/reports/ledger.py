"""The ledger `s3_deliveries`: which manifests have been dealt with, and how.

Belongs here: reading it, asking it, changing it, and the rules by which a new row changes old ones.
Exactly one manifest fills a partition: its row is `ingested`, and readers see the partition for
that. Not here: what is in a partition (`ingest`, `erasure`).
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from inventory_pipeline.reports.deliveries import Delivery
from inventory_pipeline.tables import DELIVERY

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from inventory_pipeline.lake import DataFile, Lake, Rewriting

Status = Literal["seen", "ingested", "superseded", "quarantined", "erased"]
Row = dict[str, Any]
"""A row of `s3_deliveries`."""
Partition = tuple[date, str, str]
"""A day, a source bucket and a configuration."""

TABLE = "s3_deliveries"
SETTLED = frozenset({"ingested", "erased"})
MANY_FILES = 16
"""A day's rows are put together into one file when they are in more than this."""


@dataclass(frozen=True)
class Ledger:
    """Rows of `s3_deliveries`, to be asked about deliveries."""

    statuses: Mapping[tuple[str, str, datetime, str | None], Status]
    quarantined: Set[tuple[str, str | None]]
    """Addresses and MD5s of manifests: a copy of the report in another bucket may be sound."""
    newest_filled: Mapping[Partition, datetime]
    md5s: Mapping[tuple[str, str, datetime, str], str]
    """MD5 of a manifest by its ETag, which is another where KMS encrypts it."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Ledger:
        statuses: dict[tuple[str, str, datetime, str | None], Status] = {}
        newest: dict[Partition, datetime] = {}
        md5s: dict[tuple[str, str, datetime, str], str] = {}
        quarantined: set[tuple[str, str | None]] = set()
        for row in rows:
            manifest = (*_identity(row), row["manifest_md5"])
            if row["status"] == "quarantined":
                quarantined.add((row["manifest_uri"], row["manifest_md5"]))
                statuses.setdefault(manifest, "quarantined")  # unless a copy of it fared better
            else:
                statuses[manifest] = row["status"]
            if row["status"] in ("ingested", "erased"):
                earlier = newest.get(_partition(row), row["delivered_at"])
                newest[_partition(row)] = max(earlier, row["delivered_at"])
            if row.get("manifest_etag") and row["manifest_md5"]:
                md5s[*_identity(row), row["manifest_etag"]] = row["manifest_md5"]
        return cls(statuses, quarantined, newest, md5s)

    def status(self, delivery: Delivery, manifest_md5: str | None) -> Status | None:
        """What became of this manifest of the delivery; None where it is not known."""
        return self.statuses.get((*delivery.identity, manifest_md5))

    def overtaken(self, delivery: Delivery) -> bool:
        """Whether a later delivery of the same day and configuration is ingested, or erased."""
        newest = self.newest_filled.get(delivery.partition)
        return newest is not None and newest > delivery.delivered_at

    def is_settled(self, delivery: Delivery, manifest_md5: str | None) -> bool:
        """Whether nothing is left to do: done with, or overtaken and recorded so."""
        if (delivery.manifest_uri, manifest_md5) in self.quarantined:
            return True
        status = self.status(delivery, manifest_md5)
        return status in SETTLED or (status == "superseded" and self.overtaken(delivery))

    def is_settled_as_listed(self, delivery: Delivery) -> bool:
        """The same of the manifest that a listing shows by its ETag."""
        etag = delivery.manifest_etag
        return etag is not None and self.is_settled(
            delivery, self.md5s.get((*delivery.identity, etag), etag)
        )

    def is_erased(self, delivery: Delivery) -> bool:
        """Whether what was ingested of the delivery has been erased on request."""
        return any(
            status == "erased" and known[:3] == delivery.identity
            for known, status in self.statuses.items()
        )


ASKED = (*DELIVERY, "delivered_at", "manifest_uri", "manifest_md5", "manifest_etag", "status")


def ledger_version(lake: Lake) -> int | None:
    """Another one after each change of the ledger; None where there is none yet."""
    iceberg = lake.iceberg(TABLE)
    return iceberg.metadata.current_snapshot_id if iceberg else None


def read_ledger(
    lake: Lake,
    days: Collection[date],
    *,
    sources: Collection[str] | None = None,
    retry: bool = False,
) -> Ledger:
    """The ledger of these days of delivery, of all source buckets or some.

    To `retry`, as if it had quarantined nothing.
    """
    if not days or (sources is not None and not sources):
        return Ledger.of(())
    where: dict[str, Any] = {"delivered_on": sorted(days)}
    if sources is not None:
        where["source_bucket"] = sorted(sources)
    rows = lake.read(TABLE, where, ASKED).to_pylist()
    return Ledger.of(r for r in rows if not (retry and r["status"] == "quarantined"))


ONCE_MENDED = "; once mended: "
"""What stands between the reason of a quarantine and the command that tries again."""


def retry_command(delivery: Delivery) -> str:
    """The shell's line that tries a delivery again, whatever its name holds."""
    return f"inventory ingest --delivery {shlex.quote(delivery.manifest_uri)}"


def quarantine_reason(delivery: Delivery, error: Exception) -> str:
    """Why a delivery is quarantined, and what to run once that is mended."""
    return f"{error}{ONCE_MENDED}{retry_command(delivery)}"


def record_news(lake: Lake, news: Sequence[Row]) -> None:
    """Write new rows into the ledger, a commit for each of their days."""
    for day in sorted({row["delivered_on"] for row in news}):
        of_day = [row for row in news if row["delivered_on"] == day]
        change_ledger(lake, day, set(map(_partition, of_day)), partial(record, news=of_day))


def hide_partitions(lake: Lake, partitions: Collection[Partition]) -> None:
    """Take what is to be replaced out of sight, so that no reader sees half of it replaced."""
    for day in sorted({day for day, _, _ in partitions}):
        sources = sorted({source for on, source, _ in partitions if on == day})
        where = {"delivered_on": day, "source_bucket": sources, "status": "ingested"}
        seen = {_partition(row) for row in lake.read(TABLE, where, DELIVERY).to_pylist()}
        if visible := seen & {*partitions}:
            change_ledger(lake, day, visible, partial(hide, partitions=visible))


def change_ledger(
    lake: Lake,
    day: date,
    partitions: Collection[Partition],
    change: Callable[[list[Row]], list[Row]],
) -> None:
    """Change the rows of a day's partitions: `change` gets all rows there are of their buckets.

    Files without such rows stay as they are until there are many, so that the thousandth commit of
    a day costs what the first did.
    """
    sources = {source for _, source, _ in partitions}
    lake.rewrite(
        TABLE,
        {"delivered_on": day},
        lambda files: _rewriting(lake, files, sources, change),
    )


def _rewriting(
    lake: Lake,
    files: Sequence[DataFile],
    sources: Collection[str],
    change: Callable[[list[Row]], list[Row]],
) -> Rewriting:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from inventory_pipeline.lake import Rewriting
    from inventory_pipeline.lake.schema import arrow_schema

    wanted = pc.field("source_bucket").isin(sorted(sources))
    touched = [file for file in files if _dataset(lake, [file]).count_rows(filter=wanted)]
    if len(files) - len(touched) >= MANY_FILES:
        touched = list(files)
    rows = _dataset(lake, touched).to_table() if touched else arrow_schema(TABLE).empty_table()
    new = pa.Table.from_pylist(change(rows.filter(wanted).to_pylist()), schema=rows.schema)
    written = lake.scratch_file()
    pq.write_table(pa.concat_tables([rows.filter(~wanted), new]), written, compression="zstd")
    return Rewriting([file for file in files if file not in touched], [written])


def _dataset(lake: Lake, files: Sequence[DataFile]) -> ds.Dataset:
    from inventory_pipeline.lake.files import dataset
    from inventory_pipeline.lake.schema import arrow_schema

    return dataset(files, arrow_schema(TABLE), lake.filesystem)


def record(rows: Sequence[Row], news: Sequence[Row]) -> list[Row]:
    """A day's rows with `news` written in.

    A new row takes the place of the one of the same manifest, and of one whose manifest could not
    be read; that of a bad copy elsewhere stays until a good one is ingested. An ingested one
    supersedes what filled its partition before.
    """
    kept: dict[Partition, list[Row]] = {}
    for row in rows:
        kept.setdefault(_partition(row), []).append(row)
    for new in news:
        others = [r for r in kept.get(_partition(new), ()) if not _same_manifest(r, new)]
        kept[_partition(new)] = [*(_after(row, new) for row in others), new]
    return sorted(
        itertools.chain.from_iterable(kept.values()),
        key=lambda r: (*_identity(r), r["manifest_md5"] or "", r["manifest_uri"]),
    )


def hide(rows: Sequence[Row], partitions: Collection[Partition]) -> list[Row]:
    """A day's rows with these partitions no longer visible, while they are replaced."""
    note = {"status": "seen", "error": "being replaced; ingested again if that was cut short"}
    return [
        row | note if row["status"] == "ingested" and _partition(row) in partitions else row
        for row in rows
    ]


def _same_manifest(row: Row, new: Row) -> bool:
    is_bad_copy = row["status"] == "quarantined" and row["manifest_uri"] != new["manifest_uri"]
    return (
        _identity(row) == _identity(new)
        and row["manifest_md5"] in (None, new["manifest_md5"])
        and not (is_bad_copy and new["status"] != "ingested")
    )


def _after(row: Row, new: Row) -> Row:
    """What becomes of another row of the same partition."""
    filled = row["status"] in ("ingested", "seen", "erased")
    if new["status"] == "ingested" and filled and row["delivered_at"] <= new["delivered_at"]:
        later = "manifest" if row["delivered_at"] == new["delivered_at"] else "delivery"
        return row | {"status": "superseded", "error": f"a later {later} of the day is ingested"}
    return row


def _identity(row: Row) -> tuple[str, str, datetime]:
    return row["source_bucket"], row["configuration_id"], row["delivered_at"]


def _partition(row: Row) -> Partition:
    return row["delivered_on"], row["source_bucket"], row["configuration_id"]
