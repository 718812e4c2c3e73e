"""The rollup's partials, counted by compiled loops while a file is decoded (the extra `fast`).

The same rows as `rollup.partial_select` gives of the same objects, which is the reference and the
path without numba. Not here: the loops (`rollup_kernels`), and how partials become `s3_usage`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from inventory_pipeline.reports.bands import AGE_BANDS, SIZE_BANDS, UNKNOWN
from inventory_pipeline.reports.errors import ReportError
from inventory_pipeline.reports.rollup import (
    COUNTS,
    GROUPS,
    MINIMUM_BILLED_BYTES,
    MINIMUM_BILLED_CLASSES,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from pyarrow.fs import FileSystem

    from inventory_pipeline.reports.rollup_kernels import Bytes, Ints, Longs

    Number = TypeVar("Number", bound=np.number)

TEXTS = (
    "storage_class",
    "intelligent_tiering_access_tier",
    "encryption_status",
    "replication_status",
)
COLUMNS = ("key", "is_latest", "is_delete_marker", "size", "last_modified_date", *TEXTS)
"""What the rollup reads of `s3_objects`."""

STATES = ("current", "noncurrent", "delete_marker")
AGES = (UNKNOWN, *(band.name for band in reversed(AGE_BANDS)))
SIZES = (UNKNOWN, *(band.name for band in SIZE_BANDS))

GROUP_LIMIT = 1 << 17
PREFIX_BYTES_LIMIT = 1 << 24
"""More than so much in memory, and the table is full: some 40 MB."""

BATCH_ROWS = 1 << 16
READ_BYTES = 1 << 20
"""Read of each column at a time."""

NULL = -1


def available() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def objects_in(file: Path | str, filesystem: FileSystem | None = None) -> Iterator[pa.RecordBatch]:
    """What the rollup reads of a Parquet file of `s3_objects`, text as dictionaries."""
    import pyarrow.parquet as pq

    footer = pq.read_metadata(file, filesystem=filesystem)
    present = [name for name in COLUMNS if name in footer.schema.names]
    texts = [name for name in TEXTS if name in present]
    with pq.ParquetFile(
        file,
        metadata=footer,
        read_dictionary=texts,
        filesystem=filesystem,
        buffer_size=READ_BYTES,
        pre_buffer=filesystem is not None,  # which spares requests, at 60 MB
    ) as objects:
        yield from objects.iter_batches(BATCH_ROWS, columns=present, use_threads=False)


class UsageRollup:
    """Counts the rows it is given; `table()` is their partial.

    Takes less than 50 MB and what one batch adds, provided that `table()` is called when it is
    `full`.
    """

    def __init__(self, prefix_depth: int, delivered_at: datetime) -> None:
        self._depth = prefix_depth
        self._time_bounds = _time_bounds(delivered_at)
        self._start()

    def _start(self) -> None:
        self._prefixes = _Prefixes()
        self._texts = [_Texts() for _ in TEXTS]
        self._groups = _Groups()

    @property
    def full(self) -> bool:
        """Whether `table()` should be called before more is added."""
        return (
            self._groups.count >= GROUP_LIMIT
            or self._prefixes.bytes >= PREFIX_BYTES_LIMIT
            or any(len(texts.codes) >= GROUP_LIMIT for texts in self._texts)
        )

    def add(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Count rows of `s3_objects`. Columns may be missing, but for the key, and texts encoded.

        Raises ReportError where a group has 2^63 bytes and more.
        """
        import numpy as np

        rows = batch.num_rows
        if not rows:
            return
        columns = {name: _whole(batch[name]) for name in COLUMNS if name in batch.schema.names}
        sizes, sized = _numbers(columns.get("size"), rows)
        markers = _flags(columns.get("is_delete_marker"), rows, missing=False)
        codes = np.empty((len(TEXTS) + 2, rows), np.int32)
        codes[0] = self._prefixes.coded(columns["key"], self._depth)
        for at, (name, texts) in enumerate(zip(TEXTS, self._texts, strict=True), start=1):
            texts.code(columns.get(name), codes[at])
        self._code_kinds(columns, sizes, sized, markers, codes[-1])
        least = np.array([*map(_least_billed, self._texts[0].codes), _least_billed(None)])
        self._groups.count_rows(codes, sizes, sized & (1 - markers), least)

    def _code_kinds(
        self,
        columns: dict[str, pa.Array],
        sizes: Longs,
        sized: Bytes,
        markers: Bytes,
        kinds: Ints,
    ) -> None:
        import numpy as np

        from inventory_pipeline.reports.rollup_kernels import code_kinds

        latest = _flags(columns.get("is_latest"), len(kinds), missing=True)
        times, timed = _numbers(_microseconds(columns.get("last_modified_date")), len(kinds))
        size_bounds = np.array([band.lower for band in SIZE_BANDS])
        code_kinds(
            markers, latest, sizes, sized, size_bounds, times, timed, self._time_bounds, kinds
        )

    def table(self) -> pa.Table:
        """The partial of what was added since the last call, text as dictionaries."""
        import numpy as np
        import pyarrow as pa

        keys, sums = self._groups.rows()
        states, bands = np.divmod(keys[:, -1], len(AGES) * len(SIZES))
        ages, sizes = np.divmod(bands, len(SIZES))
        class_, tier, encryption, replication = (
            _dictionary(keys[:, at], texts.values())
            for at, texts in enumerate(self._texts, start=1)
        )
        columns = {
            "prefix": _dictionary(keys[:, 0], self._prefixes.values()),
            "storage_class": class_,
            "access_tier": tier,
            "version_state": _dictionary(states, _text_array(STATES)),
            "age_band": _dictionary(ages, _text_array(AGES)),
            "size_band": _dictionary(sizes, _text_array(SIZES)),
            "encryption_status": encryption,
            "replication_status": replication,
        } | {name: pa.array(sums[:, at]) for at, name in enumerate(COUNTS)}
        self._start()
        return pa.table(columns).select([*GROUPS, *COUNTS])


def _time_bounds(delivered_at: datetime) -> Longs:
    """The least microsecond of each age band but the oldest, rising: youngest band last."""
    import numpy as np

    at = (delivered_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    day = timedelta(days=1) // timedelta(microseconds=1)
    return np.array([at - band.lower * day + 1 for band in reversed(AGE_BANDS[1:])])


def _least_billed(storage_class: str | None) -> int:
    return MINIMUM_BILLED_BYTES if storage_class in MINIMUM_BILLED_CLASSES else -(2**63)


class _Prefixes:
    """The distinct prefixes of keys, each with a code."""

    def __init__(self) -> None:
        import numpy as np

        self.count = 0
        self._seed = int.from_bytes(os.urandom(7))  # keys chosen to collide do not
        self._known = np.empty(1 << 16, np.uint8)
        self._ends = np.zeros((1 << 10) + 1, np.int64)
        self._slots = np.full(1 << 11, -1, np.int32)

    @property
    def bytes(self) -> int:
        return int(self._ends[self.count])

    def coded(self, keys: pa.Array, depth: int) -> Ints:
        """The code of each key's prefix."""
        import numpy as np

        from inventory_pipeline.reports.rollup_kernels import code_prefixes

        offsets, data = _text_buffers(keys)
        codes = np.empty(len(keys), np.int32)
        row = 0
        while row < len(keys):
            row, self.count = code_prefixes(
                offsets, data, depth, self._known, self._ends, self.count,
                self._seed, self._slots, codes, row,
            )  # fmt: skip
            if row < len(keys):
                self._grow()
        if keys.null_count:
            codes[keys.is_null().to_numpy(zero_copy_only=False)] = NULL
        return codes

    def _grow(self) -> None:
        import numpy as np

        from inventory_pipeline.reports.rollup_kernels import rehash_prefixes

        self._known = _doubled(self._known)
        self._ends = _doubled(self._ends)
        self._slots = np.full(2 * len(self._slots), -1, np.int32)
        rehash_prefixes(self._known, self._ends, self.count, self._seed, self._slots)

    def values(self) -> pa.Array:
        import pyarrow as pa

        buffers = [None, pa.py_buffer(self._ends), pa.py_buffer(self._known)]
        return pa.Array.from_buffers(pa.large_string(), self.count, buffers)


class _Texts:
    """The distinct values of a text column that has few, each with a code."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def code(self, column: pa.Array | None, codes: Ints) -> None:
        """Write the code of each value to `codes`."""
        import numpy as np
        import pyarrow as pa

        if column is None:
            codes[:] = NULL
            return
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        known = [
            NULL if value is None else self.codes.setdefault(value, len(self.codes))
            for value in column.dictionary.to_pylist()
        ]
        indices = column.indices.cast(pa.int32()).fill_null(len(known)).to_numpy()
        np.take(np.array([*known, NULL], np.int32), indices, out=codes, mode="clip")

    def values(self) -> pa.Array:
        return _text_array(list(self.codes))


class _Groups:
    """The sums of each group, by the codes that make it up."""

    def __init__(self) -> None:
        import numpy as np

        self.count = 0
        self._keys = np.empty((1 << 10, len(TEXTS) + 2), np.int32)
        self._sums = np.zeros((1 << 10, len(COUNTS)), np.int64)
        self._slots = np.full(1 << 11, -1, np.int32)

    def count_rows(self, codes: Ints, sizes: Longs, sized: Bytes, least: Longs) -> None:
        from inventory_pipeline.reports.rollup_kernels import TOO_LARGE, count_groups

        row, rows = 0, codes.shape[1]
        while row < rows:
            row, self.count = count_groups(
                codes, sizes, sized, least, self._keys, self._sums, self.count, self._slots, row
            )
            if row == TOO_LARGE:
                raise ReportError("sizes of objects add up to 2^63 bytes and more")
            if row < rows:
                self._grow()

    def _grow(self) -> None:
        import numpy as np

        from inventory_pipeline.reports.rollup_kernels import rehash_groups

        self._keys, self._sums = _doubled(self._keys), _doubled(self._sums)
        self._slots = np.full(2 * len(self._slots), -1, np.int32)
        rehash_groups(self._keys, self.count, self._slots)

    def rows(self) -> tuple[Ints, Longs]:
        return self._keys[: self.count], self._sums[: self.count]


def _doubled(array: NDArray[Number]) -> NDArray[Number]:
    """A copy with as much room again, which is zero."""
    import numpy as np

    return np.concatenate([array, np.zeros_like(array)])


def _constant(array: NDArray[Number]) -> NDArray[Number]:
    """The array, which is not to be written to: numba compiles anew for each mix of those."""
    array.flags.writeable = False
    return array


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _text_buffers(texts: pa.Array) -> tuple[Longs, Bytes]:
    """Where each text starts (and the last ends), and the bytes of all."""
    import numpy as np
    import pyarrow as pa

    texts = texts.cast(pa.large_string())
    _, ends, content = texts.buffers()
    offsets = np.frombuffer(ends, np.int64, len(texts) + 1, 8 * texts.offset)
    return _constant(offsets), _constant(np.frombuffer(content or b"", np.uint8))


def _numbers(column: pa.Array | None, rows: int) -> tuple[Longs, Bytes]:
    """A column's values and, for each, whether there is one."""
    import numpy as np
    import pyarrow as pa

    if column is None:
        return _constant(np.zeros(rows, np.int64)), _constant(np.zeros(rows, np.uint8))
    valid = column.is_valid().cast(pa.uint8()).to_numpy()
    return _constant(column.fill_null(0).to_numpy()), _constant(valid)


def _microseconds(times: pa.Array | None) -> pa.Array | None:
    import pyarrow as pa

    if times is None:
        return None
    return times.cast(pa.timestamp("us", times.type.tz)).cast(pa.int64())


def _flags(column: pa.Array | None, rows: int, *, missing: bool) -> Bytes:
    """A boolean column as 0 and 1, with `missing` for NULL."""
    import numpy as np
    import pyarrow as pa

    if column is None:
        return _constant(np.full(rows, missing, np.uint8))
    flags: Bytes = column.fill_null(missing).cast(pa.uint8()).to_numpy()
    return _constant(flags)


def _dictionary(codes: Ints, values: pa.Array) -> pa.Array:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == NULL), values)


def _text_array(texts: Sequence[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(texts, pa.large_string())
