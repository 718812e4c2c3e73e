"""S3 as a folder: buckets and keys are paths. For child processes and threads, without a server."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, _: int = -1) -> bytes:
        return self._content

    def iter_chunks(self, _: int) -> Iterator[bytes]:
        yield self._content


@dataclass(frozen=True)
class FolderS3:
    """Objects below a folder; `before` is called with each key that is asked for."""

    root: Path
    before: Callable[[str], None] = lambda _: None

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:
        self.before(Key)
        content = (self.root / Bucket / Key).read_bytes()
        return {"Body": Body(content), "ETag": f'"{hashlib.md5(content).hexdigest()}"'}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        file = self.root / Bucket / Key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(Body)
