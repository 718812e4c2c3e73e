-- Each delivery of the day among those of its configuration in the 90 days before: what it has more
-- than 7, 30 and 90 days ago, and the least-squares line through its bytes. Days without a delivery
-- are no points. Whole numbers throughout, so that every engine comes to the same.
WITH points AS (
  SELECT
    r.source_bucket, r.configuration_id, r.delivered_on,
    date_diff('day', r.delivered_on, $delivered_on) AS age,
    COALESCE(u.objects, 0) AS objects,
    COALESCE(u.priced_objects, 0) AS priced_objects,
    CASE WHEN {is_sized} THEN COALESCE(u.bytes, 0) END AS bytes
  FROM reports AS r
  LEFT JOIN (
    SELECT
      source_bucket, configuration_id, delivered_on,
      SUM(objects) AS objects, SUM(bytes) AS bytes,
      SUM(CASE WHEN version_state <> 'delete_marker' THEN objects ELSE 0 END) AS priced_objects
    FROM storage_usage
    GROUP BY source_bucket, configuration_id, delivered_on
  ) AS u
    ON u.source_bucket = r.source_bucket AND u.configuration_id = r.configuration_id
    AND u.delivered_on = r.delivered_on
  -- A delivery without rows has no usage, since it lists nothing; any other waits for its mart.
  WHERE u.delivered_on IS NOT NULL OR r.rows = 0
),
costs AS (
  SELECT
    source_bucket, configuration_id,
    CASE WHEN COUNT(monthly_usd) = COUNT(*) THEN SUM(monthly_usd) END AS monthly_usd,
    MIN(unpriced_reason) AS unpriced_reason,
    MIN(price_as_of) AS price_as_of
  FROM storage_costs
  GROUP BY source_bucket, configuration_id
),
newest AS (
  SELECT
    p.*, c.price_as_of,
    CAST(CASE WHEN p.priced_objects = 0 THEN 0 ELSE c.monthly_usd END AS DECIMAL(18,6))
      AS monthly_usd,
    CASE
      WHEN p.priced_objects = 0 THEN NULL
      WHEN c.source_bucket IS NULL THEN 'its cost is not computed yet'
      ELSE c.unpriced_reason
    END AS unpriced_reason
  FROM points AS p
  LEFT JOIN costs AS c
    ON c.source_bucket = p.source_bucket AND c.configuration_id = p.configuration_id
  WHERE p.age = 0
),
since AS (
  SELECT
    source_bucket, configuration_id,
    CAST(SUM(CASE WHEN age <= 90 THEN 1 ELSE 0 END) AS BIGINT) AS deliveries,
    MAX(CASE WHEN age <= 90 THEN age END) AS days_covered,
    MIN(CASE WHEN age BETWEEN 7 AND 14 THEN age END) AS age_7d,
    MIN(CASE WHEN age BETWEEN 30 AND 37 THEN age END) AS age_30d,
    MIN(CASE WHEN age BETWEEN 90 AND 97 THEN age END) AS age_90d
  FROM points
  GROUP BY source_bucket, configuration_id
),
-- x is the day, 0 to 90, y the bytes.
sums AS (
  SELECT
    source_bucket, configuration_id,
    COUNT(*) AS n,
    CAST(SUM(90 - age) AS BIGINT) AS sx,
    CAST(SUM((90 - age) * (90 - age)) AS BIGINT) AS sxx,
    SUM(CAST(bytes AS DECIMAL(38,0))) AS sy,
    SUM(CAST(bytes AS DECIMAL(38,0)) * (90 - age)) AS sxy,
    MAX(age) - MIN(age) AS days
  FROM points
  WHERE age <= 90 AND bytes IS NOT NULL
  GROUP BY source_bucket, configuration_id
),
-- The slope is rise / run.
lines AS (
  SELECT
    source_bucket, configuration_id, n, sx, sy,
    CAST(n * sxx - sx * sx AS BIGINT) AS run,
    sxy * n - sy * sx AS rise
  FROM sums
  WHERE n >= {minimum_deliveries} AND days >= {minimum_days}
),
misses AS (
  SELECT
    source_bucket, configuration_id, n, miss,
    ROW_NUMBER() OVER (PARTITION BY source_bucket, configuration_id ORDER BY miss) AS place
  FROM (
    SELECT
      l.source_bucket, l.configuration_id, l.n,
      GREATEST(p.bytes - {fitted}, {fitted} - p.bytes) AS miss
    FROM lines AS l
    JOIN points AS p
      ON p.source_bucket = l.source_bucket AND p.configuration_id = l.configuration_id
    WHERE p.age <= 90 AND p.bytes IS NOT NULL
  ) AS missed
),
-- What four of five deliveries keep to.
spreads AS (
  SELECT source_bucket, configuration_id, MIN(miss) AS spread
  FROM misses
  WHERE 5 * place >= 4 * n
  GROUP BY source_bucket, configuration_id
),
forecasts AS (
  SELECT source_bucket, configuration_id, daily_bytes, {ends}
  FROM (
    SELECT
      l.source_bucket, l.configuration_id,
      {slope} AS daily_bytes,
      {forecast_30d} AS forecast_30d, {half_width_30d} AS half_30d,
      {forecast_90d} AS forecast_90d, {half_width_90d} AS half_90d
    FROM lines AS l
    JOIN spreads AS s
      ON s.source_bucket = l.source_bucket AND s.configuration_id = l.configuration_id
  ) AS f
)
SELECT
  n.delivered_on, n.source_bucket, n.configuration_id,
  b.account_id, b.account_name, b.department, b.region,
  n.objects, n.bytes, n.monthly_usd, s.deliveries, s.days_covered,
  p7.delivered_on AS since_7d,
  n.objects - p7.objects AS change_7d_objects, n.bytes - p7.bytes AS change_7d_bytes,
  p30.delivered_on AS since_30d,
  n.objects - p30.objects AS change_30d_objects, n.bytes - p30.bytes AS change_30d_bytes,
  p90.delivered_on AS since_90d,
  n.objects - p90.objects AS change_90d_objects, n.bytes - p90.bytes AS change_90d_bytes,
  f.daily_bytes,
  {forecast_columns},
  CASE
    WHEN f.daily_bytes IS NOT NULL THEN NULL
    WHEN n.bytes IS NULL THEN 'the report does not have Size'
    ELSE CAST(s.deliveries AS VARCHAR) || CASE s.deliveries WHEN 1 THEN ' delivery' ELSE ' deliveries' END
      || ' over ' || CAST(s.days_covered AS VARCHAR) || CASE s.days_covered WHEN 1 THEN ' day' ELSE ' days' END
      || '; a trend needs {minimum_deliveries} with Size over {minimum_days} days'
  END AS unknown_reason,
  CASE
    WHEN n.monthly_usd IS NULL THEN n.unpriced_reason
    WHEN f.daily_bytes IS NOT NULL AND NOT ({has_average})
      THEN 'less than 1 GiB is stored: too little for an average price'
  END AS unpriced_reason,
  n.price_as_of
FROM newest AS n
JOIN since AS s ON s.source_bucket = n.source_bucket AND s.configuration_id = n.configuration_id
{points_before}
LEFT JOIN forecasts AS f
  ON f.source_bucket = n.source_bucket AND f.configuration_id = n.configuration_id
LEFT JOIN placed_buckets AS b ON b.bucket = n.source_bucket
