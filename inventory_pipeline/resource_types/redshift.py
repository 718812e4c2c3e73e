"""Redshift: provisioned clusters; not serverless workgroups."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, Relationship, ResourceType, field


def audit_log(cluster: Item) -> str | None:
    """Where its audit log goes: s3, cloudwatch, ...; none where it is off."""
    if "logging" not in cluster:
        return None
    logging = cluster["logging"]
    if not logging.get("LoggingEnabled"):
        return "none"
    # Clusters that have had it for long do not say, and use S3.
    return str(logging.get("LogDestinationType") or "s3")


REDSHIFT_CLUSTER = ResourceType(
    name="redshift_cluster",
    table="redshift_clusters",
    group="redshift",
    service="redshift",
    meaning="Redshift clusters.",
    operation="describe_clusters",
    items="Clusters[]",
    iam_actions=("redshift:DescribeClusters",),
    resource_id="ClusterIdentifier",
    arn="arn:{partition}:redshift:{region}:{account_id}:cluster:{resource_id}",
    name_source="ClusterIdentifier",
    state="ClusterStatus",
    created_at="ClusterCreateTime",
    tags="Tags || `[]`",
    gone=frozenset({"ClusterNotFound"}),
    fields=(
        field("node_type", T.TEXT, "Node type, such as ra3.xlplus.", "NodeType"),
        field("nodes", T.BIGINT, "Compute nodes.", "NumberOfNodes"),
        field("cluster_version", T.TEXT, "Engine version.", "ClusterVersion"),
        field("availability", T.TEXT, "Available, Paused, ...", "ClusterAvailabilityStatus"),
        field("multi_az", T.TEXT, "Has compute in two zones: Enabled or Disabled.", "MultiAZ"),
        field(
            "storage_mb", T.BIGINT, "Storage it may have, MB.", "TotalStorageCapacityInMegaBytes"
        ),
        field("encrypted", T.BOOLEAN, "Encrypted at rest.", "Encrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field(
            "publicly_accessible", T.BOOLEAN, "Resolves to a public address.", "PubliclyAccessible"
        ),
        field(
            "backup_retention_days",
            T.BIGINT,
            "Days automated snapshots are kept; 0 is off.",
            "AutomatedSnapshotRetentionPeriod",
        ),
        field(
            "version_upgrade",
            T.BOOLEAN,
            "Major versions install themselves.",
            "AllowVersionUpgrade",
        ),
        field(
            "enhanced_vpc_routing",
            T.BOOLEAN,
            "COPY and UNLOAD stay in the VPC.",
            "EnhancedVpcRouting",
        ),
        field("master_username", T.TEXT, "Name of the administrator.", "MasterUsername"),
        field(
            "master_secret_arn",
            T.TEXT,
            "Secret that AWS keeps its password in; NULL where it does not.",
            "MasterPasswordSecretArn",
        ),
        field(
            "parameter_group",
            T.TEXT,
            "Parameter group.",
            "ClusterParameterGroups[0].ParameterGroupName",
        ),
        field("audit_log", T.TEXT, "Where its audit log goes; none where it is off.", audit_log),
        field("endpoint_port", T.BIGINT, "Port.", "Endpoint.Port"),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
    ),
    details=(
        Detail(
            "logging",
            "describe_logging_status",
            {"ClusterIdentifier": "ClusterIdentifier"},
            "redshift:DescribeLoggingStatus",
        ),
    ),
    relationships=(
        Relationship("in_vpc", "vpc", "[VpcId]"),
        Relationship(
            "has_security_group", "security_group", "VpcSecurityGroups[].VpcSecurityGroupId"
        ),
        Relationship("has_role", "iam_role", "IamRoles[].IamRoleArn"),
        Relationship("encrypted_with", "kms_key", "[KmsKeyId]"),
    ),
)

RESOURCE_TYPES = (REDSHIFT_CLUSTER,)
