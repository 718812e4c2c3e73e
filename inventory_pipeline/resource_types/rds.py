"""RDS: database instances, members of clusters included.

Not here: clusters (`rds_clusters`), snapshots (`rds_snapshots`), parameters (`rds_parameters`).
"""

from typing import Literal

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    CostComponent,
    Metric,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.rds_databases import DATABASE_FIELDS
from inventory_pipeline.resource_types.rds_engines import (
    ENGINE_DETAILS,
    ENGINE_FIELDS,
    OWN_ENGINES,
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


def _metric(
    column: str,
    meaning: str,
    name: str,
    statistic: Literal["Average", "Maximum", "Minimum", "p99.5"],
    fold: Literal["average", "maximum", "minimum", "latest"],
    *,
    window_days: int = 14,
    label: str | None = None,
) -> Metric:
    return Metric(
        column,
        meaning,
        "AWS/RDS",
        name,
        statistic,
        fold,
        {"DBInstanceIdentifier": "DBInstanceIdentifier"},
        window_days=window_days,
        label=label,
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
    keep=OWN_ENGINES,
    fields=(
        *DATABASE_FIELDS,
        field("instance_class", T.TEXT, "Instance class, such as db.m5.large.", "DBInstanceClass"),
        field("multi_az", T.BOOLEAN, "Has a standby in another zone.", "MultiAZ"),
        field("license_model", T.TEXT, "Licence model.", "LicenseModel"),
        field("storage_type", T.TEXT, "gp2, gp3, io1, io2, standard or aurora.", "StorageType"),
        field("allocated_storage_gb", T.BIGINT, "Allocated storage, GiB.", "AllocatedStorage"),
        field(
            "backup_retention_days",
            T.BIGINT,
            "Days automated backups are kept; 0 is off.",
            "BackupRetentionPeriod",
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
        field("availability_zone", T.TEXT, "Availability zone.", "AvailabilityZone"),
        field(
            "throughput_mbps", T.BIGINT, "Provisioned throughput, MiB/s (gp3).", "StorageThroughput"
        ),
        field(
            "storage_limit_gb",
            T.BIGINT,
            "Size up to which storage grows by itself, GiB; NULL where it does not.",
            "MaxAllocatedStorage",
        ),
        field(
            "replicas",
            T.TEXT_LIST,
            "Its read replicas.",
            "ReadReplicaDBInstanceIdentifiers",
        ),
        field(
            "replica_source_cluster_id",
            T.TEXT,
            "Source cluster of a read replica.",
            "ReadReplicaSourceDBClusterIdentifier",
        ),
        field(
            "parameter_group",
            T.TEXT,
            "Parameter group.",
            "DBParameterGroups[0].DBParameterGroupName",
        ),
        field("ca_certificate", T.TEXT, "Certificate authority.", "CACertificateIdentifier"),
        field(
            "certificate_expires_at",
            T.TIMESTAMP,
            "End of its TLS certificate.",
            "CertificateDetails.ValidTill",
        ),
        field(
            "monitoring_seconds",
            T.BIGINT,
            "Interval of enhanced monitoring; 0 is off.",
            "MonitoringInterval",
        ),
        field(
            "performance_insights",
            T.BOOLEAN,
            "Performance Insights is on.",
            "PerformanceInsightsEnabled",
        ),
        *ENGINE_FIELDS,
    ),
    details=ENGINE_DETAILS,
    relationships=(
        Relationship("member_of", "rds_cluster", "[DBClusterIdentifier]"),
        Relationship(
            "replicates",
            "rds_instance",
            "[ReadReplicaSourceDBInstanceIdentifier]",
        ),
        Relationship("in_vpc", "vpc", "[DBSubnetGroup.VpcId]"),
        Relationship("in_subnet", "subnet", "DBSubnetGroup.Subnets[].SubnetIdentifier"),
        Relationship(
            "has_parameter_group",
            "rds_parameter_group",
            "DBParameterGroups[].DBParameterGroupName",
        ),
        Relationship(
            "has_security_group", "security_group", "VpcSecurityGroups[].VpcSecurityGroupId"
        ),
    ),
    metrics=(
        _metric(
            "connections_maximum",
            "Most connections at a time.",
            "DatabaseConnections",
            "Maximum",
            "maximum",
        ),
        _metric("cpu_average", "Mean CPU, percent.", "CPUUtilization", "Average", "average"),
        _metric("cpu_maximum", "Highest CPU, percent.", "CPUUtilization", "Maximum", "maximum"),
        _metric(
            "cpu_p99_5",
            "The 99.5th percentile of CPU on the busiest day, percent.",
            "CPUUtilization",
            "p99.5",
            "maximum",
        ),
        _metric("load_maximum", "Most sessions active at a time.", "DBLoad", "Maximum", "maximum"),
        _metric(
            "freeable_memory_bytes", "Least free memory.", "FreeableMemory", "Minimum", "minimum"
        ),
        _metric(
            "free_storage_bytes", "Least free storage.", "FreeStorageSpace", "Minimum", "latest"
        ),
        _metric(
            "free_storage_minimum_bytes",
            "Least free storage in 30 days.",
            "FreeStorageSpace",
            "Minimum",
            "minimum",
            window_days=30,
            label="30_days",
        ),
        _metric("read_iops_average", "Mean reads a second.", "ReadIOPS", "Average", "average"),
        _metric("read_iops_maximum", "Most reads a second.", "ReadIOPS", "Maximum", "maximum"),
        _metric("write_iops_average", "Mean writes a second.", "WriteIOPS", "Average", "average"),
        _metric("write_iops_maximum", "Most writes a second.", "WriteIOPS", "Maximum", "maximum"),
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

RESOURCE_TYPES = (RDS_INSTANCE,)
