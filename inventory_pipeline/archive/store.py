"""Keeping manifests: in a folder or a bucket, recorded with the ETag that a job must name.

A manifest's address follows from the plan and its content, never from keys: a manifest that
changed gets another address, so a job never finds another list than the one it was made for. The
only module here that talks to AWS; its S3 client is passed in.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from inventory_pipeline.archive.manifest import FORMAT, Manifest, write_manifest
from inventory_pipeline.archive.planning import day_partitions
from inventory_pipeline.prices.storage_classes import GIB

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine, Lake

PUT_LIMIT_BYTES = 5 * GIB


class ManifestError(Exception):
    """A manifest cannot be kept; the message says why and what to do."""


class S3Client(Protocol):
    """What is used of boto3's S3 client."""

    def head_object(self, **kwargs: Any) -> dict[str, Any]: ...

    def put_object(self, **kwargs: Any) -> dict[str, Any]: ...

    def delete_object(self, **kwargs: Any) -> dict[str, Any]: ...

    def get_paginator(self, operation_name: str, /) -> Any: ...


@dataclass(frozen=True)
class StoredManifest:
    """A row of `archive_manifests`."""

    delivered_on: date
    source_bucket: str
    configuration_id: str
    plan_id: str
    policy: str
    bucket: str
    format: str
    fields: str
    uri: str
    etag: str
    sha256: str
    objects: int
    bytes: int
    written_at: datetime


def write_manifests(
    engine: DuckDBEngine,
    lake: Lake,
    delivered_on: date,
    location: str,
    now: datetime,
    s3: S3Client | None = None,
) -> list[StoredManifest]:
    """Write and record the manifest of each of the day's plans that has objects to archive.

    `location` is a folder, or `s3://bucket/prefix`, which needs the client `s3`. What is there
    already with the same content is left as it is, and its record as well.
    """
    day = {"delivered_on": delivered_on}
    plans = [p for p in lake.read("archive_plans", day).to_pylist() if p["profitable_objects"]]
    recorded = {row["uri"]: row for row in lake.read("archive_manifests", day).to_pylist()}
    stored: list[StoredManifest] = []
    with tempfile.TemporaryDirectory(prefix="manifest-", dir=lake.scratch) as folder:
        for plan in sorted(plans, key=lambda p: (p["source_bucket"], p["plan_id"])):
            partition = {n: plan[n] for n in ("delivered_on", "source_bucket", "configuration_id")}
            with engine.session({"archive_candidates": partition}) as db:
                manifest = write_manifest(db, plan["plan_id"], Path(folder) / "manifest.csv")
            uri, etag = store(manifest, location, _name(plan, manifest), s3)
            written_at = recorded[uri]["written_at"] if uri in recorded else now
            stored.append(_record(plan, manifest, uri, etag, written_at))
    _commit(lake, stored, delivered_on)
    return stored


def store(
    manifest: Manifest, location: str, name: str, s3: S3Client | None = None
) -> tuple[str, str]:
    """Put a manifest at `name` under `location` unless it is there; returns its URI and ETag.

    Raises ManifestError where it is too large for one PutObject, or S3 has other bytes than ours.
    """
    if not location.startswith("s3://"):
        return _store_in_folder(manifest, Path(location), name), manifest.md5
    if s3 is None:
        raise ManifestError(f"{location}: an S3 client is needed to write manifests there")
    size = manifest.path.stat().st_size
    if size > PUT_LIMIT_BYTES:
        raise ManifestError(
            f"manifest {name} has {size} bytes, more than one upload may: "
            "split its policy in archive.policies by prefix"
        )
    parts = urlsplit(location)
    key = "/".join(part for part in (parts.path.strip("/"), name) if part)
    uri = f"s3://{parts.netloc}/{key}"
    etag = _etag(s3, parts.netloc, key)
    if etag != manifest.md5:
        etag = _put(s3, parts.netloc, key, manifest)
    if etag != manifest.md5:
        raise ManifestError(
            f"{uri}: S3 says ETag {etag}, not the MD5 of what was sent; "
            "use a bucket without default KMS encryption for archive.manifests"
        )
    return uri, etag


def delete(uri: str, s3: Callable[[], S3Client]) -> None:
    """Delete a manifest, if it is there; `s3` gives the client for one in a bucket."""
    parts = urlsplit(uri)
    if parts.scheme == "s3":
        _delete_from_bucket(s3(), parts.netloc, parts.path.removeprefix("/"))
    else:
        Path(url2pathname(parts.path)).unlink(missing_ok=True)


def _delete_from_bucket(s3: S3Client, bucket: str, key: str) -> None:
    """Delete an object and, where the bucket keeps versions, every one of them."""
    if "VersionId" not in s3.delete_object(Bucket=bucket, Key=key):
        return
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    versions = [one for page in pages for one in page.get("Versions", ()) if one["Key"] == key]
    for one in versions:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=one["VersionId"])


def _store_in_folder(manifest: Manifest, folder: Path, name: str) -> str:
    target = (folder.expanduser() / name).absolute()
    if not (target.exists() and _md5(target) == manifest.md5):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        shutil.copyfile(manifest.path, partial)
        os.replace(partial, target)
    return target.as_uri()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _etag(s3: S3Client, bucket: str, key: str) -> str | None:
    from botocore.exceptions import ClientError

    try:
        return _unquoted(s3.head_object(Bucket=bucket, Key=key))
    except ClientError as error:
        # Without s3:ListBucket a missing object is "forbidden".
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound", "403"}:
            return None
        raise


def _put(s3: S3Client, bucket: str, key: str, manifest: Manifest) -> str:
    with manifest.path.open("rb") as body:
        answer = s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            ContentMD5=base64.b64encode(bytes.fromhex(manifest.md5)).decode(),
            ContentType="text/csv",
            # Batch Operations reads its own manifests with SSE-S3 only.
            ServerSideEncryption="AES256",
        )
    return _unquoted(answer)


def _unquoted(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _name(plan: dict[str, Any], manifest: Manifest) -> str:
    """Day, policy, plan and the beginning of the content's digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", plan["policy"].lower()).strip("-")[:60] or "policy"
    return f"{plan['delivered_on']}/{slug}/{plan['plan_id']}-{manifest.sha256[:12]}.csv"


def _record(
    plan: dict[str, Any], manifest: Manifest, uri: str, etag: str, written_at: datetime
) -> StoredManifest:
    return StoredManifest(
        delivered_on=plan["delivered_on"],
        source_bucket=plan["source_bucket"],
        configuration_id=plan["configuration_id"],
        plan_id=plan["plan_id"],
        policy=plan["policy"],
        bucket=plan["source_bucket"],
        format=FORMAT,
        fields=manifest.fields,
        uri=uri,
        etag=etag,
        sha256=manifest.sha256,
        objects=manifest.objects,
        bytes=manifest.bytes,
        written_at=written_at,
    )


def _commit(lake: Lake, stored: Sequence[StoredManifest], delivered_on: date) -> None:
    """Make these the day's records, unless they are already."""
    import pyarrow as pa

    from inventory_pipeline.lake.schema import arrow_schema

    table = "archive_manifests"
    rows = pa.Table.from_pylist([asdict(m) for m in stored], schema=arrow_schema(table))
    before = lake.read(table, {"delivered_on": delivered_on})
    if sorted(map(str, before.to_pylist())) != sorted(map(str, rows.to_pylist())):
        lake.replace(table, day_partitions(lake, table, delivered_on, rows), rows)
