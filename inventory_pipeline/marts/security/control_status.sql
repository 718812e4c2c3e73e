-- A control's status in an account: one failure fails it; otherwise it is unknown as long as a
-- resource could not be judged or a cell that it needs was not seen completely.
WITH judged AS (
  SELECT
    account_id, control_id,
    SUM(CASE WHEN verdict = 'pass' THEN 1 ELSE 0 END) AS passed,
    SUM(CASE WHEN verdict = 'fail' THEN 1 ELSE 0 END) AS failed,
    SUM(CASE WHEN verdict = 'unknown' THEN 1 ELSE 0 END) AS unknown
  FROM security_findings
  GROUP BY account_id, control_id
),
cells AS (
  SELECT
    l.account_id, e.control_id,
    SUM(CASE WHEN l.status IN ('ok', 'region_disabled') THEN 0 ELSE 1 END) AS missing,
    SUM(CASE WHEN e.lists_resources THEN 1 ELSE 0 END) AS tried
  FROM evidence AS e
  JOIN coverage AS l ON l.collector = e.collector
  GROUP BY l.account_id, e.control_id
),
counts AS (
  SELECT
    a.snapshot_at, c.control_id, c.severity, a.account_id, a.account_name, a.department,
    COALESCE(j.passed, 0) AS passed,
    COALESCE(j.failed, 0) AS failed,
    COALESCE(j.unknown, 0) AS unknown,
    -- Where its resources were never asked for, that is one missing cell.
    COALESCE(l.missing, 0) + CASE WHEN COALESCE(l.tried, 0) = 0 THEN 1 ELSE 0 END AS cells_missing
  FROM accounts AS a
  CROSS JOIN controls AS c
  LEFT JOIN judged AS j ON j.account_id = a.account_id AND j.control_id = c.control_id
  LEFT JOIN cells AS l ON l.account_id = a.account_id AND l.control_id = c.control_id
  -- The others are not looked at: they left, are suspended or are excluded.
  WHERE a.status IN ('ok', 'denied', 'error')
)
SELECT
  snapshot_at, control_id, severity, account_id, account_name, department,
  CASE
    WHEN failed > 0 THEN 'FAIL'
    WHEN unknown > 0 OR cells_missing > 0 THEN 'UNKNOWN'
    WHEN passed > 0 THEN 'PASS'
    ELSE 'NOT_APPLICABLE'
  END AS status,
  passed, failed, unknown, cells_missing
FROM counts
