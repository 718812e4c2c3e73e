-- A resource's cost is unknown as soon as one of its components is, or where its type has no price
-- model yet; what is known of it still counts.
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
  r.region, r.resource_type, r.resource_id,
  COALESCE(m.service, r.resource_type) AS service,
  r.name,
  -- No component at all of a type that has a model: nothing of it is billed.
  CASE
    WHEN t.unknown_components > 0 OR COALESCE(m.model, 'none') = 'none' THEN NULL
    ELSE COALESCE(t.known_usd, 0)
  END AS monthly_usd,
  CASE
    WHEN COALESCE(m.model, 'none') = 'none' THEN 'no price model for ' || r.resource_type || ' yet'
    ELSE t.unpriced_reason
  END AS unpriced_reason,
  COALESCE(t.known_usd, 0) AS known_usd,
  t.price_as_of
FROM resources AS r
LEFT JOIN price_models AS m ON m.resource_type = r.resource_type
LEFT JOIN totals AS t
  ON t.account_id = r.account_id
  AND t.region = r.region
  AND t.resource_type = r.resource_type
  AND t.resource_id = r.resource_id
