"""Parquet's own names for what its metadata holds: field ids of `parquet.thrift`.

Not here: reading or writing them (`parquet_footer`), nor what becomes of them (`adoption`).
"""

from enum import IntEnum


class FileField(IntEnum):
    SCHEMA = 2
    ROWS = 3
    ROW_GROUPS = 4
    KEY_VALUES = 5
    COLUMN_ORDERS = 7
    ENCRYPTION = 8


class SchemaField(IntEnum):
    TYPE = 1
    REPETITION = 3
    NAME = 4
    CHILDREN = 5
    CONVERTED_TYPE = 6
    FIELD_ID = 9
    LOGICAL_TYPE = 10


class GroupField(IntEnum):
    COLUMNS = 1
    BYTES = 2
    ROWS = 3
    SORTING = 4
    COMPRESSED_BYTES = 6


class ChunkField(IntEnum):
    FILE_PATH = 1
    FILE_OFFSET = 2
    METADATA = 3


class DataField(IntEnum):
    """Of a chunk's metadata."""

    TYPE = 1
    ENCODINGS = 2
    PATH = 3
    CODEC = 4
    VALUES = 5
    BYTES = 6
    COMPRESSED_BYTES = 7
    DATA_PAGE = 9
    INDEX_PAGE = 10
    DICTIONARY_PAGE = 11
    STATISTICS = 12
    HISTOGRAMS = 16


class LogicalType(IntEnum):
    STRING = 1
    DATE = 6


class ConvertedType(IntEnum):
    UTF8 = 0
    DATE = 6


class PhysicalType(IntEnum):
    INT32 = 1
    BYTE_ARRAY = 6


class Encoding(IntEnum):
    PLAIN = 0
    RLE = 3
    RLE_DICTIONARY = 8


class PageType(IntEnum):
    DATA = 0
    DICTIONARY = 2


class PageField(IntEnum):
    TYPE = 1
    BYTES = 2
    COMPRESSED_BYTES = 3
    DATA_HEADER = 5
    DICTIONARY_HEADER = 7


class StatisticsField(IntEnum):
    NULLS = 3
    GREATEST = 5
    LEAST = 6
