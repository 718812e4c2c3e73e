"""Compute types from the simulated AWS to rows, as the product collects them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    ENGINEERING,
    Fault,
    FaultyClients,
    ec2_error,
    json_answer,
    refused,
    settings_of,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = Account(ENGINEERING, "engineering", f"arn:aws:iam::{ENGINEERING}:role/R")
REGION = "eu-west-1"
OTHER = "222222222222"

# What the simulation does not have.
NO_PERCENTILES = Fault("GetMetricData", [refused("AccessDenied")])
NO_SSM = Fault("DescribeInstanceInformation", [refused("AccessDenied")])


def look(aws: str, kind: str, *faults: Fault) -> CellResult:
    clients = FaultyClients(settings_of(aws), NO_PERCENTILES, *faults)
    runner = CellRunner(clients, NOW, lambda: NOW, parallel=2)
    where = "global" if resource_types()[kind].scope == "global" else REGION
    (result,) = runner.run([Cell(ACCOUNT, where, resource_types()[kind])])
    return result


def ledger(result: CellResult) -> dict[str, str]:
    return {row["collector"].partition(".")[2]: row["status"] for row in result.coverage}


@pytest.fixture
def ec2(aws: str) -> Any:
    return Clients(endpoint_url=aws).client(ACCOUNT, "ec2", REGION)


def run_instance(ec2: Any, **more: Any) -> str:
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, **more)
    return str(made["Instances"][0]["InstanceId"])


def image_of(*instance_ids: str) -> tuple[int, dict[str, str], bytes]:
    """DescribeInstanceImageMetadata as AWS words it."""
    items = "".join(
        f"<item><instanceId>{instance_id}</instanceId><imageMetadata>"
        "<imageId>ami-1</imageId><name>golden</name><imageState>deregistered</imageState>"
        "<deprecationTime>2026-10-01T00:00:00.000Z</deprecationTime></imageMetadata></item>"
        for instance_id in instance_ids
    )
    name = "DescribeInstanceImageMetadataResponse"
    found = f"<instanceImageMetadataSet>{items}</instanceImageMetadataSet>"
    return 200, {"content-type": "text/xml"}, f"<{name}>{found}</{name}>".encode()


def test_an_instance_with_all_that_further_calls_say(aws: str, ec2: Any) -> None:
    script = f"#!/bin/bash\nexport DB_PASSWORD={CANARY}\n"
    instance_id = run_instance(ec2, UserData=script, InstanceType="t3.micro")
    managed = {"InstanceInformationList": [{"InstanceId": instance_id}]}
    result = look(
        aws,
        "ec2_instance",
        Fault("DescribeInstanceImageMetadata", [image_of(instance_id)]),
        Fault("DescribeInstanceInformation", [json_answer(managed)]),
    )
    (row,) = result.rows
    assert ledger(result) == {
        "": "ok",
        "image": "ok",
        "ssm": "ok",
        "user_data": "ok",
        "metrics": "denied",
    }
    assert row["user_data_present"] is True
    assert row["user_data_secret"] is True
    assert row["user_data_detectors"] == ["assigned_password"]
    assert row["ssm_managed"] is True
    assert row["image_state"] == "deregistered"
    assert row["image_deprecated_at"] == datetime(2026, 10, 1, tzinfo=UTC)
    everything = str((result.rows, result.edges, result.metrics, result.coverage, result.children))
    assert CANARY not in everything
    assert base64.b64encode(script.encode()).decode() not in everything
    assert "surplus_credits_charged" in {
        metric.column
        for metric in resource_types()["ec2_instance"].metrics
        if metric.metric in {m["metric"] for m in result.metrics}
    }


def test_an_instance_that_ends_meanwhile_is_left_out_and_the_others_stay(
    aws: str, ec2: Any
) -> None:
    ids = sorted(run_instance(ec2) for _ in range(2))
    gone = ec2_error("InvalidInstanceID.NotFound", status=400)
    faults = (
        # The batch fails for all; then each is asked alone.
        Fault("DescribeInstanceImageMetadata", [gone, image_of(ids[0]), image_of(ids[1])]),
        Fault("DescribeInstanceAttribute", [gone, None]),
        NO_SSM,
    )
    result = look(aws, "ec2_instance", *faults)
    assert len(result.rows) == 1
    assert ledger(result)["user_data"] == "ok"
    assert result.rows[0]["user_data_present"] is False
    assert result.rows[0]["ssm_managed"] is None


def test_a_denied_detail_leaves_its_columns_unknown(aws: str, ec2: Any) -> None:
    run_instance(ec2, UserData="x")
    denied = [ec2_error("UnauthorizedOperation")]
    result = look(
        aws,
        "ec2_instance",
        Fault("DescribeInstanceImageMetadata", denied),
        Fault("DescribeInstanceAttribute", denied),
        NO_SSM,
    )
    (row,) = result.rows
    for column in ("user_data_present", "user_data_secret", "image_state", "ssm_managed"):
        assert row[column] is None
    assert row["virtualization_type"] is not None
    assert ledger(result)["user_data"] == "denied"


def test_public_and_shared_snapshots(aws: str, ec2: Any) -> None:
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8)["VolumeId"]
    public, shared, private = (ec2.create_snapshot(VolumeId=volume)["SnapshotId"] for _ in range(3))

    def share(snapshot_id: str, **whom: list[str]) -> None:
        ec2.modify_snapshot_attribute(
            SnapshotId=snapshot_id,
            Attribute="createVolumePermission",
            OperationType="add",
            **whom,
        )

    share(public, GroupNames=["all"])
    share(shared, UserIds=[OTHER])
    # The simulation knows no RestorableByUserIds, so that the list of public ones is AWS's here.
    found = f"<item><snapshotId>{public}</snapshotId></item>"
    body = (
        f"<DescribeSnapshotsResponse><snapshotSet>{found}</snapshotSet></DescribeSnapshotsResponse>"
    )
    only_public = (200, {"content-type": "text/xml"}, body.encode())
    result = look(aws, "ebs_snapshot", Fault("DescribeSnapshots", [None, only_public]))
    rows = {row["resource_id"]: row for row in result.rows}
    assert {key: rows[key]["public"] for key in (public, shared, private)} == {
        public: True,
        shared: False,
        private: False,
    }
    assert rows[shared]["shared_with"] == [OTHER]
    assert rows[private]["shared_with"] == []
    assert rows[shared]["arn"] == f"arn:aws:ec2:{REGION}::snapshot/{shared}"
    assert rows[shared]["volume_id"] == volume


def test_templates_by_their_default_version_and_without_their_user_data(aws: str, ec2: Any) -> None:
    secret = base64.b64encode(f"password={CANARY}".encode()).decode()

    def make(name: str, data: dict[str, Any]) -> str:
        made = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    exposed = make(
        "exposed",
        {
            "ImageId": "ami-1",
            "UserData": secret,
            "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}],
        },
    )
    hardened = make("hardened", {"MetadataOptions": {"HttpTokens": "required"}})
    # A second version that is not the default one changes nothing.
    ec2.create_launch_template_version(LaunchTemplateId=exposed, LaunchTemplateData={})
    result = look(aws, "launch_template")
    rows = {row["resource_id"]: row for row in result.rows}
    assert rows[exposed]["associates_public_ip"] is True
    assert rows[exposed]["imds_tokens"] == "none"
    assert rows[exposed]["user_data_present"] is True
    assert rows[hardened]["imds_tokens"] == "required"
    assert rows[hardened]["associates_public_ip"] is False
    assert CANARY not in str((result.rows, result.edges))
    assert secret not in str((result.rows, result.edges))


def test_own_images_and_their_snapshots(aws: str, ec2: Any) -> None:
    image = ec2.create_image(InstanceId=run_instance(ec2), Name="golden")["ImageId"]
    result = look(aws, "ami")
    (row,) = result.rows
    assert row["resource_id"] == image
    assert row["public"] is False
    assert row["snapshot_ids"]
    assert {edge["target_id"] for edge in result.edges} == set(row["snapshot_ids"])


def test_a_region_has_settings_without_any_resource(aws: str, ec2: Any) -> None:
    ec2.enable_ebs_encryption_by_default()
    denied = [ec2_error("UnauthorizedOperation")]
    unread = (
        "GetEbsDefaultKmsKeyId",
        "GetSnapshotBlockPublicAccessState",
        "GetImageBlockPublicAccessState",
        "DescribeVpcBlockPublicAccessOptions",
        "GetInstanceMetadataDefaults",
        "GetSerialConsoleAccessStatus",
    )
    result = look(aws, "ec2_region_settings", *(Fault(name, denied) for name in unread))
    (row,) = result.rows
    assert (row["resource_id"], row["region"]) == (REGION, REGION)
    assert row["ebs_encryption_by_default"] is True
    assert row["snapshot_block_public_access"] is None
    assert row["vpc_block_public_access"] is None
    assert ledger(result)[""] == "ok"
    assert ledger(result)["snapshot_block"] == "denied"


def test_an_auto_scaling_group_and_what_it_launches(aws: str, ec2: Any) -> None:
    data = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    template = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    Clients(endpoint_url=aws).client(ACCOUNT, "autoscaling", REGION).create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "$Default"},
        MinSize=1,
        MaxSize=3,
        DesiredCapacity=2,
        AvailabilityZones=[f"{REGION}a"],
        Tags=[{"Key": "Department", "Value": "Shop", "PropagateAtLaunch": True}],
    )
    result = look(aws, "auto_scaling_group")
    (row,) = result.rows
    assert (row["resource_id"], row["desired_capacity"], row["instances"]) == ("web", 2, 2)
    assert row["department"] == "Shop"
    assert row["launch_template_id"] == template_id
    relations = {edge["relation"] for edge in result.edges}
    assert {"has_instance", "launches_from"} <= relations
