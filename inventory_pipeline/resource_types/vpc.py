"""VPC: the networks themselves, their subnets, internet gateways and flow logs.

Routes are in `vpc_routing`, endpoints in `vpc_endpoints`, interfaces and addresses in
`network_interfaces`, what they let through in `security_groups`.
"""

from collections.abc import Callable

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import Item, Relationship, ResourceType, field

NAME_TAG = "Tags[?Key=='Name'].Value | [0]"
IN_VPC = Relationship("in_vpc", "vpc", "[VpcId]")


def owned(place: Item) -> list[dict[str, object]]:
    """EC2's filter for the account's own: AWS also lists what other accounts share with it."""
    return [{"Name": "owner-id", "Values": [place["account_id"]]}]


def monitored(kind: str) -> Callable[[Item], list[str]]:
    """What a flow log watches, if its id is of this kind: `vpc`, `subnet`, `eni`, `tgw`."""

    def targets(log: Item) -> list[str]:
        target = str(log.get("ResourceId") or "")
        # A gateway's attachment is tgw-attach-..., which is no tgw.
        return [target] if target.rpartition("-")[0] == kind else []

    return targets


VPC = ResourceType(
    name="vpc",
    table="vpcs",
    group="vpc",
    service="ec2",
    meaning="VPCs that the account owns.",
    operation="describe_vpcs",
    arguments={"MaxResults": PAGE, "Filters": owned},
    items="Vpcs[]",
    iam_actions=("ec2:DescribeVpcs",),
    resource_id="VpcId",
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc/{resource_id}",
    name_source=NAME_TAG,
    state="State",
    tags="Tags || `[]`",
    fields=(
        field("is_default", T.BOOLEAN, "The region's default VPC.", "IsDefault"),
        field("cidr_block", T.TEXT, "Its first IPv4 block.", "CidrBlock"),
        field(
            "cidr_blocks",
            T.TEXT_LIST,
            "All its IPv4 blocks.",
            "CidrBlockAssociationSet[?CidrBlockState.State=='associated'].CidrBlock",
        ),
        field(
            "ipv6_cidr_blocks",
            T.TEXT_LIST,
            "Its IPv6 blocks.",
            "Ipv6CidrBlockAssociationSet[?Ipv6CidrBlockState.State=='associated'].Ipv6CidrBlock",
        ),
        field("tenancy", T.TEXT, "Tenancy of its instances: default, ...", "InstanceTenancy"),
        field("dhcp_options_id", T.TEXT, "Set of DHCP options.", "DhcpOptionsId"),
        field(
            "internet_gateway_block",
            T.TEXT,
            "Block public access in force: off, block-bidirectional or block-ingress.",
            "BlockPublicAccessStates.InternetGatewayBlockMode",
        ),
    ),
    free=True,
)

SUBNET = ResourceType(
    name="subnet",
    table="subnets",
    group="vpc",
    service="ec2",
    meaning="Subnets that the account owns.",
    operation="describe_subnets",
    arguments={"MaxResults": PAGE, "Filters": owned},
    items="Subnets[]",
    iam_actions=("ec2:DescribeSubnets",),
    resource_id="SubnetId",
    arn="arn:{partition}:ec2:{region}:{account_id}:subnet/{resource_id}",
    name_source=NAME_TAG,
    state="State",
    tags="Tags || `[]`",
    fields=(
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("availability_zone", T.TEXT, "Availability zone.", "AvailabilityZone"),
        field("cidr_block", T.TEXT, "IPv4 block; NULL where it has IPv6 only.", "CidrBlock"),
        field(
            "ipv6_cidr_blocks",
            T.TEXT_LIST,
            "IPv6 blocks.",
            "Ipv6CidrBlockAssociationSet[?Ipv6CidrBlockState.State=='associated'].Ipv6CidrBlock",
        ),
        field(
            "available_addresses",
            T.BIGINT,
            "IPv4 addresses not in use.",
            "AvailableIpAddressCount",
        ),
        field("is_zone_default", T.BOOLEAN, "The zone's default subnet.", "DefaultForAz"),
        field(
            "auto_public_ip",
            T.BOOLEAN,
            "Instances get a public IPv4 address unless told otherwise.",
            "MapPublicIpOnLaunch",
        ),
        field(
            "auto_ipv6",
            T.BOOLEAN,
            "Interfaces get an IPv6 address when they are made.",
            "AssignIpv6AddressOnCreation",
        ),
        field(
            "internet_gateway_block",
            T.TEXT,
            "Block public access in force: off, block-bidirectional or block-ingress.",
            "BlockPublicAccessStates.InternetGatewayBlockMode",
        ),
    ),
    volatile=frozenset({"available_addresses"}),
    relationships=(IN_VPC,),
    free=True,
)

INTERNET_GATEWAY = ResourceType(
    name="internet_gateway",
    table="internet_gateways",
    group="vpc",
    service="ec2",
    meaning="Internet gateways.",
    operation="describe_internet_gateways",
    arguments={"MaxResults": PAGE},
    items="InternetGateways[]",
    iam_actions=("ec2:DescribeInternetGateways",),
    resource_id="InternetGatewayId",
    arn="arn:{partition}:ec2:{region}:{account_id}:internet-gateway/{resource_id}",
    name_source=NAME_TAG,
    # AWS says available of an attached one; one that is not attached has no state.
    state="Attachments[0].State",
    tags="Tags || `[]`",
    fields=(
        field("vpc_id", T.TEXT, "VPC it is attached to; NULL is none.", "Attachments[0].VpcId"),
    ),
    relationships=(Relationship("attached_to", "vpc", "Attachments[].VpcId"),),
    free=True,
)

FLOW_LOG = ResourceType(
    name="flow_log",
    table="flow_logs",
    group="vpc",
    service="ec2",
    meaning="Flow logs of VPCs, subnets, network interfaces and transit gateways.",
    operation="describe_flow_logs",
    arguments={"MaxResults": PAGE},
    items="FlowLogs[]",
    iam_actions=("ec2:DescribeFlowLogs",),
    resource_id="FlowLogId",
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-flow-log/{resource_id}",
    name_source=NAME_TAG,
    state="FlowLogStatus",
    created_at="CreationTime",
    tags="Tags || `[]`",
    fields=(
        field("monitored_id", T.TEXT, "VPC, subnet, interface or gateway watched.", "ResourceId"),
        field("traffic_type", T.TEXT, "ACCEPT, REJECT or ALL; NULL of gateways.", "TrafficType"),
        field(
            "destination_type",
            T.TEXT,
            "cloud-watch-logs, s3 or kinesis-data-firehose.",
            "LogDestinationType",
        ),
        field(
            "destination",
            T.TEXT,
            "ARN of the bucket or stream, or name of the log group.",
            "LogDestination || LogGroupName",
        ),
        field("delivery_status", T.TEXT, "SUCCESS or FAILED; NULL so far.", "DeliverLogsStatus"),
        field(
            "delivery_error",
            T.TEXT,
            "Why delivery fails: Rate limited, Access error, Unknown error, ...",
            "DeliverLogsErrorMessage",
        ),
        field(
            "aggregation_seconds",
            T.BIGINT,
            "Longest time that one record covers.",
            "MaxAggregationInterval",
        ),
    ),
    relationships=(
        Relationship("monitors", "vpc", monitored("vpc")),
        Relationship("monitors", "subnet", monitored("subnet")),
        Relationship("monitors", "network_interface", monitored("eni")),
        Relationship("monitors", "transit_gateway", monitored("tgw")),
    ),
)

RESOURCE_TYPES = (VPC, SUBNET, INTERNET_GATEWAY, FLOW_LOG)
