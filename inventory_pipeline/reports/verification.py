"""Fetching a delivery's parts, each proved against what vouches for it.

manifest.checksum vouches for manifest.json, and manifest.json for the report files.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inventory_pipeline.reports.deliveries import Delivery
from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.manifest import Manifest, ReportFile, verify_checksum
from inventory_pipeline.reports.storage import (
    MissingObjectError,
    S3Client,
    Stored,
    download,
    read_object,
    read_stored,
)


def read_manifest(s3: S3Client, delivery: Delivery) -> tuple[Stored, str]:
    """manifest.json and its MD5.

    Raises NotReadyError while it is missing or does not fit its checksum, ReportError where it may
    not be read.
    """
    try:
        checksum = read_object(s3, delivery.bucket, delivery.checksum_key)
        manifest = read_stored(s3, delivery.bucket, delivery.manifest_key)
    except MissingObjectError as error:
        raise NotReadyError(f"not delivered yet: {error}") from error
    return manifest, verify_checksum(manifest.content, checksum)


def check_source(manifest: Manifest, delivery: Delivery) -> None:
    """Raises ReportError where a manifest lies in another bucket's folder."""
    if manifest.source_bucket != delivery.source_bucket:
        raise ReportError(
            f"manifest.json is of bucket {manifest.source_bucket!r}, but lies in the folder of "
            f"{delivery.source_bucket!r}"
        )


def etag_proves(head: Mapping[str, Any], file: ReportFile) -> bool:
    """Whether S3's answer to HEAD says that an object is this very file, unread.

    Its ETag is its MD5 where it was uploaded in one part and no key of KMS or of the customer's
    encrypts it; otherwise False, which says nothing about the object.
    """
    etag = str(head.get("ETag", "")).strip('"')
    keyed = head.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in head
    return (
        re.fullmatch(r"[0-9a-f]{32}", etag) is not None
        and not keyed
        and etag == file.md5
        and head.get("ContentLength") == file.size
    )


def fetch_file(s3: S3Client, delivery: Delivery, file: ReportFile, target: Path) -> str:
    """Download a report file, verified, and return its address.

    It is read from the bucket that holds the manifest. Where the key named there does not exist,
    the same file beside the delivery is tried: a destination prefix that ends with "/" makes AWS
    name one place and write to another.
    """
    beside = f"{delivery.source_prefix}data/{file.key.rpartition('/')[2]}"
    try:
        download(s3, delivery.bucket, file, file.key, target)
    except MissingObjectError:
        if beside == file.key:
            raise
        try:
            download(s3, delivery.bucket, file, beside, target)
        except MissingObjectError:
            raise MissingObjectError(f"s3://{delivery.bucket}/{file.key} does not exist") from None
        return f"s3://{delivery.bucket}/{beside}"
    return f"s3://{delivery.bucket}/{file.key}"
