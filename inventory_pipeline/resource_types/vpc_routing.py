"""VPC: where traffic goes: route tables, NAT and transit gateways, peering connections."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import (
    Children,
    ChildTable,
    Item,
    Metric,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.vpc import IN_VPC, NAME_TAG, owned

ROUTE_TABLES_PAGE = 100  # the most that DescribeRouteTables takes

_GATEWAYS = {
    "local": "local",
    "igw": "internet_gateway",
    "vgw": "virtual_private_gateway",
    "vpce": "vpc_endpoint",
}

# An instance's route has its interface as well, which is what is told of it.
_TARGETS = {
    "NatGatewayId": "nat_gateway",
    "TransitGatewayId": "transit_gateway",
    "VpcPeeringConnectionId": "vpc_peering_connection",
    "EgressOnlyInternetGatewayId": "egress_only_internet_gateway",
    "LocalGatewayId": "local_gateway",
    "CarrierGatewayId": "carrier_gateway",
    "CoreNetworkArn": "core_network",
    "OdbNetworkArn": "odb_network",
    "NetworkInterfaceId": "network_interface",
    "InstanceId": "ec2_instance",
}


def target_type(route: Item) -> str | None:
    """What a route leads to, as a resource type where there is one; `local` is the VPC itself."""
    if gateway := route.get("GatewayId"):
        return _GATEWAYS.get(str(gateway).partition("-")[0], "gateway")
    return next((kind for key, kind in _TARGETS.items() if route.get(key)), None)


def target_id(route: Item) -> str | None:
    """The id (of core and Oracle networks the ARN) of what a route leads to."""
    return next((route[key] for key in ("GatewayId", *_TARGETS) if route.get(key)), None)


ROUTES = ChildTable(
    "routes",
    "Routes of route tables.",
    "route of a route table at a snapshot",
    (
        field("ipv4_cidr", T.TEXT, "Destination, if IPv4 addresses.", "DestinationCidrBlock"),
        field("ipv6_cidr", T.TEXT, "Destination, if IPv6 addresses.", "DestinationIpv6CidrBlock"),
        field(
            "prefix_list_id", T.TEXT, "Destination, if a prefix list.", "DestinationPrefixListId"
        ),
        field(
            "target_type",
            T.TEXT,
            "Where it leads: local, internet_gateway, nat_gateway, vpc_peering_connection, ...",
            target_type,
        ),
        field("target_id", T.TEXT, "Id of where it leads.", target_id),
        field("state", T.TEXT, "active, or blackhole where the target is gone.", "State"),
        field(
            "origin",
            T.TEXT,
            "CreateRouteTable, CreateRoute, or EnableVgwRoutePropagation if propagated.",
            "Origin",
        ),
    ),
)

ROUTE_TABLE = ResourceType(
    name="route_table",
    table="route_tables",
    group="vpc",
    service="ec2",
    meaning="Route tables that the account owns.",
    operation="describe_route_tables",
    arguments={"MaxResults": ROUTE_TABLES_PAGE, "Filters": owned},
    items="RouteTables[]",
    iam_actions=("ec2:DescribeRouteTables",),
    resource_id="RouteTableId",
    arn="arn:{partition}:ec2:{region}:{account_id}:route-table/{resource_id}",
    name_source=NAME_TAG,
    tags="Tags || `[]`",
    fields=(
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field(
            "is_main",
            T.BOOLEAN,
            "Holds for all subnets of the VPC that have no table of their own.",
            lambda table: (
                any(a.get("Main") for a in table["Associations"])
                if "Associations" in table
                else None
            ),
        ),
        field("subnet_ids", T.TEXT_LIST, "Subnets it is given to.", "Associations[].SubnetId"),
        field(
            "gateway_ids",
            T.TEXT_LIST,
            "Gateways whose incoming traffic it routes.",
            "Associations[].GatewayId",
        ),
        field(
            "propagating_gateway_ids",
            T.TEXT_LIST,
            "Virtual private gateways that add routes.",
            "PropagatingVgws[].GatewayId",
        ),
        field(
            "routes",
            T.BIGINT,
            "Number of routes.",
            lambda table: len(table["Routes"]) if "Routes" in table else None,
        ),
    ),
    children=(Children(ROUTES, "Routes"),),
    relationships=(
        IN_VPC,
        Relationship("routes", "subnet", "Associations[].SubnetId"),
    ),
    free=True,
)


def nat_metric(
    column: str,
    meaning: str,
    name: str,
    statistic: Literal["Sum", "Maximum"] = "Sum",
    fold: Literal["sum", "maximum"] = "sum",
) -> Metric:
    """A statistic of 30 days; a gateway that runs says 0 itself, so silence is unknown."""
    dimensions = {"NatGatewayId": "NatGatewayId"}
    return Metric(
        column, meaning, "AWS/NATGateway", name, statistic, fold, dimensions, window_days=30
    )


NAT_GATEWAY = ResourceType(
    name="nat_gateway",
    table="nat_gateways",
    group="vpc",
    service="ec2",
    meaning="NAT gateways, except deleted ones.",
    operation="describe_nat_gateways",
    arguments={"MaxResults": PAGE},
    items="NatGateways[]",
    iam_actions=("ec2:DescribeNatGateways",),
    resource_id="NatGatewayId",
    arn="arn:{partition}:ec2:{region}:{account_id}:natgateway/{resource_id}",
    name_source=NAME_TAG,
    state="State",
    created_at="CreateTime",
    tags="Tags || `[]`",
    keep="State != 'deleted'",
    fields=(
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("subnet_id", T.TEXT, "Subnet; NULL of regional gateways.", "SubnetId"),
        field("connectivity", T.TEXT, "public or private.", "ConnectivityType"),
        field("availability", T.TEXT, "zonal, or regional over all zones.", "AvailabilityMode"),
        field(
            "public_ips", T.TEXT_LIST, "Public IPv4 addresses.", "NatGatewayAddresses[].PublicIp"
        ),
        field("failure_code", T.TEXT, "Why it could not be made.", "FailureCode"),
    ),
    relationships=(
        IN_VPC,
        Relationship("in_subnet", "subnet", "[SubnetId]"),
        Relationship("has_address", "elastic_ip", "NatGatewayAddresses[].AllocationId"),
        Relationship(
            "has_network_interface",
            "network_interface",
            "NatGatewayAddresses[].NetworkInterfaceId",
        ),
    ),
    metrics=(
        nat_metric(
            "bytes_in_from_source",
            "Bytes received from the VPC in the window.",
            "BytesInFromSource",
        ),
        nat_metric(
            "bytes_out_to_destination",
            "Bytes sent on from the VPC in the window.",
            "BytesOutToDestination",
        ),
        nat_metric(
            "bytes_in_from_destination",
            "Bytes received for the VPC in the window.",
            "BytesInFromDestination",
        ),
        nat_metric(
            "active_connections_maximum",
            "Most connections at a time.",
            "ActiveConnectionCount",
            "Maximum",
            "maximum",
        ),
    ),
)


def enabled(option: str) -> Callable[[Item], bool | None]:
    """An option of a transit gateway, which AWS says as `enable` or `disable`."""

    def read(gateway: Item) -> bool | None:
        said = (gateway.get("Options") or {}).get(option)
        return None if said is None else said == "enable"

    return read


TRANSIT_GATEWAY = ResourceType(
    name="transit_gateway",
    table="transit_gateways",
    group="vpc",
    service="ec2",
    meaning="Transit gateways that the account owns, except deleted ones.",
    operation="describe_transit_gateways",
    arguments={"MaxResults": PAGE, "Filters": owned},
    items="TransitGateways[]",
    iam_actions=("ec2:DescribeTransitGateways",),
    resource_id="TransitGatewayId",
    arn="TransitGatewayArn",
    name_source=NAME_TAG,
    state="State",
    created_at="CreationTime",
    tags="Tags || `[]`",
    keep="State != 'deleted'",
    fields=(
        field("description", T.TEXT, "Description.", "Description"),
        field("amazon_asn", T.BIGINT, "AS number on Amazon's side.", "Options.AmazonSideAsn"),
        field(
            "auto_accept_shared_attachments",
            T.BOOLEAN,
            "Attachments of other accounts are accepted unasked.",
            enabled("AutoAcceptSharedAttachments"),
        ),
        field(
            "default_association",
            T.BOOLEAN,
            "New attachments use the default route table.",
            enabled("DefaultRouteTableAssociation"),
        ),
        field(
            "default_propagation",
            T.BOOLEAN,
            "New attachments add routes to the default route table.",
            enabled("DefaultRouteTablePropagation"),
        ),
        field("multicast", T.BOOLEAN, "Multicast.", enabled("MulticastSupport")),
    ),
)


def peer_blocks(side: Literal["Requester", "Accepter"]) -> Callable[[Item], list[str] | None]:
    """The IPv4 and IPv6 blocks of one side; AWS tells those of active connections alone."""

    def read(connection: Item) -> list[str] | None:
        vpc: Mapping[str, Any] = connection.get(f"{side}VpcInfo") or {}
        ipv4 = [block["CidrBlock"] for block in vpc.get("CidrBlockSet") or ()]
        ipv6 = [block["Ipv6CidrBlock"] for block in vpc.get("Ipv6CidrBlockSet") or ()]
        only = [vpc["CidrBlock"]] if vpc.get("CidrBlock") and not ipv4 else []
        return [*only, *ipv4, *ipv6] or None

    return read


VPC_PEERING_CONNECTION = ResourceType(
    name="vpc_peering_connection",
    table="vpc_peering_connections",
    group="vpc",
    service="ec2",
    meaning="VPC peering connections, seen from either side, that exist or wait to be accepted.",
    operation="describe_vpc_peering_connections",
    arguments={"MaxResults": PAGE},
    items="VpcPeeringConnections[]",
    iam_actions=("ec2:DescribeVpcPeeringConnections",),
    resource_id="VpcPeeringConnectionId",
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-peering-connection/{resource_id}",
    name_source=NAME_TAG,
    state="Status.Code",
    tags="Tags || `[]`",
    # AWS goes on telling of these for a while.
    keep="!contains(['deleted', 'rejected', 'expired', 'failed'], Status.Code)",
    fields=(
        field("requester_account_id", T.TEXT, "Who asked.", "RequesterVpcInfo.OwnerId"),
        field("requester_vpc_id", T.TEXT, "VPC of who asked.", "RequesterVpcInfo.VpcId"),
        field("requester_region", T.TEXT, "Its region.", "RequesterVpcInfo.Region"),
        field("requester_cidr_blocks", T.TEXT_LIST, "Its addresses.", peer_blocks("Requester")),
        field("accepter_account_id", T.TEXT, "Who was asked.", "AccepterVpcInfo.OwnerId"),
        field("accepter_vpc_id", T.TEXT, "VPC of who was asked.", "AccepterVpcInfo.VpcId"),
        field("accepter_region", T.TEXT, "Its region.", "AccepterVpcInfo.Region"),
        field("accepter_cidr_blocks", T.TEXT_LIST, "Its addresses.", peer_blocks("Accepter")),
    ),
    relationships=(
        Relationship("connects", "vpc", "[RequesterVpcInfo.VpcId, AccepterVpcInfo.VpcId]"),
    ),
    free=True,
)

RESOURCE_TYPES = (ROUTE_TABLE, NAT_GATEWAY, TRANSIT_GATEWAY, VPC_PEERING_CONNECTION)
