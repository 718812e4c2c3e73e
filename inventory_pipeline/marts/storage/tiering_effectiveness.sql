-- What Intelligent-Tiering costs and saves for each size of object, against the same bytes in
-- STANDARD. Every quantity is priced as a slice of its account's volume, as in storage_costs. On
-- top of what else is in STANDARD come the bytes that would be there or, as things are, the index
-- of archived objects.
WITH grouped AS (
  SELECT
    u.delivered_on, u.source_bucket, u.configuration_id, u.storage_class, u.size_band,
    u.access_tier,
    SUM(u.objects) AS objects,
    SUM(u.bytes) AS bytes,
    SUM(CASE WHEN u.size_band IN ({monitored}) THEN u.objects ELSE 0 END) AS monitored_objects
  FROM s3_usage AS u
  WHERE u.storage_class = 'INTELLIGENT_TIERING' AND u.version_state <> 'delete_marker'
  GROUP BY
    u.delivered_on, u.source_bucket, u.configuration_id, u.storage_class, u.size_band,
    u.access_tier
),
placed AS (
  SELECT
    g.*, {price_key} AS price_key, b.account_id, b.account_name, b.department, b.region,
    w.source_bucket IS NOT NULL AS is_widest,
    CASE
      WHEN g.size_band = '{unknown}' THEN 'the report does not say the sizes of objects'
      WHEN g.access_tier IS NULL AND g.monitored_objects > 0
        THEN 'the report does not say the access tiers of objects'
      WHEN b.region IS NULL THEN 'the bucket was not collected, so its region is not known'
    END AS unknown
  FROM grouped AS g
  LEFT JOIN placed_buckets AS b ON b.bucket = g.source_bucket
  LEFT JOIN widest_reports AS w
    ON w.source_bucket = g.source_bucket AND w.configuration_id = g.configuration_id
),
components AS (
  SELECT
    p.*, 'tier' AS component, p.price_key AS charged_key,
    gb(CAST(p.bytes AS BIGINT)) AS quantity
  FROM placed AS p
  UNION ALL
  SELECT
    p.*, o.component, o.charged_key,
    gb(CAST(p.objects * o.object_bytes AS BIGINT)) AS quantity
  FROM placed AS p
  JOIN overheads AS o ON o.price_key = p.price_key
  UNION ALL
  SELECT
    p.*, 'standard' AS component, 'STANDARD' AS charged_key,
    gb(CAST(p.bytes AS BIGINT)) AS quantity
  FROM placed AS p
  UNION ALL
  SELECT
    p.*, 'monitoring' AS component, 'INTELLIGENT_TIERING:monitoring' AS charged_key,
    CAST(p.monitored_objects AS DECIMAL(18,6)) AS quantity
  FROM placed AS p
),
in_standard AS (
  SELECT c.account_id, c.region, SUM(c.quantity) AS quantity
  FROM storage_costs AS c
  JOIN widest_reports AS w
    ON w.source_bucket = c.source_bucket AND w.configuration_id = c.configuration_id
  WHERE c.price_key = 'STANDARD' AND c.storage_class <> 'INTELLIGENT_TIERING'
  GROUP BY c.account_id, c.region
),
slices AS (
  SELECT
    c.*,
    CAST(
      COALESCE(CASE WHEN c.charged_key = 'STANDARD' THEN s.quantity END, 0)
      + SUM(c.quantity) OVER (
        PARTITION BY
          c.account_id, c.region, c.component = 'standard', c.charged_key, c.is_widest
        ORDER BY
          c.source_bucket, c.configuration_id, c.size_band, c.access_tier, c.component
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS DECIMAL(18,6)
    ) AS slice_to
  FROM components AS c
  LEFT JOIN in_standard AS s ON s.account_id = c.account_id AND s.region = c.region
),
tier_parts AS (
{tier_parts}
),
priced AS (
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    size_band, access_tier, objects, bytes, monitored_objects, unknown, component, charged_key,
    CAST(SUM(CAST(overlap_to - overlap_from AS DECIMAL(18,6)) * usd) AS DECIMAL(18,6)) AS usd,
    MIN(as_of) AS as_of
  FROM tier_parts
  GROUP BY
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    size_band, access_tier, objects, bytes, monitored_objects, unknown, component, charged_key
),
compared AS (
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    size_band, access_tier, objects, bytes, monitored_objects,
    COALESCE(
      unknown,
      MIN(CASE WHEN usd IS NULL THEN 'no price for s3 ' || charged_key || ' in ' || region END)
    ) AS unpriced_reason,
    CASE
      WHEN COUNT(CASE WHEN is_tier AND usd IS NULL THEN 1 END) = 0
        THEN SUM(CASE WHEN is_tier AND unknown IS NULL THEN usd END)
    END AS tier_usd,
    SUM(CASE WHEN component = 'standard' AND unknown IS NULL THEN usd END) AS standard_usd,
    SUM(CASE WHEN component = 'monitoring' AND unknown IS NULL THEN usd END) AS monitoring_usd,
    MIN(as_of) AS price_as_of
  FROM (
    SELECT *, component IN ('tier', 'overhead', 'overhead_index') AS is_tier
    FROM priced
  ) AS p
  GROUP BY
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    size_band, access_tier, objects, bytes, monitored_objects, unknown
),
saved AS (
  SELECT *, standard_usd - tier_usd - monitoring_usd AS monthly_saving_usd
  FROM compared
),
-- Objects of a size move between tiers, so that a size is judged as a whole.
judged AS (
  SELECT
    *,
    SUM(monthly_saving_usd) OVER (
      PARTITION BY source_bucket, configuration_id, size_band
    ) AS band_saving_usd,
    COUNT(unpriced_reason) OVER (
      PARTITION BY source_bucket, configuration_id, size_band
    ) AS band_unknown
  FROM saved
)
SELECT
  delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
  size_band, access_tier, objects, bytes, monitored_objects,
  tier_usd, standard_usd, monitoring_usd, monthly_saving_usd,
  CASE
    WHEN band_unknown > 0 THEN 'unknown'
    WHEN band_saving_usd > 0 THEN 'yes'
    ELSE 'no'
  END AS verdict,
  unpriced_reason, price_as_of
FROM judged
