"""The SELECTs that roll a delivery's objects up into `s3_usage`.

In two steps, so that memory does not grow with the delivery: each data file to a partial, of every
prefix, and the partials of all files to the delivery's rows, of the largest prefixes.
`rollup_fast` makes the same partials while a file is decoded. Belongs here: how an object is
grouped and counted. Not here: dollars (`marts/storage`).
"""

from inventory_pipeline.reports.bands import AGE_BANDS, KIB, SIZE_BANDS, UNKNOWN

MINIMUM_BILLED_BYTES = 128 * KIB
MINIMUM_BILLED_CLASSES = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR")
"""Classes whose smaller objects are billed as 128 KiB (S3 user guide, storage classes)."""

GROUPS = (
    "prefix",
    "storage_class",
    "access_tier",
    "version_state",
    "age_band",
    "size_band",
    "encryption_status",
    "replication_status",
)
COUNTS = ("objects", "bytes", "billable_bytes")
"""A partial has the columns GROUPS and COUNTS; a group may have several rows."""


def partial_select(objects: str, prefix_depth: int) -> str:
    """SQL with parameter `$delivered_at`: the partial of the relation `objects`.

    `objects` is SQL with the columns of `s3_objects`. Fails where a group has 2^63 bytes and more.
    """
    return f"""
SELECT {", ".join(GROUPS)}, COUNT(*) AS objects, CAST(SUM(bytes) AS BIGINT) AS bytes,
  CAST(SUM(billable_bytes) AS BIGINT) AS billable_bytes
FROM (
  SELECT regexp_extract(key, '^(?:[^/]*/){{0,{int(prefix_depth)}}}') AS prefix,
    storage_class, intelligent_tiering_access_tier AS access_tier,
    CASE WHEN is_delete_marker THEN 'delete_marker' WHEN NOT is_latest THEN 'noncurrent'
      ELSE 'current' END AS version_state,
    {_age_band()} AS age_band,
    {_size_band()} AS size_band,
    encryption_status, replication_status,
    CASE WHEN is_delete_marker THEN 0 ELSE COALESCE(size, 0) END AS bytes,
    {_billable_bytes()} AS billable_bytes
  FROM ({objects}) AS objects
) AS grouped
GROUP BY {", ".join(GROUPS)}
"""


def usage_select() -> str:
    """SQL with parameters `$files`, the Parquet of the partials, and `$prefix_limit`.

    The rows of `s3_usage` for the delivery that `$delivered_on`, `$source_bucket` and
    `$configuration_id` name. Prefixes beyond `$prefix_limit`, the smallest by bytes, are counted
    under prefix NULL.
    """
    others = ", ".join(f"partials.{name}" for name in GROUPS[1:])
    sums = ", ".join(f"SUM({name}) AS {name}" for name in COUNTS)
    return f"""
WITH partials AS (
  SELECT * FROM read_parquet($files, hive_partitioning = false)
), kept AS (
  SELECT prefix FROM partials WHERE prefix IS NOT NULL
  GROUP BY prefix ORDER BY SUM(bytes) DESC, prefix LIMIT $prefix_limit
)
SELECT $delivered_on AS delivered_on, $source_bucket AS source_bucket,
  $configuration_id AS configuration_id, kept.prefix AS prefix, {others}, {sums}
FROM partials LEFT JOIN kept ON partials.prefix = kept.prefix
GROUP BY kept.prefix, {others}
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
