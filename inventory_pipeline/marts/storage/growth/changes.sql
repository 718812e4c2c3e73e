-- What the differences mean, counted. Each comes to up to two parts, one that went and one that came,
-- and a part stands in one cell (prefix, version state, class) of its day's usage, so that the
-- changes of a cell are what it has more than the day before.
WITH named AS (
  SELECT
    *,
    CASE
      WHEN copy > 1 AND (state_before IS NULL OR state_after IS NULL) THEN 'duplicate'
      WHEN state_before = state_after AND NOT is_rewritten THEN 'class_changed'
      WHEN state_before = 'current' OR state_after = 'current' THEN
        CASE
          WHEN had_current = 0 THEN 'created'
          WHEN has_current = 0 THEN 'deleted'
          ELSE 'overwritten'
        END
      WHEN state_before IS NULL THEN 'created'
      WHEN state_after IS NULL THEN 'deleted'
      ELSE 'overwritten'
    END AS change
  FROM keyed
),
parts AS (
  SELECT
    n.source_bucket, n.configuration_id, n.key, s.came,
    CASE s.came WHEN 1 THEN n.state_after ELSE n.state_before END AS version_state,
    CASE s.came WHEN 1 THEN n.class_after ELSE n.class_before END AS storage_class,
    CASE s.came WHEN 1 THEN n.bytes_after ELSE n.bytes_before END AS bytes,
    CASE
      WHEN n.change IN ('class_changed', 'duplicate') THEN n.change
      WHEN s.came = 1 AND n.state_after = 'delete_marker' THEN 'created'
      WHEN s.came = 0 AND n.state_before = 'delete_marker' THEN 'deleted'
      ELSE n.change
    END AS change,
    CASE WHEN n.change = 'class_changed' AND s.came = 1 THEN n.class_before END AS from_class,
    CASE WHEN n.change = 'class_changed' AND s.came = 0 THEN n.class_after END AS to_class
  FROM named AS n
  CROSS JOIN (SELECT 1 AS came UNION ALL SELECT 0 AS came) AS s
  WHERE (s.came = 1 AND n.state_after IS NOT NULL) OR (s.came = 0 AND n.state_before IS NOT NULL)
)
SELECT
  p.source_bucket, p.configuration_id, k.prefix, p.version_state, p.storage_class,
  p.change, p.from_class, p.to_class,
  SUM(p.came) AS objects_added,
  SUM(1 - p.came) AS objects_removed,
  SUM(CASE WHEN p.came = 1 THEN p.bytes ELSE 0 END) AS bytes_added,
  SUM(CASE WHEN p.came = 0 THEN p.bytes ELSE 0 END) AS bytes_removed
FROM parts AS p
LEFT JOIN kept_prefixes AS k
  ON k.source_bucket = p.source_bucket AND k.configuration_id = p.configuration_id
  AND k.prefix = first_match(p.key, $prefix_pattern)
GROUP BY
  p.source_bucket, p.configuration_id, k.prefix, p.version_state, p.storage_class,
  p.change, p.from_class, p.to_class
