"""Finding deliveries: listing a destination for the folders that S3 Inventory has completed.

    <prefix>/<source bucket>/<configuration>/YYYY-MM-DDTHH-MMZ/manifest.json, manifest.checksum

The listing is the truth; AWS writes manifest.checksum last. Not here: which deliveries are known
(`ledger`), nor what is in them (`manifest`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from inventory_pipeline.reports.storage import S3Client, s3_errors

FOLDER_FORMAT = "%Y-%m-%dT%H-%MZ"
LOOKBACK = timedelta(days=7)
"""How far behind a source's cursor a delivery may still turn up (AWS: 48 hours or so)."""

DELIVERY_KEY = re.compile(
    r"(?P<folder>(?:.*/)?(?P<source>[^/]+)/(?P<configuration>[^/]+)/"
    r"(?P<at>\d{4}-\d\d-\d\dT\d\d-\d\dZ)/)(?P<name>manifest\.(?:json|checksum))",
    re.DOTALL,
)


class Destination(Protocol):
    """A bucket and prefix that reports are delivered to, as settings give it."""

    @property
    def bucket(self) -> str: ...
    @property
    def prefix(self) -> str: ...


@dataclass(frozen=True)
class Delivery:
    """A delivery's place. `prefix` is its folder, `delivered_at` the instant in its name."""

    destination: Destination
    source_bucket: str
    configuration_id: str
    delivered_at: datetime
    prefix: str
    manifest_etag: str | None = field(default=None, compare=False)
    """ETag of manifest.json in the listing: its MD5, unless KMS encrypts it."""

    @property
    def bucket(self) -> str:
        return self.destination.bucket

    @property
    def delivered_on(self) -> date:
        return self.delivered_at.date()

    @property
    def partition(self) -> tuple[date, str, str]:
        """The partition of `s3_objects` that it fills."""
        return self.delivered_on, self.source_bucket, self.configuration_id

    @property
    def folder(self) -> str:
        return f"{self.delivered_at:{FOLDER_FORMAT}}"

    @property
    def source_prefix(self) -> str:
        """Where all deliveries of its configuration are."""
        return self.prefix.removesuffix(f"{self.folder}/")

    @property
    def manifest_key(self) -> str:
        return f"{self.prefix}manifest.json"

    @property
    def checksum_key(self) -> str:
        return f"{self.prefix}manifest.checksum"

    @property
    def manifest_uri(self) -> str:
        return f"s3://{self.bucket}/{self.manifest_key}"


@dataclass(frozen=True)
class Found:
    """What a listing found.

    `cursors`: for each source prefix the folder to list from next time, itself included: its first
    incomplete one, else its last. Keep it once the deliveries found are settled. `resume`: the
    source prefix to go on from where the deadline cut the listing short, else None.
    """

    deliveries: tuple[Delivery, ...]
    incomplete: tuple[Delivery, ...]
    cursors: Mapping[str, str]
    resume: str | None


def parse_delivery(destination: Destination, key: str) -> Delivery | None:
    """The delivery that a manifest.json or manifest.checksum key belongs to, if it is one."""
    match = DELIVERY_KEY.fullmatch(key)
    if not match or not key.startswith(_root(destination)):
        return None
    try:
        delivered_at = _instant(match["at"])
    except ValueError:
        return None
    return Delivery(
        destination, match["source"], match["configuration"], delivered_at, match["folder"]
    )


def find_deliveries(
    s3: S3Client,
    destination: Destination,
    after: Mapping[str, str],
    deadline: Callable[[], bool] = lambda: False,
    *,
    resume: str | None = None,
    lookback: timedelta = LOOKBACK,
) -> Found:
    """List completed deliveries, known or not, from `lookback` before each source's cursor on.

    Costs one LIST for the destination, one per source bucket and one per configuration. When
    `deadline()` turns true the listing stops after the source it is at; at least one source is
    listed, so that ticks cut short still come round. Raises ReportError where it may not list.
    """
    deliveries: list[Delivery] = []
    incomplete: list[Delivery] = []
    cursors = dict(after)
    listed = False
    with s3_errors(f"s3://{destination.bucket}/{destination.prefix}"):
        for source in _sources(s3, destination.bucket, _root(destination), resume or ""):
            if listed and deadline():
                return Found(tuple(deliveries), tuple(incomplete), cursors, source)
            listed = True
            start = _start(after.get(source), lookback)
            complete, pending = _list_source(s3, destination, source, start)
            deliveries += complete
            incomplete += pending
            if stop := pending[:1] or complete[-1:]:
                cursors[source] = stop[0].folder
    return Found(tuple(deliveries), tuple(incomplete), cursors, None)


def _instant(folder: str) -> datetime:
    return datetime.strptime(folder, FOLDER_FORMAT).replace(tzinfo=UTC)


def _root(destination: Destination) -> str:
    prefix = destination.prefix.rstrip("/")
    return f"{prefix}/" if prefix else ""


def _sources(s3: S3Client, bucket: str, root: str, resume: str) -> Iterator[str]:
    """Prefixes `<root><source bucket>/<configuration>/` in key order, from `resume` on.

    A destination prefix that ends with "/" makes AWS write `<root>/<source bucket>/...`, which is
    listed as a folder without a name.
    """
    for folder in _folders(s3, bucket, root):
        if folder < resume and not resume.startswith(folder):
            continue
        if folder == f"{root}/":
            yield from _sources(s3, bucket, folder, resume)
        else:
            yield from (f for f in _folders(s3, bucket, folder) if f >= resume)


def _folders(s3: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/"
    )
    for page in pages:
        for folder in page.get("CommonPrefixes", ()):
            yield folder["Prefix"]


def _start(cursor: str | None, lookback: timedelta) -> str:
    """The folder name from which to list; the digit 2 leaves out `data/` and `hive/`."""
    if not cursor:
        return "2"
    return f"{_instant(cursor) - lookback:{FOLDER_FORMAT}}"


def _list_source(
    s3: S3Client, destination: Destination, source: str, start: str
) -> tuple[list[Delivery], list[Delivery]]:
    """Complete deliveries, and those that lack manifest.json or its checksum, oldest first."""
    etags: dict[Delivery, dict[str, str]] = {}
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=destination.bucket, Prefix=f"{source}2", StartAfter=f"{source}{start}"
    )
    for item in (item for page in pages for item in page.get("Contents", ())):
        if delivery := parse_delivery(destination, item["Key"]):
            name = item["Key"].removeprefix(delivery.prefix)
            etags.setdefault(delivery, {})[name] = item["ETag"].strip('"')
    complete = [
        replace(delivery, manifest_etag=files["manifest.json"])
        for delivery, files in etags.items()
        if len(files) == 2
    ]
    return complete, [delivery for delivery, files in etags.items() if len(files) < 2]
