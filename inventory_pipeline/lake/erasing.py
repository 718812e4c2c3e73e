"""Erasing rows so that no byte of them stays: not in a table, nor in what it was before.

A file that has such rows is written anew without them, then the table's history is dropped and its
files are removed. Not here: which rows (`reports.erasure`), files that are only not needed any more
(`upkeep`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inventory_pipeline.lake.commits import Rewriting
from inventory_pipeline.lake.files import DataFile
from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.upkeep import bare, referenced, remove, unreferenced
from inventory_pipeline.lake.where import Where

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyiceberg.table import Table as IcebergTable

Chosen = Callable[["pa.RecordBatch"], "pa.BooleanArray"]
"""Which rows of a batch are meant."""

BATCH_ROWS = 131_072


@dataclass(frozen=True)
class Holding:
    """A data file with rows that are meant, and how many."""

    file: DataFile
    rows: int


def holding(
    lake: Lake, table: str, where: Where, chosen: Chosen, columns: Collection[str]
) -> list[Holding]:
    """The files of a table that have such rows; `columns` are those that `chosen` looks at."""
    found = (
        Holding(file, _count(lake, file.path, chosen, columns))
        for file in lake.files(table, where, visible=False)
    )
    return [one for one in found if one.rows]


def erase_rows(
    lake: Lake, table: str, partition: Where, chosen: Chosen, columns: Collection[str]
) -> None:
    """Write a partition's files anew without such rows; one that has none stays as it is."""

    def rewritten(files: Sequence[DataFile]) -> Rewriting:
        hit = [f for f in files if _count(lake, f.path, chosen, columns)]
        new = [path for file in hit if (path := _without(lake, file, chosen))]
        return Rewriting([file for file in files if file not in hit], new)

    lake.rewrite(table, partition, rewritten)


def forget_history(lake: Lake, table: str, chosen: Chosen, columns: Collection[str]) -> int:
    """Drop all but the newest snapshot of a table, and remove every file that only the others had.

    Also removes data files with such rows that no commit names: of abandoned runs and of what was
    replaced before. Returns how many files. Who reads an older snapshot now fails.
    """
    gone = _drop_history(lake, table)
    loose = [
        file.path
        for file in unreferenced(lake, table)
        if file.path.endswith(".parquet") and _count(lake, file.path, chosen, columns)
    ]
    # Asked again, for counting takes its time: an ingestion may just have committed one.
    doomed = {*gone, *loose} - _needed(lake, table)
    there = [path for path in doomed if lake.filesystem.get_file_info(path).is_file]
    remove(lake, there)
    return len(there)


def _drop_history(lake: Lake, table: str) -> set[str]:
    """Have a table keep its newest snapshot only; the files that it needs no more."""
    iceberg = lake.iceberg(table)
    if iceberg is None:  # files may have arrived for it all the same
        return set()
    before = set(referenced(iceberg))
    lake.drop_history(table)
    newest = lake.iceberg(table) or iceberg
    return (before | _earlier_metadata(newest)) - _needed(lake, table)


def _needed(lake: Lake, table: str) -> set[str]:
    """The files of a table's newest state."""
    iceberg = lake.iceberg(table)
    return set(referenced(iceberg)) - _earlier_metadata(iceberg) if iceberg else set()


def _earlier_metadata(iceberg: IcebergTable) -> set[str]:
    return {bare(entry.metadata_file) for entry in iceberg.metadata.metadata_log}


def _count(lake: Lake, path: str, chosen: Chosen, columns: Collection[str]) -> int:
    """How many such rows a file has; reads only the columns that tell."""
    with _opened(lake, path) as file:
        names = [name for name in file.schema_arrow.names if name in columns]
        batches = file.iter_batches(BATCH_ROWS, columns=names)
        return sum(chosen(batch).true_count for batch in batches)


def _without(lake: Lake, old: DataFile, chosen: Chosen) -> Path | None:
    """A scratch file with a file's other rows, in its own columns; None where none are left."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    target, rows = lake.scratch_file(), 0
    with _opened(lake, old.path) as file:
        schema = file.schema_arrow.remove_metadata()
        with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1) as sink:
            for batch in file.iter_batches(BATCH_ROWS):
                kept = batch.filter(pc.invert(chosen(batch))).cast(schema)
                rows += kept.num_rows
                if kept.num_rows:
                    sink.write_batch(kept)
    if rows:
        return target
    target.unlink()
    return None


def _opened(lake: Lake, path: str) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(bare(path), filesystem=lake.filesystem)
