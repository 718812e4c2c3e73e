"""`Where`: which rows are meant, said to Arrow, to SQL and of a partition.

Values are never pasted into a path; in SQL they are literals with their quotes doubled.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

Value = str | int | bool | date | datetime

Where = Mapping[str, Any]
"""Column -> the `Value`, or the collection of them, that its rows have. Datetimes are aware."""


def values_of(value: Value | Collection[Value]) -> list[Value]:
    """A condition's values, whether it has one or several."""
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    return [value]  # type: ignore[list-item]


def arrow_filter(where: Where, schema: pa.Schema) -> pc.Expression | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    terms = [
        pc.field(column).isin(pa.array(values_of(value), type=schema.field(column).type))
        for column, value in where.items()
    ]
    return functools.reduce(operator.and_, terms) if terms else None


def sql_conditions(where: Where) -> str:
    """` WHERE ...`, or nothing where every row is meant."""
    terms = [
        f"{quoted(column)} IN ({', '.join(map(sql_literal, values_of(value)))})"
        if values_of(value)
        else "FALSE"
        for column, value in where.items()
    ]
    return " WHERE " + " AND ".join(terms) if terms else ""


def sql_literal(value: object) -> str:
    match value:
        case bool():
            return str(value).upper()
        case int():
            return str(value)
        case datetime():
            return f"TIMESTAMP WITH TIME ZONE '{value.isoformat()}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise TypeError(f"no SQL literal for {type(value).__name__}")


def quoted(name: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'
