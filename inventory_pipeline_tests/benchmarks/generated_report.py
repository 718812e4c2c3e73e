"""An S3 Inventory report of any size, as AWS would have written it: 18 columns, keys sorted.

Versions of a versioned bucket: `tenant/kind/dt=day/part-...`, so that some characters of most
keys are percent-encoded in CSV. Made from the row's number and a seed, file by file in processes of
their own, so memory does not grow with the report. Not here: how deliveries are laid out in general
(`reports.writer`, whose encoding of keys this shares).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inventory_pipeline_tests.reports.writer import FIELDS, encoded_key, schema_text

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Longs = NDArray[np.int64]

FORMATS = ("CSV", "ORC", "Parquet")
SUFFIX = {"CSV": "csv.gz", "ORC": "orc", "Parquet": "parquet"}
SELECTED = tuple(FIELDS)[:18]
COLUMNS = tuple(FIELDS[name][0] for name in SELECTED)
BUCKET, SOURCE, CONFIGURATION = "reports", "archive-of-tenants", "daily"
DELIVERED_AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
HOME = f"inventory/{SOURCE}/{CONFIGURATION}"

FILE_ROWS = 1_000_000
TENANTS = 40
FIRST_DAY = np.datetime64("2021-01-01")
DAYS = 2130
KINDS = ("access logs", "backups", "exports (old)", "images", "invoices", "logs", "models", "raw",
         "reports & figures", "tmp", "video", "übersicht")  # fmt: skip
SUFFIXES = ("log.gz", "tar.zst", "csv", "jpg", "pdf", "json.gz", "bin", "snappy.parquet", "pdf",
            "tmp", "mp4", "html")  # fmt: skip
CLASSES = ("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER",
           "DEEP_ARCHIVE")  # fmt: skip
TIERS = ("FREQUENT", "INFREQUENT", "ARCHIVE_INSTANT_ACCESS")
VERSION_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"


@dataclass(frozen=True)
class Part:
    """One file of a report of `total` rows: those from `start` to `end`."""

    format: str
    path: Path
    start: int
    end: int
    total: int


@dataclass(frozen=True)
class Made:
    """A written file, its entry in the manifest, and the bytes its objects have."""

    path: Path
    entry: dict[str, Any]
    object_bytes: int


def generate(folder: Path, format: str, rows: int, processes: int = 2) -> int:
    """Write a delivery below `folder`, a bucket; returns the bytes of all objects."""
    data = folder / BUCKET / HOME / "data"
    data.mkdir(parents=True)
    parts = [
        Part(format, data / f"{uuid.UUID(int=start)}.{SUFFIX[format]}", start,
             min(start + FILE_ROWS, rows), rows)
        for start in range(0, rows, FILE_ROWS)
    ]  # fmt: skip
    if len(parts) == 1:
        made = [_write(parts[0])]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            made = list(pool.map(_write, parts))
    _write_manifest(folder / BUCKET / HOME, format, [file.entry for file in made])
    return sum(file.object_bytes for file in made)


def _write_manifest(home: Path, format: str, files: list[dict[str, Any]]) -> None:
    manifest = {
        "sourceBucket": SOURCE,
        "destinationBucket": f"arn:aws:s3:::{BUCKET}",
        "version": "2016-11-30",
        "creationTimestamp": str(int(DELIVERED_AT.timestamp() * 1000)),
        "fileFormat": format,
        "fileSchema": schema_text(format, SELECTED),
        "files": files,
    }
    folder = home / f"{DELIVERED_AT:%Y-%m-%dT%H-%MZ}"
    folder.mkdir()
    content = json.dumps(manifest, indent=2).encode() + b"\n"
    (folder / "manifest.json").write_bytes(content)
    (folder / "manifest.checksum").write_text(hashlib.md5(content).hexdigest() + "\n")


def _write(part: Part) -> Made:
    write, chunk = WRITERS[part.format]
    starts = range(part.start, part.end, chunk)
    tables = (_objects(start, min(start + chunk, part.end), part.total) for start in starts)
    object_bytes = write(part.path, tables)
    with part.path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    key = f"{HOME}/data/{part.path.name}"
    entry = {"key": key, "size": part.path.stat().st_size, "MD5checksum": md5}
    return Made(part.path, entry, object_bytes)


def _write_csv(path: Path, tables: Iterable[pa.Table]) -> int:
    """In one gzip member. By isal where it is there: in a tenth of zlib's time."""
    opened: Any = gzip.open
    level = 6
    with suppress(ModuleNotFoundError):
        from isal import igzip

        opened, level = igzip.open, 3
    size = 0
    with opened(path, "wb", level) as file:
        for table in tables:
            file.write(_csv_lines(table))
            size += _bytes(table)
    return size


def _write_orc(path: Path, tables: Iterable[pa.Table]) -> int:
    from pyarrow import orc

    size = 0
    with orc.ORCWriter(
        path, compression="zlib", compression_block_size=262_144, dictionary_key_size_threshold=0.8
    ) as writer:
        for table in tables:
            writer.write(_typed(table, None))
            size += _bytes(table)
    return size


def _write_parquet(path: Path, tables: Iterable[pa.Table]) -> int:
    import pyarrow.parquet as pq

    size, writer = 0, None
    for table in tables:
        typed = _typed(table, "UTC")
        writer = writer or pq.ParquetWriter(
            path, typed.schema, version="1.0", compression="snappy", store_schema=False
        )
        writer.write_table(typed)
        size += _bytes(table)
    if writer:
        writer.close()
    return size


WRITERS = {"CSV": (_write_csv, 125_000), "ORC": (_write_orc, 125_000),
           "Parquet": (_write_parquet, 500_000)}  # fmt: skip
"""How a format is written, and how many rows at a time: a row group's, as parquet-mr makes them."""


def _bytes(table: pa.Table) -> int:
    import pyarrow.compute as pc

    return pc.sum(table["size"]).as_py() or 0


def _typed(table: pa.Table, zone: str | None) -> pa.Table:
    """As ORC and Parquet hold it: times in milliseconds, bucket and key required."""
    import pyarrow as pa

    wanted = [
        pa.field(
            field.name,
            pa.timestamp("ms", zone) if pa.types.is_timestamp(field.type) else field.type,
            nullable=field.name not in ("bucket", "key"),
        )
        for field in table.schema
    ]
    return table.cast(pa.schema(wanted))


def _csv_lines(table: pa.Table) -> pa.Buffer:
    """Every field in quotes, keys percent-encoded, NULL as nothing."""
    import pyarrow.compute as pc

    fields = [_csv_text(name, table[name].combine_chunks()) for name in table.column_names]
    fields[0] = pc.binary_join_element_wise('"', fields[0], "")
    fields[-1] = pc.binary_join_element_wise(fields[-1], '"\n', "")
    lines = pc.binary_join_element_wise(*fields, '","')
    return lines.buffers()[2]


def _csv_text(name: str, values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(values.type):
        days = values.cast(pa.date32()).cast(pa.string())
        seconds = pc.subtract(values, values.cast(pa.date32()).cast(values.type)).cast(pa.int64())
        text = pc.binary_join_element_wise(days, _times_of_day().take(seconds), "")
    elif name == "key":
        text = _encoded(values)
    else:
        text = values.cast(pa.string())
    return text.fill_null("")


@cache
def _times_of_day() -> pa.Array:
    import pyarrow as pa

    midnight = datetime(2000, 1, 1)  # noqa: DTZ001 - a time of day is all that is taken of it
    seconds = (midnight + timedelta(seconds=n) for n in range(86_400))
    return pa.array([f"{at:T%H:%M:%S.000Z}" for at in seconds])


def _encoded(keys: pa.Array) -> pa.Array:
    """Keys as CSV holds them; only the characters that are made here are looked for."""
    import pyarrow.compute as pc

    for character in " ()&=ü":
        keys = pc.replace_substring(keys, character, encoded_key(character))
    return keys


def _objects(start: int, end: int, total: int) -> pa.Table:
    """Rows `start` to `end` of a report of `total` rows, times naive and in seconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    dice = np.random.default_rng(start)
    count = end - start
    tenant, kind, day = _place(np.arange(start, end), total)
    modified = (FIRST_DAY + day).astype("datetime64[s]") + dice.integers(0, 86_400, count)
    marker = dice.random(count) < 0.02
    infrequent = dice.random(count) < day / DAYS * 0.3
    class_ = np.where(infrequent, 0, dice.integers(0, len(CLASSES), count))
    kms, locked, multipart = (dice.random(count) < share for share in (0.25, 0.05, 0.08))
    sizes = np.minimum(dice.lognormal(11, 3, count), 5e12).astype(np.int64)
    e_tag = _hex(dice, count, 16)
    parts = _text([f"-{n}" for n in range(2, 102)], dice.integers(0, 100, count), ~multipart)
    e_tag = pc.binary_join_element_wise(e_tag, parts.fill_null(""), "")
    absent = pa.scalar(None, pa.string())
    return pa.table({
        "bucket": pa.repeat(SOURCE, count),
        "key": _keys(dice, tenant, kind, day, np.arange(start, end)),
        "version_id": _version_ids(dice, count),
        "is_latest": pa.array(dice.random(count) < 0.9),
        "is_delete_marker": pa.array(marker),
        "size": pa.array(sizes, mask=marker),
        "last_modified_date": pa.array(modified),
        "e_tag": pc.if_else(marker, absent, e_tag),
        "storage_class": _text(CLASSES, class_, marker),
        "is_multipart_uploaded": pa.array(multipart, mask=marker),
        "replication_status": _text(["COMPLETED", "FAILED"], dice.random(count) < 1e-4,
                                    (tenant % 3 > 0) | marker),
        "encryption_status": _text(["SSE-S3", "SSE-KMS"], kms, marker),
        "object_lock_retain_until_date": pa.array(
            modified + np.timedelta64(365, "D"), mask=~locked | marker
        ),
        "object_lock_mode": _text(["GOVERNANCE", "COMPLIANCE"], kms, ~locked | marker),
        "object_lock_legal_hold_status": _text(["OFF", "ON"], multipart, ~locked | marker),
        "intelligent_tiering_access_tier": _text(
            TIERS, day % 3, (class_ != CLASSES.index("INTELLIGENT_TIERING")) | marker
        ),
        "bucket_key_status": _text(["DISABLED", "ENABLED"], kms & ~marker, None),
        "checksum_algorithm": _text(["CRC64NVME", "SHA256"], multipart,
                                    (day < DAYS // 2) | marker),
    }).select(COLUMNS)  # fmt: skip


def _place(row: Longs, total: int) -> tuple[Longs, Longs, Longs]:
    """Which tenant, kind and day a row's key has: rising, as keys do. Tenants differ in size."""
    shares = 1 / (1 + np.random.default_rng(0).permutation(TENANTS))
    ends = np.cumsum(shares / shares.sum())
    at = row / total
    tenant = np.minimum(np.searchsorted(ends, at, side="right"), TENANTS - 1)
    within = (at - np.concatenate([[0], ends])[tenant]) / (shares / shares.sum())[tenant]
    kind, of_kind = np.divmod(np.clip(within, 0, 1 - 1e-9) * len(KINDS), 1)
    return tenant, kind.astype(np.int64), (of_kind * DAYS).astype(np.int64)


def _keys(dice: np.random.Generator, tenant: Longs, kind: Longs, day: Longs, row: Longs) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    tenants = _text([f"tenant-{n:03}" for n in range(TENANTS)], tenant, None)
    days = pa.array((FIRST_DAY + np.arange(DAYS)).astype(str)).take(pa.array(day))
    number = pc.utf8_lpad(pa.array(row).cast(pa.string()), 11, "0")
    parts = ("/", _text(KINDS, kind, None), "/dt=", days, "/part-", number, "-",
             _hex(dice, len(row), 8), ".", _text(SUFFIXES, kind, None))  # fmt: skip
    return pc.binary_join_element_wise(tenants, *parts, "")


def _text(values: Sequence[str], codes: NDArray[Any], absent: NDArray[np.bool_] | None) -> pa.Array:
    import pyarrow as pa

    return pa.array(values).take(pa.array(codes.astype(np.int64), mask=absent))


def _hex(dice: np.random.Generator, count: int, width: int) -> pa.Array:
    """Random bytes, each as two digits."""
    digits = np.frombuffer(b"".join(b"%02x" % n for n in range(256)), "S2")
    return _fixed(digits[dice.integers(0, 256, (count, width), np.uint8)], 2 * width)


def _version_ids(dice: np.random.Generator, count: int) -> pa.Array:
    characters = np.frombuffer(VERSION_CHARACTERS.encode(), "S1")
    return _fixed(characters[dice.integers(0, 64, (count, 32), np.uint8)], 32)


def _fixed(characters: NDArray[Any], width: int) -> pa.Array:
    """Texts of one width, from all their characters in a row."""
    import pyarrow as pa

    ends = np.arange(len(characters) + 1, dtype=np.int32) * width
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(characters))]
    return pa.Array.from_buffers(pa.string(), len(characters), buffers)
