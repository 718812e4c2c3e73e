"""Reports against CloudWatch: the relations that `bucket_reconciliation.sql` stands on."""

from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.marts.storage.places import REPORTS, SEEN_BUCKETS
from inventory_pipeline.marts.storage.usage import bands_from
from inventory_pipeline.prices.storage_classes import MONITORED_FROM_BYTES, price_key_sql
from inventory_pipeline.reports.bands import UNKNOWN
from inventory_pipeline.resource_types.s3_storage import SIZES


def bucket_reconciliation_sql() -> str:
    """Differences of up to `$tolerance_percent` are explained by the hours between the two."""
    relations = {
        "seen_buckets": SEEN_BUCKETS,
        "reports": REPORTS,
        "size_metrics": _size_metrics(),
    }
    select = (
        read_sql(__package__, "bucket_reconciliation.sql")
        .replace("{price_key}", price_key_sql("storage_class", "access_tier"))
        .replace("{unknown}", UNKNOWN)
        .replace("{monitored}", bands_from(MONITORED_FROM_BYTES))
    )
    return with_relations(relations, select)


def _size_metrics() -> str:
    """Metrics of what objects take themselves; what is billed on top is no object's size."""
    return union_all(
        f"SELECT {literal(f'BucketSizeBytes:{kind}')} AS metric, "
        f"{literal(price_class)} AS storage_class"
        for kind, (_, price_class) in SIZES.items()
        if "Overhead" not in kind
    )
