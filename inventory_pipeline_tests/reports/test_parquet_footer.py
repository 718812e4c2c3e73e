"""Footers that Parquet's writers leave: read and written again, bit for bit."""

import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.reports.parquet_footer import (
    MAGIC,
    FooterError,
    Kind,
    Struct,
    ThriftList,
    footer_bytes,
    parse,
    read_footer,
    serialise,
)

TYPES = (
    pa.string(),
    pa.int64(),
    pa.bool_(),
    pa.float64(),
    pa.date32(),
    pa.timestamp("ms", "UTC"),
    pa.timestamp("ns"),
    pa.decimal128(18, 6),
    pa.dictionary(pa.int32(), pa.string()),
    pa.list_(pa.struct([("a", pa.int32()), ("b", pa.binary())])),
    pa.map_(pa.string(), pa.int16()),
)


def rebuilt(file: bytes) -> bytes:
    start, metadata = read_footer(io.BytesIO(file))
    return file[:start] + footer_bytes(metadata)


@given(
    types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=20),
    rows=st.integers(0, 40),
    options=st.fixed_dictionaries(
        {
            "row_group_size": st.integers(1, 50),
            "compression": st.sampled_from(["none", "snappy", "zstd"]),
            "version": st.sampled_from(["1.0", "2.4", "2.6"]),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "write_page_index": st.booleans(),
            "write_statistics": st.booleans(),
            "store_schema": st.booleans(),
            "use_dictionary": st.booleans(),
        }
    ),
)
@settings(max_examples=30)
def test_arrows_footers_are_kept_bit_for_bit(
    types: list[pa.DataType], rows: int, options: dict[str, Any]
) -> None:
    schema = pa.schema(
        [pa.field(f"c{i}ü", t, metadata={"PARQUET:field_id": str(i)}) for i, t in enumerate(types)]
    )
    data = pa.Table.from_pylist([{}] * rows, schema=schema)
    sink = io.BytesIO()
    pq.write_table(data, sink, **options)
    assert rebuilt(sink.getvalue()) == sink.getvalue()


@given(rows=st.integers(0, 5000), compression=st.sampled_from(["snappy", "zstd", "uncompressed"]))
@settings(max_examples=15)
def test_duckdbs_footers_are_kept_bit_for_bit(
    rows: int, compression: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "duckdb.parquet"
    with duckdb.connect() as db:
        db.execute(
            f"""COPY (SELECT i, CAST(i AS VARCHAR) AS t, i / 3 AS d, [i, NULL] AS l,
          {{'a': i}} AS s,
          MAP {{'k': i}} AS m, TIMESTAMPTZ '2026-01-01' + INTERVAL (i) SECOND AS at, i % 2 = 0 AS b
        FROM range({rows}) AS r(i))
        TO '{file}' (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE 2048)"""
        )
    assert rebuilt(file.read_bytes()) == file.read_bytes()


def fields(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Struct]:
    numbers = st.sampled_from([Kind.I16, Kind.I32, Kind.I64]).flatmap(
        lambda kind: st.tuples(st.just(kind), st.integers(-(2**63), 2**63 - 1))
    )
    flags = st.tuples(st.sampled_from([Kind.TRUE, Kind.FALSE]), st.just(0))
    small = st.tuples(st.just(Kind.I8), st.integers(0, 255))
    doubles = st.tuples(st.just(Kind.DOUBLE), st.binary(min_size=8, max_size=8))
    texts = st.tuples(st.just(Kind.BINARY), st.binary())
    structs = st.tuples(st.just(Kind.STRUCT), children)
    lists = st.lists(children, max_size=20).map(
        lambda found: (Kind.LIST, ThriftList(Kind.STRUCT, list(found)))
    )
    booleans = st.lists(st.sampled_from([0, 1, 2])).map(
        lambda found: (Kind.LIST, ThriftList(Kind.TRUE, list(found)))
    )
    kinds = st.one_of(numbers, flags, small, doubles, texts, structs, lists, booleans)
    return st.dictionaries(st.integers(-(2**15), 2**15 - 1), kinds, max_size=6).map(Struct)


@given(st.recursive(st.just(Struct()), fields, max_leaves=8))
def test_any_struct_survives(struct: Struct) -> None:
    assert parse(serialise(struct)) == struct


@given(st.binary(max_size=200))
def test_garbage_is_a_footer_error_or_a_struct(content: bytes) -> None:
    try:
        found = parse(content)
    except FooterError:
        return
    assert parse(serialise(found)) == found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"PAR1", "4 bytes"),
        (MAGIC + b"\x00" * 4 + b"PARE", "unencrypted"),
        (MAGIC + b"\xff\xff\xff\x7f" + MAGIC, "cannot have 2147483647 bytes"),
        (MAGIC + b"\x00" + (5).to_bytes(4, "little") + MAGIC, "cannot have 5 bytes"),
        (MAGIC + b"\x15" + (1).to_bytes(4, "little") + MAGIC, "cannot be read"),
        (MAGIC + b"\x00\x00" + (2).to_bytes(4, "little") + MAGIC, "ends 1 bytes early"),
        (MAGIC + b"\x1c" * 99 + (99).to_bytes(4, "little") + MAGIC, "nested more than"),
        (MAGIC + b"\x19\xf5\xff\xff\x03" + (5).to_bytes(4, "little") + MAGIC, "longer than"),
    ],
)
def test_what_is_no_footer_is_said(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with file.open("rb") as opened, pytest.raises(FooterError, match=reason):
        read_footer(opened)
