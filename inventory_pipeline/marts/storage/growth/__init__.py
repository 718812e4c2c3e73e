"""What changed from a delivery to the next, and where it leads.

A delivery is compared with the newest ingested one before it of the same bucket and configuration,
as it is when the mart is built: where a day in between is ingested later, the day after it is to be
built again.
"""

from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.marts.storage.growth.building import build_growth
from inventory_pipeline.marts.storage.growth.comparing import growth_sql

GROWTH = Mart(
    "storage_growth",
    growth_sql,
    {
        "s3_deliveries": "previous",
        "s3_objects": "previous",
        "s3_usage": "previous",
        "s3_buckets": "snapshot",
    },
    "day",
    build=build_growth,
)
