-- Billable GB by account, region and price key. A bucket with several reports counts once, by the
-- report that lists most.
WITH reported AS (
  SELECT
    source_bucket, configuration_id, {price_key} AS price_key, SUM(billable_bytes) AS bytes
  FROM s3_usage
  WHERE version_state <> 'delete_marker' AND storage_class IS NOT NULL
  GROUP BY source_bucket, configuration_id, {price_key}
),
held AS (
  SELECT source_bucket, price_key, MAX(bytes) AS bytes
  FROM reported
  GROUP BY source_bucket, price_key
)
SELECT b.account_id, b.region, h.price_key, gb(SUM(h.bytes)) AS gb
FROM held AS h
JOIN s3_buckets AS b ON b.resource_id = h.source_bucket
GROUP BY b.account_id, b.region, h.price_key
