"""What is stored where, and what that costs at list price, from the deliveries of a day.

A bucket's account, department and region come from the day's snapshot; a bucket that was not
collected has none, and its cost is unknown. A bucket with several reports has rows for each.
"""

from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.marts.storage.usage import storage_costs_sql, storage_usage_sql

MARTS: tuple[Mart, ...] = (
    Mart("storage_usage", storage_usage_sql, {"s3_usage": "day", "s3_buckets": "snapshot"}, "day"),
    Mart(
        "storage_costs",
        storage_costs_sql,
        {"s3_usage": "day", "s3_buckets": "snapshot", "prices": "all"},
        "day",
    ),
)
