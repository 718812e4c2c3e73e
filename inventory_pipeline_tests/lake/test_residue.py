"""Earlier versions and broken uploads on S3: gone when they are to be, or it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.lake import Lake, LakeError, residue
from inventory_pipeline.lake.residue import abort_uploads, forget_versions

BUCKET = "lake-bucket"
TABLE = "prod/tables/s3_usage"


@pytest.fixture
def s3(s3_lake: Lake) -> Any:
    """The lake's bucket keeps versions."""
    client = boto3.client("s3")
    keeping = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=keeping)
    return client


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    return lambda client: monkeypatch.setattr(residue, "lake_client", lambda: client)


class Refusing:
    """S3's client, but for one operation, which is denied."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client, self._operation = client, operation

    def __getattr__(self, name: str) -> Any:
        if name == self._operation:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, name)
        return getattr(self._client, name)


def versions(s3: Any) -> list[tuple[str, bool]]:
    """Keys of all versions, and which are current."""
    answer = s3.list_object_versions(Bucket=BUCKET)
    return sorted((one["Key"], one["IsLatest"]) for one in answer.get("Versions", ()))


def test_removed_files_leave_no_version_and_others_stay(s3_lake: Lake, s3: Any) -> None:
    removed, others = f"{TABLE}/data/old.parquet", f"{TABLE}_more/data/old.parquet"
    for key in (removed, f"{TABLE}/data/new.parquet", others):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    for key in (removed, others):
        s3.delete_object(Bucket=BUCKET, Key=key)
    assert forget_versions(s3_lake, "s3_usage") == 1
    assert versions(s3) == [(f"{TABLE}/data/new.parquet", True), (others, False)]
    assert "prod/tables/s3_usage/data/old.parquet" not in [
        one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    ]
    assert forget_versions(s3_lake, "s3_usage") == 0


def test_versions_that_s3_keeps_are_told(s3_lake: Lake, s3: Any, through: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{TABLE}/data/old.parquet", Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key=f"{TABLE}/data/old.parquet")
    for operation in ("get_paginator", "delete_objects"):
        through(Refusing(s3, operation))
        with pytest.raises(LakeError, match=r"needs s3:ListBucketVersions and s3:DeleteObjectVer"):
            forget_versions(s3_lake, "s3_usage")

    class Locked(Refusing):
        def delete_objects(self, **request: Any) -> Any:
            (one,) = request["Delete"]["Objects"]
            return {"Errors": [{**one, "Code": "AccessDenied", "Message": "Object Lock"}]}

    through(Locked(s3, ""))
    with pytest.raises(LakeError, match=r"old.parquet keeps an earlier version.*AccessDenied"):
        forget_versions(s3_lake, "s3_usage")


def test_uploads_that_broke_off_are_dropped_and_young_ones_counted(
    s3_lake: Lake, s3: Any, through: Any
) -> None:
    for key in (f"{TABLE}/data/half.parquet", "production/of-somebody-else"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    began = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["Initiated"]
    assert abort_uploads(s3_lake, began) == 1
    through(Refusing(s3, "abort_multipart_upload"))
    with pytest.raises(LakeError, match="needs s3:ListBucketMultipartUploads and s3:AbortMult"):
        abort_uploads(s3_lake, datetime.now(UTC))
    through(s3)
    assert abort_uploads(s3_lake, began + timedelta(seconds=1)) == 0
    (left,) = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert left["Key"] == "production/of-somebody-else"


def test_a_lake_without_a_prefix_leaves_uploads_of_others(s3: Any) -> None:
    for key in ("tables/s3_usage/data/half.parquet", "films/of-somebody-else"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    whole_bucket = Lake.open(f"s3://{BUCKET}", catalog="glue")
    assert abort_uploads(whole_bucket, datetime.now(UTC) + timedelta(seconds=1)) == 0
    (left,) = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert left["Key"] == "films/of-somebody-else"


def test_a_local_lake_has_none(lake: Lake) -> None:
    assert forget_versions(lake, "s3_usage") == 0
    assert abort_uploads(lake, datetime.now(UTC)) == 0
