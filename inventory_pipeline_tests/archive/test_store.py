"""Manifests in a folder and in a bucket: once, under a name that tells nothing of keys."""

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from moto import mock_aws

from inventory_pipeline.archive.manifest import Manifest
from inventory_pipeline.archive.planning import plan
from inventory_pipeline.archive.store import ManifestError, delete, store, write_manifests
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.contract import violations
from inventory_pipeline_tests.archive.planted import (
    DAY,
    KIB,
    SNAPSHOT,
    obj,
    open_lake,
    plant_buckets,
    plant_deliveries,
    plant_prices,
    policy,
)

LATER = SNAPSHOT + timedelta(hours=1)


@pytest.fixture
def planned(tmp_path: Path) -> tuple[Lake, DuckDBEngine]:
    """Two buckets with something to archive, and one with nothing that pays."""
    lake, engine = open_lake(tmp_path)
    plant_prices(lake)
    plant_buckets(
        lake,
        {"resource_id": "data-1"},
        {"resource_id": "data-3"},
        {"resource_id": "data-2", "versioning": "Enabled"},
    )
    plant_deliveries(
        lake,
        {
            ("data-1", "daily"): [obj("../../etc/passwd"), obj("b b")],
            ("data-2", "daily"): [obj("k", version_id="v1"), obj("n")],
            ("data-3", "daily"): [obj("tiny", KIB)],
        },
    )
    plan(engine, lake, [policy("Old logs / ..", target_class="GLACIER")], DAY)
    return lake, engine


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        client.create_bucket(Bucket="manifests")
        yield client


def test_a_folder_gets_one_file_a_plan(planned: tuple[Lake, DuckDBEngine], tmp_path: Path) -> None:
    lake, engine = planned
    stored = write_manifests(engine, lake, DAY, str(tmp_path / "out"), SNAPSHOT)
    assert [(m.bucket, m.fields, m.objects) for m in stored] == [
        ("data-1", "Bucket,Key", 2),
        ("data-2", "Bucket,Key,VersionId", 2),
    ]
    for manifest in stored:
        path = Path(unquote(urlsplit(manifest.uri).path))
        relative = path.relative_to(tmp_path / "out").as_posix()
        expected = f"2026-11-01/old-logs/{manifest.plan_id}-{manifest.sha256[:12]}.csv"
        assert relative == expected
        assert hashlib.md5(path.read_bytes()).hexdigest() == manifest.etag
    assert Path(unquote(urlsplit(stored[1].uri).path)).read_text() == (
        "data-2,k,v1\ndata-2,n,null\n"
    )
    with engine.session({"archive_manifests": {"delivered_on": DAY}}) as db:
        assert violations(db, "archive_manifests") == []


def test_writing_again_changes_nothing(planned: tuple[Lake, DuckDBEngine], tmp_path: Path) -> None:
    lake, engine = planned
    out = str(tmp_path / "out")
    first = write_manifests(engine, lake, DAY, out, SNAPSHOT)
    path = Path(unquote(urlsplit(first[0].uri).path))
    os.utime(path, (0, 0))
    commits = {f.path for f in lake.files("archive_manifests")}
    assert write_manifests(engine, lake, DAY, out, LATER) == first
    assert path.stat().st_mtime == 0
    assert {f.path for f in lake.files("archive_manifests")} == commits


def test_a_lost_or_damaged_file_is_written_again(
    planned: tuple[Lake, DuckDBEngine], tmp_path: Path
) -> None:
    lake, engine = planned
    first = write_manifests(engine, lake, DAY, str(tmp_path / "out"), SNAPSHOT)
    one, two = (Path(unquote(urlsplit(m.uri).path)) for m in first)
    content = one.read_bytes(), two.read_bytes()
    one.unlink()
    two.write_text("cut sh")
    assert write_manifests(engine, lake, DAY, str(tmp_path / "out"), LATER) == first
    assert (one.read_bytes(), two.read_bytes()) == content


def test_a_changed_plan_gets_another_file_and_the_old_one_stays(
    planned: tuple[Lake, DuckDBEngine], tmp_path: Path
) -> None:
    lake, engine = planned
    before = write_manifests(engine, lake, DAY, str(tmp_path / "out"), SNAPSHOT)
    plant_prices(lake, without=["GLACIER:transition"])
    plan(engine, lake, [policy("Old logs / ..", target_class="GLACIER")], DAY)
    assert write_manifests(engine, lake, DAY, str(tmp_path / "out"), LATER) == []
    assert lake.read("archive_manifests").num_rows == 0
    assert all(Path(unquote(urlsplit(m.uri).path)).exists() for m in before)


def test_a_bucket_gets_an_object_with_the_etag_that_is_recorded(
    planned: tuple[Lake, DuckDBEngine], s3: Any
) -> None:
    lake, engine = planned
    stored = write_manifests(engine, lake, DAY, "s3://manifests/plans/", SNAPSHOT, s3)
    for manifest in stored:
        url = urlsplit(manifest.uri)
        assert url.path.startswith("/plans/2026-11-01/old-logs/")
        found = s3.get_object(Bucket=url.netloc, Key=url.path[1:])
        assert found["ETag"] == f'"{manifest.etag}"'
        assert found["ServerSideEncryption"] == "AES256"
        assert hashlib.sha256(found["Body"].read()).hexdigest() == manifest.sha256
    recorded = lake.read("archive_manifests").to_pylist()
    assert {row["etag"] for row in recorded} == {m.etag for m in stored}


def test_an_object_that_is_there_is_not_sent_again(
    planned: tuple[Lake, DuckDBEngine], s3: Any
) -> None:
    lake, engine = planned
    s3.put_bucket_versioning(Bucket="manifests", VersioningConfiguration={"Status": "Enabled"})
    first = write_manifests(engine, lake, DAY, "s3://manifests", SNAPSHOT, s3)
    assert write_manifests(engine, lake, DAY, "s3://manifests", LATER, s3) == first
    versions = s3.list_object_versions(Bucket="manifests")["Versions"]
    assert len(versions) == len(first)


def _manifest(path: Path) -> Manifest:
    path.write_bytes(b"b,k\n")
    md5 = hashlib.md5(b"b,k\n").hexdigest()
    return Manifest(path, "Bucket,Key", "00", md5, 1, 1)


def test_without_a_client_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="s3://b/p: an S3 client is needed"):
        store(_manifest(tmp_path / "m"), "s3://b/p", "n.csv")


def test_another_etag_than_the_md5_is_an_error(tmp_path: Path, s3: Any) -> None:
    class Rewriting:
        """A bucket that encrypts with KMS answers with an ETag that is no MD5."""

        head_object = s3.head_object

        def put_object(self, **kwargs: Any) -> dict[str, Any]:
            return {**s3.put_object(**kwargs), "ETag": '"feed"'}

    with pytest.raises(ManifestError, match="ETag feed"):
        store(_manifest(tmp_path / "m"), "s3://manifests/p", "n.csv", Rewriting())


def test_a_manifest_too_large_for_one_upload_is_refused(
    tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory_pipeline.archive.store.PUT_LIMIT_BYTES", 3)
    with pytest.raises(ManifestError, match="split its policy"):
        store(_manifest(tmp_path / "m"), "s3://manifests/p", "n.csv", s3)


def test_a_deleted_manifest_leaves_no_version(s3: Any) -> None:
    keeping = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="manifests", VersioningConfiguration=keeping)
    for key in ("m.csv", "m.csv", "m.csv.other"):
        s3.put_object(Bucket="manifests", Key=key, Body=b"data-1,k")
    for _ in range(2):
        delete("s3://manifests/m.csv", lambda: s3)
    left = s3.list_object_versions(Bucket="manifests")["Versions"]
    assert [one["Key"] for one in left] == ["m.csv.other"]


def test_a_bucket_without_versions_is_not_asked_for_them(s3: Any) -> None:
    s3.put_object(Bucket="manifests", Key="m.csv", Body=b"data-1,k")
    s3.get_paginator = None
    for _ in range(2):
        delete("s3://manifests/m.csv", lambda: s3)
    assert "Contents" not in s3.list_objects_v2(Bucket="manifests")
