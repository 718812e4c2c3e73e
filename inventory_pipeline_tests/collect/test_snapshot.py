"""Whole collections of a simulated organisation into a lake."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.accounts import Account, Clients, NoAccountsError, accounts_of
from inventory_pipeline.collect import (
    PastSnapshotError,
    collect,
    publish_snapshot,
    snapshot_coverage,
)
from inventory_pipeline.lake import Lake
from inventory_pipeline.resource_types import selected_types
from inventory_pipeline.settings import Settings, SettingsError
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    ENGINEERING,
    OPERATIONS,
    Fault,
    FaultyClients,
    refused,
    settings_of,
)

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
VOLUMES = ["ebs_volume"]
PLANTED = [
    "ec2_instance",
    "ebs_volume",
    "rds_instance",
    "rds_cluster",
    "lambda_function",
    "s3_bucket",
]


def now() -> datetime:
    return AT + timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def by_name(settings: Settings) -> dict[str, Account]:
    return {account.name: account for account in accounts_of(settings)}


def add_volume(aws: str, account: str, region: str = "us-east-1", **more: Any) -> str:
    settings = settings_of(aws)
    ec2 = Clients.of(settings).client(by_name(settings)[account], "ec2", region)
    made = ec2.create_volume(AvailabilityZone=f"{region}a", Size=8, VolumeType="gp3", **more)
    return str(made["VolumeId"])


def volumes(lake: Lake) -> dict[str, tuple[str, str]]:
    """Published volumes: account and region by id."""
    rows = lake.read("ebs_volumes").to_pylist()
    return {row["resource_id"]: (row["account_id"], row["region"]) for row in rows}


def statuses(lake: Lake) -> dict[tuple[str, str], str]:
    rows = lake.read("coverage").to_pylist()
    return {(r["account_id"], r["region"]): r["status"] for r in rows if "." not in r["collector"]}


def cells(lake: Lake) -> dict[tuple[str, str, str], str]:
    """The status of each published cell: account, region and type."""
    rows = lake.read("coverage").to_pylist()
    return {
        (r["account_id"], r["region"], r["collector"]): r["status"]
        for r in rows
        if "." not in r["collector"]
    }


def plant(aws: str) -> None:
    """One resource of each type in the account `engineering`, with secrets where AWS has them."""
    settings = settings_of(aws)
    clients, account = Clients.of(settings), by_name(settings)["engineering"]

    def client(service: str) -> Any:
        return clients.client(account, service, "eu-west-1")

    tags = [{"Key": "Name", "Value": "web"}, {"Key": "dept", "Value": "Data"}]
    client("ec2").run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        InstanceType="m5.large",
        UserData=CANARY,
        MetadataOptions={"HttpTokens": "required"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    rds = client("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="cluster",
        Engine="aurora-postgresql",
        MasterUsername="root1",
        MasterUserPassword=CANARY,
    )
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.m5.large",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="root1",
        MasterUserPassword=CANARY,
        BackupRetentionPeriod=0,
        MultiAZ=True,
        PubliclyAccessible=True,
        StorageEncrypted=True,
        Tags=[{"Key": "Environment", "Value": "test"}],
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "")
    client("lambda").create_function(
        FunctionName="resize",
        Runtime="python3.12",
        Role=role["Role"]["Arn"],
        Handler="index.x",
        Code={"ZipFile": code.getvalue()},
        MemorySize=256,
        Tags={"CostCenter": "1001"},
        Environment={"Variables": {"PASSWORD": CANARY}},
    )
    s3 = client("s3")
    s3.create_bucket(
        Bucket="open-bucket",
        ACL="public-read",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    s3.put_bucket_versioning(Bucket="open-bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(
        Bucket="open-bucket", Tagging={"TagSet": [{"Key": "Owner", "Value": "Ärger 日本"}]}
    )


def test_every_type_is_seen_as_planted_and_no_secret_with_it(aws: str, lake: Lake) -> None:
    plant(aws)
    settings = settings_of(aws)
    said: list[str] = []
    result = collect(settings, lake, AT, now, resource_types=PLANTED, progress=said.append)
    assert lake.read("ec2_instances").num_rows == 0, "visible before it was published"
    row = publish_snapshot(lake, AT)

    one = {
        name: lake.read(name, {"region": "eu-west-1"}).to_pylist()
        for name in (
            "ec2_instances",
            "ebs_volumes",
            "rds_instances",
            "rds_clusters",
            "lambda_functions",
            "s3_buckets",
        )
    }
    assert {name: len(rows) for name, rows in one.items()} == dict.fromkeys(one, 1)
    instance, volume = one["ec2_instances"][0], one["ebs_volumes"][0]
    assert (instance["name"], instance["state"], instance["instance_type"]) == (
        "web",
        "running",
        "m5.large",
    )
    assert (instance["department"], instance["environment"]) == ("Data", "prod")
    assert instance["imds_tokens"] == "required"
    assert instance["arn"] == (
        f"arn:aws:ec2:eu-west-1:{ENGINEERING}:instance/{instance['resource_id']}"
    )
    assert volume["attached_instance_id"] == instance["resource_id"]
    database = one["rds_instances"][0]
    assert (database["multi_az"], database["publicly_accessible"], database["encrypted"]) == (
        True,
        True,
        True,
    )
    assert (database["backup_retention_days"], database["environment"]) == (0, "test")
    function = one["lambda_functions"][0]
    assert (function["memory_mb"], function["cost_center"]) == (256, "1001")
    bucket = one["s3_buckets"][0]
    assert (bucket["acl_public"], bucket["versioning"], bucket["region"]) == (
        True,
        "Enabled",
        "eu-west-1",
    )
    assert dict(bucket["tags"])["Owner"] == "Ärger 日本"
    edges = {
        (e["source_type"], e["relation"], e["target_id"])
        for e in lake.read("relationships").to_pylist()
    }
    assert ("ebs_volume", "attached_to", instance["resource_id"]) in edges

    assert (row["rows"], row["tables"]) == (6, 6)
    # Not every part: the simulation does not know all of what AWS tells.
    assert set(cells(lake).values()) == {"ok", "region_disabled"}
    assert result.rows["ec2_instances"] == 1
    assert result.rows["resources"] == lake.read("resources").num_rows == 6
    assert len(said) == result.asked == result.planned == len(cells(lake))
    everything = "".join(str(lake.read(name).to_pylist()) for name in tables())
    assert CANARY not in everything + "".join(said)
    assert "an-external-id" not in everything


def test_a_region_that_is_off_is_in_the_ledger_and_leaves_the_snapshot_complete(
    aws: str, lake: Lake
) -> None:
    collect(settings_of(aws), lake, AT, now, resource_types=VOLUMES)
    row = publish_snapshot(lake, AT)
    assert statuses(lake)[ENGINEERING, "ap-south-2"] == "region_disabled"
    assert row["status"] == "complete"
    assert (row["cells"], row["cells_ok"]) == (10, 8)
    seen = snapshot_coverage(lake, AT)
    assert (seen.cells, seen.ok, seen.percent) == (8, 8, 100.0)
    assert seen.sentence == "8 of 8 cells seen; 2 more in regions that are off"


def test_an_account_that_cannot_be_entered_leaves_the_others(aws: str, lake: Lake) -> None:
    there = add_volume(aws, "operations")
    settings = settings_of(aws)
    sealed = FaultyClients(
        settings, Fault("AssumeRole", [refused("AccessDenied"), None], forever=False)
    )
    # One at a time, so that the first account is the one refused.
    one_by_one = settings_of(aws, collection_settings={"parallel_regions": 1, "retry_attempts": 0})
    result = collect(one_by_one, lake, AT, now, resource_types=VOLUMES, clients=sealed)
    row = publish_snapshot(lake, AT)
    accounts = {r["account_id"]: r for r in lake.read("accounts").to_pylist()}
    assert accounts[ENGINEERING]["status"] == "denied"
    assert accounts[ENGINEERING]["regions"] is None
    assert accounts[OPERATIONS]["status"] == "ok"
    assert volumes(lake) == {there: (OPERATIONS, "us-east-1")}
    found = statuses(lake)
    assert {found[ENGINEERING, r] for r in ("us-east-1", "eu-west-1")} == {"denied"}
    assert row["status"] == "partial"
    assert not result.complete


def test_a_role_of_another_account_books_nothing(aws: str, lake: Lake) -> None:
    add_volume(aws, "operations")
    swapped = {"engineering": {"account_id": ENGINEERING}}
    settings = settings_of(aws, accounts=swapped)
    operations = by_name(settings_of(aws))["operations"]

    class Swapped(Clients):
        def client(self, account: Account | None, service: str, region: str) -> Any:
            return super().client(account and operations, service, region)

    collect(settings, lake, AT, now, resource_types=VOLUMES, clients=Swapped(endpoint_url=aws))
    publish_snapshot(lake, AT)
    assert volumes(lake) == {}
    (account,) = lake.read("accounts").to_pylist()
    assert account["status"] == "error"
    assert OPERATIONS in account["message"]
    assert set(statuses(lake).values()) == {"error"}


def test_collecting_a_part_again_keeps_the_rest(aws: str, lake: Lake) -> None:
    ours, theirs = add_volume(aws, "engineering"), add_volume(aws, "operations")
    settings = settings_of(aws)
    collect(settings, lake, AT, now, resource_types=VOLUMES)
    publish_snapshot(lake, AT)
    new = add_volume(aws, "engineering", "eu-west-1")
    clients = Clients.of(settings)
    clients.client(by_name(settings)["engineering"], "ec2", "us-east-1").delete_volume(
        VolumeId=ours
    )
    add_volume(aws, "operations")
    collect(settings, lake, AT, now, accounts=["engineering"], resource_types=VOLUMES)
    publish_snapshot(lake, AT)
    assert volumes(lake) == {new: (ENGINEERING, "eu-west-1"), theirs: (OPERATIONS, "us-east-1")}
    collect(
        settings,
        lake,
        AT,
        now,
        accounts=[OPERATIONS],
        regions=["us-east-1"],
        resource_types=["ec2"],
    )
    assert len(volumes(lake)) == 3


def test_a_worse_look_takes_nothing_away(aws: str, lake: Lake) -> None:
    volume = add_volume(aws, "engineering")
    settings = settings_of(aws)
    collect(settings, lake, AT, now, resource_types=VOLUMES)
    publish_snapshot(lake, AT)
    measured = lake.read("metrics").num_rows
    shut = FaultyClients(settings, Fault("DescribeVolumes", [refused("UnauthorizedOperation")]))
    result = collect(settings, lake, AT, now, resource_types=VOLUMES, clients=shut)
    assert not result.complete
    row = publish_snapshot(lake, AT)
    assert volumes(lake) == {volume: (ENGINEERING, "us-east-1")}
    assert lake.read("metrics").num_rows == measured > 0
    assert statuses(lake)[ENGINEERING, "us-east-1"] == "ok"
    assert row["status"] == "complete"


def test_two_parts_collected_at_once_both_survive(aws: str, lake: Lake) -> None:
    expected = {
        add_volume(aws, "engineering"): (ENGINEERING, "us-east-1"),
        add_volume(aws, "operations"): (OPERATIONS, "us-east-1"),
    }
    settings = settings_of(aws)

    def part(account: str) -> None:
        collect(
            settings, Lake.open(lake.location), AT, now, accounts=[account], resource_types=VOLUMES
        )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(part, ["engineering", "operations"]))
    publish_snapshot(lake, AT)
    assert volumes(lake) == expected
    assert {account for account, _ in statuses(lake)} == {ENGINEERING, OPERATIONS}


def test_same_named_resources_of_two_accounts_stay_apart(aws: str, lake: Lake) -> None:
    settings = settings_of(aws)
    for account in accounts_of(settings):
        Clients.of(settings).client(account, "rds", "us-east-1").create_db_instance(
            DBInstanceIdentifier="orders",
            DBInstanceClass="db.m5.large",
            Engine="mysql",
            AllocatedStorage=20,
            MasterUsername="root1",
            MasterUserPassword="password1",
        )
    collect(settings, lake, AT, now, resource_types=["rds"])
    publish_snapshot(lake, AT)
    rows = lake.read("rds_instances").to_pylist()
    assert sorted((r["account_id"], r["resource_id"]) for r in rows) == [
        (ENGINEERING, "orders"),
        (OPERATIONS, "orders"),
    ]


def test_the_past_and_the_future_cannot_be_collected(aws: str, lake: Lake) -> None:
    settings = settings_of(aws)
    with pytest.raises(PastSnapshotError, match="the past cannot be collected"):
        collect(settings, lake, AT - timedelta(hours=12), now)
    with pytest.raises(PastSnapshotError, match="has not come yet"):
        collect(settings, lake, AT + timedelta(hours=12), now)


def test_names_that_settings_do_not_know(aws: str, lake: Lake) -> None:
    settings = settings_of(aws)
    with pytest.raises(SettingsError, match="enginering"):
        collect(settings, lake, AT, now, accounts=["enginering"])
    with pytest.raises(SettingsError, match=r"us-esat-1.*us-east-1"):
        collect(settings, lake, AT, now, regions=["eu-west-1", "us-esat-1"])
    with pytest.raises(SettingsError, match="ebs_volumes"):
        collect(settings, lake, AT, now, resource_types=["ebs_volumes"])
    nobody = settings_of(aws, accounts={"a": {"account_id": ENGINEERING, "enabled": False}})
    with pytest.raises(NoAccountsError):
        collect(nobody, lake, AT, now)


def test_a_typing_error_in_the_settings_does_not_empty_the_organisation(
    aws: str, lake: Lake
) -> None:
    settings = settings_of(aws, regions=["eu-wset-*"])
    with pytest.raises(SettingsError, match="correct `regions`"):
        collect(settings, lake, AT, now, resource_types=VOLUMES)
    collect(settings_of(aws, regions=["eu-wset-1"]), lake, AT, now, resource_types=VOLUMES)
    assert publish_snapshot(lake, AT)["status"] == "partial"


def test_an_account_whose_sts_is_off_leaves_the_snapshot_partial(aws: str, lake: Lake) -> None:
    settings = settings_of(aws)
    off = FaultyClients(settings, Fault("AssumeRole", [refused("RegionDisabledException")]))
    collect(settings, lake, AT, now, resource_types=VOLUMES, clients=off)
    assert publish_snapshot(lake, AT)["status"] == "partial"
    assert snapshot_coverage(lake, AT).percent == 0.0


def test_the_settings_choose_the_types(aws: str, lake: Lake) -> None:
    settings = settings_of(aws, resource_types=["rds"])
    collect(settings, lake, AT, now)
    publish_snapshot(lake, AT)
    assert {kind for _, _, kind in cells(lake)} == {k.name for k in selected_types(["rds"])}
