"""AWS Config: what records, in each region, how resources were configured over time."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, Relationship, ResourceType, field

_STATUS = "status.ConfigurationRecordersStatus[0]"


def state(recorder: Item) -> str | None:
    """recording or stopped."""
    told = recorder.get("status", {}).get("ConfigurationRecordersStatus") or [{}]
    recording = told[0].get("recording")
    return None if recording is None else ("recording" if recording else "stopped")


def delivery_bucket(recorder: Item) -> str | None:
    """Where the region's one delivery channel delivers to; empty where there is none."""
    if "delivery" not in recorder:
        return None
    channels = recorder["delivery"].get("DeliveryChannels") or [{}]
    return str(channels[0].get("s3BucketName", ""))


CONFIG_RECORDER = ResourceType(
    name="config_recorder",
    table="config_recorders",
    group="config",
    service="config",
    meaning="AWS Config's recorders, and where what they record is delivered.",
    operation="describe_configuration_recorders",
    items="ConfigurationRecorders[]",
    iam_actions=("config:DescribeConfigurationRecorders",),
    resource_id="name",
    arn="arn",
    name_source="name",
    state=state,
    fields=(
        field("recording", T.BOOLEAN, "It records now.", f"{_STATUS}.recording"),
        field(
            "last_status",
            T.TEXT,
            "What became of the last recording: Success, Failure, Pending or NotApplicable.",
            f"{_STATUS}.lastStatus",
        ),
        field("last_error_code", T.TEXT, "Why it failed.", f"{_STATUS}.lastErrorCode"),
        field("started_at", T.TIMESTAMP, "Last start.", f"{_STATUS}.lastStartTime"),
        field("stopped_at", T.TIMESTAMP, "Last stop.", f"{_STATUS}.lastStopTime"),
        field("role_arn", T.TEXT, "Role that it looks with.", "roleARN"),
        field(
            "all_supported",
            T.BOOLEAN,
            "Records all resource types that Config knows.",
            "recordingGroup.allSupported",
        ),
        field(
            "includes_global",
            T.BOOLEAN,
            "Records IAM's users, groups, roles and policies as well.",
            "recordingGroup.includeGlobalResourceTypes",
        ),
        field(
            "strategy",
            T.TEXT,
            "ALL_SUPPORTED_RESOURCE_TYPES, INCLUSION_BY_RESOURCE_TYPES or "
            "EXCLUSION_BY_RESOURCE_TYPES.",
            "recordingGroup.recordingStrategy.useOnly",
        ),
        field(
            "included_types",
            T.TEXT_LIST,
            "Resource types that it records, where not all.",
            "recordingGroup.resourceTypes || `[]`",
        ),
        field(
            "excluded_types",
            T.TEXT_LIST,
            "Resource types that it leaves out.",
            "recordingGroup.exclusionByResourceTypes.resourceTypes || `[]`",
        ),
        field("frequency", T.TEXT, "CONTINUOUS or DAILY.", "recordingMode.recordingFrequency"),
        field(
            "delivery_bucket",
            T.TEXT,
            "Bucket that it delivers to; empty where nothing is delivered.",
            delivery_bucket,
        ),
        field(
            "delivery_topic_arn",
            T.TEXT,
            "SNS topic that it tells.",
            "delivery.DeliveryChannels[0].snsTopicARN",
        ),
    ),
    details=(
        Detail(
            "status",
            "describe_configuration_recorder_status",
            {"ConfigurationRecorderNames": "[name]"},
            "config:DescribeConfigurationRecorderStatus",
        ),
        Detail(
            "delivery",
            "describe_delivery_channels",
            {},
            "config:DescribeDeliveryChannels",
            per_cell=True,
        ),
    ),
    gone=frozenset({"NoSuchConfigurationRecorderException"}),
    relationships=(
        Relationship("has_role", "iam_role", "[roleARN]"),
        Relationship("delivers_to", "s3_bucket", "delivery.DeliveryChannels[].s3BucketName"),
        Relationship("notifies", "sns_topic", "delivery.DeliveryChannels[].snsTopicARN"),
    ),
)

RESOURCE_TYPES = (CONFIG_RECORDER,)
