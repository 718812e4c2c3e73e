"""One report file's way into the lake: fetched and verified, adopted or decoded, counted.

Files are read side by side, each to one data file whose name says what made it. So a run that was
cut short goes on at the file it was at, and disk holds a few files only, however large the report.
Not here: what becomes of a delivery (`ingest`).
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, cast

from inventory_pipeline.lake.adopting import S3Report
from inventory_pipeline.reports import rollup_fast
from inventory_pipeline.reports.adoption import Adoption, NotAdoptableError, write_tail
from inventory_pipeline.reports.deliveries import Delivery
from inventory_pipeline.reports.formats import VERSION, decode, unreadable
from inventory_pipeline.reports.manifest import Manifest
from inventory_pipeline.reports.partials import Grouping, PartialWriter, roll_up
from inventory_pipeline.reports.ranged import RangedFile
from inventory_pipeline.reports.storage import MissingObjectError, S3Client, s3_errors
from inventory_pipeline.reports.verification import etag_proves, fetch_file
from inventory_pipeline.tables import DELIVERY, tables

if TYPE_CHECKING:
    from inventory_pipeline.lake import DataFile, Lake, Session

OBJECTS = "s3_objects"

DECODER_BYTES = 400_000_000
"""No more files are decoded at a time than the memory limit has as much for each; one in any case.
Arrow's batches take a third of it."""

PROCESS_BYTES = 400_000_000
"""What Python takes, with Arrow, Iceberg and compiled loops."""


@dataclass(frozen=True)
class Job:
    """A delivery to be read, by a client that may read it."""

    s3: S3Client
    delivery: Delivery
    manifest: Manifest
    grouping: Grouping

    def adoption(self, report: BinaryIO, tail: Path) -> Adoption | None:
        """What makes a data file of one of its Parquet files; None where nothing does."""
        fields = [*self.manifest.columns, *self.manifest.unknown_fields]
        constants: dict[str, str | date] = dict(zip(DELIVERY, self.delivery.partition, strict=True))
        try:
            return write_tail(report, fields, constants, tail)
        except NotAdoptableError:  # it is decoded then, which says what is wrong with it
            return None


@dataclass(frozen=True)
class ReadFile:
    """A report file that is in the lake, and the Parquet of its partial, unless it has no rows."""

    data: DataFile
    partial: Path


@contextmanager
def reading(lake: Lake, db: Session, workers: int) -> Iterator[Reader]:
    """A reader of files: `workers` are decoded at a time, and as many fetched meanwhile.

    The whole process is to keep to the engine's memory limit: there are fewer workers where it is
    low, and not all of it is left to `db`.
    """
    limit = db.memory_limit
    workers = max(1, min(workers, limit // DECODER_BYTES))
    db.memory_limit = max(limit // 4, limit - PROCESS_BYTES)
    pool = ThreadPoolExecutor(2 * workers, "report")
    with tempfile.TemporaryDirectory(prefix="reports-", dir=lake.scratch) as folder:
        try:
            yield Reader(lake, [db.beside() for _ in range(workers)], pool, Path(folder))
        finally:
            pool.shutdown(cancel_futures=True)


class Reader:
    """Brings report files into the lake; nothing there names them yet."""

    def __init__(
        self, lake: Lake, sessions: Sequence[Session], pool: ThreadPoolExecutor, folder: Path
    ) -> None:
        self._lake = lake
        self._pool = pool
        self._folder = folder
        self._sessions: SimpleQueue[Session] = SimpleQueue()
        for session in sessions:
            self._sessions.put(session)

    def begin(self, job: Job) -> list[Future[ReadFile]]:
        """Have a delivery's files read, in their order, after those of deliveries before it."""
        if job.manifest.unknown_fields:
            self._lake.evolve(OBJECTS, job.manifest.unknown_fields)
        return [self._pool.submit(self._read, job, n) for n in range(len(job.manifest.files))]

    def _read(self, job: Job, number: int) -> ReadFile:
        """Have a file in the lake: it may be there, from a run that was cut short."""
        import pyarrow as pa

        partial = self._folder / f"{uuid.uuid4()}.parquet"
        name = data_file_name(job, number)
        data = self._lake.arrived(OBJECTS, name)
        if data is None:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                data = self._make(job, number, name, Path(folder), partial)
        if data.rows and not partial.exists():
            with self._session() as db, unreadable(data.path, job.manifest):
                roll_up(self._lake, db, data.path, job.grouping, partial)
        pa.default_memory_pool().release_unused()  # it keeps some 50 MB a file, and 1 GB is to do
        return ReadFile(data, partial)

    def _make(self, job: Job, number: int, name: str, folder: Path, partial: Path) -> DataFile:
        """Make the data file of a report file; `partial` too, where that is no more work."""
        if data := self._adopt_unread(job, number, name, folder / "tail"):
            return data
        report, made = folder / "report", folder / "objects.parquet"
        address = fetch_file(job.s3, job.delivery, job.manifest.files[number], report)
        with self._session() as db, unreadable(address, job.manifest, report):
            if data := self._adopt(job, report, name):
                return data
            counter = PartialWriter(job.grouping, partial) if rollup_fast.available() else None
            decode(db, job.manifest, job.delivery, report, made, counter)
            if not partial.exists():
                roll_up(self._lake, db, str(made), job.grouping, partial)
        return self._lake.arrive(OBJECTS, made, name)

    def _adopt(self, job: Job, report: Path, name: str) -> DataFile | None:
        """Make a Parquet report itself the data file, where that can be."""
        if job.manifest.format != "Parquet":
            return None
        with report.open("rb") as content:
            adoption = job.adoption(content, report.with_suffix(".tail"))
        if adoption is None:
            return None
        return self._lake.adopt(OBJECTS, report, adoption.footer_start, adoption.tail, name)

    def _adopt_unread(self, job: Job, number: int, name: str, tail: Path) -> DataFile | None:
        """The same by S3 alone, where it holds both report and lake, and vouches for the report."""
        file, bucket = job.manifest.files[number], job.delivery.bucket
        if job.manifest.format != "Parquet" or self._lake.is_local:
            return None
        address = f"s3://{bucket}/{file.key}"
        with suppress(MissingObjectError), s3_errors(address), unreadable(address, job.manifest):
            head = job.s3.head_object(Bucket=bucket, Key=file.key)
            if not etag_proves(head, file):
                return None
            etag = head["ETag"]
            with self._session():
                report = RangedFile(job.s3, bucket, file.key, etag, file.size)
                adoption = job.adoption(cast(BinaryIO, report), tail)  # it reads as one
            if adoption:
                whole = S3Report(job.s3, bucket, file.key, etag)
                return self._lake.adopt(OBJECTS, whole, adoption.footer_start, tail, name)
        return None

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Leave to use memory, and an engine, when it is one's turn."""
        session = self._sessions.get()
        try:
            yield session
        finally:
            self._sessions.put(session)


def finished(files: Sequence[Future[ReadFile]]) -> list[ReadFile]:
    """A delivery's files when all are read. Where one fails, no others are begun, and it raises."""
    _, rest = wait(files, return_when=FIRST_EXCEPTION)
    for file in rest:
        file.cancel()
    wait(files)
    return [file.result() for file in files]


def data_file_name(job: Job, number: int) -> str:
    """What the data file of a report file is called: the same for the same rows only."""
    delivery = job.delivery
    place = f"{delivery.source_bucket}/{delivery.configuration_id}/{delivery.folder}"
    return f"{_digest(place, 16)}-{job.manifest.md5}-{number}-{_rows_version()}"


@cache
def _rows_version() -> str:
    """Of the decoding and of the columns there are to fill."""
    columns = [(column.name, column.type.value) for column in tables()[OBJECTS].columns]
    return _digest(f"{VERSION} {columns}", 8)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
