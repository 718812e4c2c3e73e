"""Record batches of a report file, and the Parquet that is made of them to be read well.

Belongs here: what batches are like, and how a data file of `s3_objects` is written. Not here: where
batches come from (`csv_fast`, `csv_arrow`, `orc`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.columns import ColumnType
from inventory_pipeline.tables import DELIVERY, tables

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BOUNDED = ("key", "size", "last_modified_date", "storage_class", *DELIVERY)
"""Columns whose least and greatest value each row group tells; of the others it would be dear."""


BATCH_ROWS = 1 << 16
BATCH_BYTES = 1 << 25
"""Small batches are put together until they have so many rows, or so many bytes."""

NEVER_EMPTY = ("bucket", "key")

FEW_VALUES = frozenset({
    "bucket", "storage_class", "replication_status", "encryption_status", "object_lock_mode",
    "object_lock_legal_hold_status", "object_lock_event_hold_status",
    "object_lock_event_hold_duration_unit", "intelligent_tiering_access_tier", "bucket_key_status",
    "checksum_algorithm", "object_access_control_list", "object_owner",
})  # fmt: skip
"""Text columns that come as dictionary arrays."""


def batch_schema(fields: Sequence[str]) -> pa.Schema:
    """What batches have: the fields in their order, with the types of `s3_objects`.

    Text of few distinct values is a dictionary; fields that the table does not have are text.
    """
    import pyarrow as pa

    from inventory_pipeline.lake.schema import arrow_type

    columns = tables()["s3_objects"].columns
    types = {column.name: column.type for column in columns if column.name not in DELIVERY}
    few = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([
        (name, few if name in FEW_VALUES else arrow_type(types.get(name, ColumnType.TEXT)))
        for name in fields
    ])  # fmt: skip


def gathered(pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Small batches as larger ones, which are not copied for it."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    rows = size = 0
    for piece in pieces:
        held.append(piece)
        rows, size = rows + piece.num_rows, size + piece.nbytes
        del piece
        if rows >= BATCH_ROWS or size >= BATCH_BYTES:
            whole = pa.Table.from_batches(held)
            held.clear()
            rows = size = 0
            yield whole
            del whole
    if rows:
        yield pa.Table.from_batches(held)


def write_batches(
    batches: Iterable[pa.RecordBatch | pa.Table],
    schema: pa.Schema,
    constants: Mapping[str, str | date],
    target: Path,
) -> None:
    """Write batches of this schema, with the delivery's columns, to `target`, a row group each.

    They are not put together: dictionaries of batches differ, and Arrow would write a row group of
    several in full.
    """
    import pyarrow as pa

    for name, value in constants.items():
        schema = schema.append(pa.field(name, _repeated(value, 0).type))
    with _writer(target, schema) as writer:
        for batch in batches:
            repeated = (_repeated(value, batch.num_rows) for value in constants.values())
            writer.write_table(pa.table([*batch.columns, *repeated], schema=schema))
            del batch, repeated  # before the next is made


def _writer(target: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Measured on reports of 18 columns: a third less CPU than Arrow's defaults, and smaller."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=1,
        store_schema=False,  # or Arrow's readers would see dictionaries
        use_dictionary=[field.name for field in schema if pa.types.is_dictionary(field.type)],
        column_encoding={f.name: encoding for f in schema if (encoding := _encoding(f))},
        write_statistics=[name for name in BOUNDED if name in schema.names],
    )


def _encoding(field: pa.Field) -> str | None:
    import pyarrow as pa

    if field.name == "key":
        return "PLAIN"  # as small as with lengths apart, for less CPU: keys resemble each other
    if pa.types.is_string(field.type):
        return "DELTA_LENGTH_BYTE_ARRAY"
    if pa.types.is_int64(field.type) or pa.types.is_timestamp(field.type):
        return "DELTA_BINARY_PACKED"
    return None


def _repeated(value: str | date, times: int) -> pa.Array:
    """A column of one value, as a dictionary of it."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), times), [value])
