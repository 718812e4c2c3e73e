"""Usage and its cost: the relations that the storage marts' SQL files stand on.

Generated from how S3 bills its classes (`prices.storage_classes`) and the bands of the rollup.
"""

from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.marts.storage.places import PLACED_BUCKETS, WIDEST_REPORTS
from inventory_pipeline.prices.storage_classes import (
    MONITORED_FROM_BYTES,
    STORAGE_CLASSES,
    price_key_sql,
)
from inventory_pipeline.reports.bands import SIZE_BANDS, UNKNOWN


def storage_usage_sql() -> str:
    return with_relations(
        {"placed_buckets": PLACED_BUCKETS}, read_sql(__package__, "storage_usage.sql")
    )


def storage_costs_sql() -> str:
    relations = {
        "placed_buckets": PLACED_BUCKETS,
        "widest_reports": WIDEST_REPORTS,
        "billed_usage": _billed_usage(),
        "overheads": overheads(),
    }
    select = read_sql(__package__, "storage_costs.sql").replace("{tier_parts}", tier_parts())
    return with_relations(relations, select)


def _billed_usage() -> str:
    """Usage with its price key, objects that pay for monitoring, and those that cannot be priced:
    of unknown size, or of unknown access tier and large enough to be in another than the first.
    """
    monitored = " ".join(
        f"WHEN price_key = {literal(c.key)} "
        f"AND size_band IN ({bands_from(c.monitored_from_bytes)}) THEN objects"
        for c in STORAGE_CLASSES.values()
        if c.monitored_from_bytes is not None
    )
    return f"""SELECT *,
  CASE {monitored} ELSE 0 END AS monitored_objects,
  CASE WHEN size_band = {literal(UNKNOWN)} THEN objects ELSE 0 END AS unsized_objects,
  CASE WHEN storage_class = 'INTELLIGENT_TIERING' AND access_tier IS NULL
    AND size_band IN ({bands_from(MONITORED_FROM_BYTES)}) THEN objects
    ELSE 0 END AS untiered_objects
FROM (
  SELECT *, {price_key_sql("storage_class", "access_tier")} AS price_key
  FROM s3_usage
  WHERE version_state <> 'delete_marker'
) AS keyed"""


def tier_parts() -> str:
    """SQL: the relation `slices`, cut where another volume tier's price begins."""
    return read_sql(__package__, "tier_parts.sql")


def bands_from(from_bytes: int) -> str:
    """SQL: the bands of objects of this size and more, listed."""
    return ", ".join(literal(band.name) for band in SIZE_BANDS if band.lower >= from_bytes)


def overheads() -> str:
    """SQL: what comes on top of each object of a class, in bytes: its component and its price."""
    return union_all(
        f"SELECT {literal(c.key)} AS price_key, {literal(component)} AS component, "
        f"{size} AS object_bytes, {literal(charged)} AS charged_key"
        for c in STORAGE_CLASSES.values()
        for component, size, charged in (
            ("overhead", c.overhead_bytes, c.key),
            ("overhead_index", c.index_bytes, "STANDARD"),
        )
        if size
    )
