"""KMS: keys, the customer's and those that AWS keeps for its services; never key material."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, ResourceType, field
from inventory_pipeline.resource_types.policies import (
    policy_children,
    policy_document,
    policy_statement_count,
)

POLICY = policy_document("policy", "Policy")


def aliases(key: Item) -> list[str] | None:
    """Names that point to the key; None where they were not read."""
    if "aliases" not in key:
        return None
    return [a["AliasName"] for a in key["aliases"] if a.get("TargetKeyId") == key["KeyId"]]


def name(key: Item) -> str | None:
    """Its first alias, without `alias/`."""
    return next((alias.removeprefix("alias/") for alias in aliases(key) or []), None)


def rotation_applies(key: Item) -> bool | None:
    """Whether yearly rotation is the customer's to switch: see GetKeyRotationStatus."""
    if "key" not in key:
        return None
    metadata = key["key"].get("KeyMetadata", {})
    return bool(
        metadata.get("KeyManager") == "CUSTOMER"
        and metadata.get("KeySpec") == "SYMMETRIC_DEFAULT"
        and metadata.get("Origin") == "AWS_KMS"
    )


def needs_no_rotation_status(key: Item) -> bool:
    return rotation_applies(key) is False


def rotation_enabled(key: Item) -> bool | None:
    """KMS itself rotates AWS's keys; keys that cannot be rotated are not."""
    if needs_no_rotation_status(key):
        return bool(key["key"].get("KeyMetadata", {}).get("KeyManager") == "AWS")
    if "rotation" not in key:
        return None
    return bool(key["rotation"].get("KeyRotationEnabled", False))


def tags(key: Item) -> dict[str, str] | None:
    if "tags" not in key:
        return None
    return {tag["TagKey"]: tag.get("TagValue", "") for tag in key["tags"]}


_KEY = {"KeyId": "KeyId"}

KMS_KEY = ResourceType(
    name="kms_key",
    table="kms_keys",
    group="kms",
    service="kms",
    meaning="KMS keys, those that AWS manages for its services as well (key_manager = 'AWS').",
    operation="list_keys",
    arguments={"Limit": 1000},
    items="Keys[]",
    iam_actions=("kms:ListKeys",),
    resource_id="KeyId",
    arn="KeyArn",
    name_source=name,
    state="key.KeyMetadata.KeyState",
    created_at="key.KeyMetadata.CreationDate",
    tags=tags,
    gone=frozenset({"NotFoundException"}),
    fields=(
        field("key_manager", T.TEXT, "CUSTOMER or AWS.", "key.KeyMetadata.KeyManager"),
        field("enabled", T.BOOLEAN, "It can be used.", "key.KeyMetadata.Enabled"),
        field("key_usage", T.TEXT, "ENCRYPT_DECRYPT, SIGN_VERIFY, …", "key.KeyMetadata.KeyUsage"),
        field("key_spec", T.TEXT, "SYMMETRIC_DEFAULT, RSA_2048, …", "key.KeyMetadata.KeySpec"),
        field(
            "origin",
            T.TEXT,
            "Of its material: AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE.",
            "key.KeyMetadata.Origin",
        ),
        field("multi_region", T.BOOLEAN, "It has replicas.", "key.KeyMetadata.MultiRegion"),
        field(
            "multi_region_type",
            T.TEXT,
            "PRIMARY or REPLICA; NULL for a key of one region.",
            "key.KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType",
        ),
        field(
            "deletion_at",
            T.TIMESTAMP,
            "When it will be deleted; NULL where that is not planned.",
            "key.KeyMetadata.DeletionDate",
        ),
        field(
            "material_expires_at",
            T.TIMESTAMP,
            "When imported material expires; NULL where it does not.",
            "key.KeyMetadata.ValidTo",
        ),
        field("aliases", T.TEXT_LIST, "Names that point to it, each alias/….", aliases),
        field(
            "rotation_applies",
            T.BOOLEAN,
            "Rotation is the customer's to switch: symmetric, own, with KMS's own material.",
            rotation_applies,
        ),
        field("rotation_enabled", T.BOOLEAN, "Its material is rotated.", rotation_enabled),
        field(
            "rotation_days", T.BIGINT, "Days between rotations.", "rotation.RotationPeriodInDays"
        ),
        field(
            "last_used_at",
            T.TIMESTAMP,
            "Last cryptographic operation; NULL where none since usage_tracked_since.",
            "usage.KeyLastUsage.Timestamp",
        ),
        field(
            "last_used_for",
            T.TEXT,
            "That operation: Decrypt, GenerateDataKey, …",
            "usage.KeyLastUsage.Operation",
        ),
        field(
            "usage_tracked_since",
            T.TIMESTAMP,
            "Since when KMS records its use; NULL where its use was not read.",
            "usage.TrackingStartDate",
        ),
        policy_statement_count(POLICY),
    ),
    volatile=frozenset({"last_used_at", "last_used_for"}),
    details=(
        Detail(
            "aliases",
            "list_aliases",
            {},
            "kms:ListAliases",
            items="Aliases[].{AliasName: AliasName, TargetKeyId: TargetKeyId}",
            per_cell=True,
        ),
        Detail("key", "describe_key", _KEY, "kms:DescribeKey"),
        Detail(
            "rotation",
            "get_key_rotation_status",
            _KEY,
            "kms:GetKeyRotationStatus",
            # Where the key was not described, so that it is asked without need.
            frozenset({"UnsupportedOperationException"}),
            unless=needs_no_rotation_status,
        ),
        # A key has but one policy, of this name.
        Detail("policy", "get_key_policy", {**_KEY, "PolicyName": "'default'"}, "kms:GetKeyPolicy"),
        Detail("usage", "get_key_last_usage", _KEY, "kms:GetKeyLastUsage"),
        Detail("tags", "list_resource_tags", _KEY, "kms:ListResourceTags", items="Tags[]"),
    ),
    children=(policy_children(POLICY),),
)

RESOURCE_TYPES = (KMS_KEY,)
