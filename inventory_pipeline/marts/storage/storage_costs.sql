-- What the usage of a day costs a month. Volume tiers count over an account's bytes of one price in
-- one region: each row is a slice of that volume, and pays every tier's price for its part of it.
-- All reports that no other covers (0) add up to the account's volume; those that list the same
-- again are priced apart.
WITH reports AS (
  SELECT
    r.source_bucket, r.configuration_id,
    CASE WHEN w.source_bucket IS NOT NULL THEN 0
      ELSE ROW_NUMBER() OVER (
        PARTITION BY r.source_bucket, w.source_bucket ORDER BY r.objects DESC, r.configuration_id
      )
    END AS report
  FROM (
    SELECT source_bucket, configuration_id, SUM(objects) AS objects
    FROM s3_usage
    GROUP BY source_bucket, configuration_id
  ) AS r
  LEFT JOIN widest_reports AS w
    ON w.source_bucket = r.source_bucket AND w.configuration_id = r.configuration_id
),
grouped AS (
  SELECT
    delivered_on, source_bucket, configuration_id,
    prefix, storage_class, access_tier, version_state, age_band, price_key,
    SUM(objects) AS objects,
    SUM(billable_bytes) AS billable_bytes,
    SUM(monitored_objects) AS monitored_objects,
    SUM(unsized_objects) AS unsized_objects,
    SUM(untiered_objects) AS untiered_objects
  FROM billed_usage
  GROUP BY
    delivered_on, source_bucket, configuration_id,
    prefix, storage_class, access_tier, version_state, age_band, price_key
),
components AS (
  SELECT
    g.*, 'storage' AS component, g.price_key AS charged_key, 'GB-month' AS unit,
    gb(g.billable_bytes) AS quantity, g.unsized_objects > 0 AS unsized,
    g.untiered_objects > 0 AS untiered
  FROM grouped AS g
  UNION ALL
  SELECT
    g.*, o.component, o.charged_key, 'GB-month' AS unit,
    gb(g.objects * o.object_bytes) AS quantity, FALSE AS unsized, FALSE AS untiered
  FROM grouped AS g
  JOIN overheads AS o ON o.price_key = g.price_key
  UNION ALL
  SELECT
    g.*, 'monitoring' AS component, 'INTELLIGENT_TIERING:monitoring' AS charged_key,
    'object-month' AS unit,
    CAST(g.monitored_objects AS DECIMAL(18,6)) AS quantity, g.unsized_objects > 0 AS unsized,
    FALSE AS untiered
  FROM grouped AS g
  WHERE g.storage_class = 'INTELLIGENT_TIERING'
),
placed AS (
  SELECT c.*, l.report, b.account_id, b.account_name, b.department, b.region
  FROM components AS c
  JOIN reports AS l
    ON l.source_bucket = c.source_bucket AND l.configuration_id = c.configuration_id
  LEFT JOIN placed_buckets AS b ON b.bucket = c.source_bucket
),
slices AS (
  SELECT
    *,
    CAST(SUM(quantity) OVER (
      PARTITION BY account_id, region, charged_key, report
      ORDER BY
        source_bucket, configuration_id, prefix, storage_class, access_tier, version_state,
        age_band, component
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS DECIMAL(18,6)) AS slice_to
  FROM placed
),
tier_parts AS (
{tier_parts}
),
priced AS (
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, storage_class, access_tier, version_state, age_band,
    component, charged_key, unit, quantity, unsized, untiered,
    CAST(SUM(CAST(overlap_to - overlap_from AS DECIMAL(18,6)) * usd) AS DECIMAL(18,6)) AS usd,
    MIN(as_of) AS price_as_of
  FROM tier_parts
  GROUP BY
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, storage_class, access_tier, version_state, age_band,
    component, charged_key, unit, quantity, unsized, untiered
)
SELECT
  delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
  prefix, storage_class, access_tier, version_state, age_band,
  component, charged_key AS price_key, unit, quantity,
  CASE WHEN unsized OR untiered THEN NULL ELSE usd END AS monthly_usd,
  CASE
    WHEN unsized THEN 'the report does not say the sizes of all objects'
    WHEN untiered THEN 'the report does not say the access tiers of all objects'
    WHEN storage_class IS NULL THEN 'the report does not say the storage class'
    WHEN region IS NULL THEN 'the bucket was not collected, so its region is not known'
    WHEN usd IS NULL THEN 'no price for s3 ' || charged_key || ' in ' || region
  END AS unpriced_reason,
  price_as_of
FROM priced
