"""CloudWatch Logs: log groups, how long they keep and what they hold. Never what is logged."""

from datetime import UTC, datetime

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import Item, ResourceType, field


def created_at(group: Item) -> datetime | None:
    """AWS counts milliseconds since 1970."""
    milliseconds = group.get("creationTime")
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


LOG_GROUP = ResourceType(
    name="log_group",
    table="log_groups",
    group="logs",
    service="logs",
    meaning="CloudWatch log groups.",
    operation="describe_log_groups",
    arguments={"limit": 50},
    items="logGroups[]",
    iam_actions=("logs:DescribeLogGroups",),
    resource_id="logGroupName",
    arn="arn:{partition}:logs:{region}:{account_id}:log-group:{resource_id}",
    name_source="logGroupName",
    created_at=created_at,
    tags=tags_of("arn"),
    fields=(
        field(
            "retention_days",
            T.BIGINT,
            "Days that events are kept; 0 is for ever.",
            "retentionInDays || `0`",
        ),
        field(
            "stored_bytes", T.BIGINT, "Compressed bytes kept, as of some hours ago.", "storedBytes"
        ),
        field(
            "log_class",
            T.TEXT,
            "STANDARD, INFREQUENT_ACCESS or DELIVERY.",
            "logGroupClass || 'STANDARD'",
        ),
        field(
            "kms_key_arn",
            T.TEXT,
            "Key of its own; empty where AWS's is used.",
            "kmsKeyId || ''",
        ),
        field("metric_filters", T.BIGINT, "Metric filters on it.", "metricFilterCount"),
        field(
            "data_protection",
            T.TEXT,
            "Whether sensitive data is masked: ACTIVATED, DISABLED, ARCHIVED, DELETED or none.",
            "dataProtectionStatus || 'none'",
        ),
        field(
            "deletion_protection",
            T.BOOLEAN,
            "It cannot be deleted before this is off.",
            "deletionProtectionEnabled || `false`",
        ),
    ),
    volatile=frozenset({"stored_bytes"}),
    details=(cell_tags("logs:log-group"),),
)

RESOURCE_TYPES = (LOG_GROUP,)
