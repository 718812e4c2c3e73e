-- Adds to each finding what acting on it saves: its own components that the rule names, and those of
-- the volumes attached to it where the rule takes them along.
WITH saved AS (
  SELECT
    f.rule_id, f.account_id, f.region, f.resource_type, f.resource_id,
    c.monthly_usd, c.unpriced_reason
  FROM findings AS f
  JOIN rule_savings AS s ON s.rule_id = f.rule_id
  JOIN cost_components AS c
    ON c.account_id = f.account_id
    AND c.region = f.region
    AND c.resource_type = f.resource_type
    AND c.resource_id = f.resource_id
    AND c.component = s.component
  UNION ALL
  SELECT
    f.rule_id, f.account_id, f.region, f.resource_type, f.resource_id,
    c.monthly_usd, c.unpriced_reason
  FROM findings AS f
  JOIN ebs_volumes AS v
    ON v.snapshot_at = f.snapshot_at
    AND v.account_id = f.account_id
    AND v.region = f.region
    AND v.attached_instance_id = f.resource_id
  JOIN cost_components AS c
    ON c.account_id = v.account_id
    AND c.region = v.region
    AND c.resource_type = 'ebs_volume'
    AND c.resource_id = v.resource_id
  WHERE f.saves_attached_volumes
  UNION ALL
  SELECT
    f.rule_id, f.account_id, f.region, f.resource_type, f.resource_id,
    NULL, 'attached volumes not observed'
  FROM findings AS f
  LEFT JOIN coverage AS seen
    ON seen.account_id = f.account_id
    AND seen.region = f.region
    AND seen.collector = 'ebs_volume'
    AND seen.status = 'ok'
  WHERE f.saves_attached_volumes AND seen.status IS NULL
),
savings AS (
  SELECT
    rule_id, account_id, region, resource_type, resource_id,
    SUM(monthly_usd) AS monthly_usd,
    COUNT(*) - COUNT(monthly_usd) AS unknown_lines,
    MIN(unpriced_reason) AS unknown_reason
  FROM saved
  GROUP BY rule_id, account_id, region, resource_type, resource_id
)
SELECT
  f.snapshot_at, f.rule_id, f.verdict,
  f.account_id, f.account_name, f.department, f.cost_center, f.environment, f.region,
  f.resource_type, f.resource_id, f.name, f.reason, f.idle_days,
  CASE WHEN f.verdict = 'yes' AND COALESCE(s.unknown_lines, 0) = 0
    THEN COALESCE(s.monthly_usd, 0) END AS monthly_saving_usd,
  CASE WHEN f.verdict = 'yes' THEN s.unknown_reason END AS saving_unknown_reason
FROM findings AS f
LEFT JOIN savings AS s
  ON s.rule_id = f.rule_id
  AND s.account_id = f.account_id
  AND s.region = f.region
  AND s.resource_type = f.resource_type
  AND s.resource_id = f.resource_id
