"""RDS: clusters, which are Aurora's and Multi-AZ ones."""

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


def _metric(
    column: str,
    meaning: str,
    name: str,
    statistic: Literal["Average", "Sum"],
    fold: Literal["latest", "sum"],
) -> Metric:
    dimensions = {"DBClusterIdentifier": "DBClusterIdentifier"}
    return Metric(column, meaning, "AWS/RDS", name, statistic, fold, dimensions)


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
    keep=OWN_ENGINES,
    fields=(
        *DATABASE_FIELDS,
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
        field(
            "backup_retention_days",
            T.BIGINT,
            "Days automated backups are kept.",
            "BackupRetentionPeriod",
        ),
        field(
            "members",
            T.TEXT_LIST,
            "Instances of the cluster.",
            "DBClusterMembers[].DBInstanceIdentifier",
        ),
        field("endpoint_port", T.BIGINT, "Port.", "Port"),
        field("parameter_group", T.TEXT, "Cluster parameter group.", "DBClusterParameterGroup"),
        field(
            "certificate_expires_at",
            T.TIMESTAMP,
            "End of its TLS certificate (Multi-AZ clusters).",
            "CertificateDetails.ValidTill",
        ),
        field("http_endpoint", T.BOOLEAN, "The Data API may be used.", "HttpEndpointEnabled"),
        field("backtrack_seconds", T.BIGINT, "How far it can be taken back.", "BacktrackWindow"),
        field(
            "minimum_capacity",
            T.DOUBLE,
            "Least capacity of Serverless v2, ACU.",
            "ServerlessV2ScalingConfiguration.MinCapacity",
        ),
        field(
            "maximum_capacity",
            T.DOUBLE,
            "Most capacity of Serverless v2, ACU.",
            "ServerlessV2ScalingConfiguration.MaxCapacity",
        ),
        field(
            "global_cluster_id", T.TEXT, "Global cluster it is part of.", "GlobalClusterIdentifier"
        ),
        *ENGINE_FIELDS,
    ),
    details=ENGINE_DETAILS,
    relationships=(
        Relationship(
            "has_parameter_group", "rds_cluster_parameter_group", "[DBClusterParameterGroup]"
        ),
        Relationship(
            "has_security_group", "security_group", "VpcSecurityGroups[].VpcSecurityGroupId"
        ),
    ),
    metrics=(
        _metric(
            "volume_bytes",
            "Storage of an Aurora cluster.",
            "VolumeBytesUsed",
            "Average",
            "latest",
        ),
        _metric(
            "read_operations",
            "Reads billed in the window (Aurora).",
            "VolumeReadIOPs",
            "Sum",
            "sum",
        ),
        _metric(
            "write_operations",
            "Writes billed in the window (Aurora).",
            "VolumeWriteIOPs",
            "Sum",
            "sum",
        ),
        _metric(
            "backup_bytes_billed",
            "Backup storage above what is free (Aurora).",
            "TotalBackupStorageBilled",
            "Average",
            "latest",
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

RESOURCE_TYPES = (RDS_CLUSTER,)
