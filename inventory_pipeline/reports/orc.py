"""Decoding ORC: report file to record batches of `s3_objects`, by Arrow.

Not here: how batches are written (`batches`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.reports.batches import NEVER_EMPTY, batch_schema, gathered
from inventory_pipeline.reports.unknown_fields import as_text

if TYPE_CHECKING:
    import pyarrow as pa

READ_ROWS = 1 << 13
"""Rows decoded at a time; Arrow holds several times as many."""


def read_batches(file: Path, fields: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a report file, by `batch_schema`; none for a file without rows.

    Raises pyarrow.ArrowException or OSError where the file is damaged, lacks a field, has text that
    is not UTF-8 or a value that does not fit its column.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds

    schema = batch_schema(fields)
    report = ds.dataset(str(file), format="orc")
    if missing := [name for name in fields if name not in report.schema.names]:
        raise pa.ArrowInvalid(f"it lacks column {missing[0]}, which the manifest promises")
    found = report.to_batches(
        columns=list(fields),
        batch_size=READ_ROWS,
        use_threads=False,
        batch_readahead=0,
        fragment_readahead=0,
    )
    # A map holds no batch while the next is made.
    yield from map(partial(_converted, schema), gathered(found))


def _converted(schema: pa.Schema, batch: pa.Table) -> pa.Table:
    import pyarrow as pa

    return pa.table([_column(batch[field.name], field) for field in schema], schema=schema)


def _column(values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """A column in the type that it is to have; text is checked, for Arrow takes ORC's word."""
    import pyarrow as pa

    if values.null_count and field.name in NEVER_EMPTY:
        raise pa.ArrowInvalid(f"column {field.name} is empty")
    if pa.types.is_dictionary(field.type):
        encoded = as_text(values).dictionary_encode()  # its chunks share one dictionary
        encoded.chunk(0).dictionary.validate(full=True)
        return encoded
    if pa.types.is_string(field.type):
        text = as_text(values)
        text.validate(full=True)
        return text
    if pa.types.is_timestamp(field.type) and not pa.types.is_timestamp(values.type):
        raise pa.ArrowInvalid(f"column {field.name} is {values.type}, not an instant")
    return values.cast(field.type, safe=not pa.types.is_timestamp(field.type))
