"""Finding deliveries: listing a destination for the folders that S3 Inventory has completed.

    <prefix>/<source bucket>/<configuration>/YYYY-MM-DDTHH-MMZ/manifest.json, manifest.checksum

The listing is the truth; AWS writes manifest.checksum last. Not here: which deliveries are known
(`ledger`), nor what is in them (`manifest`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Protocol

from inventory_pipeline.reports.storage import S3Client, s3_errors

FOLDER_FORMAT = "%Y-%m-%dT%H-%MZ"
LISTERS = 16
"""Source buckets listed at once."""

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
    def identity(self) -> tuple[str, str, datetime]:
        """What a delivery is, wherever it lies."""
        return self.source_bucket, self.configuration_id, self.delivered_at

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
    def bucket_folder(self) -> str:
        """Where all configurations of its source bucket are."""
        return self.source_prefix.removesuffix(f"{self.configuration_id}/")

    @property
    def manifest_key(self) -> str:
        return f"{self.prefix}manifest.json"

    @property
    def checksum_key(self) -> str:
        return f"{self.prefix}manifest.checksum"

    @property
    def manifest_uri(self) -> str:
        return f"s3://{self.bucket}/{self.manifest_key}"


Listed = tuple[list[Delivery], list[Delivery]]
"""Complete deliveries, and incomplete ones."""


@dataclass(frozen=True)
class Found:
    """What a listing found.

    `incomplete` lack manifest.json or its checksum. `resume`: the source bucket's folder to go on
    from where the deadline cut the listing short, else None.
    """

    deliveries: tuple[Delivery, ...]
    incomplete: tuple[Delivery, ...]
    resume: str | None = None


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
    since: datetime | None = None,
    deadline: Callable[[], bool] = lambda: False,
    *,
    resume: str | None = None,
) -> Found:
    """List completed deliveries, known or not: all of them, or those made `since` an instant.

    Costs one LIST for a thousand source buckets, one for each source bucket and one for each of its
    configurations; several source buckets are listed side by side. When `deadline()` turns true no
    others are begun; some are listed in any case, so that ticks cut short still come round. Raises
    ReportError where it may not list.
    """
    start = "2" if since is None else f"{since:{FOLDER_FORMAT}}"
    found: list[Listed] = []
    with s3_errors(_address(destination)), ThreadPoolExecutor(LISTERS, "list") as pool:
        buckets = _source_buckets(s3, destination.bucket, _root(destination), resume or "")
        while some := list(islice(buckets, LISTERS)):
            if found and deadline():
                return _found(found, some[0])
            found += pool.map(lambda folder: _list_bucket(s3, destination, folder, start), some)
    return _found(found, None)


def look_at(s3: S3Client, destination: Destination, deliveries: Sequence[Delivery]) -> Found:
    """List the folders of deliveries that one was told of: what of them is really there."""

    def listed(delivery: Delivery) -> Listed:
        return _list(s3, destination, delivery.prefix, delivery.prefix)

    with s3_errors(_address(destination)), ThreadPoolExecutor(LISTERS, "list") as pool:
        return _found(list(pool.map(listed, deliveries)), None)


def _found(listed: Sequence[Listed], resume: str | None) -> Found:
    complete = tuple(delivery for one, _ in listed for delivery in one)
    return Found(complete, tuple(d for _, one in listed for d in one), resume)


def _instant(folder: str) -> datetime:
    return datetime.strptime(folder, FOLDER_FORMAT).replace(tzinfo=UTC)


def _address(destination: Destination) -> str:
    return f"s3://{destination.bucket}/{destination.prefix}"


def _root(destination: Destination) -> str:
    prefix = destination.prefix.rstrip("/")
    return f"{prefix}/" if prefix else ""


def _source_buckets(s3: S3Client, bucket: str, root: str, resume: str) -> Iterator[str]:
    """Folders `<root><source bucket>/` in key order, from `resume` on.

    A destination prefix that ends with "/" makes AWS write `<root>/<source bucket>/...`, which is
    listed as a folder without a name.
    """
    for folder in _folders(s3, bucket, root, _begin(root, resume)):
        if folder == f"{root}/":
            yield from _source_buckets(s3, bucket, folder, resume)
        elif folder >= resume:
            yield folder


def _begin(root: str, resume: str) -> str:
    """A key just before those of the folder of `root` that `resume` is in."""
    below = resume.removeprefix(root) if resume.startswith(root) else ""
    return f"{root}{below.partition('/')[0]}"


def _folders(s3: S3Client, bucket: str, prefix: str, after: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/", StartAfter=after
    )
    for page in pages:
        for folder in page.get("CommonPrefixes", ()):
            yield folder["Prefix"]


def _list_bucket(s3: S3Client, destination: Destination, folder: str, start: str) -> Listed:
    """The deliveries of all configurations of a source bucket."""
    complete: list[Delivery] = []
    incomplete: list[Delivery] = []
    for configuration in _folders(s3, destination.bucket, folder, folder):
        # A year begins with 2 for a while yet; `data/` and `hive/` are left out.
        of_one = _list(s3, destination, f"{configuration}2", f"{configuration}{start}")
        complete += of_one[0]
        incomplete += of_one[1]
    return complete, incomplete


def _list(s3: S3Client, destination: Destination, prefix: str, after: str) -> Listed:
    """Complete deliveries, and those that lack manifest.json or its checksum, oldest first."""
    etags: dict[Delivery, dict[str, str]] = {}
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=destination.bucket, Prefix=prefix, StartAfter=after
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
