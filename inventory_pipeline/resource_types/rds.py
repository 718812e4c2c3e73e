"""RDS: database instances and clusters (Aurora and Multi-AZ)."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    CostComponent,
    Metric,
    Relationship,
    ResourceType,
    field,
)

# A stopped instance pays for its storage only; AWS starts it again after seven days.
BILLED_HOURS = "CASE WHEN r.state = 'stopped' THEN 0 WHEN r.state IS NOT NULL THEN 730 END"
PRICE_ENGINE = "CASE r.engine WHEN 'postgres' THEN 'postgresql' ELSE r.engine END"
DEPLOYMENT = "CASE WHEN r.multi_az THEN 'multi-az' WHEN NOT r.multi_az THEN 'single-az' END"
# Members of clusters have prices of their own, unlike those of single instances.
PRICE_DEPLOYMENT = f"CASE WHEN r.cluster_id IS NOT NULL THEN 'cluster' ELSE {DEPLOYMENT} END"
# Storage of a cluster's members is the cluster's.
STANDALONE = "r.cluster_id IS NULL"
# gp3's storage price includes 3,000 IOPS; from 400 GiB on (Oracle: 200) 12,000, but never for SQL
# Server (RDS user guide).
GP3_INCLUDED_IOPS = (
    "(CASE WHEN r.engine LIKE '%sqlserver%' THEN 3000"
    " WHEN r.allocated_storage_gb >= CASE WHEN r.engine LIKE '%oracle%' THEN 200 ELSE 400 END"
    " THEN 12000 WHEN r.allocated_storage_gb IS NOT NULL THEN 3000 END)"
)

RDS_INSTANCE = ResourceType(
    name="rds_instance",
    table="rds_instances",
    group="rds",
    service="rds",
    meaning="RDS database instances, members of clusters included.",
    operation="describe_db_instances",
    items="DBInstances[]",
    iam_actions=("rds:DescribeDBInstances",),
    resource_id="DBInstanceIdentifier",
    arn="DBInstanceArn",
    name_source="DBInstanceIdentifier",
    state="DBInstanceStatus",
    created_at="InstanceCreateTime",
    tags="TagList || `[]`",
    # DescribeDBInstances also answers Neptune's and DocumentDB's instances.
    keep="!contains(['neptune', 'docdb'], Engine)",
    fields=(
        field("engine", T.TEXT, "Engine.", "Engine"),
        field("engine_version", T.TEXT, "Engine version.", "EngineVersion"),
        field("instance_class", T.TEXT, "Instance class, such as db.m5.large.", "DBInstanceClass"),
        field("multi_az", T.BOOLEAN, "Has a standby in another zone.", "MultiAZ"),
        field("license_model", T.TEXT, "Licence model.", "LicenseModel"),
        field("storage_type", T.TEXT, "gp2, gp3, io1, io2, standard or aurora.", "StorageType"),
        field("allocated_storage_gb", T.BIGINT, "Allocated storage, GiB.", "AllocatedStorage"),
        field("iops", T.BIGINT, "Provisioned IOPS.", "Iops"),
        field("encrypted", T.BOOLEAN, "Storage encrypted at rest.", "StorageEncrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field(
            "publicly_accessible", T.BOOLEAN, "Resolves to a public address.", "PubliclyAccessible"
        ),
        field(
            "backup_retention_days",
            T.BIGINT,
            "Days automated backups are kept; 0 is off.",
            "BackupRetentionPeriod",
        ),
        field("deletion_protection", T.BOOLEAN, "Deletion protection.", "DeletionProtection"),
        field(
            "auto_minor_version_upgrade",
            T.BOOLEAN,
            "Minor versions install themselves.",
            "AutoMinorVersionUpgrade",
        ),
        field(
            "iam_authentication",
            T.BOOLEAN,
            "IAM database authentication.",
            "IAMDatabaseAuthenticationEnabled",
        ),
        field("cluster_id", T.TEXT, "Cluster it is a member of.", "DBClusterIdentifier"),
        field(
            "replica_source_id",
            T.TEXT,
            "Source of a read replica.",
            "ReadReplicaSourceDBInstanceIdentifier",
        ),
        field("endpoint_port", T.BIGINT, "Port.", "Endpoint.Port"),
        field("vpc_id", T.TEXT, "VPC.", "DBSubnetGroup.VpcId"),
    ),
    relationships=(
        Relationship("member_of", "rds_cluster", "[DBClusterIdentifier]"),
        Relationship(
            "replicates",
            "rds_instance",
            "[ReadReplicaSourceDBInstanceIdentifier]",
        ),
        Relationship(
            "has_security_group", "security_group", "VpcSecurityGroups[].VpcSecurityGroupId"
        ),
    ),
    metrics=(
        Metric(
            "connections_maximum",
            "Most connections at a time.",
            "AWS/RDS",
            "DatabaseConnections",
            "Maximum",
            "maximum",
            {"DBInstanceIdentifier": "DBInstanceIdentifier"},
        ),
        Metric(
            "cpu_average",
            "Mean CPU, percent.",
            "AWS/RDS",
            "CPUUtilization",
            "Average",
            "average",
            {"DBInstanceIdentifier": "DBInstanceIdentifier"},
        ),
        Metric(
            "cpu_maximum",
            "Highest CPU, percent.",
            "AWS/RDS",
            "CPUUtilization",
            "Maximum",
            "maximum",
            {"DBInstanceIdentifier": "DBInstanceIdentifier"},
        ),
        Metric(
            "free_storage_bytes",
            "Least free storage.",
            "AWS/RDS",
            "FreeStorageSpace",
            "Minimum",
            "latest",
            {"DBInstanceIdentifier": "DBInstanceIdentifier"},
        ),
    ),
    costs=(
        CostComponent(
            "compute",
            "rds",
            f"r.instance_class || ':' || {PRICE_ENGINE} || ':' || {PRICE_DEPLOYMENT}",
            "hour",
            BILLED_HOURS,
            unknown="'instance state not observed'",
        ),
        CostComponent(
            "storage",
            "rds_storage",
            f"r.storage_type || ':' || {DEPLOYMENT}",
            "GB-month",
            "r.allocated_storage_gb",
            applies=STANDALONE,
        ),
        CostComponent(
            "iops",
            "rds_storage",
            f"r.storage_type || ':' || {DEPLOYMENT} || ':iops'",
            "IOPS-month",
            f"CASE WHEN r.storage_type <> 'gp3' THEN r.iops"
            f" WHEN r.iops > {GP3_INCLUDED_IOPS} THEN r.iops - {GP3_INCLUDED_IOPS}"
            f" WHEN r.iops <= {GP3_INCLUDED_IOPS} THEN 0 END",
            applies=f"{STANDALONE} AND r.storage_type IN ('gp3', 'io1', 'io2')",
            unknown="'provisioned IOPS not observed'",
        ),
    ),
)

RDS_CLUSTER = ResourceType(
    name="rds_cluster",
    table="rds_clusters",
    group="rds",
    service="rds",
    meaning="RDS clusters: Aurora and Multi-AZ database clusters.",
    operation="describe_db_clusters",
    items="DBClusters[]",
    iam_actions=("rds:DescribeDBClusters",),
    resource_id="DBClusterIdentifier",
    arn="DBClusterArn",
    name_source="DBClusterIdentifier",
    state="Status",
    created_at="ClusterCreateTime",
    tags="TagList || `[]`",
    keep="!contains(['neptune', 'docdb'], Engine)",
    fields=(
        field("engine", T.TEXT, "Engine.", "Engine"),
        field("engine_version", T.TEXT, "Engine version.", "EngineVersion"),
        field("engine_mode", T.TEXT, "provisioned or serverless.", "EngineMode"),
        field(
            "instance_class",
            T.TEXT,
            "Class of a Multi-AZ cluster's members.",
            "DBClusterInstanceClass",
        ),
        field("multi_az", T.BOOLEAN, "Has members in several zones.", "MultiAZ"),
        field("storage_type", T.TEXT, "aurora, aurora-iopt1, io1, ...", "StorageType"),
        field(
            "allocated_storage_gb",
            T.BIGINT,
            "Allocated storage, GiB; Aurora says 1.",
            "AllocatedStorage",
        ),
        field("iops", T.BIGINT, "Provisioned IOPS.", "Iops"),
        field("encrypted", T.BOOLEAN, "Storage encrypted at rest.", "StorageEncrypted"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field(
            "publicly_accessible", T.BOOLEAN, "Resolves to a public address.", "PubliclyAccessible"
        ),
        field(
            "backup_retention_days",
            T.BIGINT,
            "Days automated backups are kept.",
            "BackupRetentionPeriod",
        ),
        field("deletion_protection", T.BOOLEAN, "Deletion protection.", "DeletionProtection"),
        field(
            "iam_authentication",
            T.BOOLEAN,
            "IAM database authentication.",
            "IAMDatabaseAuthenticationEnabled",
        ),
        field(
            "members",
            T.TEXT_LIST,
            "Instances of the cluster.",
            "DBClusterMembers[].DBInstanceIdentifier",
        ),
    ),
    relationships=(
        Relationship(
            "has_security_group", "security_group", "VpcSecurityGroups[].VpcSecurityGroupId"
        ),
    ),
    metrics=(
        Metric(
            "volume_bytes",
            "Storage of an Aurora cluster.",
            "AWS/RDS",
            "VolumeBytesUsed",
            "Average",
            "latest",
            {"DBClusterIdentifier": "DBClusterIdentifier"},
        ),
    ),
    costs=(
        CostComponent(
            "storage",
            "rds_storage",
            "r.engine || ':storage'",
            "GB-month",
            "gb(CAST(FLOOR(r.volume_bytes) AS BIGINT))",
            unknown="'no storage metric observed'",
        ),
    ),
)

RESOURCE_TYPES = (RDS_INSTANCE, RDS_CLUSTER)
