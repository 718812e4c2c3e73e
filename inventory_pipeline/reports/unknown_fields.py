"""Fields of a report that this build does not know: which become columns, and their text.

They are text in every format, spelt as AWS's CSV spells such values, so that a column is the same
whatever format a delivery has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

NAME = re.compile(r"[a-z][a-z0-9_]{0,127}")

MOST = 50
"""New columns that one report may bring; AWS adds two or three a year."""


def new_columns(fields: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of a report's fields that may become columns: plainly named, and no table's own."""
    taken = set(known)
    found = (name for name in fields if name not in taken and NAME.fullmatch(name))
    return tuple(found)[:MOST]


def is_plain(kind: pa.DataType) -> bool:
    """Whether `as_text` knows how AWS's CSV would spell values of this type."""
    from pyarrow import types

    return bool(
        types.is_string(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_date32(kind)
        or types.is_timestamp(kind)
    )


def as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as AWS's CSV spells them: `true`, `42`, `2026-01-31`, `2026-01-31T12:00:00.000Z`.

    Instants finer than milliseconds lose the rest. Structures, which CSV has not, are JSON.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_nested(values.type):
        found = (None if v is None else json.dumps(v, default=str) for v in values.to_pylist())
        return pa.chunked_array([pa.array(found, pa.string())])
    if not pa.types.is_timestamp(values.type):
        return values.cast(pa.string())
    # Without a zone, to be spelt without a database of zones.
    instants = values.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.timestamp("ms"))
    return pc.strftime(instants, format="%Y-%m-%dT%H:%M:%SZ")


def sql_text(expression: str, kind: str) -> str:
    """SQL for the same, given the DuckDB type of an expression."""
    if kind.startswith("TIMESTAMP"):
        return f"strftime(CAST({expression} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ')"
    return f"CAST({expression} AS VARCHAR)"
