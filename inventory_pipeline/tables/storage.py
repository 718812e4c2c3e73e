"""What stored objects take up and cost."""

from inventory_pipeline.columns import bigint, money, text
from inventory_pipeline.tables.model import DELIVERY, DELIVERY_COLUMNS, USAGE_COLUMNS, Table

BUCKET_PLACE = (
    text("account_id", "Bucket's account; NULL where the bucket was not collected."),
    text("account_name", "Account's name."),
    text("department", "Department of the bucket."),
    text("region", "Bucket's region; NULL where the bucket was not collected."),
)

TABLES: tuple[Table, ...] = (
    Table(
        "storage_usage",
        "storage",
        "Objects and bytes by prefix, class and age.",
        "one prefix, class, tier, version state and age band in a delivery",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            *USAGE_COLUMNS,
            bigint("objects", "Object versions.", required=True),
            bigint("bytes", "Bytes stored.", required=True),
            bigint("billable_bytes", "Bytes billed.", required=True),
        ),
        (*DELIVERY, "prefix", "storage_class", "access_tier", "version_state", "age_band"),
        ("delivered_on",),
    ),
    Table(
        "storage_costs",
        "storage",
        "Monthly list price of stored objects.",
        "one component of a prefix, class, tier, version state and age band in a delivery",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            *USAGE_COLUMNS,
            text("component", "storage, overhead, overhead_index or monitoring.", required=True),
            text("price_key", "Key in the price book."),
            text("unit", "Unit of the quantity.", required=True),
            money("quantity", "Units a month.", required=True),
            money("monthly_usd", "Dollars a month at list price; NULL is unknown."),
            text("unpriced_reason", "Why it is unknown."),
            text("price_as_of", "Month of the price, YYYY-MM."),
        ),
        (
            *DELIVERY,
            "prefix",
            "storage_class",
            "access_tier",
            "version_state",
            "age_band",
            "component",
        ),
        ("delivered_on",),
    ),
)
