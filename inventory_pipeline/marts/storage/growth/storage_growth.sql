-- The changes of each delivery since the one before, with the bucket's place, and what is unknown.
SELECT
  p.delivered_on, p.source_bucket, p.configuration_id,
  p.previous_delivered_on,
  date_diff('day', p.previous_delivered_on, p.delivered_on) AS days_between,
  b.account_id, b.account_name, b.department, b.region,
  t.prefix, t.version_state, t.storage_class, t.change, t.from_class, t.to_class, t.unknown_reason,
  t.objects_added, t.objects_removed, t.objects_added - t.objects_removed AS objects_net,
  CASE WHEN p.is_sized THEN t.bytes_added END AS bytes_added,
  CASE WHEN p.is_sized THEN t.bytes_removed END AS bytes_removed,
  CASE WHEN p.is_sized THEN t.bytes_added - t.bytes_removed END AS bytes_net
FROM (
  SELECT
    source_bucket, configuration_id, prefix, version_state, storage_class,
    change, from_class, to_class, CAST(NULL AS VARCHAR) AS unknown_reason,
    SUM(objects_added) AS objects_added, SUM(objects_removed) AS objects_removed,
    SUM(bytes_added) AS bytes_added, SUM(bytes_removed) AS bytes_removed
  FROM changes
  GROUP BY
    source_bucket, configuration_id, prefix, version_state, storage_class,
    change, from_class, to_class
  UNION ALL
  SELECT
    source_bucket, configuration_id, NULL, NULL, NULL,
    'unknown', NULL, NULL, unknown_reason, NULL, NULL, NULL, NULL
  FROM unknowns
) AS t
JOIN pairs AS p
  ON p.source_bucket = t.source_bucket AND p.configuration_id = t.configuration_id
LEFT JOIN placed_buckets AS b ON b.bucket = t.source_bucket
