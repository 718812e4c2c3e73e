"""S3 Inventory: finding deliveries, verifying them, and bringing them into the lake.

`find_deliveries` lists what has arrived, `unsettled` and `plan_runs` say what of it a run takes,
`ingest` verifies, decodes, rolls up and commits. Knows S3 and the lake; not Dagster, not prices.
"""

from inventory_pipeline.reports.deliveries import (
    Delivery,
    Destination,
    Found,
    find_deliveries,
    look_at,
    parse_delivery,
)
from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.ingest import DeliveryResult, ingest
from inventory_pipeline.reports.ledger import Ledger, read_ledger
from inventory_pipeline.reports.manifest import Manifest, ReportFile, parse_manifest
from inventory_pipeline.reports.planning import Unsettled, Weighed, plan_runs, unsettled, weigh

__all__ = [
    "Delivery",
    "DeliveryResult",
    "Destination",
    "Found",
    "Ledger",
    "Manifest",
    "NotReadyError",
    "ReportError",
    "ReportFile",
    "Unsettled",
    "Weighed",
    "find_deliveries",
    "ingest",
    "look_at",
    "parse_delivery",
    "parse_manifest",
    "plan_runs",
    "read_ledger",
    "unsettled",
    "weigh",
]
