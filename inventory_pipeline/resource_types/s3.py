"""S3: buckets, with every setting that says who may read them and how they are kept."""

from collections.abc import Callable

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    CostComponent,
    Detail,
    Field,
    Item,
    Metric,
    Relationship,
    ResourceType,
    field,
)

PUBLIC_GROUPS = frozenset(
    {
        "http://acs.amazonaws.com/groups/global/AllUsers",
        "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    }
)

# CloudWatch's StorageType dimension: the measured column of its size, and the price list's class
# that it is billed as. A type left out would be storage that costs nothing.
SIZES = {
    "StandardStorage": ("standard_bytes", "STANDARD"),
    "ReducedRedundancyStorage": ("reduced_redundancy_bytes", "REDUCED_REDUNDANCY"),
    "StandardIAStorage": ("standard_ia_bytes", "STANDARD_IA"),
    "OneZoneIAStorage": ("onezone_ia_bytes", "ONEZONE_IA"),
    "IntelligentTieringFAStorage": (
        "intelligent_tiering_frequent_bytes",
        "INTELLIGENT_TIERING:FREQUENT",
    ),
    "IntelligentTieringIAStorage": (
        "intelligent_tiering_infrequent_bytes",
        "INTELLIGENT_TIERING:INFREQUENT",
    ),
    "IntelligentTieringAIAStorage": (
        "intelligent_tiering_archive_instant_bytes",
        "INTELLIGENT_TIERING:ARCHIVE_INSTANT_ACCESS",
    ),
    "IntelligentTieringAAStorage": (
        "intelligent_tiering_archive_bytes",
        "INTELLIGENT_TIERING:ARCHIVE",
    ),
    "IntelligentTieringDAAStorage": (
        "intelligent_tiering_deep_archive_bytes",
        "INTELLIGENT_TIERING:DEEP_ARCHIVE",
    ),
    "GlacierInstantRetrievalStorage": ("glacier_ir_bytes", "GLACIER_IR"),
    "GlacierStorage": ("glacier_bytes", "GLACIER"),
    "DeepArchiveStorage": ("deep_archive_bytes", "DEEP_ARCHIVE"),
    # What small objects are billed above their size, up to 128 KiB each.
    "StandardIASizeOverhead": ("standard_ia_overhead_bytes", "STANDARD_IA"),
    "OneZoneIASizeOverhead": ("onezone_ia_overhead_bytes", "ONEZONE_IA"),
    "GlacierInstantRetrievalSizeOverhead": ("glacier_ir_overhead_bytes", "GLACIER_IR"),
    # What archived objects are billed besides: 32 KiB each as their class, 8 KiB as STANDARD.
    "GlacierObjectOverhead": ("glacier_overhead_bytes", "GLACIER"),
    "GlacierS3ObjectOverhead": ("glacier_index_bytes", "STANDARD"),
    "DeepArchiveObjectOverhead": ("deep_archive_overhead_bytes", "DEEP_ARCHIVE"),
    "DeepArchiveS3ObjectOverhead": ("deep_archive_index_bytes", "STANDARD"),
}


def acl_public(bucket: Item) -> bool | None:
    """Whether the ACL grants anything to everyone; None where the ACL was not read."""
    if "acl" not in bucket:
        return None
    grants = bucket["acl"].get("Grants") or []
    return any(g.get("Grantee", {}).get("URI") in PUBLIC_GROUPS for g in grants)


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


def lifecycle_rules(bucket: Item) -> int | None:
    if "lifecycle" not in bucket:
        return None
    rules = bucket["lifecycle"].get("Rules") or []
    return len([rule for rule in rules if rule.get("Status") == "Enabled"])


def logging_target(bucket: Item) -> str | None:
    """Bucket that access logs go to; an empty text where logging is off."""
    if "logging" not in bucket:
        return None
    return str(bucket["logging"].get("LoggingEnabled", {}).get("TargetBucket", ""))


def object_ownership(bucket: Item) -> str | None:
    """BucketOwnerEnforced, BucketOwnerPreferred or ObjectWriter (also where nothing is set)."""
    if "ownership" not in bucket:
        return None
    rules = bucket["ownership"].get("OwnershipControls", {}).get("Rules") or [{}]
    return str(rules[0].get("ObjectOwnership", "ObjectWriter"))


def public_access_flag(detail: str, flag: str) -> Callable[[Item], bool | None]:
    def read(bucket: Item) -> bool | None:
        if detail not in bucket:
            return None
        return bool(bucket[detail].get("PublicAccessBlockConfiguration", {}).get(flag, False))

    return read


def _block_fields(prefix: str, detail: str, whose: str) -> tuple[Field, ...]:
    flags = {
        "block_public_acls": "BlockPublicAcls",
        "ignore_public_acls": "IgnorePublicAcls",
        "block_public_policy": "BlockPublicPolicy",
        "restrict_public_buckets": "RestrictPublicBuckets",
    }
    return tuple(
        field(
            f"{prefix}{name}",
            T.BOOLEAN,
            f"{whose} public access block: {flag}.",
            public_access_flag(detail, flag),
        )
        for name, flag in flags.items()
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
            "encryption.ServerSideEncryptionConfiguration.Rules[0]"
            ".ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
        ),
        field(
            "bucket_key_enabled",
            T.BOOLEAN,
            "S3 Bucket Key for SSE-KMS.",
            "encryption.ServerSideEncryptionConfiguration.Rules[0].BucketKeyEnabled",
        ),
        *_block_fields("", "public_access_block", "Bucket's"),
        *_block_fields("account_", "account_public_access_block", "Account's"),
        field("policy_public", T.BOOLEAN, "AWS calls the bucket policy public.", policy_public),
        field("acl_public", T.BOOLEAN, "The ACL grants something to everyone.", acl_public),
        field("versioning", T.TEXT, "Enabled, Suspended or Off.", versioning),
        field("lifecycle_rules", T.BIGINT, "Enabled lifecycle rules.", lifecycle_rules),
        field(
            "logging_target", T.TEXT, "Bucket of its access logs; empty where off.", logging_target
        ),
        field("object_ownership", T.TEXT, "Object ownership.", object_ownership),
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
        Detail(
            "encryption",
            "get_bucket_encryption",
            {"Bucket": "Name"},
            "s3:GetEncryptionConfiguration",
            frozenset({"ServerSideEncryptionConfigurationNotFoundError"}),
        ),
        Detail(
            "public_access_block",
            "get_public_access_block",
            {"Bucket": "Name"},
            "s3:GetBucketPublicAccessBlock",
            frozenset({"NoSuchPublicAccessBlockConfiguration"}),
        ),
        Detail(
            "account_public_access_block",
            "get_public_access_block",
            {"AccountId": "account_id"},
            "s3:GetAccountPublicAccessBlock",
            frozenset({"NoSuchPublicAccessBlockConfiguration"}),
            service="s3control",
            per_cell=True,
        ),
        Detail(
            "policy_status",
            "get_bucket_policy_status",
            {"Bucket": "Name"},
            "s3:GetBucketPolicyStatus",
            frozenset({"NoSuchBucketPolicy"}),
        ),
        Detail("acl", "get_bucket_acl", {"Bucket": "Name"}, "s3:GetBucketAcl"),
        Detail("versioning", "get_bucket_versioning", {"Bucket": "Name"}, "s3:GetBucketVersioning"),
        Detail(
            "lifecycle",
            "get_bucket_lifecycle_configuration",
            {"Bucket": "Name"},
            "s3:GetLifecycleConfiguration",
            frozenset({"NoSuchLifecycleConfiguration"}),
        ),
        Detail("logging", "get_bucket_logging", {"Bucket": "Name"}, "s3:GetBucketLogging"),
        Detail(
            "ownership",
            "get_bucket_ownership_controls",
            {"Bucket": "Name"},
            "s3:GetBucketOwnershipControls",
            frozenset({"OwnershipControlsNotFoundError"}),
        ),
        Detail(
            "tags",
            "get_bucket_tagging",
            {"Bucket": "Name"},
            "s3:GetBucketTagging",
            frozenset({"NoSuchTagSet"}),
        ),
    ),
    relationships=(Relationship("logs_to", "s3_bucket", "[logging.LoggingEnabled.TargetBucket]"),),
    metrics=(
        *(
            Metric(
                column,
                f"Bytes billed as {price_class}: {kind}.",
                "AWS/S3",
                "BucketSizeBytes",
                "Average",
                "latest",
                {"BucketName": "Name", "StorageType": f"'{kind}'"},
                window_days=3,
                period_seconds=86400,
                label=kind,
            )
            for kind, (column, price_class) in SIZES.items()
        ),
        Metric(
            "object_count",
            "Objects and versions stored.",
            "AWS/S3",
            "NumberOfObjects",
            "Average",
            "latest",
            {"BucketName": "Name", "StorageType": "'AllStorageTypes'"},
            window_days=3,
            period_seconds=86400,
        ),
    ),
    costs=(
        *(
            CostComponent(
                column.removesuffix("_bytes"),
                "s3",
                f"'{price_class}'",
                "GB-month",
                f"gb(CAST(FLOOR(r.{column}) AS BIGINT))",
                # A class without a datapoint holds nothing, if any other class has one.
                applies=f"r.{column} IS NOT NULL",
                tiered_over="account",
            )
            for column, price_class in SIZES.values()
        ),
        CostComponent(
            "storage",
            "s3",
            "'unmeasured'",
            "GB-month",
            "NULL",
            applies="COALESCE(r.object_count, 1) > 0 AND "
            + " AND ".join(f"r.{column} IS NULL" for column, _ in SIZES.values()),
            unknown="'no size metric observed'",
            tiered_over="account",
        ),
    ),
)

RESOURCE_TYPES = (S3_BUCKET,)
