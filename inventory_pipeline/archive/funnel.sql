-- What became of each plan's candidates, in counts, bytes and dollars.
SELECT
  plan_id,
  COUNT(*) AS matched_objects,
  CAST(COALESCE(SUM(size), 0) AS BIGINT) AS matched_bytes,
  CAST(SUM(CASE WHEN decision <> 'unsafe' THEN 1 ELSE 0 END) AS BIGINT) AS safe_objects,
  CAST(SUM(CASE WHEN decision <> 'unsafe' THEN COALESCE(size, 0) ELSE 0 END) AS BIGINT)
    AS safe_bytes,
  CAST(SUM(CASE WHEN decision = 'archive' THEN 1 ELSE 0 END) AS BIGINT) AS profitable_objects,
  CAST(SUM(CASE WHEN decision = 'archive' THEN size ELSE 0 END) AS BIGINT) AS profitable_bytes,
  CAST(SUM(CASE WHEN decision = 'unpriced' THEN 1 ELSE 0 END) AS BIGINT) AS unpriced_objects,
  CAST(SUM(CASE WHEN decision = 'archive' THEN fee_usd END) AS DECIMAL(18,6)) AS fee_usd,
  CAST(SUM(CASE WHEN decision = 'archive' THEN monthly_saving_usd END) AS DECIMAL(18,6))
    AS monthly_saving_usd,
  CAST(SUM(CASE WHEN decision = 'archive' THEN net_saving_usd END) AS DECIMAL(18,6))
    AS net_saving_usd
FROM archive_candidates
GROUP BY plan_id
