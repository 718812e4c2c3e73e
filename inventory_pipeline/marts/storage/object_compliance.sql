-- How many objects of each prefix meet each rule, with two keys that do not.
WITH judged AS (
  SELECT
    b.delivered_on, b.source_bucket, b.configuration_id,
    b.account_id, b.account_name, b.department, b.region,
    s.prefix, q.rule_id, s.objects, s.bytes, s.first_key, s.last_key,
    {verdict} AS verdict,
    {reason} AS reason
  FROM states AS s
  JOIN facts AS b
    ON b.delivered_on = s.delivered_on AND b.source_bucket = s.source_bucket
    AND b.configuration_id = s.configuration_id
  CROSS JOIN rules AS q
),
counted AS (
  SELECT
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, rule_id,
    SUM(CASE WHEN verdict = 'fail' THEN objects ELSE 0 END) AS failing_objects,
    SUM(CASE WHEN verdict = 'fail' THEN bytes ELSE 0 END) AS failing_bytes,
    SUM(CASE WHEN verdict = 'unknown' THEN objects ELSE 0 END) AS unknown_objects,
    SUM(CASE WHEN verdict = 'unknown' THEN bytes ELSE 0 END) AS unknown_bytes,
    SUM(CASE WHEN verdict = 'pass' THEN objects ELSE 0 END) AS passing_objects,
    SUM(CASE WHEN verdict = 'pass' THEN bytes ELSE 0 END) AS passing_bytes,
    SUM(CASE WHEN verdict = 'exempt' THEN objects ELSE 0 END) AS exempt_objects,
    SUM(CASE WHEN verdict = 'exempt' THEN bytes ELSE 0 END) AS exempt_bytes,
    MIN(CASE WHEN verdict = 'unknown' THEN reason END) AS unknown_reason,
    MIN(CASE WHEN verdict = 'fail' THEN first_key END) AS first_key,
    MAX(CASE WHEN verdict = 'fail' THEN last_key END) AS last_key
  FROM judged
  GROUP BY
    delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
    prefix, rule_id
)
SELECT
  *,
  CASE
    WHEN failing_objects > 0 THEN 'fail'
    WHEN unknown_objects > 0 THEN 'unknown'
    WHEN passing_objects > 0 THEN 'pass'
    ELSE 'exempt'
  END AS verdict
FROM counted
