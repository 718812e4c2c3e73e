"""The columns of a CSV report while they are filled, and Arrow's batches over their buffers.

Not here: the compiled loop that fills them (`csv_kernel`), files (`csv_fast`). Importing this
module imports numba.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from inventory_pipeline.reports.batches import NEVER_EMPTY
from inventory_pipeline.reports.csv_kernel import (
    BEYOND,
    CODE,
    CROWDED,
    FLAG,
    IRREGULAR,
    KEY,
    MOST_CODES,
    NULL_CODE,
    NULL_FLAG,
    NULL_NUMBER,
    NUMBER,
    TABLE_BITS,
    TEXT,
    TIME,
    VALUE_BYTES,
    Buffers,
    Int,
    tokenise,
)
from inventory_pipeline.reports.errors import IrregularError

BATCH_ROWS = 1 << 17
TEXT_BYTES = 1 << 24
"""A batch ends at so many rows, or sooner, when a text column may lack room for the next piece."""

MOST_TEXTS = 2**31 // TEXT_BYTES - 1
"""Arrow's offsets reach no further."""


class Columns:
    """Takes the bytes of whole rows, gives batches of a schema."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._kinds = np.array([_kind(field) for field in schema], np.int32)
        self._slots = np.zeros(len(schema), np.int32)
        for kinds in ([TEXT, KEY], [CODE], [NUMBER, TIME], [FLAG]):
            alike = np.isin(self._kinds, kinds)
            self._slots[alike] = np.arange(alike.sum())
        codes = self._count(CODE)
        self._values: dict[str, NDArray[Any]] = {
            "counts": np.zeros(codes, np.int32),
            "starts": np.zeros((codes, MOST_CODES + 1), np.int32),
            "values": np.empty(codes * VALUE_BYTES + BEYOND, np.uint8),
            "table": np.full((codes, 1 << TABLE_BITS), -1, np.int32),
        }
        self._start()

    def _count(self, *kinds: int) -> int:
        return int(np.isin(self._kinds, kinds).sum())

    def _start(self) -> None:
        """Begin a batch. Memory is taken from the system only as far as it is written to."""
        texts = self._count(TEXT, KEY)
        if texts > MOST_TEXTS:
            raise IrregularError(f"more than {MOST_TEXTS} text columns")
        offsets = np.zeros((texts, BATCH_ROWS + 1), np.int32)
        offsets[:, 0] = np.arange(texts) * TEXT_BYTES
        self._row: Int = 0
        self._buffers = Buffers(
            offsets=offsets,
            text=np.empty(texts * TEXT_BYTES + BEYOND, np.uint8),
            codes=np.empty((self._values["counts"].size, BATCH_ROWS), np.int32),
            numbers=np.empty((self._count(NUMBER, TIME), BATCH_ROWS), np.int64),
            flags=np.empty((self._count(FLAG), BATCH_ROWS), np.uint8),
            **self._values,
        )

    def add(self, piece: bytearray, end: int) -> Iterator[pa.RecordBatch]:
        """Read the rows of `piece[:end]`, which goes on for BEYOND bytes; batches that got full."""
        data = np.frombuffer(piece, np.uint8)
        used = self._buffers.offsets[:, self._row] - self._buffers.offsets[:, 0]
        if used.max(initial=0) + end + BEYOND > TEXT_BYTES:
            yield from self.take()
        at: Int = 0
        while at < end:
            read, self._row, outcome, column = tokenise(
                data[at:], end - at, self._row, self._kinds, self._slots, self._buffers
            )
            at += read
            if outcome == IRREGULAR:
                raise IrregularError(f"column {self._schema.names[column]}")
            if at < end:
                yield from self.take()
            if outcome == CROWDED:
                self._widen(column)

    def _widen(self, column: int) -> None:
        """From here on a column of too many distinct values is read as other text is."""
        self._slots[column] = self._count(TEXT, KEY)
        self._kinds[column] = TEXT
        self._start()

    def take(self) -> Iterator[pa.RecordBatch]:
        """What has been read since the last batch, if anything."""
        if not self._row:
            return
        arrays = [self._array(at) for at in range(len(self._schema))]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        for name in NEVER_EMPTY:
            if name in self._schema.names and batch[name].null_count:
                raise IrregularError(f"column {name} is empty")
        del arrays
        self._start()
        yield batch

    def _array(self, column: int) -> pa.Array:
        kind, slot, kept = self._kinds[column], self._slots[column], slice(self._row)
        type_ = self._schema.field(column).type
        if kind in (TEXT, KEY):
            text = _text(self._buffers.offsets[slot, : self._row + 1], self._buffers.text)
            return text.dictionary_encode() if pa.types.is_dictionary(type_) else text
        if kind == CODE:
            codes = self._buffers.codes[slot, kept]
            indices = _array(pa.int32(), codes != NULL_CODE, codes)
            return pa.DictionaryArray.from_arrays(indices, self._distinct(slot), safe=False)
        if kind == FLAG:
            flags = self._buffers.flags[slot, kept]
            return _array(type_, flags != NULL_FLAG, _bits(flags == 1))
        numbers = self._buffers.numbers[slot, kept]
        return _array(type_, numbers != NULL_NUMBER, numbers)

    def _distinct(self, slot: int) -> pa.Array:
        """The values so far of a CODE column; the loop only adds to them."""
        starts = self._buffers.starts[slot, : self._buffers.counts[slot] + 1]
        return _text(starts, self._buffers.values[slot * VALUE_BYTES :])


def _kind(field: pa.Field) -> int:
    if field.name == "key":
        return KEY
    if pa.types.is_dictionary(field.type):
        return CODE
    if pa.types.is_timestamp(field.type):
        return TIME
    return {pa.string(): TEXT, pa.int64(): NUMBER, pa.bool_(): FLAG}[field.type]


def _text(offsets: NDArray[np.int32], data: NDArray[np.uint8]) -> pa.Array:
    return _array(pa.string(), offsets[1:] != offsets[:-1], offsets, data)


def _array(type_: pa.DataType, valid: NDArray[np.bool_], *data: NDArray[Any]) -> pa.Array:
    """An Arrow array over these buffers."""
    nulls = valid.size - int(np.count_nonzero(valid))
    validity = pa.py_buffer(_bits(valid)) if nulls else None
    buffers = [validity, *(pa.py_buffer(part) for part in data)]
    return pa.Array.from_buffers(type_, valid.size, buffers, nulls)


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(flags, bitorder="little")
