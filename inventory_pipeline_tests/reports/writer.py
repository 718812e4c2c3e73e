"""Writes S3 Inventory deliveries as AWS does, byte for byte where that is known.

Stands on nothing of the product: what it takes for granted about AWS is written down here a second
time, so that a misreading of the format shows.
"""

import gzip
import hashlib
import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

Row = dict[str, Any]

FIELDS = {
    "Bucket": ("bucket", "text"),
    "Key": ("key", "text"),
    "VersionId": ("version_id", "text"),
    "IsLatest": ("is_latest", "boolean"),
    "IsDeleteMarker": ("is_delete_marker", "boolean"),
    "Size": ("size", "number"),
    "LastModifiedDate": ("last_modified_date", "time"),
    "ETag": ("e_tag", "text"),
    "StorageClass": ("storage_class", "text"),
    "IsMultipartUploaded": ("is_multipart_uploaded", "boolean"),
    "ReplicationStatus": ("replication_status", "text"),
    "EncryptionStatus": ("encryption_status", "text"),
    "ObjectLockRetainUntilDate": ("object_lock_retain_until_date", "time"),
    "ObjectLockMode": ("object_lock_mode", "text"),
    "ObjectLockLegalHoldStatus": ("object_lock_legal_hold_status", "text"),
    "IntelligentTieringAccessTier": ("intelligent_tiering_access_tier", "text"),
    "BucketKeyStatus": ("bucket_key_status", "text"),
    "ChecksumAlgorithm": ("checksum_algorithm", "text"),
    "ObjectAccessControlList": ("object_access_control_list", "text"),
    "ObjectOwner": ("object_owner", "text"),
    "LifecycleExpirationDate": ("lifecycle_expiration_date", "time"),
    "ObjectLockEventHoldStatus": ("object_lock_event_hold_status", "text"),
    "ObjectLockEventHoldDuration": ("object_lock_event_hold_duration", "text"),
    "ObjectLockEventHoldDurationUnit": ("object_lock_event_hold_duration_unit", "text"),
    "IntelligentTieringReferenceDate": ("intelligent_tiering_reference_date", "time"),
    # Not in the lake's contract: a field newer than this build.
    "ObjectMood": ("object_mood", "text"),
}
NEWEST = (
    "ObjectLockEventHoldStatus",
    "ObjectLockEventHoldDuration",
    "ObjectLockEventHoldDurationUnit",
    "IntelligentTieringReferenceDate",
)
"""Of 2026; hardly any report has them yet."""
ALL = tuple(name for name in FIELDS if name not in (*NEWEST, "ObjectMood"))
CURRENT_ONLY = ("Bucket", "Key", "Size", "LastModifiedDate", "ETag", "StorageClass")
BUCKET = "reports"

# Bytes that stay as they are in a CSV key (measured on reports of 2021).
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/`:")

ARROW = {
    "text": pa.string(),
    "boolean": pa.bool_(),
    "number": pa.int64(),
    "time": pa.timestamp("ms", tz="UTC"),
}
PARQUET = {
    "text": "binary {} (STRING)",
    "boolean": "boolean {}",
    "number": "int64 {}",
    "time": "int64 {} (TIMESTAMP(MILLIS,true))",
}
ORC = {"text": "string", "boolean": "boolean", "number": "bigint", "time": "timestamp"}
SUFFIX = {"CSV": "csv.gz", "ORC": "orc", "Parquet": "parquet"}


def encoded_key(key: str, plus_for_space: bool = False) -> str:
    """A key as CSV reports hold it; until 2018 a space was written as a plus sign."""
    text = "".join(chr(b) if b in PLAIN else f"%{b:02X}" for b in key.encode())
    return text.replace("%20", "+") if plus_for_space else text


def csv_body(rows: Sequence[Row], fields: Sequence[str], plus_for_space: bool = False) -> bytes:
    def value(row: Row, field: str) -> str:
        column, kind = FIELDS[field]
        raw = row.get(column)
        if raw is None:
            return ""
        if field == "Key":
            return encoded_key(raw, plus_for_space)
        if kind == "boolean":
            return "true" if raw else "false"
        if kind == "time":
            return f"{raw.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{raw.microsecond // 1000:03d}Z"
        return str(raw)

    lines = (",".join(f'"{value(row, field)}"' for field in fields) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def gzipped(*members: bytes) -> bytes:
    return b"".join(gzip.compress(member, mtime=0) for member in members)


def arrow_table(rows: Sequence[Row], fields: Sequence[str], naive: bool = False) -> pa.Table:
    def column(name: str, kind: str) -> pa.Array:
        values = pa.array([row.get(name) for row in rows], ARROW[kind])
        return values.cast(pa.timestamp("ms")) if naive and kind == "time" else values

    return pa.table({FIELDS[f][0]: column(*FIELDS[f]) for f in fields})


def orc_body(rows: Sequence[Row], fields: Sequence[str], stripe_bytes: int = 1 << 26) -> bytes:
    sink = io.BytesIO()
    table = arrow_table(rows, fields, naive=True)
    orc.write_table(table, sink, compression="zlib", stripe_size=stripe_bytes)
    return sink.getvalue()


def parquet_body(rows: Sequence[Row], fields: Sequence[str]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(arrow_table(rows, fields), sink, compression="snappy", version="1.0")
    return sink.getvalue()


def body(format_: str, rows: Sequence[Row], fields: Sequence[str]) -> bytes:
    match format_:
        case "CSV":
            return gzipped(csv_body(rows, fields))
        case "ORC":
            return orc_body(rows, fields)
        case _:
            return parquet_body(rows, fields)


def schema_text(format_: str, fields: Sequence[str]) -> str:
    match format_:
        case "CSV":
            return ", ".join(fields)
        case "ORC":
            return f"struct<{','.join(f'{FIELDS[f][0]}:{ORC[FIELDS[f][1]]}' for f in fields)}>"
        case _:
            columns = "".join(
                f"  {'required' if f in ('Bucket', 'Key') else 'optional'} "
                f"{PARQUET[FIELDS[f][1]].format(FIELDS[f][0])};"
                for f in fields
            )
            return f"message s3.inventory {{{columns}}}"


@dataclass
class Writer:
    """Puts deliveries of one source bucket into the bucket `reports`."""

    s3: Any
    root: str = "inventory/"
    source: str = "photos"
    configuration: str = "daily"

    @property
    def home(self) -> str:
        return f"{self.root}{self.source}/{self.configuration}/"

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def deliver(
        self,
        at: datetime,
        rows: Sequence[Row] = (),
        *,
        format: str = "CSV",
        fields: Sequence[str] = ALL,
        bodies: Sequence[bytes] | None = None,
        complete: bool = True,
        **changes: Any,
    ) -> str:
        """Write a delivery, one file of `rows` unless `bodies` are given; returns its folder.

        `changes` replace fields of the manifest; None leaves a field out.
        """
        if bodies is None:
            bodies = [body(format, [{"bucket": self.source} | row for row in rows], fields)]
        files = [self._file(content, format) for content in bodies]
        manifest = {
            "sourceBucket": self.source,
            "destinationBucket": f"arn:aws:s3:::{BUCKET}",
            "version": "2016-11-30",
            "creationTimestamp": str(int(at.timestamp() * 1000)),
            "fileFormat": format,
            "fileSchema": schema_text(format, fields),
            "files": files,
        } | changes
        kept = {name: value for name, value in manifest.items() if value is not None}
        return self.deliver_manifest(at, json.dumps(kept, indent=2).encode() + b"\n", complete)

    def deliver_manifest(self, at: datetime, manifest: bytes, complete: bool = True) -> str:
        folder = f"{self.home}{at:%Y-%m-%dT%H-%MZ}/"
        self.put(f"{folder}manifest.json", manifest)
        if complete:
            self.complete(folder)
        return folder

    def complete(self, folder: str) -> None:
        manifest = self.s3.get_object(Bucket=BUCKET, Key=f"{folder}manifest.json")["Body"].read()
        checksum = hashlib.md5(manifest).hexdigest() + "\n"
        self.put(f"{folder}manifest.checksum", checksum.encode())

    def _file(self, content: bytes, format_: str) -> dict[str, Any]:
        key = f"{self.home}data/{uuid.uuid4()}.{SUFFIX[format_]}"
        self.put(key, content)
        return {
            "key": key,
            "size": len(content),
            "MD5checksum": hashlib.md5(content).hexdigest(),
        }
