-- What each configuration should have delivered on a day, and did. The day is judged by the snapshot
-- of its end and by the ledger. No clock is asked: what the lake has seen last, of either, tells
-- whether S3's 48 hours are over. Until then a report that is not there is awaited, and a day that is
-- built again later may say more; after that only a report that comes changes it.
WITH seen_last AS (
  SELECT MAX(seen_at) AS seen_at
  FROM (
    SELECT MAX(recorded_at) AS seen_at FROM s3_deliveries
    UNION ALL
    SELECT MAX(snapshot_at) AS seen_at FROM snapshots
  ) AS either
),
-- A first snapshot that is later than the day tells whose a bucket is, and not how it was.
chosen AS (
  SELECT
    COALESCE(
      MAX(CASE WHEN CAST(snapshot_at AS DATE) <= $delivered_on THEN snapshot_at END),
      MIN(snapshot_at)
    ) AS snapshot_at,
    MIN(CAST(snapshot_at AS DATE)) <= $delivered_on AS is_of_the_day
  FROM snapshots
),
buckets AS (
  SELECT
    resource_id AS bucket, account_id, account_name, department, region,
    chosen_at, inventories IS NOT NULL AND is_of_the_day AS is_read
  FROM (
    SELECT
      b.*, c.snapshot_at AS chosen_at, c.is_of_the_day,
      ROW_NUMBER() OVER (
        PARTITION BY b.resource_id ORDER BY b.observed_at DESC, b.account_id
      ) AS place
    FROM s3_buckets AS b
    JOIN chosen AS c ON c.snapshot_at = b.snapshot_at
  ) AS found
  WHERE place = 1
),
configured AS (
  SELECT b.bucket, c.configuration_id, c.enabled, c.frequency, c.fields
  FROM bucket_inventory_configurations AS c
  JOIN buckets AS b
    ON b.bucket = c.resource_id AND b.chosen_at = c.snapshot_at
    AND b.account_id = c.account_id AND b.region = c.region
  WHERE b.is_read
),
-- The sightings of each configuration as it is now, and the last look that found it otherwise.
alike AS (
  SELECT DISTINCT f.bucket, f.configuration_id, c.snapshot_at
  FROM configured AS f
  JOIN bucket_inventory_configurations AS c
    ON c.resource_id = f.bucket AND c.configuration_id = f.configuration_id
  WHERE c.enabled = f.enabled AND c.frequency = f.frequency
    AND CAST(c.snapshot_at AS DATE) <= $delivered_on
),
looks AS (
  SELECT DISTINCT resource_id AS bucket, snapshot_at
  FROM s3_buckets
  WHERE inventories IS NOT NULL AND CAST(snapshot_at AS DATE) <= $delivered_on
),
otherwise AS (
  SELECT f.bucket, f.configuration_id, MAX(l.snapshot_at) AS snapshot_at
  FROM configured AS f
  JOIN looks AS l ON l.bucket = f.bucket
  LEFT JOIN alike AS a
    ON a.bucket = f.bucket AND a.configuration_id = f.configuration_id
    AND a.snapshot_at = l.snapshot_at
  WHERE a.bucket IS NULL
  GROUP BY f.bucket, f.configuration_id
),
unbroken AS (
  SELECT a.bucket, a.configuration_id, MIN(a.snapshot_at) AS since
  FROM alike AS a
  LEFT JOIN otherwise AS o
    ON o.bucket = a.bucket AND o.configuration_id = a.configuration_id
  WHERE o.snapshot_at IS NULL OR a.snapshot_at > o.snapshot_at
  GROUP BY a.bucket, a.configuration_id
),
-- Of several reports of the day, the one that readers see, or saw until it was erased on request.
of_the_day AS (
  SELECT source_bucket AS bucket, configuration_id, status, error, delivered_at, arrived_at
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY source_bucket, configuration_id
        ORDER BY
          CASE status
            WHEN 'ingested' THEN 0 WHEN 'erased' THEN 1 WHEN 'superseded' THEN 2 ELSE 3
          END,
          delivered_at DESC, manifest_md5, manifest_uri
      ) AS place
    FROM s3_deliveries
    WHERE delivered_on = $delivered_on
  ) AS reports
  WHERE place = 1
),
history AS (
  SELECT
    source_bucket AS bucket, configuration_id,
    MAX(delivered_on) AS last_on,
    MAX(
      CASE WHEN status IN ('ingested', 'superseded', 'erased') THEN delivered_at END
    ) AS last_delivered_at
  FROM s3_deliveries
  WHERE delivered_on <= $delivered_on
  GROUP BY source_bucket, configuration_id
),
newest_schema AS (
  SELECT source_bucket AS bucket, configuration_id, ', ' || schema || ',' AS schema
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY source_bucket, configuration_id
        ORDER BY delivered_at DESC, recorded_at DESC, manifest_md5
      ) AS place
    FROM s3_deliveries
    WHERE delivered_on <= $delivered_on AND schema IS NOT NULL
  ) AS reports
  WHERE place = 1
),
lacking AS (
  SELECT bucket, configuration_id, {lacking} AS lacking_fields
  FROM (
    SELECT a.bucket, a.configuration_id, a.field
    FROM (
      SELECT f.bucket, f.configuration_id, t.field
      FROM configured AS f
      CROSS JOIN UNNEST(f.fields) AS t(field)
    ) AS a
    JOIN known_fields AS k ON k.field = a.field
    JOIN newest_schema AS s
      ON s.bucket = a.bucket AND s.configuration_id = a.configuration_id
    WHERE NOT (
      s.schema LIKE k.in_csv OR s.schema LIKE k.in_orc
      OR s.schema LIKE k.in_parquet OR s.schema LIKE k.in_parquet_typed
    )
  ) AS absent
  GROUP BY bucket, configuration_id
),
-- Where configurations were not read, those count that delivered lately.
known AS (
  SELECT bucket, configuration_id FROM configured
  UNION
  SELECT bucket, configuration_id FROM of_the_day
  UNION
  SELECT h.bucket, h.configuration_id
  FROM history AS h
  LEFT JOIN buckets AS b ON b.bucket = h.bucket
  WHERE NOT COALESCE(b.is_read, FALSE) AND date_diff('day', h.last_on, $delivered_on) <= 35
),
facts AS (
  SELECT
    k.bucket, k.configuration_id,
    b.account_id, b.account_name, b.department, b.region, COALESCE(b.is_read, FALSE) AS is_read,
    f.configuration_id IS NOT NULL AS is_configured, f.enabled, f.frequency, u.since,
    d.status AS ledger_status, d.error, d.delivered_at, d.arrived_at,
    h.last_on, h.last_delivered_at, l.lacking_fields,
    date_diff('day', CAST(u.since AS DATE), $delivered_on) AS days_known,
    date_diff('day', h.last_on, $delivered_on) AS days_silent,
    -- 4 January 1970 was a Sunday.
    date_diff('day', DATE '1970-01-04', $delivered_on) AS days_of_weeks,
    date_diff('day', $delivered_on, CAST(s.seen_at AS DATE)) >= 3 AS is_over
  FROM known AS k
  CROSS JOIN seen_last AS s
  LEFT JOIN buckets AS b ON b.bucket = k.bucket
  LEFT JOIN configured AS f
    ON f.bucket = k.bucket AND f.configuration_id = k.configuration_id
  LEFT JOIN unbroken AS u ON u.bucket = k.bucket AND u.configuration_id = k.configuration_id
  LEFT JOIN of_the_day AS d ON d.bucket = k.bucket AND d.configuration_id = k.configuration_id
  LEFT JOIN history AS h ON h.bucket = k.bucket AND h.configuration_id = k.configuration_id
  LEFT JOIN lacking AS l ON l.bucket = k.bucket AND l.configuration_id = k.configuration_id
),
-- The first report takes up to 48 hours: the third day after the first sighting is the first due.
expectations AS (
  SELECT
    *,
    CASE
      WHEN NOT is_read THEN 'the configurations of the bucket were not read'
      WHEN NOT is_configured THEN 'the bucket has no such configuration'
      WHEN enabled IS NULL OR frequency IS NULL THEN 'the configuration does not say when it delivers'
      WHEN NOT enabled THEN 'the configuration is disabled'
      WHEN days_known < 3 THEN 'the first report of a configuration takes up to 48 hours'
      WHEN frequency = 'Weekly' AND days_of_weeks % 7 <> 0 THEN 'weekly reports are of Sundays'
      WHEN frequency NOT IN ('Daily', 'Weekly') THEN 'its frequency is not known to this build'
    END AS why_not,
    NOT is_read
      OR (is_configured AND (
        enabled IS NULL OR frequency IS NULL
        OR (enabled AND frequency NOT IN ('Daily', 'Weekly'))
      )) AS is_unclear
  FROM facts
),
judged AS (
  SELECT
    *,
    CASE WHEN is_unclear THEN 'unknown' WHEN why_not IS NULL THEN 'yes' ELSE 'no' END AS expected,
    CASE
      WHEN ledger_status IN ('ingested', 'superseded', 'erased')
        AND date_diff('second', delivered_at, arrived_at) > 172800 THEN 'late'
      WHEN ledger_status IN ('ingested', 'superseded', 'erased') THEN 'delivered'
      WHEN ledger_status IN ('quarantined', 'seen') THEN ledger_status
      WHEN is_unclear THEN 'unknown'
      WHEN why_not IS NOT NULL THEN 'not_expected'
      WHEN is_over THEN 'missing'
      ELSE 'awaited'
    END AS status
  FROM expectations
)
SELECT
  $delivered_on AS delivered_on, bucket AS source_bucket, configuration_id,
  account_id, account_name, department, region,
  CASE WHEN NOT is_read THEN 'unknown' WHEN is_configured THEN 'yes' ELSE 'no' END AS configured,
  enabled, frequency, since, expected, status,
  CASE
    WHEN status IN ('delivered', 'late', 'not_expected') THEN 'yes'
    WHEN status IN ('missing', 'quarantined') THEN 'no'
    ELSE 'unknown'
  END AS verdict,
  CASE
    WHEN status IN ('quarantined', 'seen') THEN COALESCE(error, 'not ingested yet')
    WHEN status IN ('unknown', 'not_expected') THEN why_not
    WHEN status = 'missing' THEN 'nothing came within 48 hours of the end of the day'
    WHEN status = 'awaited' THEN 'S3 takes up to 48 hours, and the lake knows of no later time'
    WHEN ledger_status = 'erased' THEN 'it came, and was erased on request'
    WHEN status = 'late' THEN 'it came more than 48 hours after the instant it bears'
    WHEN is_read AND NOT is_configured THEN 'delivered, though the bucket has no such configuration'
    ELSE 'delivered'
  END AS reason,
  delivered_at, arrived_at, last_delivered_at,
  CASE
    WHEN status <> 'missing' THEN 0
    WHEN frequency = 'Daily' THEN LEAST(days_silent, days_known - 2)
    ELSE LEAST(
      CAST((days_of_weeks - days_of_weeks % 7) / 7 AS BIGINT)
        - CAST((last_day - last_day % 7) / 7 AS BIGINT),
      CAST((days_of_weeks - days_of_weeks % 7) / 7 AS BIGINT)
        - CAST((first_day - first_day % 7) / 7 AS BIGINT)
    )
  END AS missed,
  CASE WHEN status = 'missing' THEN GREATEST(last_on, CAST(since AS DATE)) END AS silent_since,
  TRIM(lacking_fields) AS lacking_fields
FROM (
  SELECT
    *, days_of_weeks - days_silent AS last_day, days_of_weeks - days_known + 2 AS first_day
  FROM judged
) AS dated
