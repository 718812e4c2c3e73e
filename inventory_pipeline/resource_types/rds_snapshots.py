"""RDS: snapshots of instances and clusters, manual and automated, and with whom they are shared."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Detail,
    Field,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.rds_engines import OWN_ENGINES

EVERYONE = "all"
MANUAL = "manual"

# Automated snapshots cannot be shared.
AUTOMATED = f"SnapshotType != '{MANUAL}'"


def restorers(snapshot: Item) -> list[str] | None:
    """Who else may restore it: account ids, or `all`; None where that was not read."""
    if snapshot.get("SnapshotType") != MANUAL:
        return []
    if "attributes" not in snapshot:
        return None
    result = snapshot["attributes"]
    result = result.get("DBSnapshotAttributesResult") or result.get(
        "DBClusterSnapshotAttributesResult", {}
    )
    attributes = result.get("DBSnapshotAttributes") or result.get("DBClusterSnapshotAttributes")
    return [
        restorer
        for attribute in attributes or []
        if attribute.get("AttributeName") == "restore"
        for restorer in attribute.get("AttributeValues") or []
    ]


def public(snapshot: Item) -> bool | None:
    found = restorers(snapshot)
    return None if found is None else EVERYONE in found


def shared_with(snapshot: Item) -> list[str] | None:
    found = restorers(snapshot)
    return None if found is None else sorted(set(found) - {EVERYONE})


def _fields(encrypted: str) -> tuple[Field, ...]:
    """What snapshots of instances and clusters have in common."""
    return (
        field("snapshot_type", T.TEXT, "manual or automated.", "SnapshotType"),
        field("engine", T.TEXT, "Engine.", "Engine"),
        field("engine_version", T.TEXT, "Engine version.", "EngineVersion"),
        field("allocated_storage_gb", T.BIGINT, "Storage of its source, GiB.", "AllocatedStorage"),
        field("storage_type", T.TEXT, "Storage type of its source.", "StorageType"),
        field("encrypted", T.BOOLEAN, "Encrypted at rest.", encrypted),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field("public", T.BOOLEAN, "Everyone may restore it.", public),
        field("shared_with", T.TEXT_LIST, "Accounts that may restore it.", shared_with),
    )


RDS_SNAPSHOT = ResourceType(
    name="rds_snapshot",
    table="rds_snapshots",
    group="rds",
    service="rds",
    meaning="Snapshots of RDS database instances, without those of AWS Backup.",
    operation="describe_db_snapshots",
    items="DBSnapshots[]",
    iam_actions=("rds:DescribeDBSnapshots",),
    resource_id="DBSnapshotIdentifier",
    arn="DBSnapshotArn",
    name_source="DBSnapshotIdentifier",
    state="Status",
    created_at="SnapshotCreateTime",
    tags="TagList || `[]`",
    keep=OWN_ENGINES,
    gone=frozenset({"DBSnapshotNotFound"}),
    fields=(
        *_fields("Encrypted"),
        field("instance_id", T.TEXT, "Instance it was made of.", "DBInstanceIdentifier"),
        field("source_region", T.TEXT, "Region it was copied from.", "SourceRegion"),
        field(
            "full_size_bytes",
            T.BIGINT,
            "Blocks ever written to the source; snapshots are billed for changed ones alone.",
            "FullSnapshotSizeInBytes",
        ),
    ),
    details=(
        Detail(
            "attributes",
            "describe_db_snapshot_attributes",
            {"DBSnapshotIdentifier": "DBSnapshotIdentifier"},
            "rds:DescribeDBSnapshotAttributes",
            unless=AUTOMATED,
        ),
    ),
    relationships=(Relationship("made_of", "rds_instance", "[DBInstanceIdentifier]"),),
)

RDS_CLUSTER_SNAPSHOT = ResourceType(
    name="rds_cluster_snapshot",
    table="rds_cluster_snapshots",
    group="rds",
    service="rds",
    meaning="Snapshots of RDS clusters.",
    operation="describe_db_cluster_snapshots",
    items="DBClusterSnapshots[]",
    iam_actions=("rds:DescribeDBClusterSnapshots",),
    resource_id="DBClusterSnapshotIdentifier",
    arn="DBClusterSnapshotArn",
    name_source="DBClusterSnapshotIdentifier",
    state="Status",
    created_at="SnapshotCreateTime",
    tags="TagList || `[]`",
    keep=OWN_ENGINES,
    gone=frozenset({"DBClusterSnapshotNotFoundFault"}),
    fields=(
        *_fields("StorageEncrypted"),
        field("cluster_id", T.TEXT, "Cluster it was made of.", "DBClusterIdentifier"),
    ),
    details=(
        Detail(
            "attributes",
            "describe_db_cluster_snapshot_attributes",
            {"DBClusterSnapshotIdentifier": "DBClusterSnapshotIdentifier"},
            "rds:DescribeDBClusterSnapshotAttributes",
            unless=AUTOMATED,
        ),
    ),
    relationships=(Relationship("made_of", "rds_cluster", "[DBClusterIdentifier]"),),
)

RESOURCE_TYPES = (RDS_SNAPSHOT, RDS_CLUSTER_SNAPSHOT)
