-- One plan's candidates: the objects that the policy picks in a delivery, what moving each costs
-- and saves, and what is to become of it. The steps and roundings are those of
-- economics.economics(); a test holds the two equal.
WITH {rates},
picked AS (
  SELECT
    delivered_on, source_bucket, configuration_id,
    bucket, key, version_id, is_latest, is_delete_marker, size, storage_class,
    last_modified_date, e_tag, lifecycle_expiration_date, encryption_status, replication_status,
    object_lock_legal_hold_status, object_lock_mode, object_lock_retain_until_date,
    intelligent_tiering_access_tier, {price_key} AS price_key,
    date_diff('day', CAST(last_modified_date AS DATE), delivered_on) AS days_in_class,
    CASE WHEN lifecycle_expiration_date IS NOT NULL
      THEN GREATEST(date_diff('day', delivered_on, CAST(lifecycle_expiration_date AS DATE)), 0)
    END AS days_kept
  FROM s3_objects
  WHERE {picks}
),
judged AS (
  SELECT
    p.*, r.horizon_months, r.now_minimum_days, r.target_minimum_days, r.object_fee,
    r.read_per_byte, r.now_per_byte, r.now_fixed, r.now_fixed_from, r.target_per_byte,
    r.target_fixed, r.target_fixed_from,
    -- CASE, for engines differ in GREATEST of a NULL.
    CAST(CASE WHEN p.size < r.now_minimum_bytes THEN r.now_minimum_bytes ELSE p.size END
      AS DECIMAL(14,0)) AS now_bytes,
    CAST(CASE WHEN p.size < r.target_minimum_bytes THEN r.target_minimum_bytes ELSE p.size END
      AS DECIMAL(14,0)) AS target_bytes,
    {unsafe} AS unsafe,
    CASE
      WHEN p.storage_class IS NULL THEN 'the report does not say its storage class'
      WHEN p.size IS NULL THEN 'the report does not say its size'
      WHEN p.storage_class = 'INTELLIGENT_TIERING' AND p.intelligent_tiering_access_tier IS NULL
        AND p.size >= {monitored_from} THEN 'the report does not say its access tier'
      WHEN r.now_key IS NULL THEN 'nothing is known of its storage class'
      WHEN r.unpriced IS NOT NULL THEN r.unpriced
      WHEN p.last_modified_date IS NULL THEN 'the report does not say when it was modified'
    END AS unpriced
  FROM picked AS p
  LEFT JOIN rates AS r ON r.now_key = p.price_key
),
monthly AS (
  SELECT
    *,
    -- To 24 places, so that they are rounded once.
    now_bytes * now_per_byte
      + CASE WHEN size >= now_fixed_from THEN now_fixed ELSE CAST(0 AS DECIMAL(24,24)) END
      AS now_usd,
    target_bytes * target_per_byte
      + CASE WHEN size >= target_fixed_from THEN target_fixed ELSE CAST(0 AS DECIMAL(24,24)) END
      AS target_usd,
    object_fee + CAST(CAST(size AS DECIMAL(14,0)) * read_per_byte AS DECIMAL(18,12)) AS fee_usd,
    -- Months in the current class that must still be paid, and those at the target that would be.
    CAST(GREATEST(now_minimum_days - days_in_class, 0) * {months_per_day} AS DECIMAL(18,12))
      AS early_months,
    CASE WHEN days_kept IS NULL THEN CAST(0 AS DECIMAL(18,12)) ELSE
      CAST(GREATEST(target_minimum_days - days_kept, 0) * {months_per_day} AS DECIMAL(18,12))
    END AS unused_months,
    CASE WHEN days_kept IS NULL THEN CAST(horizon_months AS DECIMAL(18,12)) ELSE
      LEAST(CAST(horizon_months AS DECIMAL(18,12)),
            CAST(days_kept * {months_per_day} AS DECIMAL(18,12)))
    END AS saving_months
  FROM judged
),
priced AS (
  SELECT
    *,
    CAST(now_usd - target_usd AS DECIMAL(18,12)) AS monthly_saving_usd,
    CAST(CAST(now_usd AS DECIMAL(18,12)) * early_months AS DECIMAL(18,12))
      + CAST(CAST(target_usd AS DECIMAL(18,12)) * unused_months AS DECIMAL(18,12)) AS early_usd
  FROM monthly
),
net AS (
  SELECT
    *,
    CAST(monthly_saving_usd * saving_months AS DECIMAL(18,12)) - fee_usd - early_usd
      AS net_saving_usd
  FROM priced
)
SELECT
  delivered_on, source_bucket, configuration_id,
  $plan_id AS plan_id, $policy AS policy, bucket, key, version_id, size, storage_class,
  last_modified_date, e_tag, $target_class AS target_class,
  CASE
    WHEN unsafe IS NOT NULL THEN 'unsafe'
    WHEN unpriced IS NOT NULL THEN 'unpriced'
    WHEN net_saving_usd > 0 THEN 'archive'
    ELSE 'unprofitable'
  END AS decision,
  CASE
    WHEN unsafe IS NOT NULL THEN unsafe
    WHEN unpriced IS NOT NULL THEN unpriced
    WHEN net_saving_usd > 0 THEN 'saves more than it costs within the horizon'
    WHEN monthly_saving_usd <= 0 THEN 'costs no less a month in the target class'
    ELSE 'costs more to move than it saves within the horizon'
  END AS reason,
  CASE WHEN unpriced IS NULL THEN fee_usd END AS fee_usd,
  CASE WHEN unpriced IS NULL THEN monthly_saving_usd END AS monthly_saving_usd,
  CASE WHEN unpriced IS NULL THEN net_saving_usd END AS net_saving_usd
FROM net
