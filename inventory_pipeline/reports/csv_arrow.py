"""Decoding AWS's own CSV dialect by Arrow, where the extra `fast` is not installed.

As with `csv_fast`, a file in any other dialect raises IrregularError, for the caller to start anew
with DuckDB: what is accepted here gives the rows DuckDB gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.reports.batches import NEVER_EMPTY, batch_schema, gathered
from inventory_pipeline.reports.errors import IrregularError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BLOCK_BYTES = 1 << 21
"""Unpacked and parsed at a time. The longest row fits into it."""

PIECE_BYTES = 1 << 17
"""Looked at in the processor's cache."""

QUOTE, COMMA, PLUS, SPACE, PERCENT, NEWLINE = b'",+ %\n'

INSTANT_LENGTH = len("2026-01-31T12:00:00.000Z")


def read_batches(file: Path, fields: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a report file, by `batch_schema`.

    Raises IrregularError, also where the file has no rows; the batches before it are then void.
    """
    schema = batch_schema(fields)
    if len(set(fields)) < len(fields):
        raise IrregularError("a field comes twice")
    rows = 0
    with _irregular():
        for batch in gathered(_parsed(file, schema)):
            rows += batch.num_rows
            yield _converted(schema, batch)
            del batch
    if not rows:
        raise IrregularError("it has no rows")


@contextmanager
def _irregular() -> Iterator[None]:
    """What Arrow says of the file as IrregularError; what is wrong with this machine as it is."""
    import pyarrow as pa

    try:
        yield
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise IrregularError(str(error).splitlines()[0]) from error


def _parsed(file: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Batches as they stand in the file: numbers, instants and keys as text still.

    Not by Arrow's own stream of batches: its thread would call Python when nobody waits any more.
    """
    import pyarrow as pa
    from pyarrow import csv

    read = {
        field.name: field.type
        if pa.types.is_dictionary(field.type) or pa.types.is_boolean(field.type)
        else pa.string()
        for field in schema
    }
    options = (
        csv.ReadOptions(use_threads=False, block_size=2 * BLOCK_BYTES, column_names=schema.names),
        csv.ParseOptions(ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=read,
            null_values=[""],
            strings_can_be_null=True,
            true_values=["true"],
            false_values=["false"],
        ),
    )
    for block in _blocks(file):
        table = csv.read_csv(pa.BufferReader(block), *options)
        _check_between(block, table.num_rows, len(schema))
        yield from table.to_batches()


def _blocks(file: Path) -> Iterator[bytes]:
    """A gzip file's content, in whole rows."""
    import pyarrow as pa

    left = b""
    with pa.CompressedInputStream(pa.OSFile(str(file)), "gzip") as stream:
        while content := stream.read(BLOCK_BYTES):
            end = content.rfind(b"\n") + 1
            if not end:
                raise IrregularError("a row is too long")
            yield left + content[:end]
            left = content[end:]
    if left:
        raise IrregularError("the last row has no end")


def _check_between(block: bytes, rows: int, fields: int) -> None:
    """Raises IrregularError unless rows are fields in quotes with a comma between, and a newline.

    Arrow reads text beside quotes as well, and repairs it. Where each quote but the first and the
    last is in one pair with a comma or newline between, nothing stands beside them; and it is in
    one only where none has such a character on both sides.
    """
    import numpy as np

    characters = np.frombuffer(block, np.uint8)
    quotes = newlines = controls = pairs = in_two = 0
    for start in range(0, len(block), PIECE_BYTES):
        piece = characters[start : start + PIECE_BYTES + 2]
        is_quote, is_newline = piece == QUOTE, piece == NEWLINE
        is_between = (piece == COMMA) | is_newline
        quotes += int(np.count_nonzero(is_quote[:PIECE_BYTES]))
        newlines += int(np.count_nonzero(is_newline[:PIECE_BYTES]))
        controls += int(np.count_nonzero(piece[:PIECE_BYTES] < SPACE))
        pairs += int(np.count_nonzero(is_quote[:-2] & is_quote[2:] & is_between[1:-1]))
        in_two += int(np.count_nonzero(is_between[:-2] & is_between[2:] & is_quote[1:-1]))
    whole = block.startswith(b'"') and block.endswith(b'"\n')
    if not whole or block.startswith((b'",', b'"\n')):
        raise IrregularError("rows do not begin and end as they should")
    found = (quotes, pairs, in_two, newlines, controls)
    if found != (2 * rows * fields, rows * fields - 1, 0, rows, rows):
        raise IrregularError("rows are not fields in quotes, commas and a newline")


def _converted(schema: pa.Schema, batch: pa.Table) -> pa.Table:
    import pyarrow as pa

    for name in NEVER_EMPTY:
        if name in schema.names and batch[name].null_count:
            raise IrregularError(f"column {name} is empty")
    columns = [_column(batch[field.name], field) for field in schema]
    return pa.table(columns, schema=schema).unify_dictionaries()


def _column(values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """A column in the type that it is to have."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if field.name == "key":
        return pa.chunked_array([_decoded(chunk) for chunk in values.chunks], pa.string())
    if pa.types.is_integer(field.type):
        numbers = values.cast(field.type)
        if not numbers.cast(pa.string()).equals(values):  # such as 0x10, which Arrow takes
            raise IrregularError(f"column {field.name} has a number in another form")
        return numbers
    if pa.types.is_timestamp(field.type):
        lengths = pc.min_max(pc.binary_length(values)).as_py()
        if not {*lengths.values()} <= {INSTANT_LENGTH, None}:
            raise IrregularError(f"column {field.name} has an instant in another form")
        return values.cast(field.type)
    return values


def _decoded(keys: pa.Array) -> pa.Array:
    """Percent-encoded text as it was: `+` is a space, and an encoded one a plus."""
    import numpy as np
    import pyarrow as pa

    _, ends, content = keys.buffers()
    offsets = np.frombuffer(ends, np.int32, len(keys) + 1, 4 * keys.offset)
    text = np.frombuffer(content or b"", np.uint8)[offsets[0] : offsets[-1]].copy()
    offsets = offsets - offsets[0]
    text[text == PLUS] = SPACE
    for back in (1, 2):
        if (text[np.maximum(offsets[1:] - back, 0)] == PERCENT).any():
            raise IrregularError("a key ends within an escape")
    at = np.flatnonzero(text == PERCENT)
    digits = _hexadecimal()
    high, low = digits[text[at + 1]], digits[text[at + 2]]
    if (high | low).max(initial=0) > 15:
        raise IrregularError("a key has a percent sign that is no escape")
    text[at] = 16 * high + low
    kept = np.ones(len(text), np.bool_)
    kept[at + 1] = kept[at + 2] = False
    shorter = (offsets - 2 * np.searchsorted(at, offsets)).astype(np.int32)
    buffers = [None, pa.py_buffer(shorter), pa.py_buffer(text[kept])]
    decoded = pa.Array.from_buffers(pa.string(), len(keys), buffers)
    decoded.validate(full=True)
    return decoded


@cache
def _hexadecimal() -> NDArray[np.uint8]:
    """What each byte stands for as a hexadecimal digit; 255 where it is none."""
    import numpy as np

    digits = np.full(256, 255, np.uint8)
    for value, both in enumerate((*"0123456789", "aA", "bB", "cC", "dD", "eE", "fF")):
        digits[[*both.encode()]] = value
    return digits
