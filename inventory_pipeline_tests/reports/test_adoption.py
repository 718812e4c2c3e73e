"""Parquet reports adopted: the same rows on every reader, or a reason why not; never other rows."""

import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.reports.adoption import NotAdoptableError, write_tail
from inventory_pipeline.reports.parquet_footer import Kind, Struct, footer_bytes, read_footer
from inventory_pipeline.tables import DELIVERY
from inventory_pipeline_tests.reports import parquet_mr
from inventory_pipeline_tests.reports.writer import ALL, FIELDS, Row, arrow_table

CONSTANTS = {
    "delivered_on": date(2026, 11, 20),
    "source_bucket": "it's-ü",
    "configuration_id": "daily",
}
START = datetime(2024, 2, 29, 23, 59, 59, 999000, UTC)

# As parquet-mr writes a report, as far as pyarrow can.
AS_AWS: Mapping[str, Any] = {
    "compression": "snappy",
    "version": "1.0",
    "data_page_version": "1.0",
    "coerce_timestamps": "ms",
    "store_schema": False,
}


def report_rows(count: int) -> list[Row]:
    return [
        {
            "bucket": "photos",
            "key": f"a/ü{i}",
            "version_id": None if i % 3 else f"v{i}",
            "is_latest": i % 2 == 0,
            "size": None if i % 5 == 4 else 2**53 + i,
            "last_modified_date": START - timedelta(hours=i),
            "lifecycle_expiration_date": None if i % 2 else START + timedelta(days=i),
            "storage_class": "STANDARD",
            "object_mood": ["glad", None][i % 2],
        }
        for i in range(count)
    ]


def required(data: pa.Table) -> pa.Table:
    """The columns that AWS's reports never leave out as such."""
    fields = [f.with_nullable(f.name not in ("bucket", "key")) for f in data.schema]
    return data.cast(pa.schema(fields))


def written(data: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(data, sink, **{**AS_AWS, **options})
    return sink.getvalue()


def adopted(report: bytes, folder: Path, fields: list[str] | None = None) -> Path:
    """The data file that a report becomes."""
    names = fields or pq.read_schema(io.BytesIO(report)).names
    adoption = write_tail(io.BytesIO(report), names, CONSTANTS, folder / "tail")
    file = folder / "adopted.parquet"
    file.write_bytes(report[: adoption.footer_start] + adoption.tail.read_bytes())
    return file


def expected(report: pa.Table) -> pa.Table:
    """A report's columns in the lake's types, and the delivery's."""
    contract = arrow_schema("s3_objects")
    columns = {
        name: report[name].cast(contract.field(name).type if name in contract.names else "string")
        for name in report.column_names
    }
    for name, value in CONSTANTS.items():
        columns[name] = pa.chunked_array(
            [pa.array([value] * report.num_rows, contract.field(name).type)]
        )
    return pa.table(columns)


def assert_same_everywhere(file: Path, report: pa.Table) -> None:
    want = expected(report)
    names = want.column_names
    by_arrow = pq.read_table(file, columns=names).select(names)
    assert by_arrow.cast(want.schema).equals(want)
    chosen = ", ".join(f'"{name}"' for name in names)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        by_duckdb = db.sql(f"SELECT {chosen} FROM '{file}'").to_arrow_table()
    assert by_duckdb.cast(want.schema).equals(want)


@given(
    rows=st.integers(0, 60),
    names=st.sets(st.sampled_from(sorted(set(FIELDS) - {"Bucket", "Key"}))),
    options=st.fixed_dictionaries(
        {
            "row_group_size": st.integers(1, 70),
            "compression": st.sampled_from(["none", "snappy", "gzip", "zstd"]),
            "version": st.sampled_from(["1.0", "2.6"]),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "coerce_timestamps": st.sampled_from(["ms", "us"]),
            "use_dictionary": st.booleans(),
            "write_page_index": st.booleans(),
            "store_schema": st.booleans(),
        }
    ),
)
@settings(max_examples=25)
def test_an_adopted_report_has_the_same_rows_on_every_reader(
    rows: int, names: set[str], options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    fields = [field for field in FIELDS if field in names | {"Bucket", "Key"}]
    data = required(arrow_table(report_rows(rows), fields))
    file = adopted(written(data, **options), tmp_path_factory.mktemp("adopted", numbered=True))
    assert_same_everywhere(file, data)


def test_what_aws_writer_wrote_is_adopted(tmp_path: Path) -> None:
    report = parquet_mr.REPORT.read_bytes()
    start, metadata = read_footer(io.BytesIO(report))
    assert footer_bytes(metadata) == report[start:]
    file = adopted(report, tmp_path)
    assert_same_everywhere(file, pq.read_table(parquet_mr.REPORT))
    rows = pq.read_table(file).to_pylist()
    assert rows == [
        parquet_mr.listed(number) | {"object_age": str(number)} | CONSTANTS
        for number in range(parquet_mr.ROWS)
    ]


def test_only_instants_are_written_anew(tmp_path: Path) -> None:
    data = required(arrow_table(report_rows(5000), ALL))
    report = written(data, row_group_size=2000, write_page_index=True)
    file = adopted(report, tmp_path)
    before, after = pq.read_metadata(io.BytesIO(report)), pq.read_metadata(file)
    start = len(report) - before.serialized_size - 8
    assert file.read_bytes()[:start] == report[:start]
    assert (after.num_rows, after.num_row_groups) == (5000, 3)
    for group in range(3):
        chunks = {
            footer: {
                (chunk := footer.row_group(group).column(i)).path_in_schema: chunk
                for i in range(footer.num_columns)
            }
            for footer in (before, after)
        }
        for name, chunk in chunks[after].items():
            own = name in CONSTANTS or "date" in name
            assert (chunk.data_page_offset >= start) == own
            assert own or told(chunk) == told(chunks[before][name])
        # Readers that share a file out tell by its first column where a row group is.
        first = after.row_group(group).column(0)
        assert first.path_in_schema == "bucket"
        sizes = [chunk.total_compressed_size for chunk in chunks[after].values()]
        assert first.dictionary_page_offset + sum(sizes) // 2 < file.stat().st_size
    for name, value in CONSTANTS.items():
        chunk = chunks[after][name]
        assert (chunk.statistics.min, chunk.statistics.max) == (value, value)


def told(chunk: pq.ColumnChunkMetaData) -> dict[str, Any]:
    """What a footer says of a chunk, but for the histograms of its sizes."""
    return {name: what for name, what in chunk.to_dict().items() if name != "size_statistics"}


def test_fields_that_are_not_asked_for_are_left_out(tmp_path: Path) -> None:
    data = required(arrow_table(report_rows(3), [*ALL, "ObjectMood"]))
    file = adopted(written(data), tmp_path, ["bucket", "key", "size"])
    assert pq.read_schema(file).names == ["bucket", "key", "size", *DELIVERY]


def test_no_field_ids_are_taken_over(tmp_path: Path) -> None:
    with_ids = pa.schema(
        [
            pa.field(name, pa.string(), nullable=False, metadata={"PARQUET:field_id": str(i)})
            for i, name in enumerate(("bucket", "key"))
        ]
    )
    data = pa.Table.from_pylist([{"bucket": "b", "key": "k"}], with_ids)
    found = pq.read_schema(adopted(written(data), tmp_path))
    assert all(b"PARQUET:field_id" not in (field.metadata or {}) for field in found)


def test_bytes_that_are_not_said_to_be_text_are_said_to_be(tmp_path: Path) -> None:
    schema = pa.schema([pa.field(n, pa.binary(), nullable=False) for n in ("bucket", "key")])
    data = pa.Table.from_pylist([{"bucket": b"b", "key": "ü".encode()}], schema)
    file = adopted(written(data), tmp_path)
    assert pq.read_table(file)["key"].to_pylist() == ["ü"]
    assert pq.read_schema(file).field("key").type == pa.string()


def test_unknown_fields_become_text_as_csv_spells_it(tmp_path: Path) -> None:
    data = pa.table(
        {
            "bucket": ["b", "b"],
            "key": ["1", "2"],
            "flag": [True, None],
            "count": pa.array([-7, 2**40]),
            "small": pa.array([1, None], pa.int16()),
            "day": [date(2026, 1, 31), None],
            "at": pa.array([START, None], pa.timestamp("ms", "UTC")),
            "mood": ["glad", None],
        }
    )
    found = pq.read_table(adopted(written(required(data)), tmp_path))
    assert found.select(["flag", "count", "small", "day", "at", "mood"]).to_pylist() == [
        {
            "flag": "true",
            "count": "-7",
            "small": "1",
            "day": "2026-01-31",
            "at": "2024-02-29T23:59:59.999Z",
            "mood": "glad",
        },
        {"flag": None, "count": "1099511627776", "small": None}
        | dict.fromkeys(["day", "at", "mood"]),
    ]


def test_a_report_without_rows_has_no_row_groups(tmp_path: Path) -> None:
    data = required(arrow_table([], ALL))
    adoption = write_tail(
        io.BytesIO(written(data)), data.column_names, CONSTANTS, tmp_path / "tail"
    )
    assert adoption.rows == 0


def nested() -> pa.Table:
    return pa.table({"bucket": ["b"], "key": ["k"], "tags": [["a", "b"]]})


NAMES = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("bucket", "key")])
AT = pa.table({"bucket": ["b"], "key": ["k"], "last_modified_date": [START]})
SMALL = pa.table({"bucket": ["b"], "key": ["k"], "size": pa.array([1], pa.int32())})
DATE = pa.table({"bucket": ["b"], "key": ["k"], "last_modified_date": [START.date()]})
SPELT = pa.table({"bucket": ["b"], "key": ["k"], "last_modified_date": [START.isoformat()]})
NOT_TOLD = pa.table({"bucket": ["b"], "key": ["k"], "is_latest": ["true"]})
NULLED = pa.table({"bucket": ["b", "b"], "key": ["k", None]})
NANO = pa.table(
    {"bucket": ["b"], "key": ["k"], "last_modified_date": pa.array([1], pa.timestamp("ns"))}
)
UNSIGNED = pa.table({"bucket": ["b"], "key": ["k"], "size": pa.array([1], pa.uint64())})
DOUBLE = pa.table({"bucket": ["b"], "key": ["k"], "score": [0.1]})


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (written(AT, use_deprecated_int96_timestamps=True, coerce_timestamps=None), "INT96"),
        (written(SMALL), "column size is INT32"),
        (written(UNSIGNED, version="2.6"), "column size is INT64"),
        (written(DATE), "column last_modified_date is INT32"),
        (written(SPELT), "column last_modified_date is BYTE_ARRAY"),
        (written(NOT_TOLD), "column is_latest is BYTE_ARRAY"),
        (written(DOUBLE), "column score is DOUBLE"),
        (written(NANO, version="2.6", coerce_timestamps=None), "would lose data"),
        (written(NULLED), "does not say that every row has a key"),
        (written(SMALL.drop("size"), write_statistics=False), "every row has a bucket"),
        (written(nested()), "nested"),
        (written(required(AT), compression="brotli"), "packed by codec 4"),
        (written(pa.table([["b"], ["k"], ["k"]], names=["bucket", "key", "key"])), "twice"),
        (b"", "0 bytes"),
        (b"PAR1 a page and no footer", "not end as"),
    ],
)
def test_what_cannot_be_adopted_is_said(report: bytes, reason: str, tmp_path: Path) -> None:
    with io.BytesIO(report) as file:
        try:
            names = pq.read_schema(file).names
        except pa.ArrowInvalid:
            names = []
        with pytest.raises(NotAdoptableError, match=reason):
            write_tail(file, names, CONSTANTS, tmp_path / "tail")
    assert not (tmp_path / "tail").exists()


def test_encrypted_columns_are_not_adopted(tmp_path: Path) -> None:
    report = written(required(AT))
    start, metadata = read_footer(io.BytesIO(report))
    metadata[8] = (Kind.STRUCT, Struct({1: (Kind.STRUCT, Struct())}))
    report = report[:start] + footer_bytes(metadata)
    with pytest.raises(NotAdoptableError, match="encrypted"):
        write_tail(io.BytesIO(report), AT.column_names, CONSTANTS, tmp_path / "tail")


def test_a_promised_column_that_is_not_there_is_missed(tmp_path: Path) -> None:
    data = required(arrow_table(report_rows(1), ["Bucket", "Key"]))
    with pytest.raises(NotAdoptableError, match="lacks column size"):
        write_tail(io.BytesIO(written(data)), ["key", "size"], CONSTANTS, tmp_path / "tail")


DAMAGED = required(arrow_table(report_rows(40), ["Bucket", "Key", "Size", "LastModifiedDate"]))
WHOLE = written(DAMAGED, row_group_size=15, write_page_index=True)


@given(at=st.integers(0, len(WHOLE) - 1), bits=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=150)
def test_a_damaged_report_never_becomes_other_rows(
    at: int, bits: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = WHOLE[:at] if cut else WHOLE[:at] + bytes([WHOLE[at] ^ bits]) + WHOLE[at + 1 :]
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    try:
        file = adopted(damaged, folder, DAMAGED.column_names)
    except NotAdoptableError:
        return
    assert not cut
    names = DAMAGED.column_names
    try:
        found = pq.read_table(file, columns=names)
        itself = pq.read_table(io.BytesIO(damaged), columns=names)
    except (OSError, pa.ArrowException):
        return
    # It says what the damaged report itself says to a reader that gets through it.
    want = expected(itself).select(names)
    assert found.cast(want.schema).equals(want)
