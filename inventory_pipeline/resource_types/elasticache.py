"""ElastiCache: clusters and replication groups; not serverless caches."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.cell_tags import cell_tags, tags_of
from inventory_pipeline.resource_types.model import Relationship, ResourceType, field

PAGE = 100

# What clusters and replication groups have in common.
CACHE_FIELDS = (
    field("node_type", T.TEXT, "Node type, such as cache.r6g.large.", "CacheNodeType"),
    field("encrypted", T.BOOLEAN, "Encrypted at rest.", "AtRestEncryptionEnabled"),
    field("transit_encryption", T.BOOLEAN, "TLS.", "TransitEncryptionEnabled"),
    field("auth_token", T.BOOLEAN, "Clients give a token.", "AuthTokenEnabled"),
    field(
        "backup_retention_days",
        T.BIGINT,
        "Days backups are kept; 0 is off.",
        "SnapshotRetentionLimit",
    ),
    field(
        "auto_minor_version_upgrade",
        T.BOOLEAN,
        "Minor versions install themselves.",
        "AutoMinorVersionUpgrade",
    ),
)

ELASTICACHE_CLUSTER = ResourceType(
    name="elasticache_cluster",
    table="elasticache_clusters",
    group="elasticache",
    service="elasticache",
    meaning="ElastiCache clusters, members of replication groups included.",
    operation="describe_cache_clusters",
    arguments={"MaxRecords": PAGE, "ShowCacheNodeInfo": True},
    items="CacheClusters[]",
    iam_actions=("elasticache:DescribeCacheClusters",),
    resource_id="CacheClusterId",
    arn="ARN",
    name_source="CacheClusterId",
    state="CacheClusterStatus",
    created_at="CacheClusterCreateTime",
    tags=tags_of("ARN"),
    fields=(
        *CACHE_FIELDS,
        field("engine", T.TEXT, "redis, valkey or memcached.", "Engine"),
        field("engine_version", T.TEXT, "Engine version.", "EngineVersion"),
        field("nodes", T.BIGINT, "Nodes.", "NumCacheNodes"),
        field(
            "availability_zone",
            T.TEXT,
            "Availability zone, or Multiple.",
            "PreferredAvailabilityZone",
        ),
        field("replication_group_id", T.TEXT, "Replication group it is in.", "ReplicationGroupId"),
        field("subnet_group", T.TEXT, "Subnet group.", "CacheSubnetGroupName"),
        field(
            "endpoint_port",
            T.BIGINT,
            "Port.",
            "ConfigurationEndpoint.Port || CacheNodes[0].Endpoint.Port",
        ),
    ),
    details=(cell_tags("elasticache:cluster"),),
    relationships=(
        Relationship("member_of", "elasticache_replication_group", "[ReplicationGroupId]"),
        Relationship("has_security_group", "security_group", "SecurityGroups[].SecurityGroupId"),
    ),
)

ELASTICACHE_REPLICATION_GROUP = ResourceType(
    name="elasticache_replication_group",
    table="elasticache_replication_groups",
    group="elasticache",
    service="elasticache",
    meaning="ElastiCache replication groups.",
    operation="describe_replication_groups",
    arguments={"MaxRecords": PAGE},
    items="ReplicationGroups[]",
    iam_actions=("elasticache:DescribeReplicationGroups",),
    resource_id="ReplicationGroupId",
    arn="ARN",
    name_source="ReplicationGroupId",
    state="Status",
    created_at="ReplicationGroupCreateTime",
    tags=tags_of("ARN"),
    # Its member clusters are billed, and are resources of their own.
    free=True,
    fields=(
        *CACHE_FIELDS,
        field("engine", T.TEXT, "redis or valkey.", "Engine"),
        field("description", T.TEXT, "Description.", "Description"),
        field("shards", T.BIGINT, "Shards.", "length(NodeGroups || `[]`)"),
        field("cluster_mode", T.TEXT, "enabled, disabled or compatible.", "ClusterMode"),
        field("automatic_failover", T.TEXT, "enabled, disabled or between.", "AutomaticFailover"),
        field("multi_az", T.TEXT, "Has replicas in other zones: enabled or disabled.", "MultiAZ"),
        field("data_tiering", T.TEXT, "Keeps rarely used data on disk.", "DataTiering"),
        field("kms_key_id", T.TEXT, "KMS key.", "KmsKeyId"),
        field(
            "transit_encryption_mode",
            T.TEXT,
            "preferred lets clients do without TLS; required does not.",
            "TransitEncryptionMode",
        ),
        field("user_groups", T.TEXT_LIST, "Groups of users that may come in.", "UserGroupIds"),
        field("members", T.TEXT_LIST, "Clusters of the group.", "MemberClusters"),
    ),
    details=(cell_tags("elasticache:replicationgroup"),),
    relationships=(Relationship("encrypted_with", "kms_key", "[KmsKeyId]"),),
)

RESOURCE_TYPES = (ELASTICACHE_CLUSTER, ELASTICACHE_REPLICATION_GROUP)
