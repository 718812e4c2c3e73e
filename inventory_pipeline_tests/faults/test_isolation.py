"""What belongs together stays together: namesakes, partitions, IPv6, tags, and empty accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest

from inventory_pipeline.accounts import Clients, accounts_of
from inventory_pipeline.collect import collect, publish_snapshot
from inventory_pipeline.lake import Lake
from inventory_pipeline.settings import Settings
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.faults.everything import plant
from inventory_pipeline_tests.faults.owner import NAME, Owner
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS, settings_of

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOON = AT - timedelta(days=3)


def collected(settings: Settings, clients: Clients, lake: Lake) -> Lake:
    collect(settings, lake, AT, lambda: AT + timedelta(hours=1), clients=clients)
    publish_snapshot(lake, AT)
    return lake


def owners(settings: Settings, clients: Clients, region: str) -> list[Owner]:
    """The owner of each account; each resource has a tag with its account."""
    return [
        Owner(
            account.account_id,
            region,
            lambda service, account=account: clients.client(account, service, region),
            lambda place: f"hunter2-{place}-0123456789",
            {"Owner": account.account_id},
        )
        for account in accounts_of(settings)
    ]


def invoked(owner: Owner, times: int) -> None:
    """The function of the account was called so often."""
    owner.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "Invocations",
                "Dimensions": [{"Name": "FunctionName", "Value": NAME}],
                "Timestamp": NOON,
                "Value": times,
                "Unit": "Count",
            }
        ],
    )


@pytest.fixture(scope="module")
def namesakes(aws_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Two accounts with the same of everything, looked at many cells at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        urlopen(Request(f"{aws_server}/moto-api/reset", method="POST")).close()
        settings = settings_of(
            aws_server,
            regions=["us-east-1"],
            collection_settings={"retry_attempts": 0, "parallel_regions": 16},
        )
        clients = Clients.of(settings)
        for times, owner in enumerate(owners(settings, clients, "us-east-1"), start=1):
            plant(owner)
            invoked(owner, times)
        lake = Lake.open(str(tmp_path_factory.mktemp("namesakes") / "lake"))
        yield collected(settings, clients, lake)


def test_namesakes_of_every_kind_stay_in_their_accounts(namesakes: Lake) -> None:
    named: dict[str, set[str]] = defaultdict(set)
    for row in namesakes.read("resources").to_pylist():
        tags = dict(row["tags"] or ())
        assert tags.get("Owner", row["account_id"]) == row["account_id"], row
        if NAME in (row["name"], row["resource_id"]):
            named[row["account_id"]].add(row["resource_type"])
    assert named[ENGINEERING] == named[OPERATIONS]
    assert len(named[ENGINEERING]) > 25
    for table in tables():
        for row in namesakes.read(table).to_pylist():
            own = row.get("account_id")
            others = {ENGINEERING, OPERATIONS} - {own}
            assert own is None or not any(other in str(row) for other in others), row


def test_namesakes_are_measured_apart(namesakes: Lake) -> None:
    rows = namesakes.read(
        "metrics", {"resource_type": "lambda_function", "metric": "Invocations"}
    ).to_pylist()
    assert {row["account_id"]: row["value"] for row in rows} == {ENGINEERING: 1, OPERATIONS: 2}


def test_rules_for_ipv6_are_rules(namesakes: Lake) -> None:
    for account_id in (ENGINEERING, OPERATIONS):
        rows = namesakes.read("security_group_rules", {"account_id": account_id}).to_pylist()
        ingress = [row for row in rows if row["direction"] == "ingress"]
        assert {
            (row["protocol"], row["from_port"], row["to_port"], row["ipv4_cidr"], row["ipv6_cidr"])
            for row in ingress
        } == {
            ("tcp", 22, 22, "203.0.113.0/24", None),
            ("tcp", 22, 22, None, "::/0"),
            ("all", 0, 65535, None, "2001:db8::/32"),
        }
        assert {row["prefix_length"] for row in ingress} == {24, 0, 32}


MISNAMED = {"elasticache_replication_group"}
"""Types whose ARNs come from the simulation, which has but one partition for them."""


@pytest.mark.parametrize(
    ("partition", "home", "regions"),
    [
        ("aws-cn", "cn-north-1", ["cn-north-1", "cn-northwest-1"]),
        ("aws-us-gov", "us-gov-west-1", ["us-gov-east-1", "us-gov-west-1"]),
    ],
)
def test_other_partitions(
    aws: str,
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    partition: str,
    home: str,
    regions: list[str],
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", home)
    settings = settings_of(
        aws,
        accounts={"engineering": {"account_id": ENGINEERING}},
        regions=regions,  # the simulation shows all partitions' regions to everyone
    )
    clients = Clients.of(settings)
    (account,) = accounts_of(settings, clients.partition)
    elsewhere = Owner(
        ENGINEERING,
        regions[0] if home == regions[1] else regions[1],
        lambda service: clients.client(account, service, elsewhere.region),
        lambda place: f"hunter2-{place}-0123456789",
        {"Owner": ENGINEERING},
    )
    plant(elsewhere)
    collected(settings, clients, lake)
    (entered,) = lake.read("accounts").to_pylist()
    assert entered["status"] == "ok"
    assert entered["role_arn"].startswith(f"arn:{partition}:iam::{ENGINEERING}:role/")
    rows = lake.read("resources").to_pylist()
    assert {row["region"] for row in rows} <= {"global", *regions}
    kinds = {row["resource_type"] for row in rows if row["region"] == elsewhere.region}
    assert len(kinds) > 30
    arns = {(row["resource_type"], row["arn"]) for row in rows if row["arn"]}
    assert {kind for kind, arn in arns if arn.split(":")[1] != partition} <= MISNAMED


TAGS = {
    "Name": "Ärger 日本 שלום 🦆",
    "キー:/=+-@_.": "",
    "x" * 128: "y" * 256,
    'quote\'s "and" \\ {brace} %s': "NULL",
    **{f"key-{number}": f"value {number}" for number in range(46)},
}


def test_50_tags_in_any_script(aws: str, lake: Lake) -> None:
    settings = settings_of(aws, accounts={"operations": {"account_id": OPERATIONS}})
    clients = Clients.of(settings)
    (account,) = accounts_of(settings)
    pairs = [{"Key": key, "Value": value} for key, value in TAGS.items()]

    def make(service: str) -> Any:
        return clients.client(account, service, "eu-west-1")

    make("ec2").create_volume(
        AvailabilityZone="eu-west-1a",
        Size=8,
        TagSpecifications=[{"ResourceType": "volume", "Tags": pairs}],
    )
    make("sqs").create_queue(QueueName="q", tags=TAGS)
    make("s3").create_bucket(
        Bucket="tagged", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    make("s3").put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": pairs})
    make("dynamodb").create_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=pairs,
    )
    kinds = ["ebs_volume", "sqs_queue", "s3_bucket", "dynamodb_table"]
    wanted = settings.model_copy(update={"resource_types": kinds})
    rows = collected(wanted, clients, lake).read("resources").to_pylist()
    assert {row["resource_type"]: dict(row["tags"]) for row in rows} == dict.fromkeys(kinds, TAGS)


def test_an_account_with_nothing_is_seen_to_have_nothing(aws: str, lake: Lake) -> None:
    settings = settings_of(aws, resource_types=["ebs_volume", "sqs_queue", "s3_bucket", "ecr"])
    collected(settings, Clients.of(settings), lake)
    assert lake.read("resources").num_rows == 0
    (snapshot,) = lake.read("snapshots").to_pylist()
    assert snapshot["status"] == "complete"
    cells = [row for row in lake.read("coverage").to_pylist() if "." not in row["collector"]]
    asked = [row for row in cells if row["status"] == "ok"]
    assert {row["account_id"] for row in asked} == {ENGINEERING, OPERATIONS}
    assert all(row["calls"] > 0 for row in asked)
