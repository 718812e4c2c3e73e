"""EC2 Auto Scaling: groups."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Item, Relationship, ResourceType, field


def launch_template_id(group: Item) -> str | None:
    """Its own template, or that of its mixed instances policy."""
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    template = group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or {}
    found: str | None = template.get("LaunchTemplateId")
    return found


def instance_types(group: Item) -> list[str]:
    """Types its policy may choose among; empty where the template decides."""
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    overrides = mixed.get("Overrides") or []
    return [override["InstanceType"] for override in overrides if override.get("InstanceType")]


def subnet_ids(group: Item) -> list[str]:
    """AWS lists them in one text."""
    return [subnet for subnet in (group.get("VPCZoneIdentifier") or "").split(",") if subnet]


AUTO_SCALING_GROUP = ResourceType(
    name="auto_scaling_group",
    table="auto_scaling_groups",
    group="autoscaling",
    service="autoscaling",
    meaning="EC2 Auto Scaling groups.",
    operation="describe_auto_scaling_groups",
    arguments={"MaxRecords": 100},
    items="AutoScalingGroups[]",
    iam_actions=("autoscaling:DescribeAutoScalingGroups",),
    resource_id="AutoScalingGroupName",
    arn="AutoScalingGroupARN",
    name_source="AutoScalingGroupName",
    # AWS says something of the state only while a group is being deleted.
    state="Status",
    created_at="CreatedTime",
    tags="Tags || `[]`",
    free=True,
    fields=(
        field("minimum_size", T.BIGINT, "Least instances.", "MinSize"),
        field("maximum_size", T.BIGINT, "Most instances.", "MaxSize"),
        field("desired_capacity", T.BIGINT, "Instances wanted now.", "DesiredCapacity"),
        field("instances", T.BIGINT, "Instances it has.", "length(Instances || `[]`)"),
        field("launch_template_id", T.TEXT, "Launch template.", launch_template_id),
        field("launch_configuration", T.TEXT, "Launch configuration.", "LaunchConfigurationName"),
        field("instance_types", T.TEXT_LIST, "Types it may choose among.", instance_types),
        field(
            "on_demand_base",
            T.BIGINT,
            "On-demand instances before any spot ones.",
            "MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity",
        ),
        field(
            "on_demand_percent",
            T.BIGINT,
            "Share of on-demand instances above the base.",
            "MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity",
        ),
        field("availability_zones", T.TEXT_LIST, "Availability zones.", "AvailabilityZones"),
        field("health_check", T.TEXT, "EC2, ELB, ...", "HealthCheckType"),
        field("capacity_rebalance", T.BOOLEAN, "Replaces spot in time.", "CapacityRebalance"),
        field("warm_pool_size", T.BIGINT, "Instances kept ready.", "WarmPoolSize"),
        field(
            "suspended_processes",
            T.TEXT_LIST,
            "What it does not do for now.",
            "SuspendedProcesses[].ProcessName",
        ),
    ),
    volatile=frozenset({"desired_capacity", "instances"}),
    relationships=(
        Relationship("has_instance", "ec2_instance", "Instances[].InstanceId"),
        Relationship("launches_from", "launch_template", lambda group: [launch_template_id(group)]),
        Relationship("in_subnet", "subnet", subnet_ids),
        Relationship("has_target_group", "target_group", "TargetGroupARNs"),
        Relationship("has_load_balancer", "classic_load_balancer", "LoadBalancerNames"),
    ),
)

RESOURCE_TYPES = (AUTO_SCALING_GROUP,)
