"""Where tables live: an Iceberg catalogue, atomic commits, the engine and the published warehouse.

The lake knows tables (`tables`), not AWS resources. `Lake` commits and reads; `DuckDBEngine` runs
SQL over it and leaves files for it; `publish_warehouse` makes the analysts' DuckDB file.
"""

from inventory_pipeline.lake.commits import Commit, Rewriting
from inventory_pipeline.lake.engine import DuckDBEngine, Session
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.files import DataFile
from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.warehouse import WarehouseResult, publish_warehouse
from inventory_pipeline.lake.where import Where

__all__ = [
    "Commit",
    "DataFile",
    "DuckDBEngine",
    "Lake",
    "LakeError",
    "Rewriting",
    "Session",
    "WarehouseResult",
    "Where",
    "publish_warehouse",
]
