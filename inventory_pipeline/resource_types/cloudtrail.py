"""CloudTrail: trails, what they record of it, and whether they do.

Not here: event data stores (CloudTrail Lake), nor the events.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Children,
    ChildTable,
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)

MANAGEMENT, DATA = "Management", "Data"
S3_OBJECTS = "AWS::S3::Object"

Selector = dict[str, Any]
"""A row of `trail_event_selectors`, by column."""

# What an advanced selector may name and still record all of its category's events; the sources
# that management events may leave out (KMS, RDS data) are told apart.
_WHOLE = frozenset({"eventCategory", "readOnly", "resources.type"})
_RESOURCE_OPERATORS = ("Equals", "StartsWith", "EndsWith")

TRAIL_EVENT_SELECTORS = ChildTable(
    name="trail_event_selectors",
    meaning="What trails record, basic and advanced selectors alike.",
    grain="one category or resource type of one selector of a trail",
    fields=tuple(
        field(name, kind, meaning, name)
        for name, kind, meaning in (
            ("selector", T.TEXT, "Name of an advanced selector; NULL of a basic one."),
            ("category", T.TEXT, "Management, Data or NetworkActivity."),
            ("read_write", T.TEXT, "All, ReadOnly or WriteOnly."),
            ("recorded_type", T.TEXT, "Resource type of data events, such as AWS::S3::Object."),
            (
                "resources",
                T.TEXT_LIST,
                "ARNs, or beginnings and ends of ARNs, that it is about; empty: all.",
            ),
            ("excluded_sources", T.TEXT_LIST, "AWS services whose events it leaves out."),
            (
                "whole",
                T.BOOLEAN,
                "It is about all resources and events of its kind but excluded sources.",
            ),
        )
    ),
)


def selectors(trail: Item) -> list[Selector] | None:
    """What a trail records; None where not read."""
    if "selectors" not in trail:
        return None
    answer = trail["selectors"]
    basic = [row for one in answer.get("EventSelectors") or [] for row in _basic(one)]
    advanced = [row for one in answer.get("AdvancedEventSelectors") or [] for row in _advanced(one)]
    return basic + advanced


def _basic(selector: Item) -> Iterator[Selector]:
    read_write = selector.get("ReadWriteType", "All")
    if selector.get("IncludeManagementEvents", True):
        excluded = selector.get("ExcludeManagementEventSources") or []
        yield _selector(MANAGEMENT, read_write, excluded_sources=excluded)
    for resource in selector.get("DataResources") or []:
        found = resource.get("Values") or []
        # `arn:aws:s3` (and `arn:aws:s3:::`) is every bucket, `arn:aws:lambda` every function.
        everything = any(len(arn.rstrip(":").split(":")) <= 3 for arn in found)
        yield _selector(
            DATA, read_write, resource.get("Type"), [] if everything else found, whole=everything
        )


def _advanced(selector: Item) -> Iterator[Selector]:
    fields: dict[str, Mapping[str, Any]] = {
        one["Field"]: one for one in selector.get("FieldSelectors") or []
    }
    arns, sources = fields.get("resources.ARN", {}), fields.get("eventSource", {})
    excluded = sources.get("NotEquals") or []
    narrowed = fields.keys() - _WHOLE - ({"eventSource"} if excluded else set())
    read_only = fields.get("readOnly", {}).get("Equals") or []
    read_write = {("true",): "ReadOnly", ("false",): "WriteOnly"}.get(tuple(read_only), "All")
    for category in fields.get("eventCategory", {}).get("Equals") or []:
        for resource_type in fields.get("resources.type", {}).get("Equals") or [None]:
            yield _selector(
                category,
                read_write,
                resource_type,
                [arn for operator in _RESOURCE_OPERATORS for arn in arns.get(operator) or []],
                excluded,
                whole=not narrowed,
                name=selector.get("Name"),
            )


def _selector(
    category: str,
    read_write: str,
    resource_type: str | None = None,
    resources: list[str] | None = None,
    excluded_sources: list[str] | None = None,
    *,
    whole: bool = True,
    name: str | None = None,
) -> Selector:
    return {
        "selector": name,
        "category": category,
        "read_write": read_write,
        "recorded_type": resource_type,
        "resources": resources or [],
        "excluded_sources": excluded_sources or [],
        "whole": whole,
    }


def recorded(category: str, resource_type: str | None = None) -> Callable[[Item], str | None]:
    """How much of a kind of event a trail records: All, ReadOnly, WriteOnly, partial or none."""

    def read(trail: Item) -> str | None:
        rows = selectors(trail)
        if rows is None:
            return None
        found = [
            r for r in rows if (r["category"], r["recorded_type"]) == (category, resource_type)
        ]
        whole = {row["read_write"] for row in found if row["whole"]}
        if not whole:
            return "partial" if found else "none"
        return whole.pop() if len(whole) == 1 else "All"

    return read


def excluded_sources(trail: Item) -> list[str] | None:
    rows = selectors(trail)
    if rows is None:
        return None
    return sorted({s for r in rows if r["category"] == MANAGEMENT for s in r["excluded_sources"]})


def data_event_types(trail: Item) -> list[str] | None:
    rows = selectors(trail)
    if rows is None:
        return None
    return sorted(
        {r["recorded_type"] for r in rows if r["category"] == DATA and r["recorded_type"]}
    )


def insight_types(trail: Item) -> list[str] | None:
    if "insights" not in trail:
        return None
    return [insight["InsightType"] for insight in trail["insights"].get("InsightSelectors") or []]


def state(trail: Item) -> str | None:
    """logging or stopped."""
    logging = trail.get("status", {}).get("IsLogging")
    return None if logging is None else ("logging" if logging else "stopped")


CLOUDTRAIL_TRAIL = ResourceType(
    name="cloudtrail_trail",
    table="cloudtrail_trails",
    group="cloudtrail",
    service="cloudtrail",
    meaning="Trails, each once: in the account that has it and the region where it was made.",
    operation="describe_trails",
    # AWS would show a trail of many regions or accounts in each of them.
    arguments={"includeShadowTrails": False},
    items="trailList[]",
    iam_actions=("cloudtrail:DescribeTrails",),
    resource_id="Name",
    arn="TrailARN",
    name_source="Name",
    state=state,
    tags="tags[].TagsList[]",
    fields=(
        field("logging", T.BOOLEAN, "It records now.", "status.IsLogging"),
        field("multi_region", T.BOOLEAN, "Records all regions.", "IsMultiRegionTrail"),
        field(
            "organization_trail",
            T.BOOLEAN,
            "Records all accounts of the organisation.",
            "IsOrganizationTrail",
        ),
        field(
            "global_events",
            T.BOOLEAN,
            "Records services without regions, such as IAM.",
            "IncludeGlobalServiceEvents",
        ),
        field(
            "log_file_validation",
            T.BOOLEAN,
            "Its files can be shown to be unchanged.",
            "LogFileValidationEnabled",
        ),
        field(
            "kms_key_id",
            T.TEXT,
            "KMS key of its files; empty where encrypted by S3 alone.",
            "KmsKeyId || ''",
        ),
        field("s3_bucket", T.TEXT, "Bucket that it writes to.", "S3BucketName"),
        field("s3_prefix", T.TEXT, "Prefix in it.", "S3KeyPrefix"),
        field(
            "sns_topic_arn", T.TEXT, "Topic that it tells; empty where none.", "SnsTopicARN || ''"
        ),
        field(
            "log_group_arn",
            T.TEXT,
            "CloudWatch log group that it writes to; empty where none.",
            "CloudWatchLogsLogGroupArn || ''",
        ),
        field(
            "management_events",
            T.TEXT,
            "Management events: All, ReadOnly, WriteOnly, partial or none.",
            recorded(MANAGEMENT),
        ),
        field(
            "excluded_sources",
            T.TEXT_LIST,
            "Services whose management events it leaves out.",
            excluded_sources,
        ),
        field(
            "s3_data_events",
            T.TEXT,
            "Events of S3 objects of all buckets: All, ReadOnly, WriteOnly, partial or none.",
            recorded(DATA, S3_OBJECTS),
        ),
        field(
            "data_event_types",
            T.TEXT_LIST,
            "Resource types with data events, of all or of some resources.",
            data_event_types,
        ),
        field(
            "insight_types",
            T.TEXT_LIST,
            "CloudTrail Insights: ApiCallRateInsight, ApiErrorRateInsight.",
            insight_types,
        ),
        field("started_at", T.TIMESTAMP, "Last start.", "status.StartLoggingTime"),
        field("stopped_at", T.TIMESTAMP, "Last stop.", "status.StopLoggingTime"),
        field("delivered_at", T.TIMESTAMP, "Last files in S3.", "status.LatestDeliveryTime"),
        field(
            "delivery_error", T.TEXT, "Why the last ones were not.", "status.LatestDeliveryError"
        ),
        field(
            "logs_delivered_at",
            T.TIMESTAMP,
            "Last events in CloudWatch Logs.",
            "status.LatestCloudWatchLogsDeliveryTime",
        ),
    ),
    volatile=frozenset({"delivered_at", "logs_delivered_at"}),
    children=(Children(TRAIL_EVENT_SELECTORS, selectors),),
    details=(
        Detail("status", "get_trail_status", {"Name": "TrailARN"}, "cloudtrail:GetTrailStatus"),
        Detail(
            "selectors",
            "get_event_selectors",
            {"TrailName": "TrailARN"},
            "cloudtrail:GetEventSelectors",
        ),
        Detail(
            "insights",
            "get_insight_selectors",
            {"TrailName": "TrailARN"},
            "cloudtrail:GetInsightSelectors",
            frozenset({"InsightNotEnabledException"}),
        ),
        Detail(
            "tags",
            "list_tags",
            {"ResourceIdList": "[TrailARN]"},
            "cloudtrail:ListTags",
            items="ResourceTagList[]",
        ),
    ),
    gone=frozenset({"TrailNotFoundException"}),
    relationships=(
        Relationship("logs_to", "s3_bucket", "[S3BucketName]"),
        Relationship("logs_to", "log_group", "[CloudWatchLogsLogGroupArn]"),
        Relationship("encrypted_by", "kms_key", "[KmsKeyId]"),
        Relationship("notifies", "sns_topic", "[SnsTopicARN]"),
        Relationship("has_role", "iam_role", "[CloudWatchLogsRoleArn]"),
    ),
)

RESOURCE_TYPES = (CLOUDTRAIL_TRAIL,)
