-- What a report lists against what CloudWatch measured, by storage class and by number of objects.
WITH keyed AS (
  SELECT *, {price_key} AS price_key
  FROM s3_usage
),
measured_sizes AS (
  SELECT
    m.resource_id AS bucket, t.storage_class, CAST(FLOOR(MAX(m.value)) AS BIGINT) AS measured
  FROM metrics AS m
  JOIN size_metrics AS t ON t.metric = m.metric
  WHERE m.resource_type = 's3_bucket' AND m.statistic = 'Average' AND m.value IS NOT NULL
  GROUP BY m.resource_id, t.storage_class
),
measured_buckets AS (
  SELECT DISTINCT bucket FROM measured_sizes
),
sides AS (
  SELECT
    delivered_on, source_bucket, configuration_id, 'bytes' AS measure, price_key AS storage_class,
    SUM(bytes) AS listed, NULL AS measured,
    SUM(CASE
      WHEN size_band = '{unknown}' OR price_key IS NULL THEN 1
      WHEN storage_class = 'INTELLIGENT_TIERING' AND access_tier IS NULL
        AND size_band IN ({monitored}) THEN 1
      ELSE 0
    END) AS untold
  FROM keyed
  WHERE version_state <> 'delete_marker'
  GROUP BY delivered_on, source_bucket, configuration_id, price_key
  UNION ALL
  SELECT
    r.delivered_on, r.source_bucket, r.configuration_id, 'bytes' AS measure, m.storage_class,
    NULL AS listed, m.measured, 0 AS untold
  FROM reports AS r
  JOIN measured_sizes AS m ON m.bucket = r.source_bucket
  UNION ALL
  SELECT
    r.delivered_on, r.source_bucket, r.configuration_id, 'objects' AS measure,
    NULL AS storage_class, SUM(u.objects) AS listed, NULL AS measured, 0 AS untold
  FROM reports AS r
  LEFT JOIN s3_usage AS u
    ON u.source_bucket = r.source_bucket AND u.configuration_id = r.configuration_id
  GROUP BY r.delivered_on, r.source_bucket, r.configuration_id
  UNION ALL
  SELECT
    r.delivered_on, r.source_bucket, r.configuration_id, 'objects' AS measure,
    NULL AS storage_class, NULL AS listed, CAST(FLOOR(MAX(m.value)) AS BIGINT) AS measured,
    0 AS untold
  FROM reports AS r
  JOIN metrics AS m
    ON m.resource_id = r.source_bucket AND m.resource_type = 's3_bucket'
    AND m.metric = 'NumberOfObjects' AND m.statistic = 'Average' AND m.value IS NOT NULL
  GROUP BY r.delivered_on, r.source_bucket, r.configuration_id
),
pairs AS (
  SELECT
    s.delivered_on, s.source_bucket, s.configuration_id, s.measure, s.storage_class,
    CASE WHEN SUM(s.untold) = 0 THEN COALESCE(SUM(s.listed), 0) END AS listed,
    -- A class without a datapoint holds nothing, if any other class has one.
    COALESCE(
      SUM(s.measured),
      CASE WHEN s.measure = 'bytes' AND s.storage_class IS NOT NULL AND MAX(b.bucket) IS NOT NULL
        THEN 0 END
    ) AS measured
  FROM sides AS s
  LEFT JOIN measured_buckets AS b ON b.bucket = s.source_bucket
  GROUP BY s.delivered_on, s.source_bucket, s.configuration_id, s.measure, s.storage_class
),
configured AS (
  SELECT
    resource_id AS bucket, configuration_id, MIN(prefix) AS prefix,
    MIN(included_versions) AS included_versions
  FROM bucket_inventory_configurations
  GROUP BY resource_id, configuration_id
),
explained AS (
  SELECT
    p.*, p.measured - p.listed AS difference,
    b.account_id, b.account_name, b.department, b.region, b.snapshot_at AS measured_at,
    ABS(p.measured - p.listed) * 100 <= GREATEST(p.measured, p.listed) * $tolerance_percent
      AS is_close,
    CASE WHEN p.measured > p.listed THEN
      CASE
        WHEN c.prefix <> '' THEN 'the report lists one prefix of the bucket'
        WHEN c.included_versions = 'Current' AND COALESCE(b.versioning, '') <> 'Off'
          THEN 'the report lists current versions only'
      END
    END AS explanation,
    c.bucket IS NOT NULL AS is_configured
  FROM pairs AS p
  LEFT JOIN seen_buckets AS b ON b.bucket = p.source_bucket
  LEFT JOIN configured AS c
    ON c.bucket = p.source_bucket AND c.configuration_id = p.configuration_id
)
SELECT
  delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
  measure, storage_class, listed, measured, difference, measured_at,
  CASE
    WHEN difference IS NULL THEN 'unknown'
    WHEN difference = 0 THEN 'matches'
    WHEN explanation IS NOT NULL OR is_close THEN 'explained'
    WHEN difference > 0 AND NOT is_configured THEN 'unknown'
    ELSE 'unexplained'
  END AS status,
  CASE
    WHEN listed IS NULL THEN 'the report does not say the size, class or access tier of all objects'
    WHEN measured IS NULL THEN 'no metric of the bucket was collected'
    WHEN difference = 0 THEN NULL
    WHEN explanation IS NOT NULL THEN explanation
    WHEN is_close THEN 'counted at another time of the day'
    WHEN difference > 0 AND NOT is_configured
      THEN 'whether the report lists the whole bucket is not known'
    WHEN difference > 0 THEN 'unfinished multipart uploads are measured and not listed'
    ELSE 'the metric may be days older than the report'
  END AS explanation
FROM explained
