-- A resource's cost is unknown as soon as one of its components is; what is known of it still counts.
WITH totals AS (
  SELECT
    account_id, region, resource_type, resource_id,
    SUM(monthly_usd) AS known_usd,
    COUNT(*) - COUNT(monthly_usd) AS unknown_components,
    MIN(unpriced_reason) AS unpriced_reason,
    MIN(price_as_of) AS price_as_of
  FROM cost_components
  GROUP BY account_id, region, resource_type, resource_id
)
SELECT
  r.snapshot_at, r.account_id, r.account_name, r.department, r.cost_center, r.environment,
  r.region, r.resource_type, r.resource_id, r.service, r.name,
  -- No component at all: nothing of it is billed.
  CASE WHEN t.unknown_components > 0 THEN NULL ELSE COALESCE(t.known_usd, 0) END AS monthly_usd,
  t.unpriced_reason,
  COALESCE(t.known_usd, 0) AS known_usd,
  t.price_as_of
FROM priced_resources AS r
LEFT JOIN totals AS t
  ON t.account_id = r.account_id
  AND t.region = r.region
  AND t.resource_type = r.resource_type
  AND t.resource_id = r.resource_id
