-- What is each tenant's in each bucket, by the reports of it that no other covers, and what is nobody's. A prefix
-- that usage knows has one price: it is a tenant's where all its objects are, and else unknown.
WITH claims AS (
  SELECT DISTINCT
    w.source_bucket, w.configuration_id,
    text_part(t.tenant, '{separator}', 1) AS tenant,
    text_part(t.tenant, '{separator}', 3) AS key_prefix
  FROM widest_reports AS w
  CROSS JOIN UNNEST($tenants) AS t(tenant)
  WHERE matches(w.source_bucket, text_part(t.tenant, '{separator}', 2))
),
owned AS (
  SELECT
    o.source_bucket, o.configuration_id, k.prefix, o.tenant,
    COUNT(*) AS objects, SUM(o.bytes) AS bytes
  FROM (
    SELECT
      s.source_bucket, s.configuration_id, c.tenant, COALESCE(s.size, 0) AS bytes,
      first_match(s.key, $prefix_pattern) AS prefix
    FROM s3_objects AS s
    JOIN claims AS c
      ON c.source_bucket = s.source_bucket AND c.configuration_id = s.configuration_id
      AND starts_with(s.key, c.key_prefix)
  ) AS o
  LEFT JOIN kept_prefixes AS k
    ON k.source_bucket = o.source_bucket AND k.configuration_id = o.configuration_id
    AND k.prefix = o.prefix
  GROUP BY o.source_bucket, o.configuration_id, k.prefix, o.tenant
),
listed AS (
  SELECT
    u.delivered_on, u.source_bucket, u.configuration_id, u.account_id, u.account_name,
    u.department, u.region, u.prefix,
    SUM(u.objects) AS objects, SUM(u.bytes) AS bytes
  FROM storage_usage AS u
  JOIN widest_reports AS w
    ON w.source_bucket = u.source_bucket AND w.configuration_id = u.configuration_id
  GROUP BY
    u.delivered_on, u.source_bucket, u.configuration_id, u.account_id, u.account_name,
    u.department, u.region, u.prefix
),
costs AS (
  SELECT
    source_bucket, configuration_id, prefix,
    SUM(monthly_usd) AS usd, MIN(unpriced_reason) AS reason, MIN(price_as_of) AS as_of
  FROM storage_costs
  GROUP BY source_bucket, configuration_id, prefix
),
shares AS (
  SELECT source_bucket, configuration_id, prefix, tenant, objects, bytes FROM owned
  UNION ALL
  SELECT
    l.source_bucket, l.configuration_id, l.prefix, 'unassigned' AS tenant,
    l.objects - COALESCE(SUM(o.objects), 0) AS objects,
    l.bytes - COALESCE(SUM(o.bytes), 0) AS bytes
  FROM listed AS l
  LEFT JOIN owned AS o
    ON o.source_bucket = l.source_bucket AND o.configuration_id = l.configuration_id
    AND o.prefix IS NOT DISTINCT FROM l.prefix
  GROUP BY l.source_bucket, l.configuration_id, l.prefix, l.objects, l.bytes
  HAVING l.objects > COALESCE(SUM(o.objects), 0)
),
priced AS (
  SELECT
    l.delivered_on, s.tenant, l.source_bucket, l.configuration_id,
    l.account_id, l.account_name, l.department, l.region, s.objects, s.bytes,
    COALESCE(c.usd, 0) AS usd,
    CASE
      WHEN s.objects < l.objects THEN 'objects of one prefix are not all one tenant''s'
      ELSE c.reason
    END AS reason,
    c.as_of
  FROM shares AS s
  JOIN listed AS l
    ON l.source_bucket = s.source_bucket AND l.configuration_id = s.configuration_id
    AND l.prefix IS NOT DISTINCT FROM s.prefix
  LEFT JOIN costs AS c
    ON c.source_bucket = s.source_bucket AND c.configuration_id = s.configuration_id
    AND c.prefix IS NOT DISTINCT FROM s.prefix
)
SELECT
  delivered_on, tenant, source_bucket, configuration_id,
  account_id, account_name, department, region,
  SUM(objects) AS objects,
  SUM(bytes) AS bytes,
  CASE WHEN COUNT(reason) = 0 THEN SUM(usd) END AS monthly_usd,
  SUM(CASE WHEN reason IS NULL THEN usd ELSE 0 END) AS known_usd,
  MIN(reason) AS unpriced_reason,
  MIN(as_of) AS price_as_of
FROM priced
GROUP BY
  delivered_on, tenant, source_bucket, configuration_id,
  account_id, account_name, department, region
