"""What controls found, and scores."""

from inventory_pipeline.columns import bigint, double, text
from inventory_pipeline.tables.model import PLACE, RESOURCE, SNAPSHOT, SNAPSHOT_AT, Table

TABLES: tuple[Table, ...] = (
    Table(
        "security_findings",
        "security",
        "What controls say of each resource.",
        "one control and resource at a snapshot",
        (
            SNAPSHOT_AT,
            text("control_id", "Control.", required=True),
            text("category", "encryption, public or backup.", required=True),
            text("severity", "critical, high, medium or low.", required=True),
            text("verdict", "pass, fail or unknown.", required=True),
            *PLACE,
            *RESOURCE,
            text("name", "Name."),
            text("reason", "The evidence, in words.", required=True),
        ),
        ("snapshot_at", "control_id", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    ),
    Table(
        "control_status",
        "security",
        "Status of each control in each account.",
        "one control and account at a snapshot",
        (
            SNAPSHOT_AT,
            text("control_id", "Control.", required=True),
            text("severity", "critical, high, medium or low.", required=True),
            *PLACE[:3],
            text("status", "PASS, FAIL, UNKNOWN or NOT_APPLICABLE.", required=True),
            bigint("passed", "Resources that pass.", required=True),
            bigint("failed", "Resources that fail.", required=True),
            bigint("unknown", "Resources that could not be judged.", required=True),
            bigint("cells_missing", "Cells it needs that were not seen completely.", required=True),
        ),
        ("snapshot_at", "control_id", "account_id"),
        SNAPSHOT,
    ),
    Table(
        "compliance_scores",
        "security",
        "Scores, always beside their coverage.",
        "one scope (organisation, department or account) at a snapshot",
        (
            SNAPSHOT_AT,
            text("scope", "organization, department or account.", required=True),
            text("scope_id", "Account id or department; `all` for the organisation."),
            double(
                "control_score",
                "PASS / (PASS + FAIL) controls of its accounts, percent; NULL where none.",
            ),
            double(
                "weighted_score",
                "Passing weight of all judged (resource, control) pairs, "
                "percent; critical 10, high 5, medium 2, low 1.",
            ),
            double("coverage", "Judged pairs, percent of judged and unknown ones."),
            bigint("passed", "Pairs that pass.", required=True),
            bigint("failed", "Pairs that fail.", required=True),
            bigint("unknown", "Pairs that could not be judged.", required=True),
        ),
        ("snapshot_at", "scope", "scope_id"),
        SNAPSHOT,
    ),
)
