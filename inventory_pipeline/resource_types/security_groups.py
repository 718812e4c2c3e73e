"""VPC: what networks let through: security groups and network ACLs, and the rules of both."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.ec2 import PAGE
from inventory_pipeline.resource_types.model import (
    Children,
    ChildTable,
    Field,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.vpc import IN_VPC, NAME_TAG, owned

Rule = dict[str, Any]
"""A row of `security_group_rules` or `network_acl_entries`, by column."""

Network = IPv4Network | IPv6Network

# Security groups and ACLs spell protocols differently; these are IANA's numbers.
_PROTOCOLS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_ALL_PORTS = (0, 65535)

# Not reachable from the internet: private, shared (carrier), link-local and loopback addresses.
_PRIVATE = tuple(
    ip_network(block)
    for block in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


def traffic(protocol: Any, first: int | None, last: int | None) -> Rule:
    """The protocol by name, and its ports, of which none or negative ones mean all; of ICMP
    `first` and `last` are type and code."""
    name = _PROTOCOLS.get(str(protocol), str(protocol).lower())
    if name in ("icmp", "icmpv6"):
        icmp = {"icmp_type": first, "icmp_code": last}
        return {"protocol": name} | {key: -1 if n is None else n for key, n in icmp.items()}
    if name not in ("tcp", "udp", "all"):
        return {"protocol": name}
    if name == "all" or first is None or first < 0:
        first, last = _ALL_PORTS
    return {"protocol": name, "from_port": first, "to_port": last}


def addresses(ipv4: str | None = None, ipv6: str | None = None) -> Rule:
    """The block of a rule, how wide it is, and whether any of it is on the internet.

    The last two are None of a text that is no block, which must not hide the other rules.
    """
    rule: Rule = {"ipv4_cidr": ipv4, "ipv6_cidr": ipv6, "prefix_length": None, "public": None}
    with suppress(ValueError):
        block = ip_network(ipv4 or ipv6 or "", strict=False)
        rule["prefix_length"] = block.prefixlen
        rule["public"] = not any(_within(block, private) for private in _PRIVATE)
    return rule


def _within(block: Network, other: Network) -> bool:
    """Whether all of a block is in another. `is_private` would not do: it judges 0.0.0.0/0 by its
    first and last address."""
    if isinstance(block, IPv4Network) and isinstance(other, IPv4Network):
        return block.subnet_of(other)
    if isinstance(block, IPv6Network) and isinstance(other, IPv6Network):
        return block.subnet_of(other)
    return False


def group_rules(group: Item) -> list[Rule] | None:
    """One rule for each block, prefix list or group of each permission; None if not read."""
    if "IpPermissions" not in group or "IpPermissionsEgress" not in group:
        return None
    return [
        {"direction": direction, **rule}
        for direction, permissions in (
            ("ingress", group["IpPermissions"]),
            ("egress", group["IpPermissionsEgress"]),
        )
        for permission in permissions
        for rule in _permission_rules(permission)
    ]


def _permission_rules(permission: Item) -> Iterator[Rule]:
    common = traffic(
        permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort")
    )
    for element in permission.get("IpRanges") or ():
        yield common | addresses(ipv4=element["CidrIp"]) | _described(element)
    for element in permission.get("Ipv6Ranges") or ():
        yield common | addresses(ipv6=element["CidrIpv6"]) | _described(element)
    for element in permission.get("PrefixListIds") or ():
        # Its blocks are not read here, so whether they are public is not known.
        yield common | {"prefix_list_id": element["PrefixListId"]} | _described(element)
    for element in permission.get("UserIdGroupPairs") or ():
        yield common | _referenced(element) | _described(element)


def _described(element: Item) -> Rule:
    return {"description": element.get("Description")}


def _referenced(pair: Item) -> Rule:
    return {
        "public": False,
        "referenced_group_id": pair.get("GroupId"),
        "referenced_account_id": pair.get("UserId"),
        "vpc_peering_connection_id": pair.get("VpcPeeringConnectionId"),
    }


def acl_entries(acl: Item) -> list[Rule] | None:
    """The entries in the order in which AWS tries them, each direction for itself; None if not
    read. The first that matches decides."""
    if "Entries" not in acl:
        return None
    entries = sorted(acl["Entries"], key=lambda e: (bool(e.get("Egress")), e["RuleNumber"]))
    return [_acl_entry(entry) for entry in entries]


def _acl_entry(entry: Item) -> Rule:
    ports = entry.get("PortRange") or {}
    icmp = entry.get("IcmpTypeCode") or {}
    first, last = ports.get("From", icmp.get("Type")), ports.get("To", icmp.get("Code"))
    return {
        "direction": "egress" if entry.get("Egress") else "ingress",
        "rule_number": entry["RuleNumber"],
        "action": entry.get("RuleAction"),
        **traffic(entry.get("Protocol"), first, last),
        **addresses(entry.get("CidrBlock"), entry.get("Ipv6CidrBlock")),
    }


def count(direction: str) -> Callable[[Item], int | None]:
    """How many rules a security group has in a direction; None if they were not read."""

    def read(group: Item) -> int | None:
        rules = group_rules(group)
        return None if rules is None else sum(r["direction"] == direction for r in rules)

    return read


def referenced_groups(group: Item) -> list[str]:
    """The groups that the rules of a group name, its own id included where it names itself."""
    return [
        r["referenced_group_id"] for r in group_rules(group) or () if "referenced_group_id" in r
    ]


DIRECTION = field("direction", T.TEXT, "ingress or egress.", "direction")
TRAFFIC: tuple[Field, ...] = (
    field("protocol", T.TEXT, "tcp, udp, icmp, icmpv6, all, or IANA's number.", "protocol"),
    field("from_port", T.BIGINT, "First port; 0 where all; NULL has no ports.", "from_port"),
    field("to_port", T.BIGINT, "Last port; 65535 where all; NULL has no ports.", "to_port"),
    field("icmp_type", T.BIGINT, "Type of ICMP; -1 is all.", "icmp_type"),
    field("icmp_code", T.BIGINT, "Code of ICMP; -1 is all.", "icmp_code"),
    field("ipv4_cidr", T.TEXT, "The other side, if IPv4 addresses.", "ipv4_cidr"),
    field("ipv6_cidr", T.TEXT, "The other side, if IPv6 addresses.", "ipv6_cidr"),
    field("prefix_length", T.BIGINT, "Fixed bits of those addresses; 0 is all.", "prefix_length"),
    field(
        "public",
        T.BOOLEAN,
        "The other side is, at least in part, on the internet; NULL of prefix lists.",
        "public",
    ),
)

SECURITY_GROUP_RULES = ChildTable(
    "security_group_rules",
    "Rules of security groups: one for each address block, prefix list or group that they name.",
    "rule of a security group at a snapshot",
    (
        DIRECTION,
        *TRAFFIC,
        field("prefix_list_id", T.TEXT, "The other side, if a prefix list.", "prefix_list_id"),
        field(
            "referenced_group_id",
            T.TEXT,
            "The other side, if members of a security group.",
            "referenced_group_id",
        ),
        field("referenced_account_id", T.TEXT, "Whose group that is.", "referenced_account_id"),
        field(
            "vpc_peering_connection_id",
            T.TEXT,
            "Peering connection to that group's VPC, where it is another.",
            "vpc_peering_connection_id",
        ),
        field("description", T.TEXT, "Description.", "description"),
    ),
)

NETWORK_ACL_ENTRIES = ChildTable(
    "network_acl_entries",
    "Entries of network ACLs; the first of a direction that matches decides.",
    "entry of a network ACL at a snapshot",
    (
        DIRECTION,
        field("rule_number", T.BIGINT, "Place in the order; 32767 is the last.", "rule_number"),
        field("action", T.TEXT, "allow or deny.", "action"),
        *TRAFFIC,
    ),
)

SECURITY_GROUP = ResourceType(
    name="security_group",
    table="security_groups",
    group="vpc",
    service="ec2",
    meaning="Security groups that the account owns.",
    operation="describe_security_groups",
    arguments={"MaxResults": PAGE, "Filters": owned},
    items="SecurityGroups[]",
    iam_actions=("ec2:DescribeSecurityGroups",),
    resource_id="GroupId",
    arn="arn:{partition}:ec2:{region}:{account_id}:security-group/{resource_id}",
    name_source="GroupName",
    tags="Tags || `[]`",
    fields=(
        field("description", T.TEXT, "Description.", "Description"),
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("is_default", T.BOOLEAN, "The VPC's default group.", "GroupName == 'default'"),
        field("ingress_rules", T.BIGINT, "Number of rules for traffic in.", count("ingress")),
        field("egress_rules", T.BIGINT, "Number of rules for traffic out.", count("egress")),
    ),
    children=(Children(SECURITY_GROUP_RULES, group_rules),),
    relationships=(
        IN_VPC,
        Relationship("references", "security_group", referenced_groups),
    ),
    free=True,
)

NETWORK_ACL = ResourceType(
    name="network_acl",
    table="network_acls",
    group="vpc",
    service="ec2",
    meaning="Network ACLs that the account owns.",
    operation="describe_network_acls",
    arguments={"MaxResults": PAGE, "Filters": owned},
    items="NetworkAcls[]",
    iam_actions=("ec2:DescribeNetworkAcls",),
    resource_id="NetworkAclId",
    arn="arn:{partition}:ec2:{region}:{account_id}:network-acl/{resource_id}",
    name_source=NAME_TAG,
    tags="Tags || `[]`",
    fields=(
        field("vpc_id", T.TEXT, "VPC.", "VpcId"),
        field("is_default", T.BOOLEAN, "The VPC's default ACL.", "IsDefault"),
        field("subnet_ids", T.TEXT_LIST, "Subnets that it guards.", "Associations[].SubnetId"),
        field(
            "entries",
            T.BIGINT,
            "Number of entries.",
            lambda acl: len(acl["Entries"]) if "Entries" in acl else None,
        ),
    ),
    children=(Children(NETWORK_ACL_ENTRIES, acl_entries),),
    relationships=(
        IN_VPC,
        Relationship("guards", "subnet", "Associations[].SubnetId"),
    ),
    free=True,
)

RESOURCE_TYPES = (SECURITY_GROUP, NETWORK_ACL)
