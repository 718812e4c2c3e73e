"""How the types of `columns` are spelt in Arrow, Iceberg and SQL, and a table's schema in each.

Iceberg columns are all optional: Parquet that an engine writes is optional throughout and Iceberg
would refuse it. That required columns hold no NULL is checked where rows are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from inventory_pipeline.columns import Column, ColumnType, text
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.where import quoted
from inventory_pipeline.tables import Table, tables

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType


def arrow_type(kind: ColumnType) -> pa.DataType:
    import pyarrow as pa

    types: dict[ColumnType, pa.DataType] = {
        ColumnType.TEXT: pa.string(),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.BIGINT: pa.int64(),
        ColumnType.DOUBLE: pa.float64(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        ColumnType.MONEY: pa.decimal128(18, 6),
        ColumnType.UNIT_PRICE: pa.decimal128(18, 12),
        ColumnType.TEXT_LIST: pa.list_(pa.field("element", pa.string())),
        ColumnType.TAGS: pa.map_(pa.string(), pa.string()),
    }
    return types[kind]


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The table's contract as Arrow, columns in contract order."""
    return schema_of(tables()[table].columns)


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(c.name, arrow_type(c.type)) for c in columns])


def in_contract(table: str, data: pa.Table) -> pa.Table:
    """`data` with its columns in contract order and types; raises LakeError where one cannot be.

    Columns of text may follow where the table grows.
    """
    import pyarrow as pa

    schema = arrow_schema(table)
    if tables()[table].grows:
        own = {field.name for field in schema}
        more = [f for f in data.schema if f.name not in own and f.type == pa.string()]
        schema = pa.schema([*schema, *more])
    if set(data.column_names) != set(schema.names):
        raise LakeError(
            f"table {table}: columns missing {sorted(set(schema.names) - set(data.column_names))}, "
            f"not in its contract {sorted(set(data.column_names) - set(schema.names))}"
        )
    columns: list[pa.ChunkedArray] = []
    for field in schema:
        try:
            columns.append(data[field.name].cast(field.type))
        except pa.ArrowInvalid as error:
            raise LakeError(f"table {table}: column {field.name}: {error}") from error
    return pa.table(columns, schema=schema)


def extra_column(name: str) -> Column:
    """A column that is not in the contract of a table that grows."""
    return text(name, "A field of reports that this build does not know, as text.")


def iceberg_schema(table: Table) -> Schema:
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    ids = iter(range(1, 10_000))
    columns = [(next(ids), column) for column in table.columns]
    return Schema(
        *(
            NestedField(
                field_id,
                column.name,
                _iceberg_type(column.type, ids),
                required=False,
                doc=column.meaning,
            )
            for field_id, column in columns
        )
    )


def _iceberg_type(kind: ColumnType, ids: Iterator[int]) -> IcebergType:
    from pyiceberg import types as t

    match kind:
        case ColumnType.TEXT:
            return t.StringType()
        case ColumnType.BOOLEAN:
            return t.BooleanType()
        case ColumnType.BIGINT:
            return t.LongType()
        case ColumnType.DOUBLE:
            return t.DoubleType()
        case ColumnType.DATE:
            return t.DateType()
        case ColumnType.TIMESTAMP:
            return t.TimestamptzType()
        case ColumnType.MONEY:
            return t.DecimalType(18, 6)
        case ColumnType.UNIT_PRICE:
            return t.DecimalType(18, 12)
        case ColumnType.TEXT_LIST:
            return t.ListType(next(ids), t.StringType(), element_required=False)
        case ColumnType.TAGS:
            return t.MapType(
                next(ids),
                t.StringType(),
                next(ids),
                t.StringType(),
                value_required=False,
            )


def contract_select(table: str, sql: str, extra: Sequence[str] = ()) -> str:
    """`sql` with its columns in contract order, each cast to the contract's type.

    `extra` columns of it follow as text.
    Engines widen sums (HUGEINT, DECIMAL(38)); the casts bring them back, and fail where a value
    does not fit.
    """
    casts = ",\n  ".join(
        f"CAST({quoted(c.name)} AS {c.type.value}) AS {quoted(c.name)}"
        for c in (*tables()[table].columns, *map(extra_column, extra))
    )
    return f"SELECT\n  {casts}\nFROM (\n{sql}\n) AS mart"
