"""VPC: endpoints, by which networks reach services without the internet, and their policies."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import (
    Item,
    Metric,
    Relationship,
    ResourceType,
    Source,
    field,
)
from inventory_pipeline.resource_types.policies import policy_children, policy_statement_count
from inventory_pipeline.resource_types.vpc import IN_VPC, NAME_TAG

MEASURED_TYPES = ("Interface", "GatewayLoadBalancer")


def policy(endpoint: Item) -> str:
    """The listing has an endpoint's policy; some kinds of endpoints have none."""
    return endpoint.get("PolicyDocument") or ""


def state(endpoint: Item) -> str | None:
    """In small letters: AWS's answers and its documentation differ."""
    found = endpoint.get("State")
    return str(found).lower() if found else None


def measured_type(endpoint: Item) -> str | None:
    """The type as a dimension; of other types CloudWatch has nothing."""
    found = endpoint.get("VpcEndpointType")
    return found if found in MEASURED_TYPES else None


DIMENSIONS: dict[str, Source] = {
    "Endpoint Type": measured_type,
    "Service Name": "ServiceName",
    "VPC Endpoint Id": "VpcEndpointId",
    "VPC Id": "VpcId",
}

VPC_ENDPOINT = ResourceType(
    name="vpc_endpoint",
    table="vpc_endpoints",
    group="vpc",
    service="ec2",
    meaning="VPC endpoints of all kinds, except deleted ones.",
    operation="describe_vpc_endpoints",
    arguments={"MaxResults": PAGE},
    items="VpcEndpoints[]",
    iam_actions=("ec2:DescribeVpcEndpoints",),
    resource_id="VpcEndpointId",
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-endpoint/{resource_id}",
    name_source=NAME_TAG,
    state=state,
    created_at="CreationTimestamp",
    tags="Tags || `[]`",
    keep=lambda endpoint: state(endpoint) != "deleted",
    fields=(
        field(
            "endpoint_type",
            T.TEXT,
            "Gateway, Interface, GatewayLoadBalancer, Resource or ServiceNetwork.",
            "VpcEndpointType",
        ),
        field("service_name", T.TEXT, "Service that it leads to.", "ServiceName"),
        field(
            "service_region",
            T.TEXT,
            "Region of that service; of another region than its own there are no metrics, so that "
            "its traffic is not known.",
            "ServiceRegion",
        ),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field(
            "subnet_ids",
            T.TEXT_LIST,
            "Subnets, one for each zone, that it has an interface in.",
            "SubnetIds",
        ),
        field("route_table_ids", T.TEXT_LIST, "Route tables that lead to it.", "RouteTableIds"),
        field("security_group_ids", T.TEXT_LIST, "Security groups.", "Groups[].GroupId"),
        field(
            "private_dns",
            T.BOOLEAN,
            "The service's own name leads to it within the VPC.",
            "PrivateDnsEnabled",
        ),
        field("ip_address_type", T.TEXT, "ipv4, dualstack or ipv6.", "IpAddressType"),
        field("requester_managed", T.BOOLEAN, "An AWS service manages it.", "RequesterManaged"),
        policy_statement_count(policy),
    ),
    children=(policy_children(policy),),
    relationships=(
        IN_VPC,
        Relationship("in_subnet", "subnet", "SubnetIds"),
        Relationship("in_route_table", "route_table", "RouteTableIds"),
        Relationship("has_security_group", "security_group", "Groups[].GroupId"),
        Relationship("has_network_interface", "network_interface", "NetworkInterfaceIds"),
    ),
    metrics=(
        Metric(
            "bytes_processed",
            "Bytes through it in the window, both ways.",
            "AWS/PrivateLinkEndpoints",
            "BytesProcessed",
            "Sum",
            "sum",
            DIMENSIONS,
            window_days=30,
            # Reported for minutes with traffic alone (AWS PrivateLink guide).
            absent_is_zero=True,
        ),
    ),
)

RESOURCE_TYPES = (VPC_ENDPOINT,)
