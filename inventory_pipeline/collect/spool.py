"""Rows on their way to the lake: from finished cells to Parquet files, in bounded memory.

Not here: which cells there are (`cells`), how the files join a snapshot (`merge`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.collect.look import CellResult, Row
from inventory_pipeline.lake.schema import arrow_schema

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from inventory_pipeline.lake import Lake

PENDING_ROWS = 10_000
"""Rows that wait in memory at most, some 50 MB; then the table that has most writes its own."""


@dataclass(frozen=True)
class Chunk:
    """Some finished cells as Parquet files by table, which join the snapshot together."""

    files: Mapping[str, Path]
    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class Spool:
    """Takes cells' results and makes chunks of them."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._begin()

    def _begin(self) -> None:
        self._pending = defaultdict[str, list[Row]](list)
        self._waiting = 0
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._files: dict[str, Path] = {}
        self._rows = defaultdict[str, int](int)
        self.rows = 0

    def add(self, result: CellResult) -> None:
        self.add_rows(result.cell.kind.table, result.rows)
        self.add_rows("resources", result.rows)
        for table, rows in result.children.items():
            self.add_rows(table, rows)
        self.add_rows("relationships", result.edges)
        self.add_rows("metrics", result.metrics)
        self.add_rows("coverage", result.coverage)

    def add_rows(self, table: str, rows: list[Row]) -> None:
        if rows:
            self._pending[table] += rows
            self._rows[table] += len(rows)
            self._waiting += len(rows)
            self.rows += len(rows)
        while self._waiting > PENDING_ROWS:
            self._write(max(self._pending, key=lambda table: len(self._pending[table])))

    def finish(self) -> Chunk:
        """What came since the last chunk, as a chunk. Its files are the caller's."""
        for table in list(self._pending):
            self._write(table)
        for writer in self._writers.values():
            writer.close()
        chunk = Chunk(self._files, self._rows)
        self._begin()
        return chunk

    def _write(self, table: str) -> None:
        """Write a table's waiting rows as a row group of its file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = self._pending.pop(table)
        self._waiting -= len(rows)
        schema = arrow_schema(table)
        if table not in self._writers:
            self._files[table] = self._lake.scratch_file()
            self._writers[table] = pq.ParquetWriter(
                self._files[table], schema, compression="zstd", compression_level=1
            )
        self._writers[table].write_table(pa.Table.from_pylist(rows, schema=schema))
