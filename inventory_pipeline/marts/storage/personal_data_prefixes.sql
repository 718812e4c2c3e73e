-- How many keys of each prefix look like personal data, by rule, and how well they are kept. What
-- could be a value is shown by its shape: letters as a, digits as 9.
WITH candidates AS (
  SELECT
    delivered_on, source_bucket, configuration_id, key, COALESCE(size, 0) AS bytes,
    encryption_status, object_access_control_list,
    first_match(key, $prefix_pattern) AS prefix
  FROM s3_objects
  WHERE
    NOT COALESCE(is_delete_marker, FALSE)
    AND (matches(key, {any}) OR matches(key, $key_any))
),
counted AS (
  SELECT
    m.delivered_on, m.source_bucket, m.configuration_id, k.prefix, q.rule_id,
    COUNT(*) AS objects,
    SUM(m.bytes) AS bytes,
    SUM(CASE WHEN m.encryption_status = 'NOT-SSE' THEN 1 ELSE 0 END) AS unencrypted,
    SUM(CASE WHEN m.encryption_status IS NULL THEN 1 ELSE 0 END) AS untold_encryption,
    SUM(CASE WHEN {everyone} THEN 1 ELSE 0 END) AS granted,
    SUM(CASE WHEN {untold_acl} THEN 1 ELSE 0 END) AS untold_acls,
    MIN(m.key) AS first_key
  FROM candidates AS m
  CROSS JOIN key_rules AS q
  LEFT JOIN kept_prefixes AS k
    ON k.source_bucket = m.source_bucket AND k.configuration_id = m.configuration_id
    AND k.prefix = m.prefix
  WHERE {matches}
  GROUP BY m.delivered_on, m.source_bucket, m.configuration_id, k.prefix, q.rule_id
),
masked AS (
  SELECT
    c.delivered_on, c.source_bucket, c.configuration_id, c.rule_id, c.objects, c.bytes,
    c.unencrypted, c.untold_encryption, c.granted, c.untold_acls, shape(c.first_key) AS sample,
    -- The first part names a folder, unless it has the digits of a number or an address.
    CASE
      WHEN c.prefix IS NULL THEN NULL
      WHEN matches(first_match(c.prefix, '^[^/]*/?'), '@|%40|([0-9][ .-]?){6}')
        THEN shape(c.prefix)
      ELSE concat(
        first_match(c.prefix, '^[^/]*/?'),
        shape(substring(c.prefix, length(first_match(c.prefix, '^[^/]*/?')) + 1))
      )
    END AS prefix
  FROM counted AS c
),
added AS (
  SELECT
    delivered_on, source_bucket, configuration_id, prefix, rule_id,
    SUM(objects) AS objects, SUM(bytes) AS bytes, SUM(unencrypted) AS unencrypted,
    SUM(untold_encryption) AS untold_encryption,
    SUM(granted) AS granted, SUM(untold_acls) AS untold_acls, MIN(sample) AS sample
  FROM masked
  GROUP BY delivered_on, source_bucket, configuration_id, prefix, rule_id
)
SELECT
  a.delivered_on, a.source_bucket, a.configuration_id,
  b.account_id, b.account_name, b.department, b.region,
  a.prefix, a.rule_id, a.objects, a.bytes, a.sample,
  CASE WHEN {tells_encryption} AND a.untold_encryption = 0 THEN a.unencrypted END
    AS unencrypted_objects,
  CASE
    WHEN b.object_ownership = 'BucketOwnerEnforced' THEN 0
    WHEN {tells_acls} AND a.untold_acls = 0 THEN a.granted
  END AS public_objects,
  CASE WHEN b.is_public THEN 'yes' WHEN b.is_private THEN 'no' ELSE 'unknown' END AS public_bucket
FROM added AS a
JOIN reports AS r
  ON r.delivered_on = a.delivered_on AND r.source_bucket = a.source_bucket
  AND r.configuration_id = a.configuration_id
LEFT JOIN (
  SELECT r.*, {public} AS is_public, {not_public} AS is_private FROM seen_buckets AS r
) AS b ON b.bucket = a.source_bucket
