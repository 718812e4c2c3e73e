"""An object of S3 as a file that can be sought in: each read is a GET of just those bytes.

Not here: which bytes are wanted (`adoption`); whole objects (`storage`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, Protocol


class RangedClient(Protocol):
    """What is asked of boto3's S3 client."""

    def get_object(
        self,
        *,
        Bucket: str,  # noqa: N803  # boto3's names
        Key: str,  # noqa: N803
        Range: str,  # noqa: N803
        IfMatch: str,  # noqa: N803
    ) -> Mapping[str, Any]: ...


class RangedFile(io.RawIOBase):
    """The object that has this ETag; once it is another, reads fail with botocore's ClientError."""

    def __init__(self, s3: RangedClient, bucket: str, key: str, etag: str, size: int) -> None:
        super().__init__()
        self._s3 = s3
        self._bucket, self._key, self._etag = bucket, key, etag
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        answer = self._s3.get_object(
            Bucket=self._bucket,
            Key=self._key,
            Range=f"bytes={self._at}-{self._at + wanted - 1}",
            IfMatch=self._etag,
        )
        content: bytes = answer["Body"].read()
        self._at += len(content)
        return content
