"""What S3 keeps of a lake where no listing of its files shows it.

Earlier versions of removed files, where the bucket has versioning, and parts of uploads that were
never completed. Not here: files that can be listed (`erasing`, `upkeep`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from inventory_pipeline.lake.adopting import lake_client
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.lake import Lake


def forget_versions(lake: Lake, table: str) -> int:
    """Delete the earlier versions of a table's files on S3; returns how many.

    No file of a table is ever written over, so these are of files that were removed. Markers of
    deletion stay: they hold nothing. Raises LakeError where S3 keeps any.
    """
    if lake.is_local:
        return 0
    place, deleted = _place(lake, f"tables/{table}/"), 0
    with _said(place, "s3:ListBucketVersions and s3:DeleteObjectVersion"):
        pages = lake_client().get_paginator("list_object_versions").paginate(**place)
        for page in pages:
            earlier = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in page.get("Versions", ())
                if not one["IsLatest"]
            ]
            _delete(place["Bucket"], earlier)
            deleted += len(earlier)
    return deleted


def _delete(bucket: str, versions: list[dict[str, str]]) -> None:
    """Delete what a page of S3's has, which is as many as one call may delete."""
    if not versions:
        return
    wanted = {"Objects": versions, "Quiet": True}
    answer = lake_client().delete_objects(Bucket=bucket, Delete=wanted)
    for error in answer.get("Errors", ()):
        raise LakeError(
            f"s3://{bucket}/{error['Key']} keeps an earlier version, and perhaps others do: "
            f"{error['Code']}"
        )


def abort_uploads(lake: Lake, before: datetime) -> int:
    """Have S3 drop the parts of uploads of tables' files that began before; returns how many are
    left.

    What else the lake's bucket has may be somebody else's. Raises LakeError where S3 refuses.
    """
    if lake.is_local:
        return 0
    place = _place(lake, "tables/")
    with _said(place, "s3:ListBucketMultipartUploads and s3:AbortMultipartUpload"):
        pages = lake_client().get_paginator("list_multipart_uploads").paginate(**place)
        uploads = [one for page in pages for one in page.get("Uploads", ())]
        dead = [one for one in uploads if one["Initiated"] < before]
        for one in dead:
            upload = {"Key": one["Key"], "UploadId": one["UploadId"]}
            lake_client().abort_multipart_upload(Bucket=place["Bucket"], **upload)
    return len(uploads) - len(dead)


def _place(lake: Lake, folder: str) -> dict[str, str]:
    bucket, _, prefix = f"{lake.location}/{folder}".removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Prefix": prefix}


@contextmanager
def _said(place: dict[str, str], needed: str) -> Iterator[None]:
    """What S3 says against it as LakeError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LakeError(
            f"s3://{place['Bucket']}/{place['Prefix']} may keep what S3 does not list as files "
            f"(needs {needed}): {error}"
        ) from error
