"""Seeing it: every cell (account, region, resource type) is asked, and what was not seen is said.

Belongs here: the cell runner, the coverage ledger, utilisation metrics, and how a collection joins
a snapshot. Not here: what there is to see (`resource_types`), whom (`accounts`), what it means
(`marts`).
"""

from inventory_pipeline.collect.asking import NotCollectedError
from inventory_pipeline.collect.cells import Cell, plan
from inventory_pipeline.collect.look import CellResult
from inventory_pipeline.collect.publication import (
    SnapshotCoverage,
    publish_snapshot,
    snapshot_coverage,
)
from inventory_pipeline.collect.runner import CellRunner
from inventory_pipeline.collect.snapshot import (
    CollectionResult,
    PastSnapshotError,
    Progress,
    collect,
)

__all__ = [
    "Cell",
    "CellResult",
    "CellRunner",
    "CollectionResult",
    "NotCollectedError",
    "PastSnapshotError",
    "Progress",
    "SnapshotCoverage",
    "collect",
    "plan",
    "publish_snapshot",
    "snapshot_coverage",
]
