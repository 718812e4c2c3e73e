SELECT
  v.snapshot_at, v.control_id, c.category, c.severity, v.verdict,
  v.account_id, v.account_name, v.department, v.cost_center, v.environment, v.region,
  v.resource_type, v.resource_id, v.name, v.reason
FROM verdicts AS v
JOIN controls AS c ON c.control_id = v.control_id
