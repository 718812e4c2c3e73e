-- Prices component_lines: each line's quantity is a slice of what its volume tiers count over, and
-- pays every tier's price for the part of the slice that lies in it. Unknown quantities count in
-- nobody's volume.
WITH slices AS (
  SELECT
    l.*,
    CAST(
      CASE WHEN l.tiered_over = 'account' THEN COALESCE(SUM(l.quantity) OVER (
        PARTITION BY l.account_id, l.region, l.price_service, l.price_key, l.tiered_over
        ORDER BY l.resource_type, l.resource_id, l.component
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ), 0) ELSE 0 END
      AS DECIMAL(18, 6)
    ) AS slice_from
  FROM component_lines AS l
),
shares AS (
  SELECT
    s.account_id, s.region, s.resource_type, s.resource_id, s.component,
    CASE WHEN s.slice_from > p.tier_from THEN s.slice_from ELSE p.tier_from END AS share_from,
    CASE WHEN p.tier_to < s.slice_from + s.quantity THEN p.tier_to
         ELSE s.slice_from + s.quantity END AS share_to,
    p.usd, p.source, p.as_of
  FROM slices AS s
  JOIN prices AS p
    ON p.service = s.price_service AND p.region = s.region AND p.key = s.price_key
),
priced AS (
  SELECT
    account_id, region, resource_type, resource_id, component,
    CAST(SUM(CAST(share_to - share_from AS DECIMAL(18, 6)) * usd) AS DECIMAL(18, 6))
      AS monthly_usd,
    MIN(source) AS price_source,
    MIN(as_of) AS price_as_of
  FROM shares
  WHERE share_to > share_from
  GROUP BY account_id, region, resource_type, resource_id, component
)
SELECT
  s.snapshot_at, s.account_id, s.account_name, s.department, s.cost_center, s.environment,
  s.region, s.resource_type, s.resource_id,
  s.component, s.price_service, s.price_key, s.unit, s.quantity,
  -- Nothing used costs nothing, whatever its price.
  CASE WHEN s.quantity = 0 THEN 0 ELSE p.monthly_usd END AS monthly_usd,
  CASE
    WHEN s.quantity IS NULL THEN COALESCE(s.unknown_reason, 'quantity not observed')
    WHEN s.quantity = 0 OR p.monthly_usd IS NOT NULL THEN NULL
    WHEN s.price_key IS NULL THEN 'what to price was not observed'
    ELSE 'no price for ' || s.price_service || ' ' || s.price_key || ' in ' || s.region
  END AS unpriced_reason,
  p.price_source,
  p.price_as_of
FROM slices AS s
LEFT JOIN priced AS p
  ON p.account_id = s.account_id
  AND p.region = s.region
  AND p.resource_type = s.resource_type
  AND p.resource_id = s.resource_id
  AND p.component = s.component
