"""Reading objects of a destination bucket, with S3's errors in the words of this package.

Belongs here: the only GETs that ingestion makes. Not here: listing (`deliveries`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.manifest import ReportFile
from inventory_pipeline.reports.refusals import by_sts, why_refused

CHUNK = 256 * 1024
"""Bytes taken at a time while downloading. Writes of 1 MB and more cost Linux twice the CPU."""

MANIFEST_LIMIT = 64 * 1024 * 1024
"""Bytes of a manifest.json that are read: 200,000 and more report files."""

MISSING = frozenset({"404", "NoSuchKey"})
REFUSED = MISSING | {"403", "AccessDenied", "NoSuchBucket", "InvalidObjectState", "KeyTooLongError"}
"""Error codes that trying again does not mend; so are those of KMS, but for throttling."""


class Paginator(Protocol):
    def paginate(self, **arguments: str) -> Iterable[Mapping[str, Any]]: ...


class S3Client(Protocol):
    """What this package asks of boto3's S3 client; HeadObject only for a lake that is on S3 too."""

    def get_object(self, *, Bucket: str, Key: str, **part: str) -> Mapping[str, Any]: ...  # noqa: N803
    def head_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]: ...  # noqa: N803
    def get_paginator(self, operation_name: str, /) -> Paginator: ...


@dataclass(frozen=True)
class Stored:
    """An object's content, its ETag (its MD5, unless KMS encrypts it), and when it was written."""

    content: bytes
    etag: str
    written_at: datetime | None


class MissingObjectError(ReportError):
    """There is no such object."""


@contextmanager
def s3_errors(address: str) -> Iterator[None]:
    """S3's errors while reading `address` as MissingObjectError, ReportError or NotReadyError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        if code in MISSING:
            raise MissingObjectError(f"{address} does not exist") from error
        refused = code in REFUSED or (code.startswith("KMS.") and "Throttl" not in code)
        # Whose role may not be assumed has not even asked S3.
        kind = ReportError if refused and not by_sts(error) else NotReadyError
        raise kind(f"{address} cannot be read: {why_refused(error)}") from error
    except BotoCoreError as error:
        raise NotReadyError(f"{address} cannot be read: {type(error).__name__}") from error


def read_object(s3: S3Client, bucket: str, key: str) -> bytes:
    """A small object's content. Raises ReportError where it is not small."""
    return read_stored(s3, bucket, key).content


def read_stored(s3: S3Client, bucket: str, key: str) -> Stored:
    """A small object, and what S3 says of it. Raises ReportError where it is not small."""
    address = f"s3://{bucket}/{key}"
    with s3_errors(address):
        answer = s3.get_object(Bucket=bucket, Key=key)
        content: bytes = answer["Body"].read(MANIFEST_LIMIT + 1)
    if len(content) > MANIFEST_LIMIT:
        raise ReportError(f"{address} has more than {MANIFEST_LIMIT} bytes; no report is so large")
    return Stored(content, answer["ETag"].strip('"'), answer.get("LastModified"))


def download(s3: S3Client, bucket: str, file: ReportFile, key: str, target: Path) -> None:
    """Write the object at `key` to `target`; raises ReportError unless it is exactly `file`."""
    address = f"s3://{bucket}/{key}"
    md5, size = hashlib.md5(usedforsecurity=False), 0
    with s3_errors(address), target.open("wb") as sink:
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK):
            md5.update(chunk)
            size += len(chunk)
            sink.write(chunk)
    if size != file.size:
        raise ReportError(f"{address} has {size} bytes; the manifest says {file.size}")
    if md5.hexdigest() != file.md5:
        raise ReportError(f"{address} has MD5 {md5.hexdigest()}; the manifest says {file.md5}")
