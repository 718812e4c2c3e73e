"""A data file's partial: its part of the rollup, as a Parquet file of a few rows.

Counted by compiled loops where the extra `fast` is installed, else by DuckDB. Not here: how objects
are grouped (`rollup`), and the loops (`rollup_fast`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from inventory_pipeline.lake import DataFile
from inventory_pipeline.reports import rollup_fast
from inventory_pipeline.reports.rollup import partial_select

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from inventory_pipeline.lake import Lake, Session


@dataclass(frozen=True)
class Grouping:
    """What a delivery's objects are grouped by: parts of their keys, and their age at that time."""

    prefix_depth: int
    delivered_at: datetime


class PartialWriter:
    """Counts batches of objects into a partial; there is no file of no rows, nor after an error."""

    def __init__(self, grouping: Grouping, target: Path) -> None:
        self._rollup = rollup_fast.UsageRollup(grouping.prefix_depth, grouping.delivered_at)
        self._target = target
        self._sink: pq.ParquetWriter | None = None

    def __enter__(self) -> PartialWriter:
        return self

    def counted(self, batch: pa.RecordBatch | pa.Table) -> pa.RecordBatch | pa.Table:
        """The batch, which has been counted."""
        self._rollup.add(batch)
        if self._rollup.full:
            self._flush()
        return batch

    def _flush(self) -> None:
        import pyarrow.parquet as pq

        counts = self._rollup.table()
        if counts.num_rows:
            self._sink = self._sink or pq.ParquetWriter(
                self._target, counts.schema, compression="none", write_statistics=False
            )  # read once, at once
            self._sink.write_table(counts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            self._flush()
        if self._sink:
            self._sink.close()
        if error is not None:
            self._target.unlink(missing_ok=True)


def roll_up(lake: Lake, db: Session, path: str, grouping: Grouping, target: Path) -> None:
    """Write the partial of a data file, in scratch or in the lake; reads what it takes of it."""
    if rollup_fast.available():
        filesystem = lake.filesystem if "://" in path else None
        with PartialWriter(grouping, target) as writer:
            for batch in rollup_fast.objects_in(path.removeprefix("s3://"), filesystem):
                writer.counted(batch)
    else:
        objects = db.select("s3_objects", [DataFile(path, {}, 0, 0)])
        sql = partial_select(objects, grouping.prefix_depth)
        db.save(sql, {"delivered_at": grouping.delivered_at}, target)
