"""Parsing and proving manifest.json."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.reports import NotReadyError, ReportError, parse_manifest
from inventory_pipeline.reports.manifest import verify_checksum
from inventory_pipeline_tests.reports.writer import ALL, FIELDS, schema_text

# The shape of a real report: pretty-printed by Jackson, parquet-mr's spelling of types.
REAL = b"""{
  "sourceBucket" : "nix-cache",
  "destinationBucket" : "arn:aws:s3:::nix-cache-inventory",
  "version" : "2016-11-30",
  "creationTimestamp" : "1611446400000",
  "fileFormat" : "Parquet",
  "fileSchema" : "message s3.inventory {  required binary bucket (STRING);  required binary key \
(STRING);  optional int64 size;  optional int64 last_modified_date (TIMESTAMP(MILLIS,true));  \
optional binary e_tag (STRING);}",
  "files" : [ {
    "key" : "nix-cache/Inventory/data/5f8a1c.parquet",
    "size" : 176060000,
    "MD5checksum" : "c11166069f1990abeb9c97ace9cdfabc"
  } ]
}
"""


def manifest(**changes: object) -> bytes:
    document = json.loads(REAL) | changes
    return json.dumps({k: v for k, v in document.items() if v is not None}).encode()


def test_a_real_manifest() -> None:
    parsed = parse_manifest(REAL)
    assert parsed.source_bucket == "nix-cache"
    assert parsed.destination_bucket == "nix-cache-inventory"
    assert parsed.created_at == datetime(2021, 1, 24, tzinfo=UTC)
    assert parsed.format == "Parquet"
    assert parsed.fields == ("bucket", "key", "size", "last_modified_date", "e_tag")
    assert parsed.bytes == 176060000
    assert parsed.md5 == hashlib.md5(REAL).hexdigest()


@pytest.mark.parametrize("format_", ["CSV", "ORC", "Parquet"])
def test_every_field_has_the_name_of_its_column(format_: str) -> None:
    text = schema_text(format_, ALL)
    parsed = parse_manifest(manifest(fileFormat=format_, fileSchema=text))
    assert parsed.fields == tuple(FIELDS[name][0] for name in ALL)
    assert parsed.columns == parsed.fields


@given(st.lists(st.sampled_from(ALL[2:]), unique=True), st.sampled_from(["CSV", "ORC", "Parquet"]))
def test_any_subset_and_order_of_fields(optional: list[str], format_: str) -> None:
    names = ["Bucket", "Key", *optional]
    text = schema_text(format_, names)
    parsed = parse_manifest(manifest(fileFormat=format_, fileSchema=text))
    assert parsed.fields == tuple(FIELDS[name][0] for name in names)


def test_the_documentation_spells_parquet_types_otherwise() -> None:
    text = (
        "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); "
        "optional int64 last_modified_date (TIMESTAMP_MILLIS); }"
    )
    assert parse_manifest(manifest(fileSchema=text)).fields == (
        "bucket", "key", "last_modified_date",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("CSV", "Bucket, Key, ObjectMood"),
        ("ORC", "struct<bucket:string,key:string,object_mood:struct<key:decimal(3,1),b:int>>"),
        (
            "Parquet",
            "message s3.inventory { required binary bucket (STRING); required binary key (STRING);"
            " optional group object_mood (MAP) { repeated group key_value { required binary key; "
            "} } }",
        ),
    ],
)
def test_an_unknown_field_is_set_aside(format_: str, text: str) -> None:
    parsed = parse_manifest(manifest(fileFormat=format_, fileSchema=text))
    assert parsed.columns == ("bucket", "key")
    assert parsed.unknown_fields == ("object_mood",)
    assert parsed.unread_fields == ()


def test_a_field_that_can_be_no_column_is_not_read() -> None:
    text = "Bucket, Key, ObjectMood, delivered_on, 2nd, Ümlaut, Size"
    parsed = parse_manifest(manifest(fileFormat="CSV", fileSchema=text))
    assert parsed.columns == ("bucket", "key", "size")
    assert parsed.unknown_fields == ("object_mood",)
    assert parsed.unread_fields == ("delivered_on", "2nd", "ümlaut")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>503</html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (manifest(fileFormat=None), "has no fileFormat"),
        (manifest(fileFormat="Avro"), "unknown fileFormat 'Avro'; known are CSV, ORC, Parquet"),
        (manifest(sourceBucket=7), "sourceBucket is not text: 7"),
        (manifest(creationTimestamp="soon"), "creationTimestamp is not milliseconds: 'soon'"),
        (manifest(creationTimestamp="9" * 30), "creationTimestamp"),
        (manifest(files=None), "no list of files"),
        (manifest(files=["x"]), "files[0] is not an object"),
        (manifest(files=[{"size": 1, "MD5checksum": "0" * 32}]), "files[0] has no key"),
        (manifest(files=[{"key": "k", "size": "1", "MD5checksum": "0" * 32}]), "files[0]: size"),
        (manifest(files=[{"key": "k", "size": 1, "MD5checksum": "abc"}]), "files[0]: MD5checksum"),
        (manifest(files=[{"key": "a\ud800", "size": 1, "MD5checksum": "0" * 32}]), "files[0]: key"),
        (manifest(files=[{"key": "a\nb", "size": 1, "MD5checksum": "0" * 32}]), "files[0]: key"),
        (manifest(files=2 * [{"key": "k", "size": 2**62, "MD5checksum": "0" * 32}]), "bytes"),
        (manifest(fileSchema="a\ud800"), "fileSchema has unprintable text"),
        (manifest(fileSchema="Bucket, Key"), "not a Parquet message"),
        (manifest(fileFormat="ORC"), "not an ORC struct"),
        (manifest(fileFormat="CSV", fileSchema="Bucket, Size"), "fileSchema has no key"),
        (manifest(fileFormat="CSV", fileSchema="Bucket, Key, Key"), "names 'key' twice"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(content: bytes, words: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_manifest(content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["sourceBucket", "fileFormat", "fileSchema", "files", "key", "size"]
                ),
                x,
            )
        ),
    )
)
def test_no_json_breaks_the_parser(document: object) -> None:
    with pytest.raises(ReportError):
        parse_manifest(json.dumps(document).encode())


def test_checksum() -> None:
    md5 = hashlib.md5(REAL).hexdigest()
    assert verify_checksum(REAL, f"{md5}\n".encode()) == md5
    with pytest.raises(NotReadyError, match=f"but manifest.json has MD5 {md5}"):
        verify_checksum(REAL, b"79b5fbb876087dad174038b271b9cfba\n")


def test_the_documentation_example() -> None:
    folder = Path(__file__).parents[3] / "shared/fixtures/aws-docs-examples/inventory/csv"
    if not folder.is_dir():
        pytest.skip("the examples of AWS's documentation are not beside the checkout")
    content = (folder / "manifest.json").read_bytes()
    verify_checksum(content, (folder / "manifest.checksum").read_bytes())
    parsed = parse_manifest(content)
    assert parsed.source_bucket == "example-source-bucket"
    assert not parsed.unknown_fields
    assert [file.size for file in parsed.files] == [2147483647]
