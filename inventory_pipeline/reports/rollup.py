"""The SELECT that rolls a delivery's objects up into `s3_usage`.

Belongs here: how an object is grouped and counted. Not here: dollars (`marts/storage`).
"""

from inventory_pipeline.reports.bands import AGE_BANDS, KIB, SIZE_BANDS, UNKNOWN

MINIMUM_BILLED_BYTES = 128 * KIB
MINIMUM_BILLED_CLASSES = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR")
"""Classes whose smaller objects are billed as 128 KiB (S3 user guide, storage classes)."""

GROUPS = (
    "delivered_on, source_bucket, configuration_id, storage_class, access_tier, version_state, "
    "age_band, size_band, encryption_status, replication_status"
)


def usage_select(prefix_depth: int) -> str:
    """SQL with parameters `$files` (Parquet of s3_objects), `$delivered_at` and `$prefix_limit`.

    Prefixes beyond `$prefix_limit`, the smallest by bytes, are counted under prefix NULL.
    """
    return f"""
WITH objects AS (
  SELECT delivered_on, source_bucket, configuration_id, storage_class, encryption_status,
    replication_status, intelligent_tiering_access_tier AS access_tier,
    regexp_extract(key, '^(?:[^/]*/){{0,{int(prefix_depth)}}}') AS prefix,
    CASE WHEN is_delete_marker THEN 'delete_marker' WHEN NOT is_latest THEN 'noncurrent'
      ELSE 'current' END AS version_state,
    {_age_band()} AS age_band,
    {_size_band()} AS size_band,
    CASE WHEN is_delete_marker THEN 0 ELSE COALESCE(size, 0) END AS bytes,
    {_billable_bytes()} AS billable_bytes
  FROM read_parquet($files, hive_partitioning = false)
), by_prefix AS (
  SELECT {GROUPS}, prefix, COUNT(*) AS objects, SUM(bytes) AS bytes,
    SUM(billable_bytes) AS billable_bytes
  FROM objects GROUP BY {GROUPS}, prefix
), kept AS (
  SELECT prefix FROM by_prefix GROUP BY prefix ORDER BY SUM(bytes) DESC, prefix LIMIT $prefix_limit
)
SELECT {GROUPS}, kept.prefix AS prefix, SUM(objects) AS objects, SUM(bytes) AS bytes,
  SUM(billable_bytes) AS billable_bytes
FROM by_prefix LEFT JOIN kept ON by_prefix.prefix = kept.prefix
GROUP BY {GROUPS}, kept.prefix
"""


def _age_band() -> str:
    """Whole days from last modified to delivery; a later change counts as age 0."""
    older = [
        f"WHEN last_modified_date <= $delivered_at - INTERVAL {band.lower} DAY THEN '{band.name}'"
        for band in reversed(AGE_BANDS[1:])
    ]
    return (
        f"CASE WHEN last_modified_date IS NULL THEN '{UNKNOWN}' {' '.join(older)} "
        f"ELSE '{AGE_BANDS[0].name}' END"
    )


def _size_band() -> str:
    larger = [f"WHEN size >= {band.lower} THEN '{band.name}'" for band in reversed(SIZE_BANDS)]
    return (
        f"CASE WHEN is_delete_marker THEN '{SIZE_BANDS[0].name}' {' '.join(larger)} "
        f"ELSE '{UNKNOWN}' END"
    )


def _billable_bytes() -> str:
    classes = ", ".join(f"'{name}'" for name in MINIMUM_BILLED_CLASSES)
    return (
        f"CASE WHEN is_delete_marker OR size IS NULL THEN 0 WHEN storage_class IN ({classes}) "
        f"THEN GREATEST(size, {MINIMUM_BILLED_BYTES}) ELSE size END"
    )
