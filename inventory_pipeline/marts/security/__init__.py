"""What is exposed, unencrypted or without backup: findings by control, status and scores."""

from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.marts.security.status import (
    compliance_scores_sql,
    control_status_sql,
    security_findings_reads,
    security_findings_sql,
)

MARTS: tuple[Mart, ...] = (
    Mart("security_findings", security_findings_sql, security_findings_reads(), "snapshot"),
    Mart(
        "control_status",
        control_status_sql,
        {"accounts": "snapshot", "coverage": "snapshot", "security_findings": "snapshot"},
        "snapshot",
    ),
    Mart(
        "compliance_scores",
        compliance_scores_sql,
        {"security_findings": "snapshot", "control_status": "snapshot"},
        "snapshot",
    ),
)
