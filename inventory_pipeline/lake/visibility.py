"""What readers may see: published snapshots and ingested deliveries.

Not here: publishing either (`collect`, `reports`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from inventory_pipeline.tables import DELIVERY, SNAPSHOT, Table

if TYPE_CHECKING:
    from inventory_pipeline.lake.files import DataFile
    from inventory_pipeline.lake.lake import Lake

Delivery = tuple[date, str, str]
"""A day, a source bucket and a configuration."""


class Visibility:
    """What readers may see, as it was when first asked: one answer for many tables.

    Of deliveries only the days that are asked about are read, for the ledger grows for ever.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._of_days: dict[date, set[Delivery]] = {}

    @cached_property
    def snapshots(self) -> frozenset[datetime]:
        return frozenset(self._lake.snapshots())

    @cached_property
    def deliveries(self) -> frozenset[Delivery]:
        """All of them."""
        return frozenset(self._lake.deliveries())

    def of(self, table: Table, files: Sequence[DataFile]) -> list[DataFile]:
        """The files of a table that readers may see."""
        if table.name == "snapshots" or table.partitioned_by not in (SNAPSHOT, DELIVERY):
            return list(files)
        if table.partitioned_by == SNAPSHOT:
            return [file for file in files if file.partition["snapshot_at"] in self.snapshots]
        self._read({file.partition["delivered_on"] for file in files})
        return [file for file in files if self._shows(file)]

    def _read(self, days: set[date]) -> None:
        if new := days - self._of_days.keys():
            self._of_days |= {day: set() for day in new}
            for delivery in self._lake.deliveries(new):
                self._of_days[delivery[0]].add(delivery)

    def _shows(self, file: DataFile) -> bool:
        day = file.partition["delivered_on"]
        return tuple(file.partition[name] for name in DELIVERY) in self._of_days[day]
