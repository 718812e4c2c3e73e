"""EBS: volumes and snapshots of them."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import (
    CostComponent,
    Detail,
    Item,
    Metric,
    Relationship,
    ResourceType,
    field,
)

ONE_HOUR = 3600
EVERYONE = "all"

# Volume types whose throughput or IOPS draw on a balance of burst.
_BURSTING = ("gp2", "st1", "sc1")


def bursting(volume: Item) -> str | None:
    """The id of a volume that has a burst balance; others have no such metric."""
    return str(volume["VolumeId"]) if volume.get("VolumeType") in _BURSTING else None


def _total(column: str, meaning: str, name: str) -> Metric:
    return Metric(column, meaning, "AWS/EBS", name, "Sum", "sum", {"VolumeId": "VolumeId"})


def _peak_hour(column: str, meaning: str, name: str) -> Metric:
    return Metric(
        column,
        meaning,
        "AWS/EBS",
        name,
        "Sum",
        "maximum",
        {"VolumeId": "VolumeId"},
        period_seconds=ONE_HOUR,
        label="peak_hour",
    )


EBS_VOLUME = ResourceType(
    name="ebs_volume",
    table="ebs_volumes",
    group="ec2",
    service="ec2",
    meaning="EBS volumes.",
    operation="describe_volumes",
    arguments={"MaxResults": PAGE, "IncludeManagedResources": True},
    items="Volumes[]",
    iam_actions=("ec2:DescribeVolumes",),
    resource_id="VolumeId",
    arn="arn:{partition}:ec2:{region}:{account_id}:volume/{resource_id}",
    name_source="Tags[?Key=='Name'].Value | [0]",
    state="State",
    created_at="CreateTime",
    tags="Tags || `[]`",
    fields=(
        field("volume_type", T.TEXT, "gp2, gp3, io1, io2, st1, sc1 or standard.", "VolumeType"),
        field("size_gb", T.BIGINT, "Size, GiB.", "Size"),
        field("iops", T.BIGINT, "Provisioned or baseline IOPS.", "Iops"),
        field("throughput_mbps", T.BIGINT, "Provisioned throughput, MiB/s (gp3).", "Throughput"),
        field("encrypted", T.BOOLEAN, "Encrypted at rest.", "Encrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field("availability_zone", T.TEXT, "Availability zone.", "AvailabilityZone"),
        field(
            "attached_instance_id",
            T.TEXT,
            "Instance it is attached to.",
            "Attachments[0].InstanceId",
        ),
        field("attached_at", T.TIMESTAMP, "When it was attached.", "Attachments[0].AttachTime"),
        field(
            "delete_on_termination",
            T.BOOLEAN,
            "Deleted with its instance.",
            "Attachments[0].DeleteOnTermination",
        ),
        field(
            "attached_instances",
            T.TEXT_LIST,
            "Instances it is attached to, several where multi-attach is on.",
            "Attachments[].InstanceId",
        ),
        field("multi_attach", T.BOOLEAN, "May have several instances.", "MultiAttachEnabled"),
        field("snapshot_id", T.TEXT, "Snapshot it was made from.", "SnapshotId"),
        field(
            "managed_by",
            T.TEXT,
            "Service that runs it on the account's behalf; NULL where none does.",
            "Operator.Principal",
        ),
    ),
    relationships=(Relationship("attached_to", "ec2_instance", "Attachments[].InstanceId"),),
    metrics=(
        _total("read_operations", "Read operations in the window.", "VolumeReadOps"),
        _total("write_operations", "Write operations in the window.", "VolumeWriteOps"),
        _peak_hour("read_operations_peak", "Reads in the busiest hour.", "VolumeReadOps"),
        _peak_hour("write_operations_peak", "Writes in the busiest hour.", "VolumeWriteOps"),
        _peak_hour("read_bytes_peak", "Bytes read in the busiest hour.", "VolumeReadBytes"),
        _peak_hour("write_bytes_peak", "Bytes written in the busiest hour.", "VolumeWriteBytes"),
        Metric(
            "burst_balance_minimum",
            "Least burst balance, percent (gp2, st1, sc1).",
            "AWS/EBS",
            "BurstBalance",
            "Minimum",
            "minimum",
            {"VolumeId": bursting},
        ),
    ),
    costs=(
        CostComponent("storage", "ebs", "r.volume_type", "GB-month", "r.size_gb"),
        CostComponent(
            "iops",
            "ebs",
            "r.volume_type || ':iops'",
            "IOPS-month",
            # gp3 includes 3,000 IOPS and 125 MiB/s in its storage price.
            "CASE WHEN r.volume_type <> 'gp3' THEN r.iops"
            " WHEN r.iops > 3000 THEN r.iops - 3000 WHEN r.iops IS NOT NULL THEN 0 END",
            applies="r.volume_type IN ('gp3', 'io1', 'io2')",
            unknown="'provisioned IOPS not observed'",
        ),
        CostComponent(
            "throughput",
            "ebs",
            "'gp3:throughput'",
            "MiBps-month",
            "CASE WHEN r.throughput_mbps > 125 THEN r.throughput_mbps - 125"
            " WHEN r.throughput_mbps IS NOT NULL THEN 0 END",
            applies="r.volume_type = 'gp3'",
            unknown="'provisioned throughput not observed'",
        ),
    ),
)


def _permissions(snapshot: Item) -> list[Item] | None:
    if "permissions" not in snapshot:
        return None
    return snapshot["permissions"].get("CreateVolumePermissions") or []


def snapshot_public(snapshot: Item) -> bool | None:
    """Whether everyone may make volumes of it, as one call tells for all snapshots."""
    if "public" not in snapshot:
        return None
    return snapshot["SnapshotId"] in snapshot["public"]


def shared_with(snapshot: Item) -> list[str] | None:
    """Accounts that may make volumes of it."""
    permissions = _permissions(snapshot)
    if permissions is None:
        return None
    return sorted(p["UserId"] for p in permissions if p.get("UserId"))


EBS_SNAPSHOT = ResourceType(
    name="ebs_snapshot",
    table="ebs_snapshots",
    group="ec2",
    service="ec2",
    meaning="EBS snapshots that the account owns.",
    operation="describe_snapshots",
    arguments={"OwnerIds": ["self"], "MaxResults": PAGE},
    items="Snapshots[]",
    iam_actions=("ec2:DescribeSnapshots",),
    resource_id="SnapshotId",
    # AWS leaves the account out of snapshots' ARNs.
    arn="arn:{partition}:ec2:{region}::snapshot/{resource_id}",
    name_source="Tags[?Key=='Name'].Value | [0]",
    state="State",
    created_at="StartTime",
    tags="Tags || `[]`",
    gone=frozenset({"InvalidSnapshot.NotFound"}),
    fields=(
        # AWS gives copies of other accounts' snapshots a volume that there never was.
        field("volume_id", T.TEXT, "Volume it was made of.", "VolumeId"),
        field("volume_size_gb", T.BIGINT, "Size of that volume, GiB.", "VolumeSize"),
        field(
            "full_size_bytes",
            T.BIGINT,
            "Blocks ever written to the volume; snapshots are billed for changed ones alone.",
            "FullSnapshotSizeInBytes",
        ),
        field("storage_tier", T.TEXT, "standard or archive.", "StorageTier"),
        field("description", T.TEXT, "Description.", "Description"),
        field("encrypted", T.BOOLEAN, "Encrypted at rest.", "Encrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field("public", T.BOOLEAN, "Everyone may make volumes of it.", snapshot_public),
        field("shared_with", T.TEXT_LIST, "Accounts that may make volumes of it.", shared_with),
        field(
            "restore_expires_at",
            T.TIMESTAMP,
            "When a restored one goes back to the archive.",
            "RestoreExpiryTime",
        ),
    ),
    details=(
        Detail(
            "public",
            "describe_snapshots",
            {
                "OwnerIds": ["self"],
                "RestorableByUserIds": [EVERYONE],
                "MaxResults": PAGE,
            },
            "ec2:DescribeSnapshots",
            items="Snapshots[].SnapshotId",
            per_cell=True,
        ),
        Detail(
            "permissions",
            "describe_snapshot_attribute",
            {"SnapshotId": "SnapshotId", "Attribute": "'createVolumePermission'"},
            "ec2:DescribeSnapshotAttribute",
            # Its snapshots are many, and are shared as recovery points of vaults.
            unless="Tags[?Key=='aws:backup:source-resource'] | [0]",
        ),
    ),
    relationships=(Relationship("made_of", "ebs_volume", "[VolumeId]"),),
)

RESOURCE_TYPES = (EBS_VOLUME, EBS_SNAPSHOT)
