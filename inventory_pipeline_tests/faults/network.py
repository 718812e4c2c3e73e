"""The network of an account: a VPC with subnets, gateways, and rules for IPv4 and IPv6."""

from __future__ import annotations

from dataclasses import dataclass

from inventory_pipeline_tests.faults.owner import NAME, Owner


@dataclass(frozen=True)
class Network:
    vpc: str
    subnets: list[str]
    group: str

    @classmethod
    def of(cls, owner: Owner) -> Network:
        ec2 = owner.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=owner.tagged("vpc"))
        vpc_id = vpc["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(
                VpcId=vpc_id,
                CidrBlock=f"10.0.{number}.0/24",
                AvailabilityZone=f"{owner.region}{zone}",
                TagSpecifications=owner.tagged("subnet"),
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        _gateways(owner, vpc_id, subnets[0])
        return cls(vpc_id, subnets, _security_group(owner, vpc_id))


def _security_group(owner: Owner, vpc_id: str) -> str:
    ec2 = owner.client("ec2")
    group = ec2.create_security_group(
        GroupName=NAME,
        Description="d",
        VpcId=vpc_id,
        TagSpecifications=owner.tagged("security-group"),
    )["GroupId"]
    everyone = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {**everyone, "IpRanges": [{"CidrIp": "203.0.113.0/24", "Description": "ö"}]},
            {**everyone, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]},
        ],
    )
    return str(group)


def _gateways(owner: Owner, vpc_id: str, subnet: str) -> None:
    ec2 = owner.client("ec2")
    gateway = ec2.create_internet_gateway(TagSpecifications=owner.tagged("internet-gateway"))
    ec2.attach_internet_gateway(
        InternetGatewayId=gateway["InternetGateway"]["InternetGatewayId"], VpcId=vpc_id
    )
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=owner.tagged("elastic-ip"))
    ec2.create_nat_gateway(
        SubnetId=subnet,
        AllocationId=address["AllocationId"],
        TagSpecifications=owner.tagged("natgateway"),
    )
    ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        ServiceName=f"com.amazonaws.{owner.region}.s3",
        PolicyDocument=owner.policy("endpoint-policy", Action="s3:*", Resource="*"),
        TagSpecifications=owner.tagged("vpc-endpoint"),
    )
