-- What is stored or billed for nothing. Every part is a kind of a prefix with objects and bytes, or
-- with what they cost; parts of one kind and prefix are then added up. Kinds overlap: an old version
-- may be small as well.
WITH small AS (
  -- Bytes that are billed beyond those stored, in classes that bill a minimum for each object.
  SELECT
    u.delivered_on, u.source_bucket, u.configuration_id, u.prefix, u.storage_class,
    SUM(CASE WHEN u.size_band <> 'unknown' THEN u.objects END) AS objects,
    SUM(CASE WHEN u.size_band <> 'unknown' THEN u.billable_bytes - u.bytes END) AS bytes,
    SUM(CASE WHEN u.size_band = 'unknown' THEN 1 ELSE 0 END) AS unsized
  FROM s3_usage AS u
  JOIN classes AS c ON c.price_key = u.storage_class AND c.minimum_bytes > 0
  WHERE u.version_state <> 'delete_marker' AND (u.size_band = 'unknown' OR u.size_band IN ({small}))
  GROUP BY u.delivered_on, u.source_bucket, u.configuration_id, u.prefix, u.storage_class
),
flat_prices AS (
  SELECT region, key, MIN(usd) AS usd, MIN(as_of) AS as_of
  FROM prices
  WHERE service = 's3'
  GROUP BY region, key
  HAVING COUNT(*) = 1
),
sole_markers AS (
  SELECT m.delivered_on, m.source_bucket, m.configuration_id, k.prefix, COUNT(*) AS objects
  FROM (
    SELECT
      delivered_on, source_bucket, configuration_id, key,
      first_match(key, $prefix_pattern) AS prefix
    FROM s3_objects
    WHERE is_delete_marker AND is_latest
  ) AS m
  LEFT JOIN kept_prefixes AS k
    ON k.source_bucket = m.source_bucket AND k.configuration_id = m.configuration_id
    AND k.prefix = m.prefix
  WHERE NOT EXISTS (
    SELECT 1
    FROM s3_objects AS o
    WHERE
      o.delivered_on = m.delivered_on AND o.source_bucket = m.source_bucket
      AND o.configuration_id = m.configuration_id AND o.key = m.key AND NOT o.is_latest
  )
  GROUP BY m.delivered_on, m.source_bucket, m.configuration_id, k.prefix
),
unplaced AS (
  SELECT
    delivered_on, source_bucket, configuration_id, prefix, 'sole_delete_markers' AS kind, objects,
    0 AS bytes, NULL AS region_price_key, '{markers}' AS reason
  FROM sole_markers
  UNION ALL
  SELECT
    delivered_on, source_bucket, configuration_id, prefix, 'small_objects' AS kind, objects, bytes,
    storage_class AS region_price_key,
    CASE WHEN unsized > 0 THEN 'the report does not say the sizes of all objects' END AS reason
  FROM small
  UNION ALL
  SELECT
    delivered_on, source_bucket, configuration_id, prefix, 'unmonitored_objects' AS kind,
    SUM(objects) AS objects, SUM(bytes) AS bytes, NULL AS region_price_key,
    'they cost what STANDARD does; another class might cost less' AS reason
  FROM s3_usage
  WHERE
    storage_class = 'INTELLIGENT_TIERING' AND size_band IN ({small})
    AND version_state <> 'delete_marker'
  GROUP BY delivered_on, source_bucket, configuration_id, prefix
  UNION ALL
  SELECT
    r.delivered_on, r.source_bucket, r.configuration_id, NULL AS prefix, t.kind, NULL AS objects,
    NULL AS bytes, NULL AS region_price_key, 'the report lists current versions only' AS reason
  FROM reports AS r
  CROSS JOIN (
    SELECT 'noncurrent_versions' AS kind UNION ALL SELECT 'delete_markers' AS kind
  ) AS t
  LEFT JOIN seen_buckets AS b ON b.bucket = r.source_bucket
  WHERE NOT ({versions}) AND COALESCE(b.versioning, '') <> 'Off'
),
parts AS (
  SELECT
    u.delivered_on, u.source_bucket, u.configuration_id, b.account_id, b.account_name,
    b.department, b.region, u.prefix, u.kind, u.objects, u.bytes,
    CAST(gb(CAST(u.bytes AS BIGINT)) * p.usd AS DECIMAL(18,6)) AS usd,
    CASE
      WHEN u.reason IS NOT NULL THEN u.reason
      WHEN b.region IS NULL THEN 'the bucket was not collected, so its region is not known'
      WHEN p.usd IS NULL THEN 'no flat price for s3 ' || u.region_price_key || ' in ' || b.region
    END AS reason,
    p.as_of
  FROM unplaced AS u
  LEFT JOIN placed_buckets AS b ON b.bucket = u.source_bucket
  LEFT JOIN flat_prices AS p ON p.region = b.region AND p.key = u.region_price_key
  UNION ALL
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, 'noncurrent_versions' AS kind, objects, bytes, NULL AS usd, NULL AS reason,
    NULL AS as_of
  FROM storage_usage
  WHERE version_state = 'noncurrent'
  UNION ALL
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, 'noncurrent_versions' AS kind, NULL AS objects, NULL AS bytes, monthly_usd AS usd,
    unpriced_reason AS reason, price_as_of AS as_of
  FROM storage_costs
  WHERE version_state = 'noncurrent'
  UNION ALL
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, 'delete_markers' AS kind, objects, bytes, NULL AS usd, '{markers}' AS reason,
    NULL AS as_of
  FROM storage_usage
  WHERE version_state = 'delete_marker'
  UNION ALL
  SELECT
    u.delivered_on, u.source_bucket, u.configuration_id, u.account_id, u.account_name,
    u.department, u.region, u.prefix, 'archive_overhead' AS kind, u.objects,
    u.objects * c.overhead_bytes AS bytes, NULL AS usd, NULL AS reason, NULL AS as_of
  FROM storage_usage AS u
  JOIN classes AS c ON c.price_key = {price_key} AND c.overhead_bytes > 0
  WHERE u.version_state <> 'delete_marker'
  UNION ALL
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, 'archive_overhead' AS kind, NULL AS objects, NULL AS bytes, monthly_usd AS usd,
    unpriced_reason AS reason, price_as_of AS as_of
  FROM storage_costs
  WHERE component IN ('overhead', 'overhead_index')
)
SELECT
  delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
  prefix, kind,
  SUM(objects) AS objects,
  SUM(bytes) AS bytes,
  CASE WHEN COUNT(reason) = 0 THEN SUM(usd) END AS monthly_usd,
  MIN(reason) AS unpriced_reason,
  MIN(as_of) AS price_as_of
FROM parts
GROUP BY
  delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
  prefix, kind
