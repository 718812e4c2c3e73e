"""EKS: clusters and their managed node groups. Not here: what runs in Kubernetes."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    Within,
    field,
)

_GONE = frozenset({"ResourceNotFoundException"})
_CLUSTER = "described.cluster"
_GROUP = "described.nodegroup"


def log_types(item: Item) -> list[str] | None:
    """Control plane logs that are on; AWS lists those that are off as well."""
    if "described" not in item:
        return None
    setups = item["described"]["cluster"].get("logging", {}).get("clusterLogging") or []
    return sorted(kind for setup in setups if setup.get("enabled") for kind in setup["types"])


def secrets_key(item: Item) -> str | None:
    """The KMS key that wraps Kubernetes secrets; empty where only AWS's own encryption is."""
    if "described" not in item:
        return None
    configs = item["described"]["cluster"].get("encryptionConfig") or []
    keys = [c["provider"]["keyArn"] for c in configs if "secrets" in (c.get("resources") or [])]
    return keys[0] if keys else ""


EKS_CLUSTER = ResourceType(
    name="eks_cluster",
    table="eks_clusters",
    group="eks",
    service="eks",
    meaning="EKS clusters.",
    operation="list_clusters",
    items="clusters[].{name: @}",
    iam_actions=("eks:ListClusters",),
    resource_id="name",
    arn="arn:{partition}:eks:{region}:{account_id}:cluster/{resource_id}",
    name_source="name",
    state=f"{_CLUSTER}.status",
    created_at=f"{_CLUSTER}.createdAt",
    tags=f"{_CLUSTER} && ({_CLUSTER}.tags || `{{}}`)",
    gone=_GONE,
    fields=(
        field("version", T.TEXT, "Kubernetes version, such as 1.33.", f"{_CLUSTER}.version"),
        field(
            "support_type",
            T.TEXT,
            "STANDARD or EXTENDED: whether it may run on, dearer, after standard support.",
            f"{_CLUSTER}.upgradePolicy.supportType",
        ),
        field(
            "endpoint_public",
            T.BOOLEAN,
            "Its API is reachable from the internet.",
            f"{_CLUSTER}.resourcesVpcConfig.endpointPublicAccess",
        ),
        field(
            "endpoint_private",
            T.BOOLEAN,
            "Its API is reachable within the VPC.",
            f"{_CLUSTER}.resourcesVpcConfig.endpointPrivateAccess",
        ),
        field(
            "public_cidrs",
            T.TEXT_LIST,
            "Networks that reach its public API.",
            f"{_CLUSTER} && ({_CLUSTER}.resourcesVpcConfig.publicAccessCidrs || `[]`)",
        ),
        field("log_types", T.TEXT_LIST, "Control plane logs that are on.", log_types),
        field(
            "secrets_kms_key_arn",
            T.TEXT,
            "Key of Kubernetes secrets; empty where AWS's own is used.",
            secrets_key,
        ),
        field(
            "authentication_mode",
            T.TEXT,
            "API, API_AND_CONFIG_MAP or CONFIG_MAP.",
            f"{_CLUSTER}.accessConfig.authenticationMode",
        ),
        field(
            "auto_mode",
            T.BOOLEAN,
            "AWS manages its nodes (Auto Mode), at a surcharge.",
            f"{_CLUSTER} && ({_CLUSTER}.computeConfig.enabled || `false`)",
        ),
        field(
            "deletion_protection",
            T.BOOLEAN,
            "It cannot be deleted before this is off.",
            f"{_CLUSTER} && ({_CLUSTER}.deletionProtection || `false`)",
        ),
        field("vpc_id", T.TEXT, "VPC.", f"{_CLUSTER}.resourcesVpcConfig.vpcId"),
        field(
            "subnet_ids",
            T.TEXT_LIST,
            "Subnets of its control plane's interfaces.",
            f"{_CLUSTER}.resourcesVpcConfig.subnetIds",
        ),
        field("role_arn", T.TEXT, "Role of its control plane.", f"{_CLUSTER}.roleArn"),
    ),
    details=(Detail("described", "describe_cluster", {"name": "name"}, "eks:DescribeCluster"),),
    relationships=(
        Relationship("in_vpc", "vpc", f"[{_CLUSTER}.resourcesVpcConfig.vpcId]"),
        Relationship("in_subnet", "subnet", f"{_CLUSTER}.resourcesVpcConfig.subnetIds"),
        Relationship(
            "has_security_group",
            "security_group",
            f"[{_CLUSTER}.resourcesVpcConfig.clusterSecurityGroupId,"
            f" {_CLUSTER}.resourcesVpcConfig.securityGroupIds][]",
        ),
        Relationship("has_role", "iam_role", f"[{_CLUSTER}.roleArn]"),
    ),
)


def node_group_id(item: Item) -> str | None:
    """`cluster/group`: names of groups repeat in other clusters."""
    cluster, group = item.get("parent", {}).get("name"), item.get("nodegroupName")
    return f"{cluster}/{group}" if cluster and group else None


def ssh_open(item: Item) -> bool | None:
    """EKS opens SSH to everyone where a key is given and no security group that may use it."""
    if "described" not in item:
        return None
    access = item["described"]["nodegroup"].get("remoteAccess") or {}
    return bool(access.get("ec2SshKey")) and not access.get("sourceSecurityGroups")


EKS_NODE_GROUP = ResourceType(
    name="eks_node_group",
    table="eks_node_groups",
    group="eks",
    service="eks",
    meaning="Managed node groups of EKS clusters.",
    operation="list_nodegroups",
    within=Within("list_clusters", "clusters[].{name: @}", "eks:ListClusters", absent=_GONE),
    arguments={"clusterName": "name"},
    items="nodegroups[].{nodegroupName: @}",
    iam_actions=("eks:ListNodegroups",),
    resource_id=node_group_id,
    # It ends in an id that only the description tells.
    arn=f"{_GROUP}.nodegroupArn",
    name_source="nodegroupName",
    state=f"{_GROUP}.status",
    created_at=f"{_GROUP}.createdAt",
    tags=f"{_GROUP} && ({_GROUP}.tags || `{{}}`)",
    gone=_GONE,
    fields=(
        field("cluster", T.TEXT, "Its cluster's name.", "parent.name"),
        field("version", T.TEXT, "Kubernetes version of its nodes.", f"{_GROUP}.version"),
        field("release_version", T.TEXT, "Release of its AMI.", f"{_GROUP}.releaseVersion"),
        field("ami_type", T.TEXT, "Kind of AMI, or CUSTOM.", f"{_GROUP}.amiType"),
        field(
            "capacity_type", T.TEXT, "ON_DEMAND, SPOT or CAPACITY_BLOCK.", f"{_GROUP}.capacityType"
        ),
        field(
            "instance_types",
            T.TEXT_LIST,
            "Instance types; empty where its launch template has it.",
            f"{_GROUP} && ({_GROUP}.instanceTypes || `[]`)",
        ),
        field("min_nodes", T.BIGINT, "Fewest nodes.", f"{_GROUP}.scalingConfig.minSize"),
        field("max_nodes", T.BIGINT, "Most nodes.", f"{_GROUP}.scalingConfig.maxSize"),
        field("desired_nodes", T.BIGINT, "Nodes wanted.", f"{_GROUP}.scalingConfig.desiredSize"),
        field(
            "disk_gb",
            T.BIGINT,
            "Disk of a node; NULL with a launch template.",
            f"{_GROUP}.diskSize",
        ),
        field("ssh_open", T.BOOLEAN, "SSH to its nodes is open to every address.", ssh_open),
        field(
            "health_issues",
            T.TEXT_LIST,
            "Codes of what EKS finds wrong with it.",
            f"{_GROUP} && ({_GROUP}.health.issues || `[]`)[].code",
        ),
        field("node_role_arn", T.TEXT, "Role of its nodes.", f"{_GROUP}.nodeRole"),
    ),
    volatile=frozenset({"desired_nodes"}),
    details=(
        Detail(
            "described",
            "describe_nodegroup",
            {"clusterName": "parent.name", "nodegroupName": "nodegroupName"},
            "eks:DescribeNodegroup",
        ),
    ),
    relationships=(
        Relationship("in_cluster", "eks_cluster", "[parent.name]"),
        Relationship("in_subnet", "subnet", f"{_GROUP}.subnets"),
        Relationship("has_role", "iam_role", f"[{_GROUP}.nodeRole]"),
        Relationship(
            "has_auto_scaling_group",
            "auto_scaling_group",
            f"{_GROUP}.resources.autoScalingGroups[].name",
        ),
        Relationship("has_launch_template", "launch_template", f"[{_GROUP}.launchTemplate.id]"),
    ),
    # Its nodes are billed as instances.
    free=True,
)

RESOURCE_TYPES = (EKS_CLUSTER, EKS_NODE_GROUP)
