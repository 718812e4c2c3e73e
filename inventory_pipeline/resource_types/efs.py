"""EFS: file systems."""

from collections.abc import Callable

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, Relationship, ResourceType, field
from inventory_pipeline.resource_types.policies import (
    policy_children,
    policy_document,
    policy_statement_count,
)

NONE = "none"

POLICY = policy_document("policy", "Policy")


def transition(name: str) -> Callable[[Item], str | None]:
    """A source: when files move, such as AFTER_30_DAYS; none where they do not."""

    def read(file_system: Item) -> str | None:
        if "lifecycle" not in file_system:
            return None
        policies = file_system["lifecycle"].get("LifecyclePolicies") or []
        # Each policy of the list has one transition.
        return next((str(policy[name]) for policy in policies if policy.get(name)), NONE)

    return read


def backup(file_system: Item) -> str | None:
    """ENABLED, DISABLED or between; DISABLED where it never was set."""
    if "backup" not in file_system:
        return None
    return str((file_system["backup"].get("BackupPolicy") or {}).get("Status") or "DISABLED")


EFS_FILE_SYSTEM = ResourceType(
    name="efs_file_system",
    table="efs_file_systems",
    group="efs",
    service="efs",
    meaning="EFS file systems.",
    operation="describe_file_systems",
    items="FileSystems[]",
    iam_actions=("elasticfilesystem:DescribeFileSystems",),
    resource_id="FileSystemId",
    arn="FileSystemArn",
    name_source="Name",
    state="LifeCycleState",
    created_at="CreationTime",
    tags="Tags || `[]`",
    gone=frozenset({"FileSystemNotFound"}),
    fields=(
        field("size_bytes", T.BIGINT, "Metered size, hours late.", "SizeInBytes.Value"),
        field(
            "standard_bytes", T.BIGINT, "Of it in standard storage.", "SizeInBytes.ValueInStandard"
        ),
        field("infrequent_bytes", T.BIGINT, "Of it in infrequent access.", "SizeInBytes.ValueInIA"),
        field("archive_bytes", T.BIGINT, "Of it in the archive.", "SizeInBytes.ValueInArchive"),
        field("encrypted", T.BOOLEAN, "Encrypted at rest.", "Encrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field("performance_mode", T.TEXT, "generalPurpose or maxIO.", "PerformanceMode"),
        field("throughput_mode", T.TEXT, "bursting, elastic or provisioned.", "ThroughputMode"),
        field(
            "provisioned_mibps",
            T.DOUBLE,
            "Provisioned throughput, MiB/s.",
            "ProvisionedThroughputInMibps",
        ),
        field(
            "availability_zone",
            T.TEXT,
            "Zone of one that is in one zone alone; NULL where it is in several.",
            "AvailabilityZoneName",
        ),
        field("mount_targets", T.BIGINT, "Mount targets.", "NumberOfMountTargets"),
        field(
            "to_infrequent_access",
            T.TEXT,
            "When files go to infrequent access; none where never.",
            transition("TransitionToIA"),
        ),
        field(
            "to_archive",
            T.TEXT,
            "When files go to the archive; none where never.",
            transition("TransitionToArchive"),
        ),
        field("backup", T.TEXT, "Automatic backup: ENABLED, DISABLED or between.", backup),
        policy_statement_count(POLICY),
    ),
    volatile=frozenset({"size_bytes", "standard_bytes", "infrequent_bytes", "archive_bytes"}),
    details=(
        Detail(
            "policy",
            "describe_file_system_policy",
            {"FileSystemId": "FileSystemId"},
            "elasticfilesystem:DescribeFileSystemPolicy",
            frozenset({"PolicyNotFound"}),
        ),
        Detail(
            "lifecycle",
            "describe_lifecycle_configuration",
            {"FileSystemId": "FileSystemId"},
            "elasticfilesystem:DescribeLifecycleConfiguration",
        ),
        Detail(
            "backup",
            "describe_backup_policy",
            {"FileSystemId": "FileSystemId"},
            "elasticfilesystem:DescribeBackupPolicy",
            frozenset({"PolicyNotFound"}),
        ),
    ),
    children=(policy_children(POLICY),),
    relationships=(Relationship("encrypted_with", "kms_key", "[KmsKeyId]"),),
)

RESOURCE_TYPES = (EFS_FILE_SYSTEM,)
