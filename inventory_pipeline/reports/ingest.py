"""Bringing deliveries into the lake: verify, read, roll up, commit many together.

Order of commits: `s3_objects`, `s3_usage`, and last the ledger, by which readers see the rest. A
run that dies before the last leaves nothing visible, and the next one goes on at the file it was
at. A bad delivery is quarantined with the reason; the others go on. Not here: one file's way
(`reading`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inventory_pipeline.lake.turns import INGESTION, Turn, alone
from inventory_pipeline.reports.deliveries import Delivery, Destination
from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.ledger import (
    Ledger,
    Partition,
    Row,
    Status,
    hide_partitions,
    ledger_version,
    quarantine_reason,
    read_ledger,
    record_news,
)
from inventory_pipeline.reports.manifest import Manifest, parse_manifest
from inventory_pipeline.reports.partials import Grouping
from inventory_pipeline.reports.reading import Job, Reader, ReadFile, finished, reading
from inventory_pipeline.reports.rollup import usage_select
from inventory_pipeline.reports.storage import S3Client
from inventory_pipeline.reports.verification import check_source, read_manifest
from inventory_pipeline.tables import DELIVERY

if TYPE_CHECKING:
    from inventory_pipeline.lake import DataFile, DuckDBEngine, Lake, Session, Where

OVERTAKEN = "a later delivery of the day is ingested"
MANIFEST_READERS = 8
"""Manifests fetched at once."""


@dataclass(frozen=True)
class DeliveryResult:
    """What became of a delivery.

    `skipped`: this very manifest is ingested already, or was erased on request. `seen`: not
    readable now, to be tried again.
    `notes` say what was left aside: fields whose names no column can have.
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
    """One delivery on its way: what is known of it so far."""

    delivery: Delivery
    s3: S3Client
    restore: bool = False
    manifest_md5: str | None = None
    manifest_etag: str | None = None
    arrived_at: datetime | None = None
    manifest: Manifest | None = None
    objects: list[DataFile] = field(default_factory=list)
    usage: list[Path] = field(default_factory=list)
    status: Status | Literal["skipped"] = "seen"
    error: str | None = None

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Set down an error of the report, or of S3, as what became of the delivery."""
        try:
            yield
        except NotReadyError as error:
            self.status, self.error = "seen", str(error)
        except ReportError as error:
            self.status = "quarantined"
            self.error = quarantine_reason(self.delivery, error)

    def is_done(self, ledger: Ledger) -> bool:
        """Whether this very manifest is ingested, or was erased and is not to be restored."""
        status = ledger.status(self.delivery, self.manifest_md5)
        return status == "ingested" or (status == "erased" and not self.restore)

    def is_copy_of(self, other: _Work) -> bool:
        """Whether both are the same report, as a replicated destination has it."""
        same_time = self.delivery.delivered_at == other.delivery.delivered_at
        return same_time and self.manifest_md5 == other.manifest_md5

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.objects)

    def result(self) -> DeliveryResult:
        known = self.manifest
        unread = ", ".join(map(ascii, known.unread_fields)) if known else ""
        return DeliveryResult(
            self.delivery,
            self.status,
            self.manifest_md5,
            rows=self.rows if self.status == "ingested" else None,
            files=len(known.files) if known else None,
            bytes=known.bytes if known else None,
            error=self.error,
            notes=(f"fields not read, by their names: {unread}",) if unread else (),
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
    workers: int = 2,
    restore: bool = False,
    progress: Callable[[DeliveryResult], None] | None = None,
) -> list[DeliveryResult]:
    """Ingest deliveries and commit them together; results come in the order given.

    `s3_for` gives the client that may read a destination. Quarantined deliveries are tried again
    when they are given; erased ones only to `restore` them. Of several deliveries of a day and
    configuration the newest good one wins. `workers` files are decoded at a time.
    """
    work = _work(s3_for, deliveries, restore)
    days = {item.delivery.delivered_on for item in work}
    sources = {item.delivery.source_bucket for item in work}
    version = ledger_version(lake)
    ledger = read_ledger(lake, days, sources=sources)
    taken: dict[Partition, _Work] = {}
    try:
        with engine.session({}) as db, reading(lake, db, workers) as reader:
            for abreast in _abreast(work):
                for item, files in _begun(abreast, reader, ledger, taken, prefix_depth):
                    if files is not None:
                        _finish(item, files, db, prefix_limit)
                    if item.status in ("ingested", "skipped"):
                        taken.setdefault(item.delivery.partition, item)
                    if progress:
                        progress(item.result())
        with alone(lake, INGESTION) as turn:
            if ledger_version(lake) != version:
                _give_way(lake, [item for item in work if item.status != "skipped"])
            _commit(lake, turn, work, now)
    finally:
        for path in (path for item in work for path in item.usage):
            path.unlink(missing_ok=True)
    return [item.result() for item in work]


def _work(
    s3_for: Callable[[Destination], S3Client], deliveries: Iterable[Delivery], restore: bool
) -> list[_Work]:
    """Each delivery once, clients shared."""
    clients: dict[tuple[str, str], S3Client] = {}
    work: list[_Work] = []
    for delivery in dict.fromkeys(deliveries):
        place = (delivery.destination.bucket, delivery.destination.prefix)
        if place not in clients:
            clients[place] = s3_for(delivery.destination)
        work.append(_Work(delivery, clients[place], restore))
    return work


def _abreast(work: Iterable[_Work]) -> Iterator[list[_Work]]:
    """Deliveries that can be read side by side: the newest of each partition, then the next."""
    queues: dict[Partition, list[_Work]] = {}
    for item in sorted(work, key=lambda item: item.delivery.delivered_at, reverse=True):
        queues.setdefault(item.delivery.partition, []).append(item)
    while abreast := [queue.pop(0) for queue in queues.values() if queue]:
        yield abreast


def _begun(
    work: Sequence[_Work],
    reader: Reader,
    ledger: Ledger,
    taken: Mapping[Partition, _Work],
    prefix_depth: int,
) -> list[tuple[_Work, list[Future[ReadFile]] | None]]:
    """Read the manifests, and have the files read of those deliveries that are to be ingested."""
    begun: list[tuple[_Work, list[Future[ReadFile]] | None]] = []
    with ThreadPoolExecutor(MANIFEST_READERS, "manifest") as pool:
        known = pool.map(
            lambda item: _verify(item, ledger, taken.get(item.delivery.partition)), work
        )
        for item, manifest in zip(work, known, strict=True):
            files = None
            if manifest:
                grouping = Grouping(prefix_depth, item.delivery.delivered_at)
                files = reader.begin(Job(item.s3, item.delivery, manifest, grouping))
            begun.append((item, files))
    return begun


def _verify(item: _Work, ledger: Ledger, winner: _Work | None) -> Manifest | None:
    """The manifest of a delivery that is to be ingested; where it is not, sets down why.

    `winner` has its partition already: a later delivery, or a copy in another destination.
    """
    with item.judged():
        stored, item.manifest_md5 = read_manifest(item.s3, item.delivery)
        item.manifest_etag, item.arrived_at = stored.etag, stored.written_at
        if item.is_done(ledger) or (winner is not None and item.is_copy_of(winner)):
            item.status = "skipped"
            return None
        item.manifest = parse_manifest(stored.content)
        check_source(item.manifest, item.delivery)
        if winner is None and not ledger.overtaken(item.delivery):
            return item.manifest
        item.status, item.error = "superseded", OVERTAKEN
    return None


def _finish(item: _Work, files: Sequence[Future[ReadFile]], db: Session, prefix_limit: int) -> None:
    """Wait for a delivery's files and combine their partials."""
    with item.judged():
        read = finished(files)
        if partials := [str(file.partial) for file in read if file.data.rows]:
            item.usage = _combined(item.delivery, partials, db, prefix_limit)
        item.objects = [file.data for file in read]
        item.status = "ingested"


def _combined(
    delivery: Delivery, partials: Sequence[str], db: Session, prefix_limit: int
) -> list[Path]:
    import duckdb

    parameters = dict(zip(DELIVERY, delivery.partition, strict=True))
    try:
        return db.build(
            "s3_usage",
            usage_select(),
            parameters | {"files": partials, "prefix_limit": prefix_limit},
        )
    except duckdb.ConversionException as error:
        raise ReportError("sizes of objects add up to 2^63 bytes and more") from error
    except duckdb.InvalidInputException as error:
        raise ReportError("keys of objects are not UTF-8") from error


def _give_way(lake: Lake, work: Sequence[_Work]) -> None:
    """Leave out what another process has ingested or erased meanwhile, or a later delivery of.

    Also where this one failed: its word would hide what the other has ingested.
    """
    days = {item.delivery.delivered_on for item in work}
    sources = {item.delivery.source_bucket for item in work}
    ledger = read_ledger(lake, days, sources=sources)
    for item in work:
        if item.is_done(ledger):
            item.status, item.error = "skipped", None
        elif item.status == "ingested" and ledger.overtaken(item.delivery):
            item.status, item.error = "superseded", OVERTAKEN


def _commit(lake: Lake, turn: Turn, work: Sequence[_Work], now: datetime) -> None:
    """Objects, usage, ledger; partitions that readers see already are hidden before.

    One process at a time, for what another has just committed may be newer than what this has read.
    """
    ingested = [item for item in work if item.status == "ingested"]
    partitions: list[Where] = [
        dict(zip(DELIVERY, item.delivery.partition, strict=True)) for item in ingested
    ]
    if ingested:
        turn.check()
        hide_partitions(lake, {item.delivery.partition for item in ingested})
        turn.check()
        lake.replace("s3_objects", partitions, [file for i in ingested for file in i.objects])
        turn.check()
        lake.replace("s3_usage", partitions, [path for i in ingested for path in i.usage])
    turn.check()
    record_news(lake, [_row(item, now) for item in work if item.status != "skipped"])


def _row(item: _Work, now: datetime) -> Row:
    """The delivery's row in the ledger."""
    result, delivery = item.result(), item.delivery
    return {
        **dict(zip(DELIVERY, delivery.partition, strict=True)),
        "delivered_at": delivery.delivered_at,
        "arrived_at": item.arrived_at,
        "manifest_uri": delivery.manifest_uri,
        "manifest_md5": item.manifest_md5,
        "manifest_etag": item.manifest_etag,
        "format": item.manifest.format if item.manifest else None,
        "schema": item.manifest.schema_text if item.manifest else None,
        "files": result.files,
        "rows": result.rows,
        "bytes": result.bytes,
        "status": item.status,
        "error": item.error,
        "recorded_at": now,
    }
