"""IAM Access Analyzer: what looks, in each region, for access from outside or that nobody uses."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import ResourceType, field

ACCESS_ANALYZER = ResourceType(
    name="access_analyzer",
    table="access_analyzers",
    group="access_analyzer",
    service="accessanalyzer",
    meaning="IAM Access Analyzer's analyzers.",
    operation="list_analyzers",
    items="analyzers[]",
    iam_actions=("access-analyzer:ListAnalyzers",),
    resource_id="name",
    arn="arn",
    name_source="name",
    state="status",
    created_at="createdAt",
    tags="tags || `{}`",
    fields=(
        field(
            "analyzer_type",
            T.TEXT,
            "ACCOUNT or ORGANIZATION (access from outside), or these with _UNUSED_ACCESS or "
            "_INTERNAL_ACCESS.",
            "type",
        ),
        field("status_reason", T.TEXT, "Why it does not work, if so.", "statusReason.code"),
        field(
            "last_analyzed_at",
            T.TIMESTAMP,
            "When it last looked at a resource.",
            "lastResourceAnalyzedAt",
        ),
        field(
            "unused_access_days",
            T.BIGINT,
            "Days after which access counts as unused.",
            "configuration.unusedAccess.unusedAccessAge",
        ),
        field("managed_by", T.TEXT, "AWS service that made it.", "managedBy"),
    ),
    volatile=frozenset({"last_analyzed_at"}),
)

RESOURCE_TYPES = (ACCESS_ANALYZER,)
