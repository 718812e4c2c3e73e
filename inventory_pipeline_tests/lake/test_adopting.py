"""Reports taken into the table as they are: on disk, and on S3 by S3 itself."""

import io
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.lake import DataFile, Lake, LakeError, adopting
from inventory_pipeline.lake.adopting import S3Report
from inventory_pipeline.lake.catalog import sqlite_catalog
from inventory_pipeline.reports.adoption import Adoption, write_tail
from inventory_pipeline.reports.ranged import RangedFile
from inventory_pipeline_tests.lake.planted import delivery, ingest

HERE = delivery("photos")
BUCKET, KEY = "reports", "data/1.parquet"
MIB = 1024 * 1024


def report_of(rows: int) -> bytes:
    """A report of about 85 bytes a row."""
    noise = random.Random(1)
    keys = [f"{noise.getrandbits(320):080x}" for _ in range(rows)]
    schema = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("bucket", "key")])
    sink = io.BytesIO()
    data = pa.table([pa.repeat("photos", rows), pa.array(keys)], schema=schema)
    pq.write_table(data, sink, compression="none", use_dictionary=["bucket"])
    return sink.getvalue()


SMALL = report_of(10)
LARGE = report_of(160_000)


def tail_of(report: Any, lake: Lake) -> Adoption:
    return write_tail(report, ["bucket", "key"], HERE, lake.scratch / "tail")


def assert_arrived(lake: Lake, report: bytes) -> DataFile:
    """That a report's data file is there, and nothing is left of its making."""
    found = lake.arrived("s3_objects", "r")
    assert found is not None
    assert found.partition == HERE
    assert found.path == f"{lake.location}/tables/s3_objects/data/r.parquet"
    with lake.filesystem.open_input_file(found.path.removeprefix("s3://")) as file:
        rows = pq.read_table(file)
    assert rows["key"].equals(pq.read_table(io.BytesIO(report))["key"])
    assert not list(lake.scratch.iterdir())
    return found


def assert_read(lake: Lake, report: bytes) -> None:
    """That the lake can be given a report's data file, and read."""
    lake.replace("s3_objects", [HERE], [assert_arrived(lake, report)])
    ingest(lake, [HERE])
    rows = lake.read("s3_objects", columns=["key"])
    assert rows["key"].equals(pq.read_table(io.BytesIO(report))["key"])


def test_a_report_on_disk_becomes_the_lakes(lake: Lake, tmp_path: Path) -> None:
    report = tmp_path / "report.parquet"
    report.write_bytes(SMALL)
    adoption = tail_of(io.BytesIO(SMALL), lake)
    file = lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert Path(file.path).read_bytes()[: adoption.footer_start] == SMALL[: adoption.footer_start]
    assert not report.exists()
    assert_read(lake, SMALL)


# -- on S3 -------------------------------------------------------------------------------------


@pytest.fixture
def s3(aws: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the destination, on which uploads and copies are not allowed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    client = boto3.client("s3")
    for bucket in (BUCKET, "lake-bucket"):
        client.create_bucket(Bucket=bucket)
    for name in ("UploadPart", "UploadPartCopy", "CreateMultipartUpload"):
        client.meta.events.register(f"before-call.s3.{name}", refuse)
    return client


@pytest.fixture
def s3_lake(s3: Any, tmp_path: Path) -> Lake:
    """A lake on S3, whose tables are not looked at."""
    return Lake("s3://lake-bucket/prod", sqlite_catalog(tmp_path))


def refuse(**_: Any) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied"}}, "Operation")


class Calls(list[tuple[str, ...]]):
    """The calls of a client, by name, with what they ask for."""

    def of(self, client: Any) -> None:
        client.meta.events.register("before-parameter-build.s3", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        asked = ("CopySourceRange", "CopySourceIfMatch", "Range", "IfMatch")
        self.append((model.name, *(params[name] for name in asked if name in params)))


@pytest.fixture
def calls(s3: Any) -> Iterator[Calls]:
    """What the lake's own client does in this test."""
    adopting._client.cache_clear()
    found = Calls()
    found.of(adopting.lake_client())
    yield found
    adopting._client.cache_clear()


def put(s3: Any, content: bytes) -> tuple[S3Report, RangedFile]:
    """A report in the destination: to be copied, and to be read."""
    etag = s3.put_object(Bucket=BUCKET, Key=KEY, Body=content)["ETag"]
    return S3Report(s3, BUCKET, KEY, etag), RangedFile(s3, BUCKET, KEY, etag, len(content))


def unfinished(s3: Any) -> list[Any]:
    return list(s3.list_multipart_uploads(Bucket="lake-bucket").get("Uploads", []))


def test_s3_copies_a_report_by_itself(s3: Any, s3_lake: Lake, calls: Calls) -> None:
    report, content = put(s3, LARGE)
    adoption = tail_of(content, s3_lake)
    reading = Calls()
    reading.of(s3)
    s3_lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert reading == []
    assert calls == [
        ("CreateMultipartUpload",),
        ("UploadPartCopy", f"bytes=0-{adoption.footer_start - 1}", report.etag),
        ("UploadPart",),
        ("CompleteMultipartUpload",),
    ]
    assert_arrived(s3_lake, LARGE)


def test_a_report_too_large_for_one_copy_is_copied_in_parts(
    s3: Any, s3_lake: Lake, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopting, "LARGEST_PART", 10 * MIB)
    report, content = put(s3, LARGE)
    adoption = tail_of(content, s3_lake)
    s3_lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert [name for name, *_ in calls].count("UploadPartCopy") == 2
    assert_arrived(s3_lake, LARGE)


def test_a_report_that_the_lake_may_not_copy_is_fetched(
    s3: Any, s3_lake: Lake, calls: Calls
) -> None:
    adopting.lake_client().meta.events.register("before-call.s3.UploadPartCopy", refuse)
    report, content = put(s3, LARGE)
    adoption = tail_of(content, s3_lake)
    s3_lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert [name for name, *_ in calls][:3] == [
        "CreateMultipartUpload",
        "UploadPartCopy",
        "AbortMultipartUpload",
    ]
    assert not unfinished(s3)
    assert_arrived(s3_lake, LARGE)


def test_a_report_too_small_to_be_copied_is_fetched(s3: Any, s3_lake: Lake, calls: Calls) -> None:
    report, content = put(s3, SMALL)
    adoption = tail_of(content, s3_lake)
    s3_lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert [name for name, *_ in calls] == ["PutObject"]
    assert_arrived(s3_lake, SMALL)


def test_a_lake_on_disk_fetches_a_report_less_its_footer(s3: Any, lake: Lake) -> None:
    report, content = put(s3, SMALL)
    adoption = tail_of(content, lake)
    reading = Calls()
    reading.of(s3)
    lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert reading == [("GetObject", f"bytes=0-{adoption.footer_start - 1}", report.etag)]
    assert_arrived(lake, SMALL)


def test_a_report_that_has_changed_is_not_taken(s3: Any, s3_lake: Lake, calls: Calls) -> None:
    report, content = put(s3, SMALL)
    adoption = tail_of(content, s3_lake)
    put(s3, SMALL[::-1])
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3_lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert s3_lake.arrived("s3_objects", "r") is None
    assert not unfinished(s3)


def test_a_report_that_has_changed_is_not_read(s3: Any, lake: Lake) -> None:
    _, content = put(s3, SMALL)
    put(s3, SMALL[::-1])
    with pytest.raises(ClientError, match="PreconditionFailed"):
        tail_of(content, lake)
    assert not list(lake.scratch.iterdir())


@pytest.mark.parametrize("failing", ["UploadPart", "CompleteMultipartUpload"])
def test_of_an_adoption_that_fails_nothing_is_there(
    s3: Any, s3_lake: Lake, calls: Calls, failing: str
) -> None:
    adopting.lake_client().meta.events.register(f"before-call.s3.{failing}", refuse)
    report, content = put(s3, LARGE)
    adoption = tail_of(content, s3_lake)
    with pytest.raises(LakeError, match=r"prod/tables/.* cannot be written: .*AccessDenied"):
        s3_lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "r")
    assert s3_lake.arrived("s3_objects", "r") is None
    assert not unfinished(s3)


def test_of_an_upload_that_fails_nothing_is_there(s3_lake: Lake, calls: Calls) -> None:
    adopting.lake_client().meta.events.register("before-call.s3.CompleteMultipartUpload", refuse)
    file = s3_lake.scratch_file()
    adoption = tail_of(io.BytesIO(LARGE), s3_lake)
    file.write_bytes(LARGE[: adoption.footer_start] + adoption.tail.read_bytes())
    with pytest.raises(LakeError, match="AccessDenied"):
        s3_lake.arrive("s3_objects", file, "r")
    assert s3_lake.arrived("s3_objects", "r") is None
