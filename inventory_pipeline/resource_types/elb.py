"""Elastic Load Balancing: application, network and gateway load balancers, and target groups.

Classic load balancers are in `elb_classic`, listeners of both in `elb_listeners`.
"""

from collections.abc import Callable
from typing import Literal

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.elb_listeners import LOAD_BALANCER_LISTENERS, listeners
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

TAGGED_AT_ONCE = 20  # the most that DescribeTags takes
PAGE = 400


def name_in(arn: str) -> str:
    """The name, which identifies them, in the ARN of a load balancer or a target group."""
    return arn.split("/")[-2:][0]


def attribute(key: str, unset: str | bool) -> Callable[[Item], str | bool | None]:
    """An attribute of a load balancer; `unset` where its kind has none, None where not read."""

    def read(load_balancer: Item) -> str | bool | None:
        if "attributes" not in load_balancer:
            return None
        pairs = load_balancer["attributes"].get("Attributes") or ()
        return {pair["Key"]: pair.get("Value") for pair in pairs}.get(key) or unset

    return read


def access_log_buckets(load_balancer: Item) -> list[str]:
    bucket = attribute("access_logs.s3.bucket", "")(load_balancer)
    return [str(bucket)] if bucket else []


def measured(kind: Literal["application", "network", "gateway"]) -> Callable[[Item], str | None]:
    """A load balancer's dimension, the end of its ARN, if it is of this kind."""

    def dimension(load_balancer: Item) -> str | None:
        if load_balancer.get("Type") != kind:
            return None
        return str(load_balancer["LoadBalancerArn"]).partition(":loadbalancer/")[2] or None

    return dimension


APPLICATION = {"LoadBalancer": measured("application")}
NETWORK = {"LoadBalancer": measured("network")}
GATEWAY = {"LoadBalancer": measured("gateway")}

# Application load balancers report these only if there is something to report; network load
# balancers always, so that their silence is unknown (Elastic Load Balancing user guides).
METRICS = (
    Metric(
        "requests",
        "Requests that an application load balancer sent to a target in the window.",
        "AWS/ApplicationELB",
        "RequestCount",
        "Sum",
        "sum",
        APPLICATION,
        absent_is_zero=True,
    ),
    Metric(
        "requests_daily_maximum",
        "Those of its busiest day.",
        "AWS/ApplicationELB",
        "RequestCount",
        "Sum",
        "maximum",
        APPLICATION,
        absent_is_zero=True,
        label="busiest_day",
    ),
    Metric(
        "new_connections",
        "Connections to an application load balancer in the window, those included that it "
        "answered itself or sent elsewhere.",
        "AWS/ApplicationELB",
        "NewConnectionCount",
        "Sum",
        "sum",
        APPLICATION,
        absent_is_zero=True,
    ),
    Metric(
        "active_flows_maximum",
        "Most flows of a network load balancer at a time.",
        "AWS/NetworkELB",
        "ActiveFlowCount",
        "Maximum",
        "maximum",
        NETWORK,
    ),
    Metric(
        "processed_bytes",
        "Bytes through a network load balancer in the window.",
        "AWS/NetworkELB",
        "ProcessedBytes",
        "Sum",
        "sum",
        NETWORK,
    ),
    Metric(
        "gateway_processed_bytes",
        "Bytes through a gateway load balancer in the window.",
        "AWS/GatewayELB",
        "ProcessedBytes",
        "Sum",
        "sum",
        GATEWAY,
        label="gateway",
    ),
)

LOAD_BALANCER = ResourceType(
    name="load_balancer",
    table="load_balancers",
    group="elb",
    service="elbv2",
    meaning="Application, network and gateway load balancers.",
    operation="describe_load_balancers",
    arguments={"PageSize": PAGE},
    items="LoadBalancers[]",
    iam_actions=("elasticloadbalancing:DescribeLoadBalancers",),
    gone=frozenset({"LoadBalancerNotFound"}),
    resource_id="LoadBalancerName",
    arn="LoadBalancerArn",
    name_source="LoadBalancerName",
    state="State.Code",
    created_at="CreatedTime",
    tags="tags.Tags",
    fields=(
        field("load_balancer_type", T.TEXT, "application, network or gateway.", "Type"),
        field("scheme", T.TEXT, "internet-facing or internal.", "Scheme"),
        field("dns_name", T.TEXT, "Name in DNS.", "DNSName"),
        field("ip_address_type", T.TEXT, "ipv4, dualstack, ...", "IpAddressType"),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("availability_zones", T.TEXT_LIST, "Zones.", "AvailabilityZones[].ZoneName"),
        field("subnet_ids", T.TEXT_LIST, "Subnets.", "AvailabilityZones[].SubnetId"),
        field(
            "security_group_ids",
            T.TEXT_LIST,
            "Security groups; network load balancers may have none.",
            "SecurityGroups",
        ),
        field(
            "listeners",
            T.BIGINT,
            "Number of listeners.",
            lambda lb: len(lb["listeners"]) if "listeners" in lb else None,
        ),
        field(
            "access_logs",
            T.BOOLEAN,
            "Access logs are on.",
            attribute("access_logs.s3.enabled", False),
        ),
        field(
            "access_log_bucket",
            T.TEXT,
            "Bucket of the access logs; empty is none.",
            attribute("access_logs.s3.bucket", ""),
        ),
        field(
            "connection_logs",
            T.BOOLEAN,
            "Connection logs are on; application load balancers alone have them.",
            attribute("connection_logs.s3.enabled", False),
        ),
        field(
            "deletion_protection",
            T.BOOLEAN,
            "Deletion protection.",
            attribute("deletion_protection.enabled", False),
        ),
        field(
            "cross_zone",
            T.BOOLEAN,
            "Spreads over the targets of all zones.",
            attribute("load_balancing.cross_zone.enabled", False),
        ),
        field(
            "drop_invalid_header_fields",
            T.BOOLEAN,
            "Drops invalid HTTP headers; application load balancers alone can.",
            attribute("routing.http.drop_invalid_header_fields.enabled", False),
        ),
        field(
            "desync_mitigation",
            T.TEXT,
            "monitor, defensive or strictest; empty of all but application load balancers.",
            attribute("routing.http.desync_mitigation_mode", ""),
        ),
        field(
            "waf_fail_open",
            T.BOOLEAN,
            "Lets requests through while WAF does not answer.",
            attribute("waf.fail_open.enabled", False),
        ),
    ),
    details=(
        Detail(
            "tags",
            "describe_tags",
            {},
            "elasticloadbalancing:DescribeTags",
            batch=Batch(
                "ResourceArns",
                "LoadBalancerArn",
                "TagDescriptions[]",
                "ResourceArn",
                TAGGED_AT_ONCE,
            ),
        ),
        Detail(
            "attributes",
            "describe_load_balancer_attributes",
            {"LoadBalancerArn": "LoadBalancerArn"},
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
        ),
        Detail(
            "listeners",
            "describe_listeners",
            {"LoadBalancerArn": "LoadBalancerArn"},
            "elasticloadbalancing:DescribeListeners",
            items="Listeners[]",
        ),
    ),
    children=(Children(LOAD_BALANCER_LISTENERS, listeners),),
    relationships=(
        Relationship("in_vpc", "vpc", "[VpcId]"),
        Relationship("in_subnet", "subnet", "AvailabilityZones[].SubnetId"),
        Relationship("has_security_group", "security_group", "SecurityGroups"),
        Relationship(
            "has_address",
            "elastic_ip",
            "AvailabilityZones[].LoadBalancerAddresses[].AllocationId",
        ),
        Relationship("logs_to", "s3_bucket", access_log_buckets),
    ),
    metrics=METRICS,
)


def targets(group: Item) -> int | None:
    """Registered targets; None where they were not read."""
    return len(group["health"]["TargetHealthDescriptions"]) if "health" in group else None


def targets_in(*states: str) -> Callable[[Item], int | None]:
    """How many targets are in one of these states; None where they were not read."""

    def count(group: Item) -> int | None:
        if "health" not in group:
            return None
        found = group["health"]["TargetHealthDescriptions"]
        return len([t for t in found if (t.get("TargetHealth") or {}).get("State") in states])

    return count


def target_instances(group: Item) -> list[str]:
    if group.get("TargetType") != "instance":
        return []
    found = (group.get("health") or {}).get("TargetHealthDescriptions") or ()
    return [target["Target"]["Id"] for target in found]


TARGET_GROUP = ResourceType(
    name="target_group",
    table="target_groups",
    group="elb",
    service="elbv2",
    meaning="Target groups of load balancers, and the health of their targets.",
    operation="describe_target_groups",
    arguments={"PageSize": PAGE},
    items="TargetGroups[]",
    iam_actions=("elasticloadbalancing:DescribeTargetGroups",),
    gone=frozenset({"TargetGroupNotFound"}),
    resource_id="TargetGroupName",
    arn="TargetGroupArn",
    name_source="TargetGroupName",
    tags="tags.Tags",
    fields=(
        field("target_type", T.TEXT, "instance, ip, lambda or alb.", "TargetType"),
        field("protocol", T.TEXT, "Protocol to the targets; NULL of functions.", "Protocol"),
        field("protocol_version", T.TEXT, "HTTP1, HTTP2 or GRPC.", "ProtocolVersion"),
        field("port", T.BIGINT, "Port of the targets; NULL of functions.", "Port"),
        field("vpc_id", T.TEXT, "VPC; NULL of functions.", "VpcId"),
        field(
            "load_balancers",
            T.TEXT_LIST,
            "Load balancers that send to it.",
            lambda group: [name_in(arn) for arn in group.get("LoadBalancerArns") or ()],
        ),
        field(
            "health_check",
            T.BOOLEAN,
            "Targets are checked; if not, none of them counts as healthy or unhealthy.",
            "HealthCheckEnabled",
        ),
        field("targets", T.BIGINT, "Registered targets.", targets),
        field("healthy_targets", T.BIGINT, "Targets that are healthy.", targets_in("healthy")),
        field(
            "unhealthy_targets",
            T.BIGINT,
            "Targets that are unhealthy.",
            targets_in("unhealthy", "unhealthy.draining"),
        ),
        field(
            "unused_targets",
            T.BIGINT,
            "Targets that no load balancer sends to: no listener or zone leads there.",
            targets_in("unused"),
        ),
    ),
    volatile=frozenset({"targets", "healthy_targets", "unhealthy_targets", "unused_targets"}),
    details=(
        Detail(
            "tags",
            "describe_tags",
            {},
            "elasticloadbalancing:DescribeTags",
            batch=Batch(
                "ResourceArns", "TargetGroupArn", "TagDescriptions[]", "ResourceArn", TAGGED_AT_ONCE
            ),
        ),
        Detail(
            "health",
            "describe_target_health",
            {"TargetGroupArn": "TargetGroupArn"},
            "elasticloadbalancing:DescribeTargetHealth",
        ),
    ),
    relationships=(
        Relationship("in_vpc", "vpc", "[VpcId]"),
        Relationship(
            "behind",
            "load_balancer",
            lambda group: [name_in(arn) for arn in group.get("LoadBalancerArns") or ()],
        ),
        Relationship("has_target", "ec2_instance", target_instances),
    ),
    free=True,
)

RESOURCE_TYPES = (LOAD_BALANCER, TARGET_GROUP)
