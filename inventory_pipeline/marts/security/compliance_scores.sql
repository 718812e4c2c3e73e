-- A scope's controls are those of each of its accounts, so that an account which could not be seen
-- does not hide what is known of the others. Resources count in their own department, missing cells
-- in their account's.
WITH counts AS (
  SELECT
    snapshot_at, account_id, department, control_id,
    CASE WHEN verdict = 'pass' THEN 1 ELSE 0 END AS passed,
    CASE WHEN verdict = 'fail' THEN 1 ELSE 0 END AS failed,
    CASE WHEN verdict = 'unknown' THEN 1 ELSE 0 END AS unknown,
    0 AS cells_missing
  FROM security_findings
  UNION ALL
  SELECT snapshot_at, account_id, department, control_id, 0, 0, 0, cells_missing
  FROM control_status
),
scoped AS (
  SELECT 'organization' AS scope, 'all' AS scope_id, o.* FROM counts AS o
  UNION ALL
  SELECT 'department' AS scope, d.department AS scope_id, d.* FROM counts AS d
  UNION ALL
  SELECT 'account' AS scope, a.account_id AS scope_id, a.* FROM counts AS a
),
by_control AS (
  SELECT
    s.snapshot_at, s.scope, s.scope_id, s.account_id, s.control_id, c.weight,
    SUM(s.passed) AS passed,
    SUM(s.failed) AS failed,
    SUM(s.unknown) AS unknown,
    CASE
      WHEN SUM(s.failed) > 0 THEN 'FAIL'
      WHEN SUM(s.unknown) > 0 OR SUM(s.cells_missing) > 0 THEN 'UNKNOWN'
      WHEN SUM(s.passed) > 0 THEN 'PASS'
    END AS status
  FROM scoped AS s
  JOIN controls AS c ON c.control_id = s.control_id
  GROUP BY s.snapshot_at, s.scope, s.scope_id, s.account_id, s.control_id, c.weight
),
totals AS (
  SELECT
    snapshot_at, scope, scope_id,
    SUM(CASE WHEN status = 'PASS' THEN 1 ELSE 0 END) AS controls_passed,
    SUM(CASE WHEN status IN ('PASS', 'FAIL') THEN 1 ELSE 0 END) AS controls_judged,
    SUM(passed * weight) AS weight_passed,
    SUM((passed + failed) * weight) AS weight_judged,
    SUM(passed) AS passed,
    SUM(failed) AS failed,
    SUM(unknown) AS unknown
  FROM by_control
  GROUP BY snapshot_at, scope, scope_id
)
SELECT
  snapshot_at, scope, scope_id,
  100.0 * CAST(controls_passed AS DOUBLE) / NULLIF(controls_judged, 0) AS control_score,
  100.0 * CAST(weight_passed AS DOUBLE) / NULLIF(weight_judged, 0) AS weighted_score,
  100.0 * CAST(passed + failed AS DOUBLE) / NULLIF(passed + failed + unknown, 0) AS coverage,
  passed, failed, unknown
FROM totals
