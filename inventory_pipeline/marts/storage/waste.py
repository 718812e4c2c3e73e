"""What is stored or billed for nothing: the relations that `storage_waste.sql` stands on.

Not here: what a class bills (`prices.storage_classes`).
"""

from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.marts.storage.places import (
    KEPT_PREFIXES,
    PLACED_BUCKETS,
    REPORTS,
    SEEN_BUCKETS,
    tells,
)
from inventory_pipeline.prices.storage_classes import (
    MONITORED_FROM_BYTES,
    STORAGE_CLASSES,
    price_key_sql,
)
from inventory_pipeline.reports.bands import SIZE_BANDS

MARKERS = "S3 bills the bytes of their names, which are not added up"


def storage_waste_sql() -> str:
    relations = {
        "placed_buckets": PLACED_BUCKETS,
        "seen_buckets": SEEN_BUCKETS,
        "reports": REPORTS,
        "kept_prefixes": KEPT_PREFIXES,
        "classes": _classes(),
    }
    small = (band.name for band in SIZE_BANDS if band.lower < MONITORED_FROM_BYTES)
    select = (
        read_sql(__package__, "storage_waste.sql")
        .replace("{small}", ", ".join(map(literal, small)))
        .replace("{price_key}", price_key_sql("u.storage_class", "u.access_tier"))
        .replace("{markers}", MARKERS)
        .replace("{versions}", tells("r", "IsLatest"))
    )
    return with_relations(relations, select)


def _classes() -> str:
    """What each object of a class is billed at least, and on top of its size."""
    return union_all(
        f"SELECT {literal(c.key)} AS price_key, {c.minimum_bytes} AS minimum_bytes, "
        f"{c.overhead_bytes + c.index_bytes} AS overhead_bytes"
        for c in STORAGE_CLASSES.values()
        if c.minimum_bytes or c.overhead_bytes
    )
