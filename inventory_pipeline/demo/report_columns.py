"""Columns of S3 Inventory reports: which a report has, and what fills them.

Names, order and values are S3's. Belongs here: values, as Arrow arrays of parallel versions. Not
here: how a file spells them (`report_files`).
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from inventory_pipeline.demo.objects import (
    AWKWARD_KEYS,
    ENCRYPTIONS,
    FIRST_AWKWARD,
    FOREIGN_PLACE,
    PUBLIC_PLACE,
    REPLICATIONS,
    Report,
    Versions,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

MULTIPART_FROM = 100 * 2**20
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
URL_SAFE = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._", dtype="S1"
)
# Whom moto takes for the owner of every bucket.
OWNER = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
OWNERS_GRANT = {"canonicalId": OWNER, "type": "CanonicalUser", "permission": "FULL_CONTROL"}
EVERYONES_GRANT = {
    "uri": "http://acs.amazonaws.com/groups/global/AllUsers",
    "type": "Group",
    "permission": "READ",
}
HEX = np.frombuffer("".join(f"{n:02x}" for n in range(256)).encode(), dtype="S2")


@dataclass(frozen=True)
class Column:
    """A field of a report: its names, its type (`string`, `boolean`, `bigint` or `timestamp`) and
    what fills it."""

    csv: str
    name: str
    type: str
    values: Callable[[Versions], "pa.Array"]


ALWAYS = frozenset({"Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker"})
"""Columns that a configuration does not ask for by name."""


def columns(report: Report) -> list[Column]:
    """The report's columns in canonical order. A plain CSV report has the commonest fields only."""
    versions = {"VersionId", "IsLatest", "IsDeleteMarker"}
    plain = report.format == "CSV" and not report.versioned
    return [
        c
        for c in COLUMNS
        if (report.versioned or c.csv not in versions)
        and (not plain or c.csv in PLAIN)
        and (report.acls or c.csv not in OF_ACLS)
    ]


def keys(versions: Versions) -> "pa.Array":
    """Keys of the versions, raw."""
    import pyarrow as pa
    import pyarrow.compute as pc

    slots = pa.array(versions.slots.astype(np.int64))
    thousand = pa.array((versions.slots // np.uint64(1000)).astype(np.int64))
    ordinary = pc.binary_join_element_wise(
        pa.array(versions.report.prefixes).take(pa.array(versions.prefixes)),
        pc.utf8_lpad(thousand.cast(pa.string()), 6, "0"),
        "/",
        pc.utf8_lpad(slots.cast(pa.string()), 9, "0"),
        ".dat",
        "",
    )
    numbers = (versions.slots[versions.is_awkward] - np.uint64(FIRST_AWKWARD)).astype(np.int64)
    awkward = pa.array(AWKWARD_KEYS).take(pa.array(numbers))
    return pc.replace_with_mask(ordinary, pa.array(versions.is_awkward), awkward)


def _letters(alphabet: "NDArray[np.bytes_]", numbers: "NDArray[np.uint8]") -> "pa.Array":
    """Texts of equal length, a row of letters each."""
    import pyarrow as pa

    letters = np.ascontiguousarray(alphabet[numbers])
    width = letters.itemsize * numbers.shape[1]
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(letters.tobytes())
    )


def _octets(
    versions: Versions, name: str, words: int, of: Literal["version", "content"] = "version"
) -> "NDArray[np.uint8]":
    noise = np.stack([versions.noise(f"{name}{n}", of) for n in range(words)], axis=1)
    return np.ascontiguousarray(noise.astype("<u8")).view(np.uint8)


def _bucket(versions: Versions) -> "pa.Array":
    import pyarrow as pa

    return pa.repeat(versions.report.bucket, len(versions))


def _version_id(versions: Versions) -> "pa.Array":
    """Written before versioning was on: the null version, NULL in reports."""
    older = (versions.generations == 1) & (versions.slots % np.uint64(20) == 3)
    return _null_where(older, _letters(URL_SAFE, _octets(versions, "version", 4) % 64))


def _size(versions: Versions) -> "pa.Array":
    import pyarrow as pa

    return pa.array(versions.sizes, mask=versions.is_marker)


def _modified(versions: Versions) -> "pa.Array":
    import pyarrow as pa

    return pa.array(versions.modified_ms).cast(pa.timestamp("ms"))


def _e_tag(versions: Versions) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = _letters(HEX, _octets(versions, "etag", 2, "content"))
    parts = pa.array(versions.sizes // (8 * 2**20) + 1).cast(pa.string())
    tags = pc.if_else(_is_large(versions), pc.binary_join_element_wise(plain, parts, "-"), plain)
    tags = pc.if_else(pa.array(versions.sizes == 0), EMPTY_MD5, tags)
    return _null_where(versions.is_marker, tags)


def _is_large(versions: Versions) -> "pa.Array":
    import pyarrow as pa

    return pa.array(versions.sizes >= MULTIPART_FROM)


def _storage_class(versions: Versions) -> "pa.Array":
    return _choice([k.storage_class for k in versions.report.kinds], versions.kinds, versions)


def _access_tier(versions: Versions) -> "pa.Array":
    return _choice([k.tier for k in versions.report.kinds], versions.kinds, versions)


def _replication(versions: Versions) -> "pa.Array":
    choices = REPLICATIONS if versions.report.replicated else (None,)
    return _drawn(choices, versions, "replication")


def _encryption(versions: Versions) -> "pa.Array":
    return _drawn(ENCRYPTIONS, versions, "encryption")


def _bucket_key(versions: Versions) -> "pa.Array":
    """DISABLED even on delete markers."""
    import pyarrow.compute as pc

    kms = pc.fill_null(pc.equal(_encryption(versions), "SSE-KMS"), False)
    return pc.if_else(kms, "ENABLED", "DISABLED")


def _acl(versions: Versions) -> "pa.Array":
    private, public = (
        base64.b64encode(json.dumps({"version": "2022-11-10", "status": "AVAILABLE",
                                     "grants": grants}).encode()).decode()
        for grants in ([OWNERS_GRANT], [OWNERS_GRANT, EVERYONES_GRANT])
    )  # fmt: skip
    chosen = versions.is_every_thousandth(PUBLIC_PLACE).astype(np.int64)
    return _choice([private, public], chosen, versions)


def _owner(versions: Versions) -> "pa.Array":
    chosen = versions.is_every_thousandth(FOREIGN_PLACE).astype(np.int64)
    return _choice([OWNER, "f" * 64], chosen, versions)


def _nothing(type_: str) -> Callable[[Versions], "pa.Array"]:
    def nulls(versions: Versions) -> "pa.Array":
        import pyarrow as pa

        return pa.nulls(len(versions), pa.timestamp("ms") if type_ == "timestamp" else pa.string())

    return nulls


def _drawn(choices: tuple[str | None, ...], versions: Versions, name: str) -> "pa.Array":
    drawn = (versions.noise(name) % np.uint64(len(choices))).astype(np.int64)
    return _choice(list(choices), drawn, versions)


def _choice(
    choices: list[str | None] | list[str], numbers: "NDArray[np.int64]", versions: Versions
) -> "pa.Array":
    import pyarrow as pa

    values = pa.array(choices, pa.string()).take(pa.array(numbers))
    return _null_where(versions.is_marker, values)


def _null_where(mask: "NDArray[np.bool_]", values: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)


def _flags(
    flags: Callable[[Versions], "NDArray[np.bool_]"], nullable: bool = False
) -> Callable[[Versions], "pa.Array"]:
    def values(versions: Versions) -> "pa.Array":
        import pyarrow as pa

        return pa.array(flags(versions), mask=versions.is_marker if nullable else None)

    return values


@cache
def _arrow_types() -> dict[str, "pa.DataType"]:
    import pyarrow as pa

    return {
        "string": pa.string(),
        "boolean": pa.bool_(),
        "bigint": pa.int64(),
        "timestamp": pa.timestamp("ms"),
    }


def arrow_type(column: Column) -> "pa.DataType":
    return _arrow_types()[column.type]


OF_ACLS = frozenset({"ObjectAccessControlList", "ObjectOwner"})

PLAIN = frozenset(
    {
        "Bucket",
        "Key",
        "Size",
        "LastModifiedDate",
        "ETag",
        "StorageClass",
        "IsMultipartUploaded",
        "EncryptionStatus",
    }
)

COLUMNS = (
    Column("Bucket", "bucket", "string", _bucket),
    Column("Key", "key", "string", keys),
    Column("VersionId", "version_id", "string", _version_id),
    Column("IsLatest", "is_latest", "boolean", _flags(lambda v: v.is_latest)),
    Column("IsDeleteMarker", "is_delete_marker", "boolean", _flags(lambda v: v.is_marker)),
    Column("Size", "size", "bigint", _size),
    Column("LastModifiedDate", "last_modified_date", "timestamp", _modified),
    Column("ETag", "e_tag", "string", _e_tag),
    Column("StorageClass", "storage_class", "string", _storage_class),
    Column(
        "IsMultipartUploaded",
        "is_multipart_uploaded",
        "boolean",
        _flags(lambda v: v.sizes >= MULTIPART_FROM, nullable=True),
    ),
    Column("ReplicationStatus", "replication_status", "string", _replication),
    Column("EncryptionStatus", "encryption_status", "string", _encryption),
    Column(
        "ObjectLockRetainUntilDate",
        "object_lock_retain_until_date",
        "timestamp",
        _nothing("timestamp"),
    ),
    Column("ObjectLockMode", "object_lock_mode", "string", _nothing("string")),
    Column(
        "ObjectLockLegalHoldStatus", "object_lock_legal_hold_status", "string", _nothing("string")
    ),
    Column(
        "IntelligentTieringAccessTier", "intelligent_tiering_access_tier", "string", _access_tier
    ),
    Column("BucketKeyStatus", "bucket_key_status", "string", _bucket_key),
    Column("ChecksumAlgorithm", "checksum_algorithm", "string", _nothing("string")),
    Column("ObjectAccessControlList", "object_access_control_list", "string", _acl),
    Column("ObjectOwner", "object_owner", "string", _owner),
    Column(
        "LifecycleExpirationDate", "lifecycle_expiration_date", "timestamp", _nothing("timestamp")
    ),
)
