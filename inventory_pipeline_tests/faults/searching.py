"""Searching every byte under a folder, packed ones included.

Parquet is decoded, and so are the tables of DuckDB and SQLite files (whose pages may split a text)
and the blocks of Avro files; what is compressed by zlib or gzip is unpacked.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SYNC_BYTES = 16


# Hashes in hexadecimal or base64.
_HASH = re.compile(rb"[0-9a-fA-F]{32,128}|[A-Za-z0-9+/]{22,86}={1,2}")


@dataclass(frozen=True)
class Needles:
    """Texts to be found wherever they stand, and hashes, which stand for themselves."""

    fragments: frozenset[bytes]
    hashes: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, beginning: str, secrets: Iterable[str]) -> Needles:
        """The beginning that all secrets share, in plain, base64 and hex, and all their hashes."""
        plain = beginning.encode()
        # The first and the last characters depend on what stands before and after.
        encoded = {base64.b64encode(b"_" * shift + plain)[4:-4] for shift in range(3)}
        return cls(
            frozenset({plain, plain[::-1], plain.hex().encode(), *encoded}),
            frozenset(digest for secret in secrets for digest in _hashes(secret.encode())),
        )

    def hits(self, text: bytes) -> Iterator[str]:
        """What stands there, with a little of what is around it."""
        for fragment in self.fragments:
            if (at := text.find(fragment)) >= 0:
                yield text[max(at - 40, 0) : at + 60].decode("utf-8", "replace")
        for found in _HASH.findall(text) if self.hashes else ():
            if found in self.hashes:
                yield found.decode()


def _hashes(secret: bytes) -> Iterator[bytes]:
    for name in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(name, secret)
        yield digest.hexdigest().encode()
        yield base64.b64encode(digest.digest())


def found_in(folder: Path, needles: Needles) -> dict[str, list[str]]:
    """The files with needles, by their path within the folder, and what stands there."""
    hits = {
        str(path.relative_to(folder)): [hit for text in texts(path) for hit in needles.hits(text)]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return {path: found for path, found in hits.items() if found}


def texts(path: Path) -> Iterator[bytes]:
    """The file as it is, and what it says."""
    data = path.read_bytes()
    yield data
    if data.startswith(b"PAR1"):
        yield from _rows_of_parquet(path)
    elif data.startswith(b"SQLite format 3"):
        yield from _rows_of_sqlite(path)
    elif data[8:12] == b"DUCK":
        yield from _rows_of_duckdb(path)
    elif data.startswith(b"Obj\x01"):
        yield from _blocks_of_avro(data)
    elif data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)


def _rows_of_parquet(path: Path) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    yield str(file.metadata.to_dict()).encode()
    yield str(file.read().to_pylist()).encode()


def _rows_of_duckdb(path: Path) -> Iterator[bytes]:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as db:
        for name, comment in db.execute(
            "SELECT table_name, comment FROM duckdb_tables()"
        ).fetchall():
            yield str(comment).encode()
            yield str(db.execute(f'SELECT * FROM "{name}"').fetchall()).encode()


def _rows_of_sqlite(path: Path) -> Iterator[bytes]:
    with sqlite3.connect(path) as db:
        db.text_factory = bytes
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            for row in db.execute(f'SELECT * FROM "{name.decode()}"'):
                for value in row:
                    text = value if isinstance(value, bytes) else str(value).encode()
                    yield text
                    yield _inflated(text)
    db.close()


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error:
        return b""


def _blocks_of_avro(data: bytes) -> Iterator[bytes]:
    """After the header, whose last bytes are a mark: count, length, block and mark again."""
    mark = data[-SYNC_BYTES:]
    for block in data.split(mark)[1:-1]:
        _, start = _number(block, 0)
        _, start = _number(block, start)
        yield zlib.decompress(block[start:], wbits=-zlib.MAX_WBITS)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number, and where the next byte is."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at
