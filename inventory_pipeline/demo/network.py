"""The default network of each account and region, which moto makes as AWS does.

Everything that stands in a network stands in this one, so that its VPC, its subnet and its security
group can be looked up.
"""

from dataclasses import dataclass

from inventory_pipeline.demo.estate import Resource


@dataclass(frozen=True)
class Network:
    """Ids of the default VPC, of a subnet in its zone a, and of its default security group."""

    vpc: str
    subnet: str
    group: str


def network(resource: Resource) -> Network:
    """The network that a resource stands in."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends[resource.account_id][resource.region]
    vpc = backend.default_vpc.id
    subnets = sorted(backend.describe_subnets(), key=lambda subnet: subnet.availability_zone)
    groups = backend.describe_security_groups(groupnames=["default"])
    return Network(vpc, subnets[0].id, groups[0].id)
