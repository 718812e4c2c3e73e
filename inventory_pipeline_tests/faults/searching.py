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
from pathlib import Path

SYNC_BYTES = 16


def found_in(folder: Path, needles: Iterable[bytes]) -> dict[Path, set[bytes]]:
    """The files with needles, and which."""
    any_needle = re.compile(b"|".join(map(re.escape, sorted(needles, key=len, reverse=True))))
    hits = {
        path: {hit for text in texts(path) for hit in any_needle.findall(text)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return {path: found for path, found in hits.items() if found}


def disguises(secret: str) -> set[bytes]:
    """A text and what gives it away: base64 (wherever in a text it begins), hex, its hashes."""
    plain = secret.encode()
    encoded = {base64.b64encode(b"_" * shift + plain) for shift in range(3)}
    # The first and the last characters depend on what stands before and after.
    inner = {text[4:-4] for text in encoded} | {text[4:-4].translate(URL_SAFE) for text in encoded}
    digests = {hashlib.new(name, plain) for name in ("md5", "sha1", "sha256", "sha512")}
    hashes = {digest.hexdigest().encode() for digest in digests}
    hashes |= {base64.b64encode(digest.digest()) for digest in digests}
    return {plain, plain[::-1], plain.hex().encode(), *inner, *hashes}


URL_SAFE = bytes.maketrans(b"+/", b"-_")


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
