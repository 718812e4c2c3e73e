"""Networks: what is the account's own, what is watched, where routes lead, who may pass."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_pipeline.collect.sources import find
from inventory_pipeline.resource_types import resource_types, vpc, vpc_endpoints, vpc_routing
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    edges_of,
    row_of,
)


@pytest.fixture
def network(aws: str) -> dict[str, str]:
    """A VPC with an internet gateway, a subnet, a NAT gateway and a flow log."""
    ec2 = client_of(aws, "ec2")
    made = {"vpc": ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]}
    made["subnet"] = ec2.create_subnet(VpcId=made["vpc"], CidrBlock="10.1.0.0/24")["Subnet"][
        "SubnetId"
    ]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=made["vpc"])
    table = ec2.create_route_table(VpcId=made["vpc"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=made["subnet"])
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=made["subnet"], AllocationId=address)["NatGateway"]
    log = ec2.create_flow_logs(
        ResourceIds=[made["vpc"]],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName="flows",
        DeliverLogsPermissionArn="arn:aws:iam::111111111111:role/flows",
    )["FlowLogIds"][0]
    return made | {
        "internet_gateway": gateway,
        "route_table": table,
        "elastic_ip": address,
        "nat_gateway": nat["NatGatewayId"],
        "flow_log": log,
    }


def test_a_network_is_seen_whole(aws: str, network: dict[str, str]) -> None:
    rows = {kind: row_of(collected(aws, kind), network[kind]) for kind in network}
    assert rows["vpc"]["is_default"] is False
    assert rows["vpc"]["cidr_blocks"] == ["10.1.0.0/16"]
    assert rows["subnet"]["auto_public_ip"] is False
    assert rows["subnet"]["vpc_id"] == network["vpc"]
    assert rows["internet_gateway"]["vpc_id"] == network["vpc"]
    assert rows["flow_log"]["monitored_id"] == network["vpc"]
    assert rows["flow_log"]["destination"] == "flows"
    assert rows["nat_gateway"]["public_ips"] == [rows["elastic_ip"]["public_ip"]]
    assert rows["elastic_ip"]["associated"] is True
    assert rows["elastic_ip"]["instance_id"] is None
    assert rows["route_table"]["is_main"] is False
    assert rows["route_table"]["subnet_ids"] == [network["subnet"]]
    arn = "arn:aws:ec2:us-east-1:111111111111:natgateway/" + network["nat_gateway"]
    assert rows["nat_gateway"]["arn"] == arn


def test_edges_of_a_network(aws: str, network: dict[str, str]) -> None:
    nat = edges_of(collected(aws, "nat_gateway"), network["nat_gateway"])
    assert ("in_subnet", "subnet", network["subnet"]) in nat
    assert ("has_address", "elastic_ip", network["elastic_ip"]) in nat
    log = edges_of(collected(aws, "flow_log"), network["flow_log"])
    assert log == {("monitors", "vpc", network["vpc"])}
    table = edges_of(collected(aws, "route_table"), network["route_table"])
    assert ("routes", "subnet", network["subnet"]) in table


def test_routes_of_a_table(aws: str, network: dict[str, str]) -> None:
    result = collected(aws, "route_table")
    routes = children_of(result, "routes", network["route_table"])
    assert [(r["ipv4_cidr"], r["target_type"], r["target_id"]) for r in routes] == [
        ("10.1.0.0/16", "local", "local"),
        ("0.0.0.0/0", "internet_gateway", network["internet_gateway"]),
    ]
    assert row_of(result, network["route_table"])["routes"] == 2


def test_a_deleted_nat_gateway_is_not_there(aws: str, network: dict[str, str]) -> None:
    keep = resource_types()["nat_gateway"].keep
    assert keep is not None
    assert find(keep, {"NatGatewayId": "nat-1", "State": "deleted"}) is False
    assert find(keep, {"NatGatewayId": "nat-1", "State": "failed"}) is True


def test_what_others_share_is_left_to_them(aws: str, network: dict[str, str]) -> None:
    """A participant of a shared VPC is told of subnets that are not its own."""
    owned = vpc.owned({"account_id": "222222222222", "region": "us-east-1", "partition": "aws"})
    ec2 = client_of(aws, "ec2")
    assert ec2.describe_subnets(Filters=owned)["Subnets"] == []
    for kind in ("vpc", "subnet", "route_table", "transit_gateway", "network_interface"):
        assert (resource_types()[kind].arguments or {})["Filters"] is vpc.owned


@pytest.mark.parametrize(
    ("target", "edges"),
    [
        ("vpc-0a", {("monitors", "vpc")}),
        ("subnet-0a", {("monitors", "subnet")}),
        ("eni-0a", {("monitors", "network_interface")}),
        ("tgw-0a", {("monitors", "transit_gateway")}),
        ("tgw-attach-0a", set()),
        (None, set()),
    ],
)
def test_what_a_flow_log_watches(target: str | None, edges: set[tuple[str, str]]) -> None:
    log = {"FlowLogId": "fl-1", "ResourceId": target}
    found = {
        (edge.relation, edge.target_type)
        for edge in resource_types()["flow_log"].relationships
        if find(edge.targets, log)
    }
    assert found == edges


@pytest.mark.parametrize(
    ("route", "kind", "target"),
    [
        ({"GatewayId": "local"}, "local", "local"),
        ({"GatewayId": "igw-1"}, "internet_gateway", "igw-1"),
        ({"GatewayId": "vgw-1"}, "virtual_private_gateway", "vgw-1"),
        ({"GatewayId": "vpce-1"}, "vpc_endpoint", "vpce-1"),
        ({"GatewayId": "newgw-1"}, "gateway", "newgw-1"),
        ({"NatGatewayId": "nat-1"}, "nat_gateway", "nat-1"),
        ({"VpcPeeringConnectionId": "pcx-1"}, "vpc_peering_connection", "pcx-1"),
        ({"EgressOnlyInternetGatewayId": "eigw-1"}, "egress_only_internet_gateway", "eigw-1"),
        # A route to an instance is one to its interface.
        (
            {"InstanceId": "i-1", "InstanceOwnerId": "1", "NetworkInterfaceId": "eni-1"},
            "network_interface",
            "eni-1",
        ),
        # The target is gone, and AWS no longer tells what it was.
        ({"DestinationCidrBlock": "10.0.0.0/8", "State": "blackhole"}, None, None),
    ],
)
def test_where_a_route_leads(route: dict[str, Any], kind: str | None, target: str | None) -> None:
    assert vpc_routing.target_type(route) == kind
    assert vpc_routing.target_id(route) == target


def test_a_table_is_main_by_any_of_its_associations() -> None:
    is_main = {f.column.name: f.source for f in vpc_routing.ROUTE_TABLE.fields}["is_main"]
    assert find(is_main, {"Associations": [{"SubnetId": "subnet-1"}, {"Main": True}]}) is True
    assert find(is_main, {"Associations": []}) is False
    assert find(is_main, {}) is None


def test_transit_gateway_options() -> None:
    read = vpc_routing.enabled("AutoAcceptSharedAttachments")
    assert read({"Options": {"AutoAcceptSharedAttachments": "enable"}}) is True
    assert read({"Options": {"AutoAcceptSharedAttachments": "disable"}}) is False
    assert read({"Options": {}}) is None


def test_blocks_of_a_peer_are_all_of_them_and_unknown_until_it_accepts() -> None:
    read = vpc_routing.peer_blocks("Accepter")
    peer = {
        "CidrBlock": "10.2.0.0/16",
        "CidrBlockSet": [{"CidrBlock": "10.2.0.0/16"}, {"CidrBlock": "10.3.0.0/16"}],
        "Ipv6CidrBlockSet": [{"Ipv6CidrBlock": "2001:db8::/56"}],
    }
    assert read({"AccepterVpcInfo": peer}) == ["10.2.0.0/16", "10.3.0.0/16", "2001:db8::/56"]
    assert read({"AccepterVpcInfo": {"CidrBlock": "10.2.0.0/16"}}) == ["10.2.0.0/16"]
    assert read({"AccepterVpcInfo": {"OwnerId": "222222222222", "VpcId": "vpc-2"}}) is None


def test_peering_is_seen_with_both_sides(aws: str, network: dict[str, str]) -> None:
    ec2 = client_of(aws, "ec2")
    other = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_vpc_peering_connection(VpcId=network["vpc"], PeerVpcId=other)
    peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    result = collected(aws, "vpc_peering_connection")
    row = row_of(result, peering)
    assert (row["state"], row["requester_vpc_id"], row["accepter_vpc_id"]) == (
        "active",
        network["vpc"],
        other,
    )
    assert row["accepter_cidr_blocks"] == ["10.2.0.0/16"]
    assert edges_of(result, peering) == {
        ("connects", "vpc", network["vpc"]),
        ("connects", "vpc", other),
    }


def test_an_endpoints_policy_is_read_as_statements(aws: str, network: dict[str, str]) -> None:
    document = (
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*",'
        ' "Condition": {"StringEquals": {"aws:PrincipalAccount": "111111111111"}}}]}'
    )
    made = client_of(aws, "ec2").create_vpc_endpoint(
        VpcId=network["vpc"],
        ServiceName="com.amazonaws.us-east-1.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[network["route_table"]],
        PolicyDocument=document,
    )
    endpoint = made["VpcEndpoint"]["VpcEndpointId"]
    result = collected(aws, "vpc_endpoint")
    row = row_of(result, endpoint)
    assert (row["endpoint_type"], row["state"], row["policy_statements"]) == (
        "Gateway",
        "available",
        1,
    )
    (statement,) = children_of(result, "policy_statements", endpoint)
    assert (statement["public"], statement["accounts"]) == (False, ["111111111111"])
    assert ("in_route_table", "route_table", network["route_table"]) in edges_of(result, endpoint)
    # CloudWatch has nothing of gateway endpoints: asking would make silence a 0.
    assert result.metrics == []


def test_metrics_of_an_interface_endpoint_need_all_its_dimensions() -> None:
    (metric,) = vpc_endpoints.VPC_ENDPOINT.metrics
    endpoint = {
        "VpcEndpointId": "vpce-1",
        "VpcEndpointType": "Interface",
        "ServiceName": "com.amazonaws.us-east-1.ssm",
        "VpcId": "vpc-1",
    }
    assert {name: find(source, endpoint) for name, source in metric.dimensions.items()} == {
        "Endpoint Type": "Interface",
        "Service Name": "com.amazonaws.us-east-1.ssm",
        "VPC Endpoint Id": "vpce-1",
        "VPC Id": "vpc-1",
    }


@pytest.mark.parametrize(
    ("said", "state", "kept"),
    [
        ("available", "available", True),
        ("Available", "available", True),
        ("Deleted", "deleted", False),
        (None, None, True),
    ],
)
def test_states_of_endpoints_in_either_spelling(
    said: str | None, state: str | None, kept: bool
) -> None:
    endpoint = {"VpcEndpointId": "vpce-1", "State": said}
    keep = vpc_endpoints.VPC_ENDPOINT.keep
    assert keep is not None
    assert vpc_endpoints.state(endpoint) == state
    assert find(keep, endpoint) is kept


def test_an_interfaces_groups_and_addresses_are_known(aws: str, network: dict[str, str]) -> None:
    ec2 = client_of(aws, "ec2")
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=network["vpc"])
    made = ec2.create_network_interface(
        SubnetId=network["subnet"],
        Groups=[group["GroupId"]],
        TagSpecifications=[
            {
                "ResourceType": "network-interface",
                "Tags": [{"Key": "Name", "Value": "nic"}, {"Key": "Team", "Value": "Straße"}],
            }
        ],
    )
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    result = collected(aws, "network_interface")
    row = row_of(result, interface)
    assert (row["name"], row["tags"]["Team"]) == ("nic", "Straße")
    assert row["security_group_ids"] == [group["GroupId"]]
    assert row["public_ips"] == []
    assert ("has_security_group", "security_group", group["GroupId"]) in edges_of(result, interface)


def test_an_address_without_association_is_idle(aws: str) -> None:
    made = client_of(aws, "ec2").allocate_address(Domain="vpc")["AllocationId"]
    row = row_of(collected(aws, "elastic_ip"), made)
    assert row["associated"] is False
    assert row["network_interface_id"] is None
