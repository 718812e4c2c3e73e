"""S3: buckets, with every setting that says who may read them and how they are kept.

Not here: what they store and cost (`s3_storage`), rows of what a bucket has several of
(`s3_bucket_elements`), access points and the account's own settings (`s3_access_points`).
"""

from collections.abc import Callable

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Children,
    Detail,
    Field,
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
from inventory_pipeline.resource_types.s3_bucket_elements import (
    BUCKET_GRANTS,
    BUCKET_INVENTORY_CONFIGURATIONS,
    BUCKET_LIFECYCLE_RULES,
    bucket_name,
    grants,
    inventory_configurations,
)
from inventory_pipeline.resource_types.s3_bucket_elements import lifecycle_rules as rules_of
from inventory_pipeline.resource_types.s3_storage import COSTS, METRICS

POLICY = policy_document("policy", "Policy")

DAYS_OF_A_YEAR = 365
"""Of an object lock's retention in years, which S3 counts by the calendar."""


def acl_public(bucket: Item) -> bool | None:
    """Whether the ACL grants anything to everyone; None where the ACL was not read."""
    found = grants(bucket)
    return None if found is None else any(grant["public"] for grant in found)


def policy_public(bucket: Item) -> bool | None:
    if "policy_status" not in bucket:
        return None
    return bool(bucket["policy_status"].get("PolicyStatus", {}).get("IsPublic", False))


def encryption(bucket: Item) -> str | None:
    """Default encryption: AES256, aws:kms, aws:kms:dsse or none."""
    if "encryption" not in bucket:
        return None
    rules = bucket["encryption"].get("ServerSideEncryptionConfiguration", {}).get("Rules") or [{}]
    return str(rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "none"))


def versioning(bucket: Item) -> str | None:
    """Enabled, Suspended or Off."""
    return str(bucket["versioning"].get("Status", "Off")) if "versioning" in bucket else None


def mfa_delete(bucket: Item) -> bool | None:
    if "versioning" not in bucket:
        return None
    return bool(bucket["versioning"].get("MFADelete") == "Enabled")


def lifecycle_rules(bucket: Item) -> int | None:
    rules = rules_of(bucket)
    return None if rules is None else len([rule for rule in rules if rule["enabled"]])


def inventories(bucket: Item) -> int | None:
    found = inventory_configurations(bucket)
    return None if found is None else len([each for each in found if each.get("IsEnabled")])


def logging_setting(name: str) -> Callable[[Item], str | None]:
    """A source: where access logs go; an empty text where logging is off."""

    def read(bucket: Item) -> str | None:
        if "logging" not in bucket:
            return None
        return str(bucket["logging"].get("LoggingEnabled", {}).get(name, ""))

    return read


logging_target = logging_setting("TargetBucket")


def object_ownership(bucket: Item) -> str | None:
    """BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter (also where nothing is set)."""
    if "ownership" not in bucket:
        return None
    rules = bucket["ownership"].get("OwnershipControls", {}).get("Rules") or [{}]
    return str(rules[0].get("ObjectOwnership", "ObjectWriter"))


def object_lock(bucket: Item) -> bool | None:
    if "object_lock" not in bucket:
        return None
    lock = bucket["object_lock"].get("ObjectLockConfiguration", {})
    return bool(lock.get("ObjectLockEnabled") == "Enabled")


def _default_retention(bucket: Item) -> Item | None:
    if "object_lock" not in bucket:
        return None
    lock = bucket["object_lock"].get("ObjectLockConfiguration", {})
    retention: Item = lock.get("Rule", {}).get("DefaultRetention", {})
    return retention


def object_lock_mode(bucket: Item) -> str | None:
    """GOVERNANCE, COMPLIANCE, or none where objects are not locked by default."""
    retention = _default_retention(bucket)
    return None if retention is None else str(retention.get("Mode", "none"))


def object_lock_days(bucket: Item) -> int | None:
    retention = _default_retention(bucket)
    if retention is None:
        return None
    return int(retention.get("Days") or DAYS_OF_A_YEAR * (retention.get("Years") or 0))


def _replication(bucket: Item) -> list[Item] | None:
    """Rules of replication that are in force; None where they were not read."""
    if "replication" not in bucket:
        return None
    rules = bucket["replication"].get("ReplicationConfiguration", {}).get("Rules") or []
    return [rule for rule in rules if rule.get("Status") == "Enabled"]


def replication_rules(bucket: Item) -> int | None:
    rules = _replication(bucket)
    return None if rules is None else len(rules)


def replication_destinations(bucket: Item) -> list[str] | None:
    """Names of the buckets that objects are copied to, each once."""
    rules = _replication(bucket)
    if rules is None:
        return None
    names = (bucket_name(rule.get("Destination", {}).get("Bucket")) for rule in rules)
    return list(dict.fromkeys(name for name in names if name))


def inventory_destinations(bucket: Item) -> list[str]:
    return [each["bucket"] for each in inventory_configurations(bucket) or [] if each["bucket"]]


PUBLIC_ACCESS_FLAGS = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}


def public_access_flag(detail: str, flag: str) -> Callable[[Item], bool | None]:
    def read(item: Item) -> bool | None:
        if detail not in item:
            return None
        return bool(item[detail].get("PublicAccessBlockConfiguration", {}).get(flag, False))

    return read


def public_access_fields(prefix: str, detail: str, whose: str) -> tuple[Field, ...]:
    return tuple(
        field(
            f"{prefix}{name}",
            T.BOOLEAN,
            f"{whose} public access block: {flag}.",
            public_access_flag(detail, flag),
        )
        for name, flag in PUBLIC_ACCESS_FLAGS.items()
    )


def bucket_region(bucket: Item) -> str | None:
    """ListBuckets tells where it may; otherwise GetBucketLocation, in its historical spellings."""
    place: str | None = bucket.get("BucketRegion")
    if not place and "location" not in bucket:
        return None
    place = place or bucket["location"].get("LocationConstraint") or "us-east-1"
    return "eu-west-1" if place == "EU" else place


def tags(bucket: Item) -> list[dict[str, str]] | None:
    return bucket["tags"].get("TagSet") or [] if "tags" in bucket else None


def _detail(name: str, operation: str, iam_action: str, *absent: str) -> Detail:
    """A setting of the bucket; `absent` are codes for "not set"."""
    return Detail(name, operation, {"Bucket": "Name"}, iam_action, frozenset(absent))


_KMS_KEY = (
    "encryption.ServerSideEncryptionConfiguration.Rules[0]"
    ".ApplyServerSideEncryptionByDefault.KMSMasterKeyID"
)

ACCOUNT_PUBLIC_ACCESS_BLOCK = Detail(
    "account_public_access_block",
    "get_public_access_block",
    {"AccountId": "account_id"},
    "s3:GetAccountPublicAccessBlock",
    frozenset({"NoSuchPublicAccessBlockConfiguration"}),
    service="s3control",
    per_cell=True,
)

S3_BUCKET = ResourceType(
    name="s3_bucket",
    table="s3_buckets",
    group="s3",
    service="s3",
    meaning="S3 buckets and their settings; a setting that could not be read is NULL.",
    operation="list_buckets",
    items="Buckets[]",
    iam_actions=("s3:ListAllMyBuckets",),
    scope="global",
    # Only a paginated ListBuckets tells each bucket's region.
    arguments={"MaxBuckets": 1000},
    region=bucket_region,
    resource_id="Name",
    arn="arn:{partition}:s3:::{resource_id}",
    name_source="Name",
    created_at="CreationDate",
    tags=tags,
    gone=frozenset({"NoSuchBucket"}),
    fields=(
        field(
            "encryption",
            T.TEXT,
            "Default encryption: AES256, aws:kms, aws:kms:dsse, none.",
            encryption,
        ),
        field(
            "kms_key_id",
            T.TEXT,
            "Default KMS key.",
            _KMS_KEY,
        ),
        field(
            "bucket_key_enabled",
            T.BOOLEAN,
            "S3 Bucket Key for SSE-KMS.",
            "encryption.ServerSideEncryptionConfiguration.Rules[0].BucketKeyEnabled",
        ),
        *public_access_fields("", "public_access_block", "Bucket's"),
        *public_access_fields("account_", "account_public_access_block", "Account's"),
        field("policy_public", T.BOOLEAN, "AWS calls the bucket policy public.", policy_public),
        policy_statement_count(POLICY),
        field("acl_public", T.BOOLEAN, "The ACL grants something to everyone.", acl_public),
        field("versioning", T.TEXT, "Enabled, Suspended or Off.", versioning),
        field("mfa_delete", T.BOOLEAN, "Deleting a version needs a second factor.", mfa_delete),
        field("lifecycle_rules", T.BIGINT, "Enabled lifecycle rules.", lifecycle_rules),
        field(
            "logging_target", T.TEXT, "Bucket of its access logs; empty where off.", logging_target
        ),
        field(
            "logging_prefix",
            T.TEXT,
            "Prefix of its access logs; empty where none.",
            logging_setting("TargetPrefix"),
        ),
        field("object_ownership", T.TEXT, "Object ownership.", object_ownership),
        field("object_lock", T.BOOLEAN, "Objects can be locked.", object_lock),
        field(
            "object_lock_mode",
            T.TEXT,
            "Lock of new objects: GOVERNANCE, COMPLIANCE or none.",
            object_lock_mode,
        ),
        field(
            "object_lock_days",
            T.BIGINT,
            "Days that new objects are locked, a year as 365; 0 where they are not.",
            object_lock_days,
        ),
        field("replication_rules", T.BIGINT, "Enabled replication rules.", replication_rules),
        field(
            "replication_destinations",
            T.TEXT_LIST,
            "Buckets that its objects are copied to.",
            replication_destinations,
        ),
        field("inventories", T.BIGINT, "Enabled inventory configurations.", inventories),
    ),
    details=(
        # First, since the other calls go to the bucket's own region.
        Detail(
            "location",
            "get_bucket_location",
            {"Bucket": "Name"},
            "s3:GetBucketLocation",
            unless="BucketRegion",
        ),
        _detail(
            "encryption",
            "get_bucket_encryption",
            "s3:GetEncryptionConfiguration",
            "ServerSideEncryptionConfigurationNotFoundError",
        ),
        _detail(
            "public_access_block",
            "get_public_access_block",
            "s3:GetBucketPublicAccessBlock",
            "NoSuchPublicAccessBlockConfiguration",
        ),
        ACCOUNT_PUBLIC_ACCESS_BLOCK,
        _detail("policy", "get_bucket_policy", "s3:GetBucketPolicy", "NoSuchBucketPolicy"),
        _detail(
            "policy_status",
            "get_bucket_policy_status",
            "s3:GetBucketPolicyStatus",
            "NoSuchBucketPolicy",
        ),
        _detail("acl", "get_bucket_acl", "s3:GetBucketAcl"),
        _detail("versioning", "get_bucket_versioning", "s3:GetBucketVersioning"),
        _detail(
            "lifecycle",
            "get_bucket_lifecycle_configuration",
            "s3:GetLifecycleConfiguration",
            "NoSuchLifecycleConfiguration",
        ),
        _detail("logging", "get_bucket_logging", "s3:GetBucketLogging"),
        _detail(
            "ownership",
            "get_bucket_ownership_controls",
            "s3:GetBucketOwnershipControls",
            "OwnershipControlsNotFoundError",
        ),
        _detail(
            "object_lock",
            "get_object_lock_configuration",
            "s3:GetBucketObjectLockConfiguration",
            "ObjectLockConfigurationNotFoundError",
        ),
        _detail(
            "replication",
            "get_bucket_replication",
            "s3:GetReplicationConfiguration",
            "ReplicationConfigurationNotFoundError",
        ),
        Detail(
            "inventory",
            "list_bucket_inventory_configurations",
            {"Bucket": "Name"},
            "s3:GetInventoryConfiguration",
            items="InventoryConfigurationList[]",
        ),
        _detail("tags", "get_bucket_tagging", "s3:GetBucketTagging", "NoSuchTagSet"),
    ),
    children=(
        policy_children(POLICY),
        Children(BUCKET_GRANTS, grants),
        Children(BUCKET_INVENTORY_CONFIGURATIONS, inventory_configurations),
        Children(BUCKET_LIFECYCLE_RULES, rules_of),
    ),
    relationships=(
        Relationship("logs_to", "s3_bucket", "[logging.LoggingEnabled.TargetBucket]"),
        Relationship("replicates_to", "s3_bucket", replication_destinations),
        Relationship("inventoried_in", "s3_bucket", inventory_destinations),
        Relationship("encrypted_by", "kms_key", f"[{_KMS_KEY}]"),
    ),
    metrics=METRICS,
    costs=COSTS,
)

RESOURCE_TYPES = (S3_BUCKET,)
