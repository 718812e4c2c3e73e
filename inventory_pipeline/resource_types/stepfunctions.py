"""Step Functions: state machines, by their settings; their definitions are never asked for."""

from collections.abc import Iterator

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)

_LOGGING = "described.loggingConfiguration"


def _log_group_arns(item: Item) -> Iterator[str]:
    logging = item.get("described", {}).get("loggingConfiguration") or {}
    for destination in logging.get("destinations") or []:
        arn = destination.get("cloudWatchLogsLogGroup", {}).get("logGroupArn")
        if arn:
            yield arn.removesuffix(":*")


def log_groups(item: Item) -> list[str]:
    """Names of the log groups that it writes to."""
    return [arn.partition(":log-group:")[2] for arn in _log_group_arns(item)]


STEP_FUNCTION = ResourceType(
    name="step_function",
    table="step_functions",
    group="stepfunctions",
    service="stepfunctions",
    meaning="Step Functions state machines.",
    operation="list_state_machines",
    arguments={"maxResults": 1000},
    items="stateMachines[]",
    iam_actions=("states:ListStateMachines",),
    resource_id="name",
    arn="stateMachineArn",
    name_source="name",
    state="described.status",
    created_at="creationDate",
    tags=tags_of("stateMachineArn"),
    gone=frozenset({"StateMachineDoesNotExist"}),
    fields=(
        field("machine_type", T.TEXT, "STANDARD or EXPRESS.", "type"),
        field("role_arn", T.TEXT, "Role that it acts with.", "described.roleArn"),
        field(
            "log_level",
            T.TEXT,
            "What of its runs is logged: ALL, ERROR, FATAL or OFF.",
            f"described && ({_LOGGING}.level || 'OFF')",
        ),
        field(
            "logs_execution_data",
            T.BOOLEAN,
            "Its logs have the inputs and outputs of runs.",
            f"described && ({_LOGGING}.includeExecutionData || `false`)",
        ),
        field(
            "tracing",
            T.BOOLEAN,
            "X-Ray traces its runs.",
            "described && (described.tracingConfiguration.enabled || `false`)",
        ),
        field(
            "kms_key",
            T.TEXT,
            "Key of its own; empty where AWS's is used.",
            "described && (described.encryptionConfiguration.kmsKeyId || '')",
        ),
    ),
    details=(
        cell_tags("states:stateMachine"),
        Detail(
            "described",
            "describe_state_machine",
            # Leaves out the definition, which may have secrets in it.
            {
                "stateMachineArn": "stateMachineArn",
                "includedData": lambda _: "METADATA_ONLY",
            },
            "states:DescribeStateMachine",
        ),
    ),
    relationships=(
        Relationship("has_role", "iam_role", "[described.roleArn]"),
        Relationship("logs_to", "log_group", log_groups),
    ),
)

RESOURCE_TYPES = (STEP_FUNCTION,)
