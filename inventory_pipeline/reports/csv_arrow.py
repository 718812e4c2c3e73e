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
    import pyarrow.csv
    from numpy.typing import NDArray

BLOCK_BYTES = 1 << 20
"""Parsed at a time. The longest row fits into it."""

PIECE_BYTES = 1 << 17
"""Looked at in the processor's cache."""

QUOTE, COMMA, PLUS, SPACE, PERCENT = b'",+ %'

INSTANT_LENGTH = len("2026-01-31T12:00:00.000Z")


def read_batches(file: Path, fields: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a report file, by `batch_schema`.

    Raises IrregularError, also where the file has no rows; the batches before it are then void.
    """
    schema = batch_schema(fields)
    if len(set(fields)) < len(fields):
        raise IrregularError("a field comes twice")
    rows = 0
    with _irregular(), _Unpacked(file) as source:
        for batch in gathered(_reader(source, schema)):
            rows += batch.num_rows
            yield _converted(schema, batch)
            del batch
    source.check(rows, len(fields))


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


class _Unpacked:
    """A gzip file's content, as Arrow reads it from Python; counts what is between fields.

    Arrow reads text beside quotes as well, and repairs it.
    """

    def __init__(self, file: Path) -> None:
        import pyarrow as pa

        self.closed = False
        self._stream = pa.CompressedInputStream(pa.OSFile(str(file)), "gzip")
        self._quotes = self._separators = self._controls = self._newlines = 0
        self._last = b"\n\n"

    def __enter__(self) -> _Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        import numpy as np

        content: bytes = self._stream.read(size)
        self._newlines += content.count(b"\n")
        seen = np.frombuffer(self._last + content, np.uint8)
        for start in range(0, len(content), PIECE_BYTES):
            self._count(seen[start : start + PIECE_BYTES + 2])
        self._last = seen[-2:].tobytes()
        return content

    def _count(self, characters: NDArray[np.uint8]) -> None:
        """Count what is there after two that were counted before."""
        import numpy as np

        quotes, controls = characters == QUOTE, characters < SPACE
        between = (characters == COMMA) | controls
        self._quotes += int(np.count_nonzero(quotes[2:]))
        self._controls += int(np.count_nonzero(controls[2:]))
        between[1:-1] &= quotes[:-2]
        between[1:-1] &= quotes[2:]
        self._separators += int(np.count_nonzero(between[1:-1]))

    def check(self, rows: int, fields: int) -> None:
        """Raises IrregularError unless it is so many rows of so many fields, each in quotes."""
        found = (self._quotes, self._separators + 1, self._controls, self._newlines)
        if found != (2 * rows * fields, rows * fields, rows, rows) or self._last != b'"\n':
            raise IrregularError("rows are not fields in quotes and a newline")

    def close(self) -> None:
        self._stream.close()
        self.closed = True


def _reader(source: _Unpacked, schema: pa.Schema) -> pyarrow.csv.CSVStreamingReader:
    """Batches as they stand in the file: numbers, instants and keys as text still."""
    import pyarrow as pa
    from pyarrow import csv

    read = {
        field.name: field.type
        if pa.types.is_dictionary(field.type) or pa.types.is_boolean(field.type)
        else pa.string()
        for field in schema
    }
    return csv.open_csv(
        pa.PythonFile(source, "r"),
        csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=schema.names),
        csv.ParseOptions(ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=read,
            null_values=[""],
            strings_can_be_null=True,
            true_values=["true"],
            false_values=["false"],
        ),
    )


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
    at = np.flatnonzero(text == PERCENT)
    before = np.searchsorted(at, offsets)
    if (before != np.searchsorted(at, offsets - 2)).any():
        raise IrregularError("a key ends within an escape")
    digits = _hexadecimal()
    high, low = digits[text[at + 1]], digits[text[at + 2]]
    if (high | low).max(initial=0) > 15:
        raise IrregularError("a key has a percent sign that is no escape")
    text[at] = 16 * high + low
    kept = np.ones(len(text), np.bool_)
    kept[at + 1] = kept[at + 2] = False
    shorter = (offsets - 2 * before).astype(np.int32)
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
