-- Since when each volume has been seen unattached: the first look after the last one at which it
-- was something else.
WITH last_in_use AS (
  SELECT
    account_id, region, resource_id,
    MAX(CASE WHEN state <> 'available' THEN snapshot_at END) AS seen_at
  FROM ebs_volumes
  WHERE snapshot_at <= $snapshot_at
  GROUP BY account_id, region, resource_id
)
SELECT v.account_id, v.region, v.resource_id, MIN(v.observed_at) AS since
FROM ebs_volumes AS v
JOIN last_in_use AS u
  ON u.account_id = v.account_id AND u.region = v.region AND u.resource_id = v.resource_id
WHERE v.snapshot_at <= $snapshot_at
  AND v.state = 'available'
  AND (u.seen_at IS NULL OR v.snapshot_at > u.seen_at)
GROUP BY v.account_id, v.region, v.resource_id
