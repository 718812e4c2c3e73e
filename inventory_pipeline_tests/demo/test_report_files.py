import csv
import gzip
import io
import re
from datetime import datetime
from urllib.parse import unquote, unquote_plus

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import orc

from inventory_pipeline.demo.estate import Estate
from inventory_pipeline.demo.objects import AWKWARD_KEYS, Report, Versions, population, reports
from inventory_pipeline.demo.report_columns import columns, keys
from inventory_pipeline.demo.report_files import encode, encode_key, file_schema, gzipped


def first_file(estate: Estate, ending: str) -> tuple[Report, Versions]:
    report = next(r for r in reports(estate) if r.bucket.endswith(ending))
    return report, next(iter(population(estate, report, 1)))


def csv_text(estate: Estate, ending: str) -> str:
    return gzip.decompress(encode(*first_file(estate, ending))).decode()


def test_csv_is_one_gzip_member_with_the_header_of_s3(estate: Estate) -> None:
    packed = encode(*first_file(estate, "-media"))
    assert packed[:10].hex() == "1f8b0800000000000003"
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as member:
        body = member.read()
    assert gzipped(body) == packed


def test_csv_rows_are_lines_of_quoted_fields_without_a_header(estate: Estate) -> None:
    text = csv_text(estate, "-media")
    report, versions = first_file(estate, "-media")
    width = len(columns(report))
    assert text.endswith('"\n')
    assert "\r" not in text
    lines = text.splitlines()
    assert len(lines) == len(versions)
    field = r'"[^"\n]*"'
    assert all(re.fullmatch(rf"{field}(,{field}){{{width - 1}}}", line) for line in lines)


def test_csv_values_are_spelt_as_s3_does(estate: Estate) -> None:
    report, _ = first_file(estate, "-media")
    names = [c.csv for c in columns(report)]
    rows = [
        dict(zip(names, r, strict=True))
        for r in csv.reader(io.StringIO(csv_text(estate, "-media")))
    ]
    live = next(r for r in rows if r["IsDeleteMarker"] == "false" and r["Size"] != "0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", live["LastModifiedDate"])
    assert re.fullmatch(r"[0-9a-f]{32}(-\d+)?", live["ETag"])
    assert live["IsMultipartUploaded"] in ("true", "false")
    marker = next(r for r in rows if r["IsDeleteMarker"] == "true")
    absent = ("Size", "ETag", "StorageClass", "IsMultipartUploaded", "EncryptionStatus")
    assert [marker[name] for name in absent] == [""] * len(absent)
    assert marker["BucketKeyStatus"] == "DISABLED"
    assert "" in {r["VersionId"] for r in rows}, "the null version"


def test_csv_keys_are_percent_encoded_and_others_raw(estate: Estate) -> None:
    text = csv_text(estate, "-media")
    encoded = [line.split('","')[1] for line in text.splitlines()]
    assert set(AWKWARD_KEYS) <= {unquote(k) for k in encoded}
    for ending in ("-lake", "-backups"):
        report, versions = first_file(estate, ending)
        assert read(report, encode(report, versions))["key"].to_pylist()[:24] == list(AWKWARD_KEYS)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_encoded_keys_decode_either_way_to_the_key(key: str) -> None:
    encoded = encode_key(key)
    assert re.fullmatch(r"([A-Za-z0-9\-._/:]|%[0-9A-F]{2})*", encoded)
    assert unquote(encoded) == unquote_plus(encoded) == key


def read(report: Report, body: bytes) -> pa.Table:
    source = pa.BufferReader(body)
    return pq.read_table(source) if report.format == "Parquet" else orc.read_table(source)


@pytest.mark.parametrize("ending", ["-lake", "-samples"])
def test_parquet_has_the_types_of_its_manifest(estate: Estate, ending: str) -> None:
    report, versions = first_file(estate, ending)
    file = pq.ParquetFile(pa.BufferReader(encode(report, versions)))
    spelt = str(file.schema)
    for name in ("bucket", "key"):
        assert f"required binary field_id=-1 {name} (String)" in spelt
    instant = "(Timestamp(isAdjustedToUTC=true, timeUnit=milliseconds"
    assert f"optional int64 field_id=-1 last_modified_date {instant}" in spelt
    assert "optional int64 field_id=-1 size;" in spelt
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
    assert file.metadata.metadata is None, "S3 writes no key-value metadata"
    names = re.findall(r"(?:required|optional) \w+ (\w+)", file_schema(report))
    assert names == file.schema_arrow.names


def test_orc_has_the_types_of_its_manifest(estate: Estate) -> None:
    report, versions = first_file(estate, "-backups")
    file = orc.ORCFile(pa.BufferReader(encode(report, versions)))
    assert file.file_version == "0.12"
    assert file.compression == "ZLIB"
    assert file.schema.field("last_modified_date").type == pa.timestamp("ns")
    schema = file_schema(report)
    assert re.findall(r"[<,](\w+):", schema) == file.schema.names
    assert "size:bigint,last_modified_date:timestamp,e_tag:string" in schema


def test_the_three_formats_say_the_same(estate: Estate) -> None:
    """One population, written as each format, has the same sizes, times and classes."""
    from dataclasses import replace

    csv_report, versions = first_file(estate, "-media")
    rows = list(csv.reader(io.StringIO(csv_text(estate, "-media"))))
    names = [c.csv for c in columns(csv_report)]
    for format_ in ("Parquet", "ORC"):
        report = replace(csv_report, format=format_)
        table = read(report, encode(report, versions))
        by_name = dict(zip(names, zip(*rows, strict=True), strict=True))
        assert [str(v) if v is not None else "" for v in table["size"].to_pylist()] == list(
            by_name["Size"]
        )
        assert [v or "" for v in table["storage_class"].to_pylist()] == list(
            by_name["StorageClass"]
        )
        told: list[datetime] = (
            table["last_modified_date"].cast(pa.timestamp("us", "UTC")).to_pylist()
        )
        assert [f"{t:%Y-%m-%dT%H:%M:%S}.000Z" for t in told] == list(by_name["LastModifiedDate"])
        assert table["key"].to_pylist() == keys(versions).to_pylist()


def test_a_file_may_have_no_rows(estate: Estate) -> None:
    from dataclasses import replace

    report, _ = first_file(estate, "-lake")
    for format_ in ("Parquet", "ORC"):
        empty = replace(report, format=format_)
        assert read(empty, encode(empty, None)).num_rows == 0
    assert gzip.decompress(encode(replace(report, format="CSV"), None)) == b""


def test_the_csv_schema_is_canonical_and_leaves_out_what_is_not_reported(estate: Estate) -> None:
    media, _ = first_file(estate, "-media")
    assert file_schema(media).startswith(
        "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, "
    )
    logs, _ = first_file(estate, "-logs")
    assert file_schema(logs) == (
        "Bucket, Key, Size, LastModifiedDate, ETag, StorageClass, IsMultipartUploaded, "
        "EncryptionStatus"
    )
