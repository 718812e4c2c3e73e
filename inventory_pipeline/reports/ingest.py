"""Bringing deliveries into the lake: verify, decode, roll up, commit many together.

Order of commits: `s3_objects`, `s3_usage`, and last the ledger, by which readers see the rest. A
run that dies before the last leaves nothing visible, and the next one does the same work again. A
bad delivery is quarantined with the reason; the others go on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inventory_pipeline.reports.deliveries import Delivery, Destination
from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.formats import decode
from inventory_pipeline.reports.ledger import (
    Ledger,
    Row,
    Status,
    hide,
    read_ledger,
    record,
)
from inventory_pipeline.reports.manifest import Manifest, parse_manifest
from inventory_pipeline.reports.rollup import usage_select
from inventory_pipeline.reports.storage import S3Client
from inventory_pipeline.reports.verification import check_source, fetch_file, read_manifest
from inventory_pipeline.tables import DELIVERY

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine, Lake, Session, Where


@dataclass(frozen=True)
class DeliveryResult:
    """What became of a delivery.

    `skipped`: this very manifest is ingested already. `seen`: not readable now, to be tried again.
    `notes` say what was left aside, such as fields this build does not know.
    """

    delivery: Delivery
    status: Status | Literal["skipped"]
    manifest_md5: str | None = None
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


@dataclass
class _Work:
    """One delivery on its way: what is known of it so far, and files not committed yet."""

    delivery: Delivery
    manifest_md5: str | None = None
    manifest: Manifest | None = None
    objects: list[Path] = field(default_factory=list)
    usage: list[Path] = field(default_factory=list)
    rows: int = 0
    status: Status | Literal["skipped"] = "seen"
    error: str | None = None

    def is_copy_of(self, other: _Work) -> bool:
        """Whether both are the same report, as a replicated destination has it."""
        same_time = self.delivery.delivered_at == other.delivery.delivered_at
        return same_time and self.manifest_md5 == other.manifest_md5

    def drop_files(self) -> None:
        for path in (*self.objects, *self.usage):
            path.unlink(missing_ok=True)

    def result(self) -> DeliveryResult:
        known = self.manifest
        unknown = ", ".join(map(ascii, known.unknown_fields)) if known else ""
        return DeliveryResult(
            self.delivery,
            self.status,
            self.manifest_md5,
            rows=self.rows if self.status == "ingested" else None,
            files=len(known.files) if known else None,
            bytes=known.bytes if known else None,
            error=self.error,
            notes=(f"fields not read, unknown to this build: {unknown}",) if unknown else (),
        )


def ingest(
    lake: Lake,
    engine: DuckDBEngine,
    s3_for: Callable[[Destination], S3Client],
    deliveries: Iterable[Delivery],
    *,
    prefix_depth: int,
    prefix_limit: int,
    now: datetime,
    progress: Callable[[DeliveryResult], None] | None = None,
) -> list[DeliveryResult]:
    """Ingest deliveries and commit them together; results come in the order given.

    `s3_for` gives the client that may read a destination. Quarantined deliveries are tried again
    when they are given. Of several deliveries of a day and configuration the newest good one wins.
    """
    work = {delivery: _Work(delivery) for delivery in deliveries}
    ledger = read_ledger(lake, {delivery.delivered_on for delivery in work})
    taken: dict[tuple[date, str, str], _Work] = {}
    try:
        with engine.session({}) as db:
            for delivery in sorted(work, key=lambda d: d.delivered_at, reverse=True):
                item = work[delivery]
                _process(item, db, lake, ledger, s3_for, taken.get(delivery.partition))
                if item.status == "ingested":
                    _roll_up(item, db, prefix_depth, prefix_limit)
                if item.status in ("ingested", "skipped"):
                    taken.setdefault(delivery.partition, item)
                if progress:
                    progress(item.result())
        _commit(lake, list(work.values()), now)
    finally:
        for item in work.values():
            item.drop_files()
    return [item.result() for item in work.values()]


def _process(
    item: _Work,
    db: Session,
    lake: Lake,
    ledger: Ledger,
    s3_for: Callable[[Destination], S3Client],
    winner: _Work | None,
) -> None:
    """Verify and decode one delivery; sets its status, and why where it is not ingested.

    `winner` has its partition already: a later delivery, or a copy in another destination.
    """
    try:
        s3 = s3_for(item.delivery.destination)
        content, item.manifest_md5 = read_manifest(s3, item.delivery)
        known = ledger.status(item.delivery, item.manifest_md5) == "ingested"
        if known or (winner is not None and item.is_copy_of(winner)):
            item.status = "skipped"
            return
        item.manifest = parse_manifest(content)
        check_source(item.manifest, item.delivery)
        if winner is not None or ledger.overtaken(item.delivery):
            item.status, item.error = "superseded", "a later delivery of the day is ingested"
            return
        _decode_files(item, item.manifest, db, lake, s3)
        item.status = "ingested"
    except NotReadyError as error:
        item.status, item.error = "seen", str(error)
    except ReportError as error:
        item.status, item.error = "quarantined", str(error)
    if item.status != "ingested":
        item.drop_files()


def _decode_files(item: _Work, manifest: Manifest, db: Session, lake: Lake, s3: S3Client) -> None:
    """Fetch, verify and decode the report files one by one; only one is on disk at a time."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="report-", dir=lake.scratch) as folder:
        target = Path(folder) / "file"
        for file in manifest.files:
            address = fetch_file(s3, item.delivery, file, target)
            paths = decode(db, manifest, item.delivery, target, address)
            item.objects += paths
            item.rows += sum(pq.read_metadata(path).num_rows for path in paths)


def _roll_up(item: _Work, db: Session, prefix_depth: int, prefix_limit: int) -> None:
    if item.rows:
        item.usage = db.build(
            "s3_usage",
            usage_select(prefix_depth),
            {
                "files": [str(path) for path in item.objects],
                "delivered_at": item.delivery.delivered_at,
                "prefix_limit": prefix_limit,
            },
        )


def _commit(lake: Lake, work: Sequence[_Work], now: datetime) -> None:
    """Objects, usage, ledger; partitions that readers see already are hidden before."""
    ingested = [item for item in work if item.status == "ingested"]
    partitions: list[Where] = [
        dict(zip(DELIVERY, item.delivery.partition, strict=True)) for item in ingested
    ]
    if ingested:
        _hide(lake, {item.delivery.partition for item in ingested})
        lake.replace("s3_objects", partitions, [path for i in ingested for path in i.objects])
        lake.replace("s3_usage", partitions, [path for i in ingested for path in i.usage])
    news = [_row(item, now) for item in work if item.status != "skipped"]
    for day in sorted({row["delivered_on"] for row in news}):
        _change_ledger(
            lake, day, partial(record, news=[row for row in news if row["delivered_on"] == day])
        )


def _hide(lake: Lake, partitions: set[tuple[date, str, str]]) -> None:
    """Take what is to be replaced out of sight, so that no reader sees half of it replaced."""
    visible = partitions & lake.deliveries()
    for day in sorted({day for day, _, _ in visible}):
        _change_ledger(lake, day, partial(hide, partitions=visible))


def _change_ledger(lake: Lake, day: date, change: Callable[[list[Row]], list[Row]]) -> None:
    import pyarrow as pa

    lake.merge(
        "s3_deliveries",
        {"delivered_on": day},
        lambda rows: pa.Table.from_pylist(change(rows.to_pylist()), schema=rows.schema),
    )


def _row(item: _Work, now: datetime) -> Row:
    """The delivery's row in the ledger."""
    result, delivery = item.result(), item.delivery
    return {
        **dict(zip(DELIVERY, delivery.partition, strict=True)),
        "delivered_at": delivery.delivered_at,
        "manifest_uri": delivery.manifest_uri,
        "manifest_md5": item.manifest_md5,
        "format": item.manifest.format if item.manifest else None,
        "schema": item.manifest.schema_text if item.manifest else None,
        "files": result.files,
        "rows": result.rows,
        "bytes": result.bytes,
        "status": item.status,
        "error": item.error,
        "recorded_at": now,
    }
