"""DynamoDB: tables."""

from collections.abc import Callable
from typing import Any, Literal

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Metric,
    Relationship,
    ResourceType,
    Source,
    field,
)
from inventory_pipeline.resource_types.policies import (
    policy_children,
    policy_document,
    policy_statement_count,
)

ONE_HOUR = 3600
PROVISIONED = "PROVISIONED"

POLICY = policy_document("policy", "Policy")

_TAGS = tags_of("TableArn")


def _table(item: Item) -> Item | None:
    """What describes the table; None where it was not read."""
    return item["table"].get("Table") if "table" in item else None


def tags(item: Item) -> Any:
    """Its tags; None where they or its ARN were not read."""
    table = _table(item)
    return None if table is None else _TAGS({**item, "TableArn": table.get("TableArn")})


def billing_mode(item: Item) -> str | None:
    """PROVISIONED or PAY_PER_REQUEST; AWS leaves it out of tables that never were the latter."""
    table = _table(item)
    if table is None:
        return None
    return str((table.get("BillingModeSummary") or {}).get("BillingMode") or PROVISIONED)


def table_class(item: Item) -> str | None:
    """STANDARD or STANDARD_INFREQUENT_ACCESS; AWS leaves out the former."""
    table = _table(item)
    if table is None:
        return None
    return str((table.get("TableClassSummary") or {}).get("TableClass") or "STANDARD")


def encryption(item: Item) -> str | None:
    """KMS with a key of the account's, or none other than DynamoDB's own, which is always on."""
    table = _table(item)
    if table is None:
        return None
    return str((table.get("SSEDescription") or {}).get("SSEType") or "AES256")


def capacity(name: str) -> Callable[[Item], int | None]:
    """A source: what is provisioned for the table and its indexes, a second; 0 on demand."""

    def read(item: Item) -> int | None:
        table = _table(item)
        if table is None:
            return None
        parts = [table, *(table.get("GlobalSecondaryIndexes") or [])]
        return sum((part.get("ProvisionedThroughput") or {}).get(name) or 0 for part in parts)

    return read


def point_in_time_recovery(item: Item) -> bool | None:
    if "backups" not in item:
        return None
    backups = item["backups"].get("ContinuousBackupsDescription") or {}
    recovery = backups.get("PointInTimeRecoveryDescription") or {}
    return recovery.get("PointInTimeRecoveryStatus") == "ENABLED"


def autoscaled(dimension: str) -> Callable[[Item], bool | None]:
    """A source: whether Application Auto Scaling sets a capacity of the table."""

    def read(item: Item) -> bool | None:
        if "scaling" not in item:
            return None
        return [f"table/{item['TableName']}", dimension] in item["scaling"]

    return read


def provisioned(item: Item) -> str | None:
    """The name of a table with provisioned capacity; others have no metric of it."""
    return str(item["TableName"]) if billing_mode(item) == PROVISIONED else None


def _metric(
    column: str,
    meaning: str,
    name: str,
    statistic: Literal["Average", "Sum"],
    fold: Literal["average", "maximum", "sum"],
    *,
    window_days: int = 30,
    period_seconds: int = 86400,
    label: str | None = None,
    of: Source = "TableName",
) -> Metric:
    return Metric(
        column,
        meaning,
        "AWS/DynamoDB",
        name,
        statistic,
        fold,
        {"TableName": of},
        window_days=window_days,
        period_seconds=period_seconds,
        # Nothing is emitted of a table that nobody uses, which is why scaling in then stops.
        absent_is_zero=name.startswith("Consumed"),
        label=label,
    )


DYNAMODB_TABLE = ResourceType(
    name="dynamodb_table",
    table="dynamodb_tables",
    group="dynamodb",
    service="dynamodb",
    meaning="DynamoDB tables; replicas of global tables stand in their own regions.",
    operation="list_tables",
    items="TableNames[].{TableName: @}",
    iam_actions=("dynamodb:ListTables",),
    resource_id="TableName",
    arn="arn:{partition}:dynamodb:{region}:{account_id}:table/{resource_id}",
    name_source="TableName",
    state="table.Table.TableStatus",
    created_at="table.Table.CreationDateTime",
    tags=tags,
    gone=frozenset({"ResourceNotFoundException", "TableNotFoundException"}),
    fields=(
        field("billing_mode", T.TEXT, "PROVISIONED or PAY_PER_REQUEST.", billing_mode),
        field("table_class", T.TEXT, "STANDARD or STANDARD_INFREQUENT_ACCESS.", table_class),
        field("size_bytes", T.BIGINT, "Size, six hours late.", "table.Table.TableSizeBytes"),
        field("items", T.BIGINT, "Items, six hours late.", "table.Table.ItemCount"),
        field(
            "read_capacity",
            T.BIGINT,
            "Reads a second provisioned, indexes included; 0 on demand.",
            capacity("ReadCapacityUnits"),
        ),
        field(
            "write_capacity",
            T.BIGINT,
            "Writes a second provisioned, indexes included; 0 on demand.",
            capacity("WriteCapacityUnits"),
        ),
        field(
            "read_autoscaled",
            T.BOOLEAN,
            "Auto Scaling sets the table's read capacity.",
            autoscaled("dynamodb:table:ReadCapacityUnits"),
        ),
        field(
            "write_autoscaled",
            T.BOOLEAN,
            "Auto Scaling sets the table's write capacity.",
            autoscaled("dynamodb:table:WriteCapacityUnits"),
        ),
        field(
            "indexes",
            T.TEXT_LIST,
            "Global secondary indexes; their use is not in the table's metrics.",
            "table.Table.GlobalSecondaryIndexes[].IndexName",
        ),
        field("encryption", T.TEXT, "AES256 (DynamoDB's own key) or KMS.", encryption),
        field("kms_key_arn", T.TEXT, "KMS key.", "table.Table.SSEDescription.KMSMasterKeyArn"),
        field(
            "point_in_time_recovery",
            T.BOOLEAN,
            "Can be restored to any second of the last days.",
            point_in_time_recovery,
        ),
        field(
            "deletion_protection",
            T.BOOLEAN,
            "Deletion protection.",
            "table.Table.DeletionProtectionEnabled",
        ),
        field(
            "stream_enabled",
            T.BOOLEAN,
            "Changes are streamed.",
            "table.Table.StreamSpecification.StreamEnabled",
        ),
        field(
            "replica_regions",
            T.TEXT_LIST,
            "Regions of a global table's other replicas.",
            "table.Table.Replicas[].RegionName",
        ),
        policy_statement_count(POLICY),
    ),
    volatile=frozenset({"size_bytes", "items"}),
    details=(
        Detail("table", "describe_table", {"TableName": "TableName"}, "dynamodb:DescribeTable"),
        Detail(
            "backups",
            "describe_continuous_backups",
            {"TableName": "TableName"},
            "dynamodb:DescribeContinuousBackups",
        ),
        Detail(
            "policy",
            "get_resource_policy",
            {"ResourceArn": "table.Table.TableArn"},
            "dynamodb:GetResourcePolicy",
            frozenset({"PolicyNotFoundException"}),
        ),
        cell_tags("dynamodb:table"),
        Detail(
            "scaling",
            "describe_scalable_targets",
            {"ServiceNamespace": "'dynamodb'"},
            "application-autoscaling:DescribeScalableTargets",
            service="application-autoscaling",
            items="ScalableTargets[].[ResourceId, ScalableDimension]",
            per_cell=True,
        ),
    ),
    children=(policy_children(POLICY),),
    relationships=(
        Relationship("encrypted_with", "kms_key", "[table.Table.SSEDescription.KMSMasterKeyArn]"),
    ),
    metrics=(
        _metric(
            "consumed_reads",
            "Read capacity used in 30 days.",
            "ConsumedReadCapacityUnits",
            "Sum",
            "sum",
        ),
        _metric(
            "consumed_writes",
            "Write capacity used in 30 days.",
            "ConsumedWriteCapacityUnits",
            "Sum",
            "sum",
        ),
        _metric(
            "consumed_reads_peak",
            "Read capacity used in the busiest hour of 14 days.",
            "ConsumedReadCapacityUnits",
            "Sum",
            "maximum",
            window_days=14,
            period_seconds=ONE_HOUR,
            label="peak_hour",
        ),
        _metric(
            "consumed_writes_peak",
            "Write capacity used in the busiest hour of 14 days.",
            "ConsumedWriteCapacityUnits",
            "Sum",
            "maximum",
            window_days=14,
            period_seconds=ONE_HOUR,
            label="peak_hour",
        ),
        _metric(
            "provisioned_reads_average",
            "Mean read capacity provisioned, a second.",
            "ProvisionedReadCapacityUnits",
            "Average",
            "average",
            of=provisioned,
        ),
        _metric(
            "provisioned_writes_average",
            "Mean write capacity provisioned, a second.",
            "ProvisionedWriteCapacityUnits",
            "Average",
            "average",
            of=provisioned,
        ),
    ),
)

RESOURCE_TYPES = (DYNAMODB_TABLE,)
