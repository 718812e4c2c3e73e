"""What is stored where, and what that costs at list price, from the deliveries of a day.

A bucket's account, department and region come from the day's snapshot; a bucket that was not
collected has none, and its cost is unknown. A bucket with several reports has rows for each, where
they can be told apart by configuration; elsewhere those count that no other covers.
"""

from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.marts.storage.compliance import object_compliance_sql
from inventory_pipeline.marts.storage.duplicates import duplicate_candidates_sql
from inventory_pipeline.marts.storage.growth import GROWTH
from inventory_pipeline.marts.storage.health import delivery_health_sql
from inventory_pipeline.marts.storage.personal_data import personal_data_prefixes_sql
from inventory_pipeline.marts.storage.reconciliation import bucket_reconciliation_sql
from inventory_pipeline.marts.storage.tenants import tenant_usage_sql
from inventory_pipeline.marts.storage.tiering import tiering_effectiveness_sql
from inventory_pipeline.marts.storage.trend import TREND
from inventory_pipeline.marts.storage.usage import storage_costs_sql, storage_usage_sql
from inventory_pipeline.marts.storage.waste import storage_waste_sql

MARTS: tuple[Mart, ...] = (
    Mart("storage_usage", storage_usage_sql, {"s3_usage": "day", "s3_buckets": "snapshot"}, "day"),
    Mart(
        "storage_costs",
        storage_costs_sql,
        {
            "s3_usage": "day",
            "s3_buckets": "snapshot",
            "bucket_inventory_configurations": "snapshot",
            "prices": "all",
        },
        "day",
    ),
    GROWTH,
    TREND,
    Mart(
        "storage_waste",
        storage_waste_sql,
        {
            "s3_objects": "day",
            "s3_usage": "day",
            "storage_usage": "day",
            "storage_costs": "day",
            "s3_deliveries": "day",
            "s3_buckets": "snapshot",
            "prices": "all",
        },
        "day",
    ),
    Mart(
        "duplicate_candidates",
        duplicate_candidates_sql,
        {
            "s3_objects": "day",
            "s3_usage": "day",
            "s3_buckets": "snapshot",
            "bucket_inventory_configurations": "snapshot",
        },
        "day",
    ),
    Mart(
        "personal_data_prefixes",
        personal_data_prefixes_sql,
        {
            "s3_objects": "day",
            "s3_usage": "day",
            "s3_deliveries": "day",
            "s3_buckets": "snapshot",
        },
        "day",
    ),
    Mart(
        "tiering_effectiveness",
        tiering_effectiveness_sql,
        {
            "s3_usage": "day",
            "storage_costs": "day",
            "s3_buckets": "snapshot",
            "bucket_inventory_configurations": "snapshot",
            "prices": "all",
        },
        "day",
    ),
    Mart(
        "tenant_usage",
        tenant_usage_sql,
        {
            "s3_objects": "day",
            "s3_usage": "day",
            "storage_usage": "day",
            "storage_costs": "day",
            "bucket_inventory_configurations": "snapshot",
        },
        "day",
    ),
    Mart(
        "bucket_reconciliation",
        bucket_reconciliation_sql,
        {
            "s3_usage": "day",
            "s3_deliveries": "day",
            "s3_buckets": "snapshot",
            "bucket_inventory_configurations": "snapshot",
            "metrics": "snapshot",
        },
        "day",
    ),
    Mart(
        "object_compliance",
        object_compliance_sql,
        {
            "s3_objects": "day",
            "s3_usage": "day",
            "s3_deliveries": "day",
            "s3_buckets": "snapshot",
            "bucket_grants": "snapshot",
        },
        "day",
    ),
    Mart(
        "delivery_health",
        delivery_health_sql,
        {
            "snapshots": "all",
            "s3_buckets": "all",
            "bucket_inventory_configurations": "all",
            "s3_deliveries": "all",
        },
        "day",
    ),
)
