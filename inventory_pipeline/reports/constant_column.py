"""A Parquet column that has one value throughout: a few bytes, however many rows it has."""

from __future__ import annotations

from datetime import date

from inventory_pipeline.reports.parquet_footer import (
    Field,
    Kind,
    Struct,
    ThriftList,
    serialise,
    varint,
)
from inventory_pipeline.reports.parquet_format import (
    ChunkField,
    ConvertedType,
    DataField,
    Encoding,
    LogicalType,
    PageField,
    PageType,
    PhysicalType,
    SchemaField,
    StatisticsField,
)

ENCODINGS = (Encoding.PLAIN, Encoding.RLE, Encoding.RLE_DICTIONARY)


def text_types() -> Struct:
    """The fields of a schema's element by which bytes are text."""
    return _types(ConvertedType.UTF8, LogicalType.STRING)


def constant_element(name: str, value: str | date) -> Struct:
    """A required column, of text or of days, in a file's schema."""
    dates = _types(ConvertedType.DATE, LogicalType.DATE)
    element = text_types() if isinstance(value, str) else dates
    element[SchemaField.TYPE] = _short(_physical(value))
    element[SchemaField.REPETITION] = _short(0)
    element[SchemaField.NAME] = (Kind.BINARY, name.encode())
    return element


def constant_chunk(name: str, value: str | date, rows: int, at: int) -> tuple[bytes, Struct]:
    """`rows` times `value`: pages, to stand at byte `at` of a file, and what describes them.

    The pages are a dictionary of one entry, and one run of its index.
    """
    plain = _plain(value)
    entry = len(plain).to_bytes(4, "little") + plain if isinstance(value, str) else plain
    header = Struct({1: _short(1), 2: _short(Encoding.PLAIN)})
    dictionary = _page(PageType.DICTIONARY, PageField.DICTIONARY_HEADER, header, entry)
    # Indices have one bit; of the run, its length doubled, and the index.
    run = b"\x01" + varint(rows << 1) + b"\x00"
    rle = _short(Encoding.RLE)
    header = Struct({1: _short(rows), 2: _short(Encoding.RLE_DICTIONARY), 3: rle, 4: rle})
    pages = dictionary + _page(PageType.DATA, PageField.DATA_HEADER, header, run)
    metadata = Struct(
        {
            DataField.TYPE: _short(_physical(value)),
            DataField.ENCODINGS: (Kind.LIST, ThriftList(Kind.I32, list(ENCODINGS))),
            DataField.PATH: (Kind.LIST, ThriftList(Kind.BINARY, [name.encode()])),
            DataField.CODEC: _short(0),
            DataField.VALUES: _long(rows),
            DataField.BYTES: _long(len(pages)),
            DataField.COMPRESSED_BYTES: _long(len(pages)),
            DataField.DATA_PAGE: _long(at + len(dictionary)),
            DataField.DICTIONARY_PAGE: _long(at),
            DataField.STATISTICS: (Kind.STRUCT, _statistics(plain)),
        }
    )
    chunk = Struct({ChunkField.FILE_OFFSET: _long(0)})
    chunk[ChunkField.METADATA] = (Kind.STRUCT, metadata)
    return pages, chunk


def _statistics(plain: bytes) -> Struct:
    return Struct(
        {
            StatisticsField.NULLS: _long(0),
            StatisticsField.GREATEST: (Kind.BINARY, plain),
            StatisticsField.LEAST: (Kind.BINARY, plain),
        }
    )


def _types(converted: ConvertedType, logical: LogicalType) -> Struct:
    return Struct(
        {
            SchemaField.CONVERTED_TYPE: _short(converted),
            SchemaField.LOGICAL_TYPE: (Kind.STRUCT, Struct({logical: (Kind.STRUCT, Struct())})),
        }
    )


def _physical(value: str | date) -> PhysicalType:
    return PhysicalType.BYTE_ARRAY if isinstance(value, str) else PhysicalType.INT32


def _plain(value: str | date) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return (value - date(1970, 1, 1)).days.to_bytes(4, "little", signed=True)


def _page(kind: PageType, header_field: PageField, header: Struct, body: bytes) -> bytes:
    described = Struct(
        {
            PageField.TYPE: _short(kind),
            PageField.BYTES: _short(len(body)),
            PageField.COMPRESSED_BYTES: _short(len(body)),
            header_field: (Kind.STRUCT, header),
        }
    )
    return serialise(described) + body


def _short(value: int) -> Field:
    return Kind.I32, value


def _long(value: int) -> Field:
    return Kind.I64, value
