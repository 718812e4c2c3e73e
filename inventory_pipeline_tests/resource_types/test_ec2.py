"""Instances, volumes, images and settings of EC2: values that functions read out of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inventory_pipeline.resource_types import (
    autoscaling,
    commitments,
    ebs,
    ec2,
    ec2_images,
    ec2_settings,
)
from inventory_pipeline_tests.collect.scripted import look

RUNNING = {"InstanceId": "i-1", "State": {"Name": "running"}}
STOPPED = {"InstanceId": "i-1", "State": {"Name": "stopped"}}


@pytest.mark.parametrize(
    ("instance", "managed"),
    [
        (RUNNING | {"ssm": ["i-2", "i-1"]}, True),
        (RUNNING | {"ssm": ["i-2"]}, False),
        # SSM does not answer stopped instances, managed or not.
        (STOPPED | {"ssm": ["i-2"]}, None),
        (RUNNING, None),
    ],
)
def test_management_by_ssm(instance: dict[str, Any], managed: bool | None) -> None:
    assert ec2.ssm_managed(instance) is managed


@pytest.mark.parametrize(
    ("instance_type", "credits"),
    [("t3.micro", True), ("t4g.nano", True), ("trn1.2xlarge", False), ("m5.large", False)],
)
def test_only_burstable_instances_are_asked_for_credits(instance_type: str, credits: bool) -> None:
    found = ec2.burstable({"InstanceId": "i-1", "InstanceType": instance_type})
    assert found == ("i-1" if credits else None)


def test_virtual_cpus_are_cores_times_threads() -> None:
    assert ec2.vcpus({"CpuOptions": {"CoreCount": 4, "ThreadsPerCore": 2}}) == 8
    assert ec2.vcpus({}) is None


def test_a_snapshot_is_public_by_the_one_call_and_shared_by_its_own() -> None:
    everyone = [{"Group": "all"}, {"UserId": "222222222222"}]
    snapshot = {"SnapshotId": "snap-1", "permissions": {"CreateVolumePermissions": everyone}}
    assert ebs.shared_with(snapshot) == ["222222222222"]
    assert ebs.snapshot_public(snapshot) is None
    assert ebs.snapshot_public(snapshot | {"public": ["snap-1"]}) is True
    assert ebs.snapshot_public(snapshot | {"public": []}) is False
    assert ebs.shared_with({"SnapshotId": "snap-1"}) is None
    assert ebs.shared_with({"SnapshotId": "snap-1", "permissions": {}}) == []


def test_only_some_volumes_have_a_burst_balance() -> None:
    assert ebs.bursting({"VolumeId": "v", "VolumeType": "gp2"}) == "v"
    assert ebs.bursting({"VolumeId": "v", "VolumeType": "gp3"}) is None


def template(data: dict[str, Any] | None) -> dict[str, Any]:
    """A template of three whose default versions were listed; None leaves its own out."""
    others = [{"LaunchTemplateId": "lt-2", "LaunchTemplateData": {"UserData": "eA=="}}]
    own = [] if data is None else [{"LaunchTemplateId": "lt-1", "LaunchTemplateData": data}]
    return {"LaunchTemplateId": "lt-1", "default_versions": [*others, *own]}


def test_a_template_is_what_its_own_default_version_says() -> None:
    exposed = template(
        {
            "ImageId": "ami-1",
            "MetadataOptions": {"HttpTokens": "optional"},
            "NetworkInterfaces": [
                {"DeviceIndex": 0, "Groups": ["sg-1"]},
                {"DeviceIndex": 1, "AssociatePublicIpAddress": True, "Groups": ["sg-2", "sg-1"]},
            ],
        }
    )
    assert ec2_images.metadata_tokens(exposed) == "optional"
    assert ec2_images.metadata_endpoint(exposed) == "none"
    assert ec2_images.associates_public_ip(exposed) is True
    assert ec2_images.security_groups(exposed) == ["sg-1", "sg-2"]
    assert ec2_images.has_user_data(exposed) is False
    assert ec2_images.images(exposed) == ["ami-1"]
    assert ec2_images.images(template({"ImageId": "resolve:ssm:/golden"})) == []


def test_a_template_that_says_nothing_is_off_and_one_not_read_is_unknown() -> None:
    readers = (
        (ec2_images.metadata_tokens, "none"),
        (ec2_images.associates_public_ip, False),
        (ec2_images.has_user_data, False),
        (ec2_images.security_groups, []),
    )
    for read, off in readers:
        assert read(template({})) == off
        assert read(template(None)) is None
        assert read({"LaunchTemplateId": "lt-1"}) is None


def test_a_place_without_defaults_has_none_and_one_not_read_is_unknown() -> None:
    place: dict[str, Any] = {"region": "eu-west-1"}
    for answer in ({}, {"AccountLevel": {}}, {"AccountLevel": {"HttpPutResponseHopLimit": -1}}):
        read = place | {"metadata_defaults": answer}
        assert ec2_settings.metadata_tokens(read) == "none"
        assert ec2_settings.metadata_hop_limit(read) == 0
    assert ec2_settings.metadata_tokens(place) is None
    assert ec2_settings.metadata_hop_limit(place) is None
    assert ec2_settings.vpc_block(place) is None
    blocked = {"VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "block-ingress"}}
    assert ec2_settings.vpc_block(place | {"vpc_block": blocked}) == "block-ingress"
    assert ec2_settings.vpc_block(place | {"vpc_block": {}}) == "off"


def test_a_group_launches_from_its_template_or_its_policys() -> None:
    mixed = {
        "MixedInstancesPolicy": {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": "lt-2"},
                "Overrides": [{"InstanceType": "m5.large"}, {"InstanceRequirements": {}}],
            }
        },
        "VPCZoneIdentifier": "subnet-1,subnet-2",
    }
    assert autoscaling.launch_template_id(mixed) == "lt-2"
    assert autoscaling.instance_types(mixed) == ["m5.large"]
    assert autoscaling.subnet_ids(mixed) == ["subnet-1", "subnet-2"]
    plain = {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}
    assert autoscaling.launch_template_id(plain) == "lt-1"
    assert autoscaling.launch_template_id({}) is None
    assert autoscaling.subnet_ids({"VPCZoneIdentifier": ""}) == []


def test_capacity_that_another_account_shares_is_not_counted_again() -> None:
    reservations = [
        {"CapacityReservationId": f"cr-{owner}", "OwnerId": owner}
        for owner in ("111111111111", "222222222222")
    ]

    def describe(Filters: list[dict[str, Any]], **_: Any) -> Any:
        (owners,) = (f["Values"] for f in Filters if f["Name"] == "owner-id")
        return {"CapacityReservations": [r for r in reservations if r["OwnerId"] in owners]}

    kind = replace(commitments.CAPACITY_RESERVATION, metrics=())
    result, _ = look(kind, {"describe_capacity_reservations": describe})
    assert [row["resource_id"] for row in result.rows] == ["cr-111111111111"]
