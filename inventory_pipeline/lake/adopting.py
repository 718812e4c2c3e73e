"""Putting files together for the lake: a report with another ending, on disk or by S3 itself.

Belongs here: bytes and where they lie. Not here: what the ending says (`reports.adoption`), nor
when the file is the table's (`lake`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from inventory_pipeline.lake.errors import LakeError

CHUNK = 8 * 1024 * 1024

SMALLEST_PART = 5 * 1024 * 1024
LARGEST_PART = 5 * 1024**3
"""Bounds that S3 puts on the parts of an upload; the last one may be smaller."""


@dataclass(frozen=True)
class S3Report:
    """An object of S3 while it is the one with this ETag, and a client that may read it."""

    client: Any = field(compare=False)
    bucket: str
    key: str
    etag: str

    def fetch(self, target: Path, count: int) -> Path:
        """Write its first `count` bytes to a file; returns that."""
        with target.open("wb") as sink:
            if count:
                answer = self.client.get_object(
                    Bucket=self.bucket,
                    Key=self.key,
                    IfMatch=self.etag,
                    Range=f"bytes=0-{count - 1}",
                )
                for chunk in answer["Body"].iter_chunks(CHUNK):
                    sink.write(chunk)
        if target.stat().st_size != count:
            raise LakeError(f"s3://{self.bucket}/{self.key} has fewer than {count} bytes")
        return target


def append(file: Path, start: int, tail: Path) -> None:
    """Put `tail`, which is gone then, in place of what a file has from byte `start` on."""
    with file.open("r+b") as whole, tail.open("rb") as new:
        whole.truncate(start)
        whole.seek(start)
        shutil.copyfileobj(new, whole, CHUNK)
    tail.unlink()


def append_on_s3(report: S3Report, start: int, tail: Path, target: str) -> bool:
    """Have S3 make `target` of a report's first `start` bytes and `tail`, which is gone then.

    False, and nothing done, where S3 does not copy so little, or refuses: who may write the lake is
    perhaps not allowed to read the report. Raises LakeError where the lake cannot be written.
    """
    if start < SMALLEST_PART:
        return False
    with _writing(target), _Upload.begun(target) as upload:
        if not upload.copy(report, start):
            return False
        upload.add(tail)
        upload.complete()
    tail.unlink()
    return True


class _Upload:
    """An object in the making, part by part; left without `complete`, it never was."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self._s3 = s3
        began = s3.create_multipart_upload(Bucket=bucket, Key=key)
        self._place = {"Bucket": bucket, "Key": key, "UploadId": began["UploadId"]}
        self._etags: list[str] = []
        self._done = False

    @classmethod
    @contextmanager
    def begun(cls, target: str) -> Iterator[_Upload]:
        from botocore.exceptions import BotoCoreError, ClientError

        upload = cls(lake_client(), *_bucket_and_key(target))
        try:
            yield upload
        finally:
            if not upload._done:
                # What failed is told; parts that not even this removes, a lifecycle rule does.
                with suppress(BotoCoreError, ClientError):
                    upload._s3.abort_multipart_upload(**upload._place)

    def copy(self, report: S3Report, count: int) -> bool:
        """Add the first `count` bytes of a report; False where S3 refuses to copy them."""
        from botocore.exceptions import ClientError

        try:
            for first, last in _parts(count):
                answer = self._s3.upload_part_copy(
                    **self._next_part(),
                    CopySource={"Bucket": report.bucket, "Key": report.key},
                    CopySourceIfMatch=report.etag,
                    CopySourceRange=f"bytes={first}-{last}",
                )
                self._etags.append(answer["CopyPartResult"]["ETag"])
        except ClientError:
            return False
        return True

    def add(self, file: Path) -> None:
        with file.open("rb") as body:
            answer = self._s3.upload_part(**self._next_part(), Body=body)
        self._etags.append(answer["ETag"])

    def complete(self) -> None:
        parts = [{"PartNumber": at, "ETag": etag} for at, etag in enumerate(self._etags, start=1)]
        self._s3.complete_multipart_upload(**self._place, MultipartUpload={"Parts": parts})
        self._done = True

    def _next_part(self) -> dict[str, Any]:
        return {**self._place, "PartNumber": len(self._etags) + 1}


def upload(file: Path, target: str) -> None:
    """Copy a file to S3, wholly or not at all. Raises LakeError."""
    with _writing(target):
        lake_client().upload_file(str(file), *_bucket_and_key(target))


@contextmanager
def _writing(target: str) -> Iterator[None]:
    """What S3 says against writing the lake as LakeError: it says nothing about a report."""
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, S3UploadFailedError) as error:
        raise LakeError(f"{target} cannot be written: {error}") from error


def lake_client() -> Any:
    """A client that writes the lake, as pyarrow and pyiceberg do: by what the environment gives."""
    return _client(os.environ.get("AWS_ENDPOINT_URL"))


@cache
def _client(endpoint: str | None) -> Any:
    from boto3.session import Session

    return Session().client("s3", endpoint_url=endpoint)


def _bucket_and_key(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def _parts(size: int) -> Iterator[tuple[int, int]]:
    """First and last byte of each part, of about the same size, so that none is too small."""
    count = -(-size // LARGEST_PART)
    bounds = [size * at // count for at in range(count + 1)]
    for first, end in pairwise(bounds):
        yield first, end - 1
