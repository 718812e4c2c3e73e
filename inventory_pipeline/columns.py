"""Column primitives: the few types a table may use, and what a column is.

Belongs here: names of types and the shape of a column. Not here: which tables exist (`tables`),
nor how a type is spelt in Arrow, Iceberg or an engine's SQL (`lake.schema`).
"""

from dataclasses import dataclass
from enum import Enum


class ColumnType(Enum):
    """The types of the lake, by the name DuckDB gives them (Trino reads all of them)."""

    TEXT = "VARCHAR"
    BOOLEAN = "BOOLEAN"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP WITH TIME ZONE"
    MONEY = "DECIMAL(18,6)"
    UNIT_PRICE = "DECIMAL(18,12)"
    TEXT_LIST = "VARCHAR[]"
    TAGS = "MAP(VARCHAR, VARCHAR)"


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, type and meaning; `required` columns are never NULL."""

    name: str
    type: ColumnType
    meaning: str
    required: bool = False


def text(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.TEXT, meaning, required)


def boolean(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.BOOLEAN, meaning, required)


def bigint(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.BIGINT, meaning, required)


def double(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.DOUBLE, meaning, required)


def date(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.DATE, meaning, required)


def timestamp(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.TIMESTAMP, meaning, required)


def money(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.MONEY, meaning, required)


def unit_price(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, ColumnType.UNIT_PRICE, meaning, required)


def text_list(name: str, meaning: str) -> Column:
    return Column(name, ColumnType.TEXT_LIST, meaning)


def tags(name: str, meaning: str) -> Column:
    return Column(name, ColumnType.TAGS, meaning)
