"""Secrets Manager: secrets by what is said about them; a secret's value is never asked for.

Nor are descriptions kept: people write passwords into them.
"""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import (
    policy_children,
    policy_document,
    policy_statement_count,
)

POLICY = policy_document("policy", "ResourcePolicy")


def state(secret: Item) -> str:
    """active, or deleted while it can still be restored."""
    return "deleted" if secret.get("DeletedDate") else "active"


def rotation_enabled(secret: Item) -> bool:
    """ListSecrets leaves the setting out of secrets that never had rotation."""
    return bool(secret.get("RotationEnabled", False))


SECRET = ResourceType(
    name="secret",
    table="secrets",
    group="secretsmanager",
    service="secretsmanager",
    meaning="Secrets of Secrets Manager, without their values.",
    operation="list_secrets",
    # Deleted ones stay in their recovery window, and can be restored.
    arguments={"IncludePlannedDeletion": True, "MaxResults": 100},
    items="SecretList[]",
    iam_actions=("secretsmanager:ListSecrets",),
    resource_id="Name",
    arn="ARN",
    name_source="Name",
    state=state,
    created_at="CreatedDate",
    tags="Tags || `[]`",
    gone=frozenset({"ResourceNotFoundException"}),
    fields=(
        field("kms_key_id", T.TEXT, "Own KMS key; NULL for aws/secretsmanager.", "KmsKeyId"),
        field("rotation_enabled", T.BOOLEAN, "It is rotated automatically.", rotation_enabled),
        field(
            "rotation_days",
            T.BIGINT,
            "Days between rotations; NULL where a schedule says it otherwise.",
            "RotationRules.AutomaticallyAfterDays",
        ),
        field(
            "rotation_schedule",
            T.TEXT,
            "Schedule of rotations, such as rate(10 days).",
            "RotationRules.ScheduleExpression",
        ),
        field("rotation_lambda_arn", T.TEXT, "Function that rotates it.", "RotationLambdaARN"),
        field(
            "last_rotated_at", T.TIMESTAMP, "Last rotation; NULL where never.", "LastRotatedDate"
        ),
        field("next_rotation_at", T.TIMESTAMP, "Next rotation planned.", "NextRotationDate"),
        field("last_changed_at", T.TIMESTAMP, "Last change of any kind.", "LastChangedDate"),
        field(
            "last_accessed_at",
            T.TIMESTAMP,
            "Day of its last use in this region; NULL where it was never read.",
            "LastAccessedDate",
        ),
        field("deleted_at", T.TIMESTAMP, "When it was deleted.", "DeletedDate"),
        field("owning_service", T.TEXT, "AWS service that manages it.", "OwningService"),
        field("primary_region", T.TEXT, "Where a replicated secret comes from.", "PrimaryRegion"),
        policy_statement_count(POLICY),
    ),
    volatile=frozenset({"last_accessed_at"}),
    details=(
        Detail(
            "policy",
            "get_resource_policy",
            {"SecretId": "ARN"},
            "secretsmanager:GetResourcePolicy",
            # AWS tells nothing more of a deleted secret.
            unless="DeletedDate",
        ),
    ),
    children=(policy_children(POLICY),),
    relationships=(
        Relationship("encrypted_by", "kms_key", "[KmsKeyId]"),
        Relationship("rotated_by", "lambda_function", "[RotationLambdaARN]"),
    ),
)

RESOURCE_TYPES = (SECRET,)
