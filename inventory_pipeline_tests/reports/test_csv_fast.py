"""The decoders of AWS's CSV, compiled and Arrow's: DuckDB's rows to the last, or a refusal."""

import gzip
import io
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake import DuckDBEngine, Lake, Session
from inventory_pipeline.reports import Delivery, Manifest, csv_arrow, csv_fast, formats
from inventory_pipeline.reports.batches import batch_schema
from inventory_pipeline.reports.errors import IrregularError
from inventory_pipeline.reports.formats import decode, unreadable
from inventory_pipeline.reports.manifest import EPOCH, parse_manifest
from inventory_pipeline_tests.reports.conftest import Place
from inventory_pipeline_tests.reports.test_manifest import manifest as manifest_text
from inventory_pipeline_tests.reports.writer import ALL, FIELDS, Row, csv_body, gzipped, schema_text

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
DELIVERED = Delivery(Place(), "photos", "daily", AT, "inventory/photos/daily/2026-11-01T01-00Z/")

ROW: Row = {
    "bucket": "photos",
    "key": "2024/a b+c%20é/\U0001f600",
    "version_id": "nuYD8l5blCvLV3DbAiN1IXuwo7aF3F98",
    "is_latest": True,
    "is_delete_marker": False,
    "size": 2**53 + 1,
    "last_modified_date": datetime(2024, 2, 29, 22, 37, 48, 123000, tzinfo=UTC),
    "e_tag": "627c47efe292876b91978324485cd2ec-12",
    "storage_class": "INTELLIGENT_TIERING",
    "object_owner": "7009a8971cd538e11f6b6606438875e7c86c5b672f46db45460ddcd087d36c32",
}
MARKER: Row = {"bucket": "photos", "key": "gone", "is_latest": True, "is_delete_marker": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.open(str(tmp_path_factory.mktemp("lake")))
    with DuckDBEngine(lake, memory_limit="512MB", threads=1).session({}) as session:
        yield session


def manifest(fields: Sequence[str]) -> Manifest:
    return parse_manifest(manifest_text(fileFormat="CSV", fileSchema=schema_text("CSV", fields)))


DECODERS = pytest.mark.parametrize("decoder", [csv_fast, csv_arrow], ids=["compiled", "Arrow"])


def read(file: Path, fields: Sequence[str] = ALL, decoder: Any = csv_fast) -> pa.Table:
    """A decoder's rows, their dictionaries as text."""
    names = manifest(fields).fields
    schema = batch_schema(names)
    batches = [
        pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        for batch in decoder.read_batches(file, names)
    ]
    table = pa.concat_tables([schema.empty_table(), *batches])
    table.validate(full=True)
    plain = [
        pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in schema
    ]
    return table.cast(pa.schema(plain))


def by_duckdb(db: Session, file: Path, fields: Sequence[str] = ALL) -> pa.Table:
    """DuckDB's rows of the same file."""
    target = file.with_suffix(".parquet")
    read = manifest(fields)
    with (
        patch.object(formats, "_batches", return_value=None),
        unreadable("the report", read, file),
    ):
        decode(db, read, DELIVERED, file, target)
    return pq.read_table(target).select(list(read.fields))


def line(**values: str) -> bytes:
    """A row of ALL fields as its CSV text."""
    defaults = {"Bucket": "photos", "Key": "k"}
    return (",".join(f'"{(defaults | values).get(name, "")}"' for name in ALL) + "\n").encode()


KEYS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256),
    st.sampled_from(
        ["../../x", "=cmd()", "<script>", "\x00", "a+b c", "%", "%2B", '"', ",\n", "é" * 512]
    ),
)
WORDS = st.text("ABCxyz019-_.+/= ()", min_size=1, max_size=40)
# From the year 1000 on, since Python does not pad years.
INSTANTS = st.integers(-30_609_792_000_000, 253_402_300_799_999).map(
    lambda ms: EPOCH + timedelta(milliseconds=ms)
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": WORDS,
    "boolean": st.booleans(),
    "number": st.integers(0, 10**18 - 1),
    "time": INSTANTS,
}


@st.composite
def reports(draw: st.DrawFn) -> tuple[tuple[str, ...], list[Row]]:
    """Fields in any order, and rows of them."""
    others = draw(st.lists(st.sampled_from(sorted(set(FIELDS) - {"Bucket", "Key"})), unique=True))
    fields = draw(st.permutations(["Bucket", "Key", *others]))
    columns = {
        FIELDS[name][0]: st.none() | VALUES[FIELDS[name][1]]
        for name in others
    }  # fmt: skip
    rows = st.fixed_dictionaries({"bucket": WORDS, "key": KEYS, **columns})
    return tuple(fields), draw(st.lists(rows, max_size=12))


@DECODERS
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports(), cuts=st.lists(st.integers(0, 5000), max_size=3))
def test_any_report_has_the_rows_that_were_written(
    db: Session,
    folder: Path,
    decoder: Any,
    report: tuple[tuple[str, ...], list[Row]],
    cuts: list[int],
) -> None:
    """Of any fields in any order, in gzip members cut anywhere: as written, and as DuckDB reads."""
    fields, rows = report
    text = csv_body(rows, fields)
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    file = folder / "any.csv.gz"
    file.write_bytes(gzipped(*(text[a:b] for a, b in pairwise(ends))))
    if not rows and decoder is csv_arrow:
        with pytest.raises(IrregularError):
            read(file, fields, decoder)
        return
    got = read(file, fields, decoder)
    assert got.to_pylist() == [
        {FIELDS[f][0]: row.get(FIELDS[f][0]) for f in fields} for row in rows
    ]
    assert got.equals(by_duckdb(db, file, fields))


EDITS = st.tuples(
    st.sampled_from(["flip", "insert", "delete", "double"]),
    st.integers(0, 10**6),
    st.one_of(
        st.sampled_from(b'",\n\r%+\x00\x1f\x7f\x80\xc3\xff \\-.:TZ019aefrtu'), st.integers(0, 255)
    ),
)


def edited(text: bytes, edits: Sequence[tuple[str, int, int]]) -> bytes:
    for kind, place, byte in edits:
        at = place % (len(text) + 1)
        match kind:
            case "flip":
                text = text[:at] + bytes([byte]) + text[at + 1 :]
            case "insert":
                text = text[:at] + bytes([byte]) + text[at:]
            case "delete":
                text = text[:at] + text[at + 1 :]
            case "double":
                text = text[:at] + text[max(0, at - byte) :]
    return text


VALID = csv_body([ROW, MARKER, ROW | {"key": "b/c", "size": 0}], ALL)


def check_edited_text(
    db: Session, file: Path, decoder: Any, edits: list[tuple[str, int, int]]
) -> None:
    """Whatever the decoder accepts, DuckDB reads as the same rows."""
    file.write_bytes(gzipped(edited(VALID, edits)))
    with suppress(IrregularError):
        assert read(file, decoder=decoder).equals(by_duckdb(db, file))


def check_edited_gzip(
    db: Session, file: Path, decoder: Any, edits: list[tuple[str, int, int]]
) -> None:
    """As it is unpacked by Python (DuckDB checks no CRC, and takes no padding)."""
    content = edited(gzipped(VALID[:300], VALID[300:]), edits)
    file.write_bytes(content)
    try:
        got = read(file, decoder=decoder)
    except (IrregularError, OSError):
        return
    file.write_bytes(gzipped(gzip.decompress(content)))
    assert got.equals(by_duckdb(db, file))


CHECKS = pytest.mark.parametrize("check", [check_edited_text, check_edited_gzip])


@CHECKS
@DECODERS
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(edits=st.lists(EDITS, min_size=1, max_size=3))
def test_damage_is_read_as_by_duckdb_or_not_at_all(
    db: Session,
    folder: Path,
    check: Callable[..., None],
    decoder: Any,
    edits: list[tuple[str, int, int]],
) -> None:
    check(db, folder / "edited.csv.gz", decoder, edits)


@pytest.mark.full
@CHECKS
@DECODERS
@settings(max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
@given(edits=st.lists(EDITS, min_size=1, max_size=3))
def test_much_damage_is_read_as_by_duckdb_or_not_at_all(
    db: Session,
    folder: Path,
    check: Callable[..., None],
    decoder: Any,
    edits: list[tuple[str, int, int]],
) -> None:
    check(db, folder / "edited.csv.gz", decoder, edits)


WHOLE = line(Size="1")

OTHER_DIALECTS = (
    WHOLE[:-1],
    WHOLE + b"\n",
    WHOLE.replace(b"\n", b"\r\n"),
    WHOLE.replace(b'"1"', b"1"),
    WHOLE.replace(b'"1"', b'"1" '),
    WHOLE.replace(b'"1"', b'"1"""'),
    WHOLE.replace(b'"1",', b'"1";'),
    line(ETag=",").replace(b'"photos"', b'"photos"x'),
    WHOLE.replace(b"\n", b',""\n'),
    b'"photos","k"\n',
    b"\xef\xbb\xbf" + WHOLE,
    line(Bucket=""),
)
NOT_TEXT = ("a\nb", "a\rb", "a\0b", "a\x1fb", "é", 'a""b', "x" * 300_000)
NOT_KEYS = (
    *("", "%", "%2", "%zz", "a%2", "%FF", "%80", "%C3", "%C3x", "%C3%", "%C0%80", "%E2%82"),
    *("%ED%A0%80", "%F4%90%80%80", "%F0%80%80%80"),
)
NOT_NUMBERS = ("-", "+1", "1.0", "1e3", " 1", "0x10", "9" * 19, "١")
NOT_FLAGS = ("TRUE", "True", "t", "1", "tru", "truee", "falsee", "yes")
NOT_TIMES = (
    *("2024-05-06", "2024-05-06 22:37:48", "2024-05-06T22:37:48", "2024-05-06T22:37:48.0Z"),
    *("2024-05-06T24:00:00Z", "2024-05-06T22:60:48Z", "2024-05-06T22:37:60Z"),
    *("2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z"),
    *("2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z"),
    *("0000-01-01T00:00:00Z", "-024-05-06T22:37:48Z", "2024-05-06T22:37:48.000+01"),
)


DIALECTS = [
    *OTHER_DIALECTS,
    *(line(**{name: bad}) for name in ("Key", "ETag", "StorageClass") for bad in NOT_TEXT),
    *(line(Key=bad) for bad in NOT_KEYS),
    *(line(Size=bad) for bad in NOT_NUMBERS),
    *(line(IsLatest=bad) for bad in NOT_FLAGS),
    *(line(LastModifiedDate=bad) for bad in NOT_TIMES),
]


@pytest.mark.parametrize("text", DIALECTS, ids=lambda text: ascii(text[:60]))
def test_another_dialect_is_left_to_duckdb(folder: Path, text: bytes) -> None:
    file = folder / "other.csv.gz"
    file.write_bytes(gzipped(WHOLE + text))
    with pytest.raises(IrregularError):
        read(file)


@pytest.mark.parametrize("text", DIALECTS, ids=lambda text: ascii(text[:60]))
def test_arrow_reads_another_dialect_as_duckdb_does_or_leaves_it(
    db: Session, folder: Path, text: bytes
) -> None:
    file = folder / "other.csv.gz"
    file.write_bytes(gzipped(WHOLE + text))
    with suppress(IrregularError):
        assert read(file, decoder=csv_arrow).equals(by_duckdb(db, file))


@pytest.mark.parametrize("before", [b" ", b"x", b",", b"\n", b"\xef\xbb\xbf"])
@DECODERS
def test_text_before_the_first_quote(folder: Path, decoder: Any, before: bytes) -> None:
    file = folder / "before.csv.gz"
    file.write_bytes(gzipped(before + WHOLE))
    with pytest.raises(IrregularError):
        read(file, decoder=decoder)


def test_arrow_looks_between_fields_wherever_blocks_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = folder / "right.csv.gz", folder / "wrong.csv.gz"
    right.write_bytes(gzipped(WHOLE + line(ETag="a,b")))
    wrong.write_bytes(gzipped(line(ETag=",").replace(b'"photos"', b'"photos"x') + WHOLE))
    for size in range(len(line(ETag=",")) + 1, 2 * len(WHOLE) + 2):
        monkeypatch.setattr(csv_arrow, "BLOCK_BYTES", size)
        monkeypatch.setattr(csv_arrow, "PIECE_BYTES", size // 2)
        assert read(right, decoder=csv_arrow).num_rows == 2
        with pytest.raises(IrregularError):
            read(wrong, decoder=csv_arrow)


ODD = {
    "Key": (
        *("a", "a+b", "%2B", "%2b", "%25zz", "%00", "~!*'()", "x" * 3000, "%7F", "\x7f"),
        *("%C2%80", "%DF%BF", "%E0%A0%80", "%ED%9F%BF", "%EE%80%80", "%EF%BF%BF"),
        *("%F0%90%80%80", "%F0%9F%98%80", "%F4%8F%BF%BF"),
    ),
    "VersionId": ("", "null", "1234567", "12345678", "123456789", "a,b", " ", "\\", "x" * 5000),
    "StorageClass": ("", "A", "1234567", "12345678", "12345670", "123456789", "A", "+/=", "NULL"),
    "Size": ("", "0", "-0", "-5", "007", "9" * 18, "-" + "9" * 18),
    "IsLatest": ("", "true", "false"),
    "LastModifiedDate": (
        *("", "2024-03-01T12:34:56.789Z", "1969-12-31T23:59:59.999Z", "1600-12-31T00:00:00Z"),
        *("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0004-02-29T23:59:59Z"),
        *("2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
    ),
}


@pytest.mark.parametrize("field", ODD)
def test_odd_values_that_it_takes(db: Session, folder: Path, field: str) -> None:
    values = ODD[field]
    file = folder / "odd.csv.gz"
    file.write_bytes(gzipped(b"".join(line(**{field: value}) for value in values)))
    got = read(file)
    assert got.num_rows == len(values)
    assert got.equals(by_duckdb(db, file))


SECONDS = "2024-02-29T00:00:00Z"


@pytest.mark.parametrize(("field", "values"), ODD.items(), ids=ODD)
def test_odd_values_that_arrow_takes(
    db: Session, folder: Path, field: str, values: Sequence[str]
) -> None:
    """All, but for forms of numbers and instants that AWS does not write."""
    taken = []
    for value in values:
        file = folder / "odd.csv.gz"
        file.write_bytes(gzipped(line(**{field: value})))
        with suppress(IrregularError):
            assert read(file, decoder=csv_arrow).equals(by_duckdb(db, file))
            taken.append(value)
    left = [value for value in values if value not in taken]
    assert all(value in ("-0", "007") or len(value) == len(SECONDS) for value in left), left


def test_every_month_of_four_centuries(folder: Path) -> None:
    days = [
        f"{year}-{month:02}-{day}"
        for year in range(1700, 2100)
        for month in range(1, 13)
        for day in ("01", "28")
    ]
    file = folder / "days.csv.gz"
    file.write_bytes(gzipped(b"".join(line(LastModifiedDate=f"{d}T00:00:00Z") for d in days)))
    got = read(file)["last_modified_date"].to_pylist()
    assert [f"{at:%Y-%m-%d}" for at in got] == days


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that cut every row, and batches of few rows or of little text."""
    monkeypatch.setattr(csv_fast, "PIECE_BYTES", 600)
    monkeypatch.setattr("inventory_pipeline.reports.csv_columns.BATCH_ROWS", 7)
    monkeypatch.setattr("inventory_pipeline.reports.csv_columns.TEXT_BYTES", 1000)


@pytest.mark.usefixtures("small")
def test_rows_are_whole_wherever_pieces_and_batches_end(folder: Path) -> None:
    rows = [
        ROW | {"key": f"{n}/" + "k" * (n % 83), "size": n, "is_latest": n % 3 == 0}
        for n in range(200)
    ]
    file = folder / "cut.csv.gz"
    file.write_bytes(gzipped(csv_body(rows, ALL)))
    assert read(file).select([*ROW]).to_pylist() == rows
    sizes = [batch.num_rows for batch in csv_fast.read_batches(file, manifest(ALL).fields)]
    assert max(sizes) == 7
    assert min(sizes[:-1]) < 7  # text was full first


def test_a_column_of_more_values_than_foreseen(db: Session, folder: Path) -> None:
    """Its type stays, and so do the values that are known already."""
    rows = [
        ROW | {"object_owner": f"owner-{n % 9000}", "storage_class": f"C{n % 5}"}
        for n in range(20_000)
    ]
    file = folder / "owners.csv.gz"
    file.write_bytes(gzipped(csv_body(rows, ALL)))
    assert read(file).equals(by_duckdb(db, file))


def test_without_rows_there_is_no_batch(folder: Path) -> None:
    file = folder / "empty.csv.gz"
    file.write_bytes(gzipped(b""))
    assert list(csv_fast.read_batches(file, ("bucket", "key"))) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Input is not a GZIP stream"),
        (b"hello, hello, hello", "damaged GZIP stream: Not a gzipped file"),
        (gzipped(WHOLE) + b"hello, hello, hello", "damaged GZIP stream: Not a gzipped file"),
        (gzipped(WHOLE)[:-8] + b"12345678", "damaged GZIP stream: CRC check failed"),
        (gzipped(WHOLE, WHOLE)[:-9], "Unexpected end of GZIP stream"),
    ],
)
def test_damaged_gzip(folder: Path, content: bytes, words: str) -> None:
    file = folder / "damaged.csv.gz"
    file.write_bytes(content)
    with pytest.raises(OSError, match=words) as caught:
        read(file)
    assert caught.value.errno is None


def test_memory_does_not_grow_with_the_file(folder: Path) -> None:
    """Buffers that are set aside, of which a part is touched; numba's own are not counted."""
    fields = manifest(ALL).fields

    def peak(rows: int) -> int:
        file = folder / "large.csv.gz"
        with gzip.open(file, "wb", compresslevel=1) as packed:
            for _ in range(rows // 10_000):
                packed.write(VALID.replace(b"gone", b"g%41") * 3333)
        tracemalloc.start()
        try:
            for batch in csv_fast.read_batches(file, fields):
                assert batch.nbytes < 1 << 26
                del batch
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(500_000) < 1.1 * peak(150_000) < 1 << 28


def test_it_is_asked_for_without_being_loaded() -> None:
    code = (
        "import sys; from inventory_pipeline.reports import csv_fast; csv_fast.available(); "
        "assert not {'isal', 'llvmlite', 'numba'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_code_that_cannot_be_kept_is_compiled_all_the_same() -> None:
    """As where no folder is writable: this function has no file."""
    from inventory_pipeline.reports.compiled import compiled

    scope: dict[str, Callable[[int], int]] = {}
    exec("def twice(n): return n + n", scope)
    assert compiled(scope["twice"])(21) == 42


def test_no_thread_of_arrow_calls_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go on after a refusal, and end the process with an error, or hang."""
    file = folder / "left.csv.gz"
    file.write_bytes(gzipped(VALID * 5_000))
    threads: set[int] = set()

    class Stream(io.RawIOBase):
        def __init__(self, *given: Any) -> None:
            self._stream = unpacked(*given)

        def read(self, size: int = -1) -> bytes:
            threads.add(threading.get_ident())
            return bytes(self._stream.read(size))

    unpacked = pa.CompressedInputStream
    monkeypatch.setattr(pa, "CompressedInputStream", Stream)
    assert read(file, decoder=csv_arrow).num_rows == 15_000
    assert threads == {threading.get_ident()}
