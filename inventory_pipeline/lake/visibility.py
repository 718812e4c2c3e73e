"""What readers may see: published snapshots and ingested deliveries.

Not here: publishing either (`collect`, `reports`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from inventory_pipeline.tables import DELIVERY, SNAPSHOT, Table

if TYPE_CHECKING:
    from inventory_pipeline.lake.lake import Lake


class Visibility:
    """What readers may see, as it was when first asked: one answer for many tables."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    @cached_property
    def snapshots(self) -> frozenset[datetime]:
        return frozenset(self._lake.snapshots())

    @cached_property
    def deliveries(self) -> frozenset[tuple[date, str, str]]:
        return frozenset(self._lake.deliveries())

    def shows(self, table: Table, partition: Mapping[str, object]) -> bool:
        if table.name == "snapshots" or table.partitioned_by not in (SNAPSHOT, DELIVERY):
            return True
        if table.partitioned_by == SNAPSHOT:
            return partition["snapshot_at"] in self.snapshots
        return tuple(partition[name] for name in DELIVERY) in self.deliveries
