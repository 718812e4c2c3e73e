"""Lambda: what functions are invoked by (event source mappings), and the region's limits."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)


def source_service(mapping: Item) -> str:
    """The service in the source's ARN: sqs, kinesis, dynamodb, kafka, ..."""
    parts = (mapping.get("EventSourceArn") or "").split(":")
    return parts[2] if len(parts) > 2 else "self-managed"


def function_names(mapping: Item) -> list[str]:
    """The function in arn:aws:lambda:region:account:function:name, whose alias may follow."""
    parts = (mapping.get("FunctionArn") or "").split(":")
    return parts[6:7]


def queue_names(mapping: Item) -> list[str]:
    """The queue in arn:aws:sqs:region:account:name."""
    if source_service(mapping) != "sqs":
        return []
    return [mapping["EventSourceArn"].rpartition(":")[2]]


def table_names(mapping: Item) -> list[str]:
    """The table in arn:aws:dynamodb:region:account:table/name/stream/time."""
    if source_service(mapping) != "dynamodb":
        return []
    return [mapping["EventSourceArn"].split("/")[1]]


LAMBDA_EVENT_SOURCE_MAPPING = ResourceType(
    name="lambda_event_source_mapping",
    table="lambda_event_source_mappings",
    group="lambda",
    service="lambda",
    meaning="Queues and streams that Lambda polls for a function.",
    operation="list_event_source_mappings",
    items="EventSourceMappings[]",
    iam_actions=("lambda:ListEventSourceMappings",),
    resource_id="UUID",
    arn="arn:{partition}:lambda:{region}:{account_id}:event-source-mapping:{resource_id}",
    name_source="UUID",
    state="State",
    tags=tags_of("EventSourceMappingArn"),
    fields=(
        field("function_arn", T.TEXT, "Function, or alias, that it invokes.", "FunctionArn"),
        field(
            "source_arn",
            T.TEXT,
            "What it polls; empty for a broker of yours.",
            "EventSourceArn || ''",
        ),
        field("source_service", T.TEXT, "sqs, kinesis, dynamodb, kafka, ...", source_service),
        field("changed_at", T.TIMESTAMP, "Last change.", "LastModified"),
        field("last_result", T.TEXT, "How the last poll went.", "LastProcessingResult"),
        field("batch_size", T.BIGINT, "Most records of one invocation.", "BatchSize"),
        field(
            "maximum_retries",
            T.BIGINT,
            "Retries of a batch of a stream; -1 is until it expires, NULL is no stream.",
            "MaximumRetryAttempts",
        ),
        field(
            "failure_destination",
            T.TEXT,
            "Where batches go that failed; empty where none is set.",
            "DestinationConfig.OnFailure.Destination || ''",
        ),
        field(
            "provisioned_pollers",
            T.BIGINT,
            "Pollers that are kept, and billed, at least; 0 where Lambda's own are used.",
            "ProvisionedPollerConfig.MinimumPollers || `0`",
        ),
    ),
    volatile=frozenset({"last_result"}),
    details=(cell_tags("lambda:event-source-mapping"),),
    relationships=(
        Relationship("invokes", "lambda_function", function_names),
        Relationship("polls", "sqs_queue", queue_names),
        Relationship("polls", "dynamodb_table", table_names),
    ),
)


LAMBDA_REGION_SETTINGS = ResourceType(
    name="lambda_region_settings",
    table="lambda_region_settings",
    group="lambda",
    service="lambda",
    meaning="Lambda's limits of an account in a region, and what of them is used.",
    operation=None,
    items="@",
    iam_actions=(),
    resource_id="region",
    # They have no ARN of their own; they are the account's.
    arn="arn:{partition}:iam::{account_id}:root",
    name_source="region",
    fields=(
        field(
            "concurrency_limit",
            T.BIGINT,
            "Executions that may run at once.",
            "account.AccountLimit.ConcurrentExecutions",
        ),
        field(
            "unreserved_concurrency",
            T.BIGINT,
            "Those of them that no function has for itself.",
            "account.AccountLimit.UnreservedConcurrentExecutions",
        ),
        field(
            "code_bytes_limit",
            T.BIGINT,
            "Bytes that code of all versions may have.",
            "account.AccountLimit.TotalCodeSize",
        ),
        field(
            "code_bytes",
            T.BIGINT,
            "Bytes that code of all versions has.",
            "account.AccountUsage.TotalCodeSize",
        ),
        field("functions", T.BIGINT, "Functions.", "account.AccountUsage.FunctionCount"),
    ),
    volatile=frozenset({"code_bytes"}),
    details=(Detail("account", "get_account_settings", {}, "lambda:GetAccountSettings"),),
    free=True,
)

RESOURCE_TYPES = (LAMBDA_EVENT_SOURCE_MAPPING, LAMBDA_REGION_SETTINGS)
