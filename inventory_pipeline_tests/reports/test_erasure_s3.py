"""Erasure of a lake on S3, in a bucket that keeps versions: no byte of the keys in any of them.

They take some 30 seconds of CPU.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.lake import DuckDBEngine, Lake, residue
from inventory_pipeline.lake.upkeep import GRACE, sweep
from inventory_pipeline.reports.erasure import survey
from inventory_pipeline_tests.faults.searching import found_in
from inventory_pipeline_tests.reports.conftest import House
from inventory_pipeline_tests.reports.test_erasure import (
    KEYS,
    LATER,
    NEEDLES,
    PREFIX,
    T0,
    Estate,
    assert_all_else_is_there,
    assert_the_record_says_what_was_done_but_not_the_prefix,
    plant_everywhere,
)
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

pytestmark = pytest.mark.full

LAKE_BUCKET = "lake-bucket"


@dataclass(frozen=True)
class EstateOnS3(Estate):
    """The same with the lake and the manifest on S3; the warehouse is in the folder."""

    def keep_manifest(self, content: str) -> str:
        for body in (f"{content}again", content):
            self.house.s3.put_object(Bucket=LAKE_BUCKET, Key="manifests/m.csv", Body=body)
        return f"s3://{LAKE_BUCKET}/manifests/m.csv"

    def found(self) -> dict[str, list[str]]:
        copy = self.folder / "bucket"
        shutil.rmtree(copy, ignore_errors=True)
        for number, (key, version) in enumerate(versions(self.house.s3)):
            target = copy / f"{number}" / key
            target.parent.mkdir(parents=True)
            self.house.s3.download_file(
                LAKE_BUCKET, key, str(target), ExtraArgs={"VersionId": version}
            )
        return found_in(self.folder, NEEDLES)


def versions(s3: Any, *, current: bool = False) -> Iterator[tuple[str, str]]:
    """Keys and ids of all versions, or of current ones."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=LAKE_BUCKET):
        for one in page.get("Versions", ()):
            if one["IsLatest"] or not current:
                yield one["Key"], one["VersionId"]


def uploads(estate: EstateOnS3) -> list[Any]:
    """Uploads of which S3 keeps parts."""
    answer = estate.house.s3.list_multipart_uploads(Bucket=LAKE_BUCKET)
    return list(answer.get("Uploads", ()))


@pytest.fixture
def empty(s3_lake: Lake, tmp_path: Path) -> EstateOnS3:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    keeping = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=LAKE_BUCKET, VersioningConfiguration=keeping)
    house = House(s3, s3_lake, DuckDBEngine(s3_lake, "512MB", threads=2))
    return EstateOnS3(house, tmp_path)


@pytest.fixture
def estate(empty: EstateOnS3) -> EstateOnS3:
    plant_everywhere(empty)
    empty.warehouse.parent.mkdir()
    empty.publish()
    return empty


def test_removed_files_have_no_earlier_versions_left(empty: EstateOnS3) -> None:
    objects = [{"key": key, "size": 1} for key in (f"{PREFIX}1", "b/1")]
    Writer(empty.house.s3, source="photos").deliver(T0, objects, format="Parquet")
    empty.house.ingest()
    upload_breaks_off(empty)
    assert {Path(path).suffix for path in empty.found()} == {".parquet"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(residue, "lake_client", Denied)
        (left,) = empty.erase(publish=lambda: None).left
    assert "needs s3:ListBucketVersions and s3:DeleteObjectVersion" in left
    assert empty.found(), "or the refusal would be no matter"
    assert [row["finished_at"] for row in empty.house.rows("erasures")] == [None]
    assert empty.erase(publish=lambda: None).left == ()
    assert empty.found() == {}
    assert uploads(empty) == []
    assert empty.listed() == [("photos", "b/1")]
    assert [row["finished_at"] for row in empty.house.rows("erasures")] == [LATER]
    assert not [key for key, _ in versions(empty.house.s3, current=True) if ".lease" in key]


class Denied:
    """A client that may not see versions."""

    def get_paginator(self, name: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, name)


def test_no_byte_of_the_keys_is_left_in_any_version(estate: EstateOnS3) -> None:
    upload_breaks_off(estate)
    now = datetime.now(UTC) + timedelta(days=2)
    sweep(estate.lake, now)
    assert sum(one.removed for one in sweep(estate.lake, now + GRACE)), "versions alone have these"
    before = estate.found()
    assert {Path(path).suffix for path in before} == {".parquet", ".duckdb", ".csv"}
    found = survey(estate.house.engine, KEYS)
    assert estate.erase().left == ()
    assert estate.found() == {}
    assert uploads(estate) == []
    assert_all_else_is_there(estate)
    assert_the_record_says_what_was_done_but_not_the_prefix(estate, found)


def upload_breaks_off(estate: EstateOnS3) -> None:
    place = {"Bucket": LAKE_BUCKET, "Key": "prod/tables/s3_objects/data/half.parquet"}
    began = estate.house.s3.create_multipart_upload(**place)
    estate.house.s3.upload_part(
        **place, UploadId=began["UploadId"], PartNumber=1, Body=PREFIX.encode()
    )
