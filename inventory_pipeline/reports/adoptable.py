"""Whether a Parquet report can be adopted: its columns' types, and where its footer says pages are.

Chunks are judged by the metadata itself: pyarrow ends the process over some that are wrong. Not
here: what becomes of those columns (`adoption`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inventory_pipeline.columns import ColumnType
from inventory_pipeline.reports.parquet_footer import MAGIC, Struct
from inventory_pipeline.reports.parquet_format import (
    ChunkField,
    DataField,
    FileField,
    GroupField,
    SchemaField,
    StatisticsField,
)
from inventory_pipeline.reports.unknown_fields import is_plain
from inventory_pipeline.tables import tables

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

CODECS = frozenset({0, 1, 2, 6})
"""None, Snappy, gzip and Zstandard: compressions that every engine reads."""

NEVER_NULL = ("bucket", "key")

MOST_ROWS = 4 * 1024 * 1024
"""Rows of a row group, for what is recoded of one is in memory at once; AWS's whole files have two
million."""


class NotAdoptableError(Exception):
    """A report's file cannot be adopted, but perhaps rewritten; the message says why."""


@dataclass(frozen=True)
class Columns:
    """A report's columns: the places of those that stay as they are, and those to be recoded.

    `kept` says of each whether it is text; `recoded` has what is to become of it.
    """

    kept: Mapping[int, bool]
    recoded: Sequence[pa.Field]


def filled_groups(metadata: Struct) -> list[Struct]:
    """A file's row groups, less those without rows."""
    groups = metadata.elements(FileField.ROW_GROUPS).structs()
    return [group for group in groups if group.number(GroupField.ROWS)]


def chunks_of(group: Struct) -> list[Struct]:
    return group.elements(GroupField.COLUMNS).structs()


def judge(schema: pq.ParquetSchema, metadata: Struct, fields: Sequence[str], end: int) -> Columns:
    """What becomes of these fields of a report whose metadata starts at byte `end`.

    Raises NotAdoptableError where one can neither stay nor be recoded.
    """
    found = [schema.column(i) for i in range(len(schema))]
    _check_flat(metadata, [column.name for column in found])
    if repeated := [column.name for column in found if column.max_repetition_level]:
        raise NotAdoptableError(f"column {repeated[0]} is repeated")
    places = {column.name: at for at, column in enumerate(found)}
    if lacking := [name for name in fields if name not in places]:
        raise NotAdoptableError(f"it lacks column {lacking[0]}, which the manifest promises")
    _check_groups(metadata, {places[name]: name for name in fields}, end)
    for name in NEVER_NULL:
        if name in fields and found[places[name]].max_definition_level:
            _check_never_null(metadata, places[name], name)
    kept: dict[int, bool] = {}
    recoded: list[pa.Field] = []
    contract = {c.name: c.type for c in tables()["s3_objects"].columns}
    arrow = schema.to_arrow_schema()
    for at in sorted(places[name] for name in fields):
        column, wanted = found[at], contract.get(found[at].name)
        if _stays(column, wanted or ColumnType.TEXT):
            kept[at] = wanted in (ColumnType.TEXT, None)
        else:
            recoded.append(_recoded(column, wanted, arrow.field(at).type))
    return Columns(kept, recoded)


def _check_flat(metadata: Struct, names: Sequence[str]) -> None:
    if FileField.ENCRYPTION in metadata:
        raise NotAdoptableError("it has encrypted columns")
    elements = metadata.elements(FileField.SCHEMA).structs()
    if [element.text(SchemaField.NAME) for element in elements[1:]] != list(names):
        raise NotAdoptableError("it has nested columns")
    if len(set(names)) < len(names):
        raise NotAdoptableError("it has a column twice")
    groups = filled_groups(metadata)
    if any(len(chunks_of(group)) != len(names) for group in groups):
        raise NotAdoptableError("a row group has other columns than the file")
    if sum(g.required(GroupField.ROWS) for g in groups) != metadata.required(FileField.ROWS):
        raise NotAdoptableError("its row groups have other rows than the file")


def _check_groups(metadata: Struct, chosen: Mapping[int, str], end: int) -> None:
    """That row groups are not too large, and that their chunks are what they should be."""
    _, *elements = metadata.elements(FileField.SCHEMA).structs()
    for group in filled_groups(metadata):
        rows = group.required(GroupField.ROWS)
        if not 0 < rows <= MOST_ROWS:
            raise NotAdoptableError(f"a row group has {rows} rows; more than {MOST_ROWS} are many")
        for at, name in chosen.items():
            kind = elements[at].number(SchemaField.TYPE)
            if wrong := _wrong(chunks_of(group)[at], name, kind, rows, end):
                raise NotAdoptableError(f"a chunk of {name} {wrong}")


def _wrong(chunk: Struct, name: str, kind: int | None, rows: int, end: int) -> str | None:
    """What is wrong with a chunk: it is to be the column's, whole, and readable by every engine."""
    if ChunkField.FILE_PATH in chunk:
        return "is in another file"
    data = chunk.struct(ChunkField.METADATA)
    if (
        data.elements(DataField.PATH).values != [name.encode()]
        or data.number(DataField.TYPE) != kind
    ):
        return "is another column's"
    if data.required(DataField.VALUES) != rows:
        return "has other rows than its row group"
    if (codec := data.required(DataField.CODEC)) not in CODECS:
        return f"is packed by codec {codec}"
    start = data.required(DataField.DATA_PAGE)
    if dictionary := data.number(DataField.DICTIONARY_PAGE):
        start = min(start, dictionary)
    if start < len(MAGIC) or not 0 <= data.required(DataField.COMPRESSED_BYTES) <= end - start:
        return "is not within the file"
    return None


def _check_never_null(metadata: Struct, at: int, name: str) -> None:
    """That the footer says of a column that it is there in every row."""
    for group in filled_groups(metadata):
        chunk = chunks_of(group)[at].struct(ChunkField.METADATA)
        told = DataField.STATISTICS in chunk and chunk.struct(DataField.STATISTICS)
        if not told or told.number(StatisticsField.NULLS) != 0:
            raise NotAdoptableError(f"its footer does not say that every row has a {name}")


def _stays(column: pq.ColumnSchema, wanted: ColumnType) -> bool:
    """Whether a column's pages are of this type as they are."""
    logical = column.logical_type
    match wanted, column.physical_type:
        case ColumnType.TEXT, "BYTE_ARRAY":
            return logical.type in ("STRING", "NONE")
        case ColumnType.BOOLEAN, "BOOLEAN":
            return bool(logical.type == "NONE")
        case ColumnType.BIGINT, "INT64":
            signed = json.loads(logical.to_json()).get("isSigned")
            return logical.type == "NONE" or (logical.type == "INT" and bool(signed))
        case ColumnType.TIMESTAMP, "INT64" if logical.type == "TIMESTAMP":
            told = json.loads(logical.to_json())
            return bool(told["timeUnit"] == "microseconds" and told["isAdjustedToUTC"])
        case _:
            return False


def _recoded(column: pq.ColumnSchema, wanted: ColumnType | None, given: pa.DataType) -> pa.Field:
    """The column that it becomes; `wanted` is None for a field that this build does not know."""
    import pyarrow as pa

    if wanted is ColumnType.TIMESTAMP and column.logical_type.type == "TIMESTAMP":
        return pa.field(column.name, pa.timestamp("us", "UTC"))
    if wanted in (ColumnType.TEXT, None) and is_plain(given) and column.physical_type != "INT96":
        return pa.field(column.name, pa.string())
    raise NotAdoptableError(f"column {column.name} is {column.physical_type} ({given})")
