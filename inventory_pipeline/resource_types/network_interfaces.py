"""VPC: network interfaces and Elastic IP addresses."""

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import Relationship, ResourceType, field
from inventory_pipeline.resource_types.vpc import IN_VPC, NAME_TAG, owned

NETWORK_INTERFACE = ResourceType(
    name="network_interface",
    table="network_interfaces",
    group="vpc",
    service="ec2",
    meaning="Network interfaces that the account owns, those that AWS services made included.",
    operation="describe_network_interfaces",
    # Those that other services run, such as EKS Auto Mode's, are hidden by default.
    arguments={"MaxResults": PAGE, "Filters": owned, "IncludeManagedResources": True},
    items="NetworkInterfaces[]",
    iam_actions=("ec2:DescribeNetworkInterfaces",),
    resource_id="NetworkInterfaceId",
    arn="arn:{partition}:ec2:{region}:{account_id}:network-interface/{resource_id}",
    name_source="TagSet[?Key=='Name'].Value | [0]",
    state="Status",
    tags="TagSet || `[]`",
    fields=(
        field(
            "interface_type",
            T.TEXT,
            "interface, natGateway, network_load_balancer, vpc_endpoint, lambda, ...",
            "InterfaceType",
        ),
        field("description", T.TEXT, "Description; AWS services tell their use.", "Description"),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("subnet_id", T.TEXT, "Subnet.", "SubnetId"),
        field("availability_zone", T.TEXT, "Availability zone.", "AvailabilityZone"),
        field("private_ip", T.TEXT, "First private IPv4 address.", "PrivateIpAddress"),
        field(
            "public_ips",
            T.TEXT_LIST,
            "Public IPv4 addresses, Elastic IPs included.",
            "PrivateIpAddresses[].Association.PublicIp",
        ),
        field("ipv6_addresses", T.TEXT_LIST, "IPv6 addresses.", "Ipv6Addresses[].Ipv6Address"),
        field("security_group_ids", T.TEXT_LIST, "Security groups.", "Groups[].GroupId"),
        field("instance_id", T.TEXT, "Instance it is attached to.", "Attachment.InstanceId"),
        field(
            "instance_account_id",
            T.TEXT,
            "Whose that instance is; an AWS service's name where AWS attached it.",
            "Attachment.InstanceOwnerId",
        ),
        field("attached_at", T.TIMESTAMP, "When it was attached.", "Attachment.AttachTime"),
        field(
            "delete_on_termination",
            T.BOOLEAN,
            "Deleted with its instance.",
            "Attachment.DeleteOnTermination",
        ),
        field("requester_managed", T.BOOLEAN, "An AWS service manages it.", "RequesterManaged"),
        field("requester_id", T.TEXT, "Who had it made: a principal or a service.", "RequesterId"),
        field(
            "source_dest_check",
            T.BOOLEAN,
            "Takes only traffic of its own addresses; off for routers.",
            "SourceDestCheck",
        ),
    ),
    relationships=(
        IN_VPC,
        Relationship("in_subnet", "subnet", "[SubnetId]"),
        Relationship("has_security_group", "security_group", "Groups[].GroupId"),
        Relationship("attached_to", "ec2_instance", "[Attachment.InstanceId]"),
        Relationship("has_address", "elastic_ip", "PrivateIpAddresses[].Association.AllocationId"),
    ),
    free=True,
)

ELASTIC_IP = ResourceType(
    name="elastic_ip",
    table="elastic_ips",
    group="vpc",
    service="ec2",
    meaning="Elastic IP addresses.",
    operation="describe_addresses",
    items="Addresses[]",
    iam_actions=("ec2:DescribeAddresses",),
    resource_id="AllocationId",
    arn="arn:{partition}:ec2:{region}:{account_id}:elastic-ip/{resource_id}",
    name_source=NAME_TAG,
    tags="Tags || `[]`",
    fields=(
        field("public_ip", T.TEXT, "The address.", "PublicIp || CarrierIp || CustomerOwnedIp"),
        field(
            "associated",
            T.BOOLEAN,
            "Given to an interface; whether anything runs behind it is another question.",
            lambda address: bool(address.get("AssociationId")),
        ),
        field("instance_id", T.TEXT, "Instance it is given to.", "InstanceId || `null`"),
        field(
            "network_interface_id",
            T.TEXT,
            "Interface it is given to.",
            "NetworkInterfaceId || `null`",
        ),
        field(
            "network_interface_account_id",
            T.TEXT,
            "Whose that interface is.",
            "NetworkInterfaceOwnerId",
        ),
        field("private_ip", T.TEXT, "Private address it stands for.", "PrivateIpAddress"),
        field("pool", T.TEXT, "amazon, or the pool of the owner's addresses.", "PublicIpv4Pool"),
        field("service_managed", T.TEXT, "AWS service that holds it: alb, ...", "ServiceManaged"),
        field("border_group", T.TEXT, "Where it is advertised.", "NetworkBorderGroup"),
    ),
    relationships=(
        Relationship("attached_to", "ec2_instance", "[InstanceId]"),
        Relationship("attached_to", "network_interface", "[NetworkInterfaceId]"),
    ),
)

RESOURCE_TYPES = (NETWORK_INTERFACE, ELASTIC_IP)
