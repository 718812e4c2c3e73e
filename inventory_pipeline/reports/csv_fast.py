"""Decoding AWS's own CSV dialect: a gzipped report file to record batches, in one compiled pass.

Needs the extra `fast`. A file in any other dialect raises IrregularError, for the caller to start
anew with DuckDB, whose reading is the reference: what is accepted here gives the rows DuckDB gives.
Not here: the compiled loop (`csv_kernel`) and the buffers that it fills (`csv_columns`).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.reports.batches import batch_schema
from inventory_pipeline.reports.errors import IrregularError

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_BYTES = 1 << 18
"""Unpacked and decoded at a time, while in the processor's cache. The longest row fits into it."""


@cache
def available() -> bool:
    """Whether the extra `fast` is installed."""
    return all(find_spec(name) for name in ("isal", "numba"))


def read_batches(file: Path, fields: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a report file, some 100,000 at a time; no batch for a file without rows.

    A batch takes some 30 MB: drop one before the next is taken. Raises IrregularError, and
    OSError in DuckDB's words where the gzip stream is damaged; the batches before it are then void.
    """
    from inventory_pipeline.reports.csv_columns import Columns
    from inventory_pipeline.reports.csv_kernel import BEYOND

    columns = Columns(batch_schema(fields))
    piece = bytearray(PIECE_BYTES + BEYOND)
    left = 0
    with unpacked(file) as stream:
        while read := stream.readinto(memoryview(piece)[left:PIECE_BYTES]):
            end = piece.rfind(b"\n", 0, left + read) + 1
            yield from columns.add(piece, end)
            left += read - end
            piece[:left] = piece[end : end + left]
    if left:
        raise IrregularError("the last row has no end")
    yield from columns.take()


@contextmanager
def unpacked(file: Path) -> Iterator[io.BufferedIOBase]:
    """The unpacked bytes of a gzip file of any number of members.

    Raises OSError in DuckDB's words where it is damaged.
    """
    from isal import igzip
    from isal.igzip_lib import IsalError

    if not file.stat().st_size:
        raise OSError("Input is not a GZIP stream")
    try:
        with igzip.open(file, "rb") as stream:
            yield stream
    except EOFError as error:
        raise OSError("Unexpected end of GZIP stream") from error
    except (gzip.BadGzipFile, IsalError) as error:  # type: ignore[misc]  # no class to its stub
        raise OSError(f"damaged GZIP stream: {error}") from error
