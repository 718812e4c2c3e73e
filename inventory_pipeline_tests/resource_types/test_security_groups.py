"""Rules of security groups and network ACLs: each side, each spelling, each way to say "all"."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.resource_types.prefix_lists import entries
from inventory_pipeline.resource_types.security_groups import (
    NETWORK_ACL,
    SECURITY_GROUP,
    acl_entries,
    addresses,
    count,
    group_rules,
    referenced_groups,
    traffic,
)
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    edges_of,
    row_of,
)


def group(*permissions: dict[str, Any], egress: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "GroupId": "sg-1",
        "IpPermissions": list(permissions),
        "IpPermissionsEgress": list(egress),
    }


def ports(rule: dict[str, Any]) -> tuple[Any, Any, Any]:
    return rule["protocol"], rule.get("from_port"), rule.get("to_port")


def test_one_rule_for_each_source_of_a_permission() -> None:
    rules = group_rules(
        group(
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [
                    {"CidrIp": "0.0.0.0/0", "Description": "all"},
                    {"CidrIp": "10.0.0.0/8"},
                ],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                "PrefixListIds": [{"PrefixListId": "pl-1"}],
                "UserIdGroupPairs": [{"GroupId": "sg-2", "UserId": "222222222222"}],
            }
        )
    )
    assert rules is not None
    assert {ports(rule) for rule in rules} == {("tcp", 22, 22)}
    assert [rule.get("public") for rule in rules] == [True, False, True, None, False]
    assert [rule["description"] for rule in rules] == ["all", None, None, None, None]
    assert rules[2]["ipv6_cidr"] == "::/0"
    assert rules[3]["prefix_list_id"] == "pl-1"
    assert rules[4]["referenced_group_id"] == "sg-2"
    assert rules[4]["referenced_account_id"] == "222222222222"


def test_traffic_out_is_told_from_traffic_in() -> None:
    anything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    web = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    }
    found = group(anything, web, egress=(anything,))
    assert [r["direction"] for r in group_rules(found) or []] == ["ingress", "ingress", "egress"]
    assert (count("ingress")(found), count("egress")(found)) == (2, 1)


def test_rules_that_were_not_read_are_unknown_and_none_is_none() -> None:
    assert group_rules({"GroupId": "sg-1"}) is None
    assert count("ingress")({"GroupId": "sg-1"}) is None
    assert referenced_groups({"GroupId": "sg-1"}) == []
    assert group_rules(group()) == []
    assert count("ingress")(group()) == 0
    assert acl_entries({"NetworkAclId": "acl-1"}) is None
    assert acl_entries({"Entries": []}) == []


@pytest.mark.parametrize(
    ("protocol", "first", "last", "expected"),
    [
        ("-1", None, None, ("all", 0, 65535)),
        (-1, -1, -1, ("all", 0, 65535)),
        # With protocol "all" AWS may still tell ports, and ignores them.
        ("-1", 22, 22, ("all", 0, 65535)),
        ("tcp", 0, 65535, ("tcp", 0, 65535)),
        ("tcp", None, None, ("tcp", 0, 65535)),
        ("6", 20, 30, ("tcp", 20, 30)),
        ("17", 53, 53, ("udp", 53, 53)),
        ("udp", -1, -1, ("udp", 0, 65535)),
        ("50", None, None, ("50", None, None)),
    ],
)
def test_spellings_of_protocols_and_ports(
    protocol: Any, first: int | None, last: int | None, expected: tuple[Any, ...]
) -> None:
    assert ports(traffic(protocol, first, last)) == expected


def test_icmp_has_types_and_codes_and_no_ports() -> None:
    """Type 8 must not be taken for port 8."""
    assert traffic("icmp", 8, -1) == {"protocol": "icmp", "icmp_type": 8, "icmp_code": -1}
    assert traffic("58", None, None) == {"protocol": "icmpv6", "icmp_type": -1, "icmp_code": -1}


@pytest.mark.parametrize(
    ("ipv4", "public"),
    [
        ("0.0.0.0/0", True),
        ("0.0.0.0/1", True),
        ("128.0.0.0/1", True),
        ("10.0.0.0/8", False),
        ("10.1.2.3/32", False),
        # Wider than the private block, so some of it is not private.
        ("10.0.0.0/7", True),
        ("172.16.0.0/12", False),
        ("172.32.0.0/16", True),
        ("192.168.1.0/24", False),
        ("100.64.0.0/10", False),
        ("100.128.0.0/9", True),
        ("203.0.113.7/32", True),
    ],
)
def test_public_ipv4(ipv4: str, public: bool) -> None:
    assert addresses(ipv4=ipv4)["public"] is public


@pytest.mark.parametrize(
    ("ipv6", "public"),
    [("::/0", True), ("2000::/3", True), ("fd00::/8", False), ("fe80::/10", False)],
)
def test_public_ipv6(ipv6: str, public: bool) -> None:
    assert addresses(ipv6=ipv6)["public"] is public


PRIVATE = st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]).map(IPv4Network)


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_block_with_a_global_address_is_public(address: Any, length: int) -> None:
    if ip_address(address).is_global:
        assert addresses(ipv4=f"{address}/{length}")["public"] is True


@given(PRIVATE, st.data())
def test_a_block_within_private_addresses_is_not_public(whole: IPv4Network, data: Any) -> None:
    length = data.draw(st.integers(whole.prefixlen, 32))
    index = data.draw(st.integers(0, whole.num_addresses - 1))
    assert addresses(ipv4=f"{whole[index]}/{length}")["public"] is False


def test_a_text_that_is_no_block_hides_no_other_rule() -> None:
    odd = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "odd"}]}
    fine = {"IpProtocol": "tcp", "FromPort": 2, "ToPort": 2, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    rules = group_rules(group(odd, fine))
    assert rules is not None
    assert [(r["ipv4_cidr"], r["prefix_length"], r["public"]) for r in rules] == [
        ("odd", None, None),
        ("0.0.0.0/0", 0, True),
    ]


def test_entries_of_an_acl_stand_in_the_order_in_which_they_are_tried() -> None:
    def entry(number: int, action: str, egress: bool = False, **more: Any) -> dict[str, Any]:
        return {
            "RuleNumber": number,
            "RuleAction": action,
            "Egress": egress,
            "Protocol": "6",
            "CidrBlock": "0.0.0.0/0",
            **more,
        }

    entries = acl_entries(
        {
            "Entries": [
                entry(32767, "deny", Protocol="-1"),
                entry(90, "allow", egress=True),
                entry(100, "allow", PortRange={"From": 22, "To": 22}),
                entry(50, "deny", PortRange={"From": 20, "To": 30}),
                entry(110, "allow", Protocol="1", IcmpTypeCode={"Type": 8, "Code": -1}),
            ]
        }
    )
    assert entries is not None
    assert [(e["direction"], e["rule_number"], e["action"], *ports(e)) for e in entries] == [
        ("ingress", 50, "deny", "tcp", 20, 30),
        ("ingress", 100, "allow", "tcp", 22, 22),
        ("ingress", 110, "allow", "icmp", None, None),
        ("ingress", 32767, "deny", "all", 0, 65535),
        ("egress", 90, "allow", "tcp", 0, 65535),
    ]
    assert (entries[2]["icmp_type"], entries[2]["icmp_code"]) == (8, -1)


def test_each_value_of_a_rule_has_its_column() -> None:
    """A key that no column reads would be lost without a word."""
    everything = group(
        {
            "IpProtocol": "icmp",
            "FromPort": 8,
            "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
            "PrefixListIds": [{"PrefixListId": "pl-1"}],
            "UserIdGroupPairs": [{"GroupId": "sg-1"}],
        },
        {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    )
    entry = {"RuleNumber": 1, "Protocol": "-1", "CidrBlock": "10.0.0.0/8"}
    for kind, rows in (
        (SECURITY_GROUP, group_rules(everything)),
        (NETWORK_ACL, acl_entries({"Entries": [entry]})),
    ):
        (children,) = kind.children
        columns = {f.source for f in children.table.fields}
        assert {key for row in rows or [] for key in row} <= columns


def test_a_group_is_collected_with_its_rules(aws: str) -> None:
    ec2 = client_of(aws, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_security_group(GroupName="bücher", Description="d", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=made,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 3000,
                "ToPort": 3400,
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            },
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": made}]},
        ],
    )
    result = collected(aws, "security_group")
    row = row_of(result, made)
    assert (row["name"], row["is_default"]) == ("bücher", False)
    assert (row["ingress_rules"], row["egress_rules"]) == (2, 1)
    rules = children_of(result, "security_group_rules", made)
    assert [(r["direction"], *ports(r), r["ipv6_cidr"], r["public"]) for r in rules] == [
        ("ingress", "tcp", 3000, 3400, "::/0", True),
        ("ingress", "all", 0, 65535, None, False),
        ("egress", "all", 0, 65535, None, True),
    ]
    assert rules[1]["referenced_group_id"] == made
    assert ("references", "security_group", made) in edges_of(result, made)
    default = next(r for r in result.rows if r["vpc_id"] == vpc and r["is_default"])
    assert (default["name"], default["egress_rules"]) == ("default", 1)


def test_an_acl_is_collected_with_its_entries(aws: str) -> None:
    ec2 = client_of(aws, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=10,
        Protocol="6",
        RuleAction="allow",
        Egress=False,
        CidrBlock="0.0.0.0/0",
        PortRange={"From": 22, "To": 22},
    )
    result = collected(aws, "network_acl")
    entries = children_of(result, "network_acl_entries", acl)
    assert row_of(result, acl)["entries"] == len(entries)
    first = entries[0]
    assert (first["direction"], first["rule_number"], first["action"]) == ("ingress", 10, "allow")
    assert (*ports(first), first["public"]) == ("tcp", 22, 22, True)


def test_blocks_of_a_prefix_list(aws: str) -> None:
    """A list of a harmless name may name the whole internet."""
    made = client_of(aws, "ec2").create_managed_prefix_list(
        PrefixListName="offices",
        AddressFamily="IPv4",
        MaxEntries=5,
        Entries=[{"Cidr": "10.1.0.0/16"}, {"Cidr": "0.0.0.0/0", "Description": "temporary"}],
    )["PrefixList"]["PrefixListId"]
    result = collected(aws, "prefix_list")
    # AWS's own lists are not the account's.
    (row,) = result.rows
    assert (row["resource_id"], row["name"], row["entries"]) == (made, "offices", 2)
    found = children_of(result, "prefix_list_entries", made)
    assert {(e["ipv4_cidr"], e["public"], e["description"]) for e in found} == {
        ("10.1.0.0/16", False, None),
        ("0.0.0.0/0", True, "temporary"),
    }


def test_blocks_of_an_ipv6_list_and_of_one_not_read() -> None:
    listed = {"PrefixListId": "pl-1", "AddressFamily": "IPv6"}
    (entry,) = entries(listed | {"entries": [{"Cidr": "::/0"}]}) or []
    assert (entry["ipv4_cidr"], entry["ipv6_cidr"], entry["public"]) == (None, "::/0", True)
    assert entries(listed) is None
