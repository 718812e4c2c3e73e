"""CloudFormation: stacks, their state and protection; never their parameters and outputs.

Those hold passwords often enough, and so may descriptions and the reasons for a state.
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Item, Relationship, ResourceType, field


def parent_stack(stack: Item) -> list[str]:
    """The name of the stack that a nested one belongs to, within its parent's ARN."""
    parts = (stack.get("ParentId") or "").split("/")
    return [parts[1]] if len(parts) > 1 else []


CLOUDFORMATION_STACK = ResourceType(
    name="cloudformation_stack",
    table="cloudformation_stacks",
    group="cloudformation",
    service="cloudformation",
    meaning="CloudFormation stacks, nested ones too, except deleted ones.",
    operation="describe_stacks",
    items="Stacks[]",
    # Of all stacks at once AWS wants both.
    iam_actions=("cloudformation:DescribeStacks", "cloudformation:ListStacks"),
    resource_id="StackName",
    arn="StackId",
    name_source="StackName",
    state="StackStatus",
    created_at="CreationTime",
    tags="Tags || `[]`",
    keep="StackStatus != 'DELETE_COMPLETE'",
    fields=(
        field("updated_at", T.TIMESTAMP, "Last update; NULL where never.", "LastUpdatedTime"),
        field(
            "drift_status",
            T.TEXT,
            "DRIFTED, IN_SYNC, UNKNOWN or NOT_CHECKED, as of the last check.",
            "DriftInformation.StackDriftStatus || 'NOT_CHECKED'",
        ),
        field(
            "drift_checked_at",
            T.TIMESTAMP,
            "Last check of drift; NULL where never.",
            "DriftInformation.LastCheckTimestamp",
        ),
        field(
            "termination_protection",
            T.BOOLEAN,
            "It cannot be deleted before this is off; nested stacks follow their root.",
            "EnableTerminationProtection",
        ),
        field("nested", T.BOOLEAN, "It belongs to another stack.", "ParentId != `null`"),
        field(
            "role_arn",
            T.TEXT,
            "Role that CloudFormation acts with; empty where it is the caller's.",
            "RoleARN || ''",
        ),
        field(
            "capabilities",
            T.TEXT_LIST,
            "What it may do besides: CAPABILITY_IAM, ...",
            "Capabilities || `[]`",
        ),
        field(
            "notification_arns",
            T.TEXT_LIST,
            "Topics that hear of its events.",
            "NotificationARNs || `[]`",
        ),
    ),
    volatile=frozenset({"drift_checked_at"}),
    relationships=(
        Relationship("in_stack", "cloudformation_stack", parent_stack),
        Relationship("has_role", "iam_role", "[RoleARN]"),
    ),
    # What it makes is billed; of CloudFormation itself only third parties' resource types are.
    free=True,
)

RESOURCE_TYPES = (CLOUDFORMATION_STACK,)
