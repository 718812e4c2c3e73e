"""Decoding report files: the same rows from every format and way, and no silent damage."""

import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake import DuckDBEngine, Lake, Session
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.reports import Delivery, Manifest, ReportError, csv_fast, formats
from inventory_pipeline.reports.formats import decode, unreadable
from inventory_pipeline.reports.manifest import parse_manifest
from inventory_pipeline.reports.partials import Grouping
from inventory_pipeline.reports.reading import Job
from inventory_pipeline.tables import DELIVERY
from inventory_pipeline_tests.reports.conftest import Place
from inventory_pipeline_tests.reports.test_manifest import manifest as manifest_text
from inventory_pipeline_tests.reports.writer import (
    ALL,
    CURRENT_ONLY,
    FIELDS,
    NEWEST,
    Row,
    body,
    csv_body,
    gzipped,
    orc_body,
    parquet_body,
    schema_text,
)

WAYS = ("CSV", "CSV by Arrow", "CSV by DuckDB", "ORC", "Parquet", "Parquet by DuckDB")
"""Formats as they are read for preference, and as a stand-in reads them."""
AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
DELIVERED = Delivery(Place(), "photos", "daily", AT, "inventory/photos/daily/2026-11-01T01-00Z/")

WHOLE: Row = {
    "bucket": "photos",
    "key": '2024/a b+c%20,"d"\n/é.jpg',
    "version_id": "nuYD8l5blCvLV3DbAiN1IXuwo7aF3F98",
    "is_latest": True,
    "is_delete_marker": False,
    "size": 2**53 + 1,
    "last_modified_date": datetime(2024, 5, 6, 22, 37, 48, 123000, tzinfo=UTC),
    "e_tag": "627c47efe292876b91978324485cd2ec-12",
    "storage_class": "INTELLIGENT_TIERING",
    "is_multipart_uploaded": True,
    "replication_status": "COMPLETED",
    "encryption_status": "SSE-KMS",
    "object_lock_retain_until_date": datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC),
    "object_lock_mode": "GOVERNANCE",
    "object_lock_legal_hold_status": "Off",
    "intelligent_tiering_access_tier": "FREQUENT",
    "bucket_key_status": "ENABLED",
    "checksum_algorithm": "SHA-256",
    "object_access_control_list": "eyJ2ZXJzaW9uIjoiMjAyMi0xMS0xMCJ9",
    "object_owner": "7009a8971cd538e11f6b6606438875e7c86c5b672f46db45460ddcd087d36c32",
    "lifecycle_expiration_date": datetime(2030, 1, 1, tzinfo=UTC),
    "object_lock_event_hold_status": "ON",
    "object_lock_event_hold_duration": "30",
    "object_lock_event_hold_duration_unit": "DAYS",
    "intelligent_tiering_reference_date": datetime(2026, 10, 1, tzinfo=UTC),
}
MARKER: Row = {
    "bucket": "photos",
    "key": "gone",
    "version_id": None,
    "is_latest": True,
    "is_delete_marker": True,
    "last_modified_date": datetime(2024, 5, 6, 22, 46, 14, tzinfo=UTC),
    "bucket_key_status": "DISABLED",
}
FOLDER: Row = {"bucket": "photos", "key": "2024/", "size": 0, "e_tag": "d41d8cd98f00b204e9800998e"}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.open(str(tmp_path_factory.mktemp("formats") / "lake"))
    with DuckDBEngine(lake, memory_limit="512MB", threads=2).session({}) as session:
        yield session


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


def manifest(format_: str, fields: Sequence[str] = ALL) -> Manifest:
    text = schema_text(format_, fields)
    return parse_manifest(manifest_text(fileFormat=format_, fileSchema=text))


def decoded(
    db: Session, folder: Path, way: str, content: bytes, fields: Sequence[str] = ALL
) -> pa.Table:
    """The rows of a report file, in the types of the contract's columns."""
    file, made = folder / "file", folder / "made.parquet"
    file.write_bytes(content)
    format_, _, stand_in = way.partition(" by ")
    described = manifest(format_, fields)
    if way == "Parquet":
        adopt(described, file, made)
    else:
        with pytest.MonkeyPatch.context() as patch:
            if stand_in == "Arrow":
                patch.setattr(csv_fast, "available", lambda: False)
            elif stand_in:
                patch.setattr(formats, "_batches", lambda *_: None)
            with unreadable("s3://reports/data/1", described, file):
                decode(db, described, DELIVERED, file, made)
    table = pq.read_table(made)
    contract = arrow_schema("s3_objects")
    known = [field for field in contract if field.name in table.column_names]
    assert table.select([field.name for field in known]).schema.types == [f.type for f in known]
    for field in contract:
        if field not in known:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table


def adopt(described: Manifest, file: Path, made: Path) -> None:
    job = Job(None, DELIVERED, described, Grouping(1, AT))  # type: ignore[arg-type]  # it reads none
    with file.open("rb") as report:
        adoption = job.adoption(report, made.with_suffix(".tail"))
    assert adoption
    made.write_bytes(file.read_bytes()[: adoption.footer_start] + adoption.tail.read_bytes())


def without_partition(table: pa.Table) -> list[Row]:
    return table.drop_columns([*DELIVERY]).to_pylist()


def report(way: str, rows: Sequence[Row], fields: Sequence[str]) -> bytes:
    return body(way.partition(" by ")[0], rows, fields)


def completed(row: Row) -> Row:
    return {column: row.get(column) for column, _ in map(FIELDS.get, (*ALL, *NEWEST))}  # type: ignore[misc]


@pytest.mark.parametrize("way", WAYS)
def test_every_field_of_every_format(db: Session, folder: Path, way: str) -> None:
    rows = [WHOLE, MARKER, FOLDER]
    fields = (*ALL, *NEWEST)
    table = decoded(db, folder, way, report(way, rows, fields), fields)
    assert without_partition(table) == [completed(row) for row in rows]
    assert table.select([*DELIVERY]).to_pylist() == 3 * [
        {"delivered_on": AT.date(), "source_bucket": "photos", "configuration_id": "daily"}
    ]


@pytest.mark.parametrize("way", WAYS)
def test_fields_are_found_by_name(db: Session, folder: Path, way: str) -> None:
    fields = ("StorageClass", "Key", "Size", "ObjectMood", "Bucket")
    row = WHOLE | {"object_mood": "blue"}
    (got,) = without_partition(decoded(db, folder, way, report(way, [row], fields), fields))
    assert got.pop("object_mood") == "blue", "a field that this build does not know is text"
    assert got == completed({n: WHOLE[n] for n in ("bucket", "key", "size", "storage_class")})


@pytest.mark.parametrize("way", WAYS)
def test_a_file_without_rows(db: Session, folder: Path, way: str) -> None:
    assert decoded(db, folder, way, report(way, [], ALL)).num_rows == 0


@pytest.mark.parametrize("way", ["ORC", "Parquet", "Parquet by DuckDB"])
@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.string()])
def test_text_may_be_numbers(db: Session, folder: Path, way: str, kind: pa.DataType) -> None:
    """Of what type AWS makes the duration of a hold is not known."""
    fields = ("Bucket", "Key", "ObjectLockEventHoldDuration")
    columns = [pa.array(["photos"]), pa.array(["k"]), pa.array(["30"]).cast(kind)]
    names = [FIELDS[name][0] for name in fields]
    required = [
        pa.field(n, c.type, n not in names[:2]) for n, c in zip(names, columns, strict=True)
    ]
    table = pa.table(columns, schema=pa.schema(required))
    content = orc_table(table) if way == "ORC" else parquet_table(table)
    (got,) = decoded(db, folder, way, content, fields).to_pylist()
    assert got["object_lock_event_hold_duration"] == "30"


KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(KEYS, min_size=1, max_size=20), st.sampled_from([*WAYS, "CSV until 2018"]))
@example(["a+b", "a b", "a%2Bb", "%", "%25", "%zz", "%2", '"', ",", "\n", "\r\n", "\\", "'"], "CSV")
@example(["../../x", "=cmd()", "<script>", "\x00", " lead", "#x", "ÿ", "\U0010ffff"], "CSV")
@example(["a+b c%20"], "CSV until 2018")
@example(["é" * 512, "x" * 1024], "CSV")
def test_keys_come_back_as_they_were(db: Session, folder: Path, keys: list[str], way: str) -> None:
    rows = [{"bucket": "photos", "key": key} for key in keys]
    fields = ("Bucket", "Key")
    if way == "CSV until 2018":
        way, content = "CSV", gzipped(csv_body(rows, fields, plus_for_space=True))
    else:
        content = report(way, rows, fields)
    table = decoded(db, folder, way, content, fields)
    assert sorted(table["key"].to_pylist()) == sorted(keys)


def test_real_rows(db: Session, folder: Path) -> None:
    """Rows that AWS wrote: a null version, a delete marker, an encoded '=' and a folder marker."""
    source = Path(__file__).parents[3] / "shared/fixtures/s3-inventory-rows"
    if not source.is_dir():
        pytest.skip("real report rows are not beside the checkout")
    schema = (source / "fileSchema.txt").read_text().strip()
    file, made = folder / "file", folder / "made.parquet"
    file.write_bytes(gzip.compress((source / "rows.csv").read_bytes()))
    real = parse_manifest(manifest_text(fileFormat="CSV", fileSchema=schema))
    decode(db, real, DELIVERED, file, made)
    rows = pq.read_table(made).to_pylist()
    assert [row["is_delete_marker"] for row in rows] == [False, True, False, False]
    assert rows[1]["size"] is None
    assert rows[1]["e_tag"] is None
    assert rows[2]["key"] == "dandiarchive/dandiarchive/hive/dt=2024-05-07-01-00/symlink.txt"
    assert rows[3]["last_modified_date"] == datetime(2024, 12, 18, 15, 23, 29, tzinfo=UTC)


@pytest.mark.parametrize("way", ["CSV", "CSV by Arrow", "CSV by DuckDB"])
def test_several_gzip_members(db: Session, folder: Path, way: str) -> None:
    members = [csv_body([{"bucket": "b", "key": f"{n}"}], ("Bucket", "Key")) for n in range(5)]
    table = decoded(db, folder, way, gzipped(*members), ("Bucket", "Key"))
    assert table["key"].to_pylist() == ["0", "1", "2", "3", "4"]


def test_an_orc_file_of_many_stripes(db: Session, folder: Path) -> None:
    import pyarrow.orc as orc

    rows = [{"bucket": "b", "key": f"{n:05}" * 20, "size": n} for n in range(70_000)]
    content = orc_body(rows, CURRENT_ONLY, stripe_bytes=1 << 16)
    assert orc.ORCFile(pa.BufferReader(content)).nstripes > 3
    table = decoded(db, folder, "ORC", content, CURRENT_ONLY)
    assert sorted(table["size"].to_pylist()) == list(range(70_000))


def test_old_parquet_without_logical_types(db: Session, folder: Path) -> None:
    """Text without UTF8 mark, times in the old spelling: neither hex nor local time."""
    table = pa.table({
        "bucket": pa.array([b"photos"]),
        "key": pa.array(["é".encode()]),
        "last_modified_date": pa.array([AT], pa.timestamp("ms")),
    })  # fmt: skip
    file = folder / "old"
    pq.write_table(table, file, version="1.0", store_schema=False)
    fields = ("Bucket", "Key", "LastModifiedDate")
    read = decoded(db, folder, "Parquet by DuckDB", file.read_bytes(), fields)
    (row,) = without_partition(read)
    assert (row["bucket"], row["key"], row["last_modified_date"]) == ("photos", "é", AT)


def csv_line(**values: str) -> bytes:
    defaults = {"Bucket": "b", "Key": "k"}
    fields = [(defaults | values).get(name, "") for name in ALL]
    return gzipped((",".join(f'"{v}"' for v in fields) + "\n").encode())


def corrupt(content: bytes) -> bytes:
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes(b ^ 0xFF for b in content[middle : middle + 4])
        + content[middle + 4 :]
    )


@pytest.mark.parametrize("way", ["CSV", "CSV by Arrow", "CSV by DuckDB"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (csv_line(Size="5.4"), "column size: 5.4 is not valid"),
        (csv_line(Size="0x10"), "column size: 0x10"),
        (csv_line(Size="99999999999999999999"), "column size: 99999999999999999999"),
        (csv_line(LastModifiedDate="yesterday"), "column last_modified_date: yesterday"),
        (csv_line(IsLatest="perhaps"), "column is_latest: perhaps"),
        (csv_line(Key="%FF%FE"), "column key: a value is not valid"),
        (csv_line(Key=""), "column key is empty"),
        (gzipped(b'"b","k"\n'), "Expected Number of Columns: 21 Found: 2"),
        (gzipped(b'"b","\xff\xfe"' + 19 * b',""' + b"\n"), "Invalid unicode"),
        (gzipped(b'"b","k"' + 18 * b',""' + b',"k\n'), "unterminated quote"),
        (gzipped(b'"b","k"' + 19 * b',""' + b"\n" + b'"b"\n'), "Line: 2"),
        (gzipped(csv_body([WHOLE] * 50, ALL))[:-30], "Unexpected end of GZIP stream"),
        (gzipped(csv_body([WHOLE], ALL), b"")[:-4], "GZIP"),
        (b"hello", "GZIP stream"),
        (gzipped(b"")[:10] + b"\xff" * 60, "is not readable as CSV"),
        (corrupt(gzipped(csv_body([WHOLE] * 50, ALL))), "CSV"),
        (b"", "not a GZIP stream"),
    ],
)
def test_damaged_csv_is_an_error_that_says_where(
    db: Session, folder: Path, content: bytes, words: str, way: str
) -> None:
    assert_refused(db, folder, way, content, words)


def invalid_text() -> pa.Array:
    offsets = pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0]))
    return pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])


def parquet_table(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def orc_table(table: pa.Table) -> bytes:
    import pyarrow.orc as orc

    sink = pa.BufferOutputStream()
    orc.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def parquet_of(**columns: Any) -> bytes:
    return parquet_table(pa.table(columns))


def orc_of(**columns: Any) -> bytes:
    return orc_table(pa.table(columns))


GOOD_PARQUET = parquet_body([WHOLE] * 500, ALL)
GOOD_ORC = orc_body([WHOLE] * 500, ALL)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD_PARQUET[:-50], "No magic bytes"),
        (b"PAR1", "too small"),
        (gzipped(b'"b","k"\n'), "Parquet"),
        (GOOD_PARQUET[:4] + b"\xff" * 60 + GOOD_PARQUET[64:], ""),
        (parquet_of(bucket=["b"], key=["k"]), 'does not have a column named "version_id"'),
        (parquet_body([WHOLE | {"key": None}], ALL), "column key is empty"),
        (parquet_of(bucket=["b"], key=invalid_text()), ""),
    ],
)
def test_damaged_parquet(db: Session, folder: Path, content: bytes, words: str) -> None:
    assert_refused(db, folder, "Parquet by DuckDB", content, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD_ORC[:-50], "ORC"),
        (b"", ""),
        (GOOD_PARQUET, "ORC"),
        (GOOD_ORC[:900] + b"\xff" * 900 + GOOD_ORC[1800:], ""),
        (orc_of(bucket=["b"], key=["k"]), "lacks column version_id"),
        (orc_body([WHOLE | {"key": None}], ALL), "column key is empty"),
    ],
)
def test_damaged_orc(db: Session, folder: Path, content: bytes, words: str) -> None:
    assert_refused(db, folder, "ORC", content, words)


@pytest.mark.parametrize("way", ["ORC", "Parquet by DuckDB"])
def test_text_that_is_not_utf8(db: Session, folder: Path, way: str) -> None:
    make = orc_of if way == "ORC" else parquet_of
    content = make(bucket=["b"], key=invalid_text())
    assert_refused(db, folder, way, content, "UTF", fields=("Bucket", "Key"))


def assert_refused(
    db: Session,
    folder: Path,
    way: str,
    content: bytes,
    words: str,
    fields: Sequence[str] = ALL,
) -> None:
    """An error of one line that names the file."""
    with pytest.raises(ReportError) as caught:
        decoded(db, folder, way, content, fields)
    message = str(caught.value)
    format_ = way.partition(" by ")[0]
    assert message.startswith(f"s3://reports/data/1 is not readable as {format_}: ")
    assert words.lower() in message.lower()
    assert "\n" not in message
    assert str(folder) not in message
    assert len(message) < 400


def test_a_lake_on_s3_that_does_not_answer_is_no_fault_of_the_report() -> None:
    told = "When reading information for key 'x': AWS Error NETWORK_CONNECTION"
    with pytest.raises(OSError, match="NETWORK"), unreadable("s3://lake/x", manifest("ORC")):
        raise OSError(told)
