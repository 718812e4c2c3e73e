-- Objects and bytes of each delivery, size and encryption rolled up, with the bucket's place.
SELECT
  u.delivered_on, u.source_bucket, u.configuration_id,
  b.account_id, b.account_name, b.department, b.region,
  u.prefix, u.storage_class, u.access_tier, u.version_state, u.age_band,
  SUM(u.objects) AS objects,
  SUM(u.bytes) AS bytes,
  SUM(u.billable_bytes) AS billable_bytes
FROM s3_usage AS u
LEFT JOIN placed_buckets AS b ON b.bucket = u.source_bucket
GROUP BY
  u.delivered_on, u.source_bucket, u.configuration_id,
  b.account_id, b.account_name, b.department, b.region,
  u.prefix, u.storage_class, u.access_tier, u.version_state, u.age_band
