"""Elastic Load Balancing: classic load balancers. Those of today are in `elb`."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.elb import PAGE, TAGGED_AT_ONCE
from inventory_pipeline.resource_types.elb_listeners import (
    LOAD_BALANCER_LISTENERS,
    classic_listeners,
    has_tls,
)
from inventory_pipeline.resource_types.model import (
    Batch,
    Children,
    Detail,
    Item,
    Metric,
    Relationship,
    ResourceType,
    field,
)

DIMENSIONS = {"LoadBalancerName": "LoadBalancerName"}


def healthy_instances(load_balancer: Item) -> int | None:
    """Instances in service; None where their health was not read."""
    if "health" not in load_balancer:
        return None
    instances = load_balancer["health"].get("InstanceStates") or ()
    return len([i for i in instances if i.get("State") == "InService"])


def access_log_bucket(load_balancer: Item) -> str | None:
    """Where access logs go, empty if nowhere; None where the attributes were not read."""
    if "attributes" not in load_balancer:
        return None
    attributes = load_balancer["attributes"].get("LoadBalancerAttributes") or {}
    return (attributes.get("AccessLog") or {}).get("S3BucketName") or ""


def desync_mitigation(load_balancer: Item) -> str | None:
    """How suspicious requests are handled; None where the attributes were not read."""
    if "attributes" not in load_balancer:
        return None
    attributes = load_balancer["attributes"].get("LoadBalancerAttributes") or {}
    pairs = attributes.get("AdditionalAttributes") or ()
    return {p["Key"]: p.get("Value") for p in pairs}.get("elb.http.desyncmitigationmode") or ""


CLASSIC_LOAD_BALANCER = ResourceType(
    name="classic_load_balancer",
    table="classic_load_balancers",
    group="elb",
    service="elb",
    meaning="Classic load balancers.",
    operation="describe_load_balancers",
    arguments={"PageSize": PAGE},
    items="LoadBalancerDescriptions[]",
    iam_actions=("elasticloadbalancing:DescribeLoadBalancers",),
    gone=frozenset({"LoadBalancerNotFound"}),
    resource_id="LoadBalancerName",
    arn="arn:{partition}:elasticloadbalancing:{region}:{account_id}:loadbalancer/{resource_id}",
    name_source="LoadBalancerName",
    created_at="CreatedTime",
    tags="tags.Tags",
    fields=(
        field("scheme", T.TEXT, "internet-facing or internal.", "Scheme"),
        field("dns_name", T.TEXT, "Name in DNS.", "DNSName"),
        field("vpc_id", T.TEXT, "VPC.", "VPCId"),
        field("availability_zones", T.TEXT_LIST, "Zones.", "AvailabilityZones"),
        field("subnet_ids", T.TEXT_LIST, "Subnets.", "Subnets"),
        field("security_group_ids", T.TEXT_LIST, "Security groups.", "SecurityGroups"),
        field(
            "listeners",
            T.BIGINT,
            "Number of listeners.",
            lambda lb: len(lb["ListenerDescriptions"]) if "ListenerDescriptions" in lb else None,
        ),
        field(
            "instances",
            T.BIGINT,
            "Registered instances.",
            lambda lb: len(lb["Instances"]) if "Instances" in lb else None,
        ),
        field("healthy_instances", T.BIGINT, "Instances in service.", healthy_instances),
        field(
            "access_logs",
            T.BOOLEAN,
            "Access logs are on.",
            "attributes.LoadBalancerAttributes.AccessLog.Enabled",
        ),
        field(
            "access_log_bucket",
            T.TEXT,
            "Bucket of the access logs; empty is none.",
            access_log_bucket,
        ),
        field(
            "cross_zone",
            T.BOOLEAN,
            "Spreads over the instances of all zones.",
            "attributes.LoadBalancerAttributes.CrossZoneLoadBalancing.Enabled",
        ),
        field(
            "connection_draining",
            T.BOOLEAN,
            "Requests under way may end before an instance leaves.",
            "attributes.LoadBalancerAttributes.ConnectionDraining.Enabled",
        ),
        field(
            "idle_timeout_seconds",
            T.BIGINT,
            "Silence after which a connection is closed.",
            "attributes.LoadBalancerAttributes.ConnectionSettings.IdleTimeout",
        ),
        field(
            "desync_mitigation",
            T.TEXT,
            "monitor, defensive or strictest; empty if not told.",
            desync_mitigation,
        ),
    ),
    volatile=frozenset({"instances", "healthy_instances"}),
    details=(
        Detail(
            "tags",
            "describe_tags",
            {},
            "elasticloadbalancing:DescribeTags",
            batch=Batch(
                "LoadBalancerNames",
                "LoadBalancerName",
                "TagDescriptions[]",
                "LoadBalancerName",
                TAGGED_AT_ONCE,
            ),
        ),
        Detail(
            "attributes",
            "describe_load_balancer_attributes",
            {"LoadBalancerName": "LoadBalancerName"},
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
        ),
        Detail(
            "health",
            "describe_instance_health",
            {"LoadBalancerName": "LoadBalancerName"},
            "elasticloadbalancing:DescribeInstanceHealth",
        ),
        Detail(
            "policies",
            "describe_load_balancer_policies",
            {"LoadBalancerName": "LoadBalancerName"},
            "elasticloadbalancing:DescribeLoadBalancerPolicies",
            unless=lambda load_balancer: not has_tls(load_balancer),
        ),
    ),
    children=(Children(LOAD_BALANCER_LISTENERS, classic_listeners),),
    relationships=(
        Relationship("in_vpc", "vpc", "[VPCId]"),
        Relationship("in_subnet", "subnet", "Subnets"),
        Relationship("has_security_group", "security_group", "SecurityGroups"),
        Relationship("has_target", "ec2_instance", "Instances[].InstanceId"),
        Relationship(
            "logs_to", "s3_bucket", "[attributes.LoadBalancerAttributes.AccessLog.S3BucketName]"
        ),
    ),
    metrics=(
        # Reported only while requests flow (Elastic Load Balancing user guide).
        Metric(
            "requests",
            "Requests, or connections of TCP listeners, in the window.",
            "AWS/ELB",
            "RequestCount",
            "Sum",
            "sum",
            DIMENSIONS,
            absent_is_zero=True,
        ),
        Metric(
            "requests_daily_maximum",
            "Those of its busiest day.",
            "AWS/ELB",
            "RequestCount",
            "Sum",
            "maximum",
            DIMENSIONS,
            absent_is_zero=True,
            label="busiest_day",
        ),
    ),
)

RESOURCE_TYPES = (CLASSIC_LOAD_BALANCER,)
