-- The versions of `before` and `after` that differ, a row each: gone, come, or evidently another.
-- What one report does not tell is no evidence: a comparison with NULL keeps no row.
SELECT
  COALESCE(a.source_bucket, b.source_bucket) AS source_bucket,
  COALESCE(a.configuration_id, b.configuration_id) AS configuration_id,
  COALESCE(a.key, b.key) AS key,
  COALESCE(a.copy, b.copy) AS copy,
  b.version_state AS state_before, b.storage_class AS class_before, b.bytes AS bytes_before,
  a.version_state AS state_after, a.storage_class AS class_after, a.bytes AS bytes_after,
  COALESCE(
    b.bytes <> a.bytes OR COALESCE(b.e_tag <> a.e_tag, b.last_modified_date <> a.last_modified_date),
    FALSE
  ) AS is_rewritten
FROM before AS b
FULL JOIN after AS a
  ON b.source_bucket = a.source_bucket AND b.configuration_id = a.configuration_id
  AND b.key = a.key AND b.version_id = a.version_id AND b.copy = a.copy
WHERE b.key IS NULL OR a.key IS NULL
  OR b.version_state <> a.version_state
  OR b.storage_class <> a.storage_class
  OR b.bytes <> a.bytes
  OR COALESCE(b.e_tag <> a.e_tag, b.last_modified_date <> a.last_modified_date)
