"""IAM actions that the settings switch off are never used, and what they tell is unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory_pipeline.accounts import accounts_of
from inventory_pipeline.collect import collect, publish_snapshot
from inventory_pipeline.lake import Lake
from inventory_pipeline.settings import SettingsError
from inventory_pipeline_tests.simulated_aws import Fault, FaultyClients, refused, settings_of

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
OFF = {"actions_off": ["ec2:DescribeInstanceAttribute", "ec2:DescribeVolumes"]}


def test_what_is_off_is_not_asked(aws: str, tmp_path: Path) -> None:
    settings = settings_of(aws, collection_settings=OFF, regions=["us-east-1"])
    asked = [Fault("DescribeInstanceAttribute", [refused("AccessDenied")])]
    asked.append(Fault("DescribeVolumes", [refused("AccessDenied")]))
    clients = FaultyClients(settings, *asked)
    [engineering, _] = accounts_of(settings)
    clients.client(engineering, "ec2", "us-east-1").run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData="password=hunter2"
    )
    lake = Lake.open(str(tmp_path / "lake"))
    types = ["ec2_instance", "ebs_volume"]
    collect(settings, lake, AT, lambda: AT, resource_types=types, clients=clients)
    publish_snapshot(lake, AT)
    [instance] = lake.read("ec2_instances").to_pylist()
    assert instance["user_data_secret"] is None
    assert [fault.calls for fault in asked] == [0, 0]
    collectors = {row["collector"] for row in lake.read("coverage").to_pylist()}
    assert "ec2_instance" in collectors
    assert not {"ec2_instance.user_data", "ebs_volume"} & collectors


def test_an_unknown_action_is_an_error(aws: str, tmp_path: Path) -> None:
    off = {"actions_off": ["ec2:DescribeVolume"]}
    settings = settings_of(aws, collection_settings=off)
    with pytest.raises(SettingsError, match="did you mean 'ec2:DescribeVolumes'"):
        collect(settings, Lake.open(str(tmp_path / "lake")), AT, lambda: AT)
