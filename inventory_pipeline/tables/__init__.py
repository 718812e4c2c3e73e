"""Every table's contract, once: columns, types, meaning, grain, key and partitioning.

Belongs here: what a table promises, a module for each stage of the flow. Not here: how it is stored
(`lake`) or filled (everyone else). Tables of resource types follow from `resource_types`.
"""

from functools import cache

from inventory_pipeline.tables import (
    archive,
    cost,
    health,
    s3_inventory,
    security,
    snapshots,
    storage,
    storage_growth,
    storage_objects,
)
from inventory_pipeline.tables.model import (
    COMMON_RESOURCE_COLUMNS,
    DELIVERY,
    PLACE,
    RESOURCE,
    RESOURCE_KEY,
    SNAPSHOT,
    SNAPSHOT_AT,
    Table,
)

__all__ = [
    "COMMON_RESOURCE_COLUMNS",
    "DELIVERY",
    "PLACE",
    "RESOURCE",
    "RESOURCE_KEY",
    "SNAPSHOT",
    "SNAPSHOT_AT",
    "Table",
    "tables",
]


@cache
def tables() -> dict[str, Table]:
    """Every table by name, in flow order."""
    stages = (
        *(snapshots, s3_inventory, cost, security),
        *(storage, storage_growth, storage_objects, health, archive),
    )
    return {table.name: table for stage in stages for table in stage.TABLES}
