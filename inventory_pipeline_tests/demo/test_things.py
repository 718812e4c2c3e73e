"""Resources of further services, through boto3, against the running simulation."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inventory_pipeline.demo import Estate, Simulation, environment_for
from inventory_pipeline.demo.estate import ANALYTICS, FINANCE, PLATFORM, RESEARCH, STOREFRONT
from inventory_pipeline_tests.demo.test_simulation import all_items, make_client

Client = Any


@pytest.fixture(autouse=True)
def environment(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_for(estate).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(simulation: Simulation) -> Callable[..., Client]:
    return lambda account, service, region="us-east-1": make_client(
        simulation, account, service, region
    )


@pytest.fixture
def second_day(simulation: Simulation) -> Iterator[None]:
    simulation.apply(2)
    yield
    simulation.apply(1)


def ingress(client: Client, name: str) -> set[str]:
    """Where a security group lets SSH in from."""
    (group,) = (
        g for g in client.describe_security_groups()["SecurityGroups"] if g["GroupName"] == name
    )
    return {
        source
        for permission in group["IpPermissions"]
        for source in (
            *(r["CidrIp"] for r in permission["IpRanges"]),
            *(r["CidrIpv6"] for r in permission["Ipv6Ranges"]),
        )
    }


def test_a_group_is_open_by_ipv6_alone(client: Callable[..., Client]) -> None:
    assert ingress(client(PLATFORM, "ec2"), "ssh-over-ipv6") == {"::/0"}


def test_a_group_is_opened_overnight(client: Callable[..., Client], second_day: None) -> None:
    assert "0.0.0.0/0" in ingress(client(FINANCE, "ec2"), "maintenance")


def test_a_group_is_closed_on_the_first_day(client: Callable[..., Client]) -> None:
    assert ingress(client(FINANCE, "ec2"), "maintenance") == {"203.0.113.0/24"}


def test_a_queue_goes_and_one_comes(client: Callable[..., Client], second_day: None) -> None:
    urls = client(PLATFORM, "sqs").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in urls] == ["imports-v2"]


def test_instances_stand_in_a_network_that_is_there(client: Callable[..., Client]) -> None:
    ec2 = client(STOREFRONT, "ec2")
    instances = all_items(ec2, "describe_instances", "Reservations[].Instances[]")
    assert {i["VpcId"] for i in instances} == {v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]}
    assert {i["SubnetId"] for i in instances} <= {
        s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]
    }
    interfaces = all_items(ec2, "describe_network_interfaces", "NetworkInterfaces[]")
    assert {i["Attachment"]["InstanceId"] for i in interfaces} == {
        i["InstanceId"] for i in instances
    }


def test_elastic_ips_are_those_of_instances_and_some_more(client: Callable[..., Client]) -> None:
    ec2 = client(PLATFORM, "ec2")
    instances = all_items(ec2, "describe_instances", "Reservations[].Instances[]")
    with_one = {i["InstanceId"]: i["PublicIpAddress"] for i in instances if "PublicIpAddress" in i}
    addresses = {a["InstanceId"]: a["PublicIp"] for a in ec2.describe_addresses()["Addresses"]}
    assert addresses == with_one
    (loose,) = client(STOREFRONT, "ec2").describe_addresses()["Addresses"]
    assert "AssociationId" not in loose


def test_a_nat_gateway_is_where_its_network_is(client: Callable[..., Client]) -> None:
    ec2 = client(ANALYTICS, "ec2")
    (gateway,) = ec2.describe_nat_gateways()["NatGateways"]
    assert gateway["VpcId"] == ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    assert client(PLATFORM, "ec2").describe_nat_gateways()["NatGateways"] == []


def test_one_snapshot_is_for_everyone(client: Callable[..., Client]) -> None:
    ec2 = client(ANALYTICS, "ec2")
    own = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    public = ec2.describe_snapshots(OwnerIds=["self"], RestorableByUserIds=["all"])["Snapshots"]
    assert (len(own), len(public)) == (2, 1)
    for snapshot in own:
        told = ec2.describe_snapshot_attribute(
            SnapshotId=snapshot["SnapshotId"], Attribute="createVolumePermission"
        )
        assert told["CreateVolumePermissions"] == [{"Group": "all"}] * (snapshot in public)


def credentials(client: Client) -> dict[str, dict[str, str]]:
    assert client.generate_credential_report()["State"] == "COMPLETE"
    text = client.get_credential_report()["Content"].decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    assert all(None not in line and None not in line.values() for line in lines)
    return {line["user"]: line for line in lines}


def test_namesakes_have_their_own_credentials(client: Callable[..., Client]) -> None:
    research, platform = (credentials(client(a, "iam")) for a in (RESEARCH, PLATFORM))
    assert (research["deploy"]["password_enabled"], research["deploy"]["mfa_active"]) == (
        "true",
        "false",
    )
    assert platform["deploy"]["password_enabled"] == "false"
    assert platform["deploy"]["access_key_1_active"] == "true"


def test_root_users_are_in_the_report_with_their_second_factor(
    estate: Estate, client: Callable[..., Client]
) -> None:
    for account in estate.accounts:
        iam = client(account, "iam")
        assert credentials(iam)["<root_account>"]["mfa_active"] == str(account.root_mfa).lower()
        assert iam.get_account_summary()["SummaryMap"]["AccountMFAEnabled"] == account.root_mfa


def test_a_stranger_needs_an_external_id_for_one_role_only(client: Callable[..., Client]) -> None:
    roles = client(FINANCE, "iam").list_roles()["Roles"]
    conditions = {
        role["RoleName"]: role["AssumeRolePolicyDocument"]["Statement"][0].get("Condition")
        for role in roles
    }
    assert conditions == {
        "vendor-audit": None,
        "vendor-backup": {"StringEquals": {"sts:ExternalId": "agreed-upon"}},
    }


def test_keys_tell_their_rotation_use_and_policy(client: Callable[..., Client]) -> None:
    kms = client(FINANCE, "kms")
    aliases = all_items(kms, "list_aliases", "Aliases[?!starts_with(AliasName, 'alias/aws/')]")
    keys = {alias["TargetKeyId"]: alias["AliasName"] for alias in aliases}
    rotated = {
        keys[key]: kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] for key in keys
    }
    assert rotated == {"alias/ledger": True, "alias/backups": False}
    for key in keys:
        assert json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"]
        assert "TrackingStartDate" in kms.get_key_last_usage(KeyId=key)


@pytest.mark.parametrize(("account", "public"), [(STOREFRONT, True), (ANALYTICS, False)])
def test_topics_of_one_name_have_their_own_policies(
    client: Callable[..., Client], account: Any, public: bool
) -> None:
    sns = client(account, "sns")
    (topic,) = sns.list_topics()["Topics"]
    assert topic["TopicArn"] == f"arn:aws:sns:us-east-1:{account.account_id}:orders"
    attributes = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    (statement,) = json.loads(attributes["Policy"])["Statement"]
    assert ("Condition" not in statement) is public


def test_services_without_moto_answer_each_account_for_itself(
    client: Callable[..., Client],
) -> None:
    (analyzer,) = client(PLATFORM, "accessanalyzer").list_analyzers()["analyzers"]
    assert analyzer["arn"].endswith(f"{PLATFORM.account_id}:analyzer/outside-access")
    (plan,) = client(PLATFORM, "savingsplans").describe_savings_plans()["savingsPlans"]
    assert plan["commitment"] == "0.10000000"
    assert client(FINANCE, "accessanalyzer").list_analyzers()["analyzers"] == []
    assert client(FINANCE, "savingsplans").describe_savings_plans()["savingsPlans"] == []
    acm = client(STOREFRONT, "acm")
    (listed,) = acm.list_certificates()["CertificateSummaryList"]
    described = acm.describe_certificate(CertificateArn=listed["CertificateArn"])["Certificate"]
    assert (described["DomainName"], described["Status"]) == ("shop.example.com", "EXPIRED")
    reserved = client(ANALYTICS, "ec2").describe_reserved_instances()["ReservedInstances"]
    assert [r["RecurringCharges"][0]["Amount"] for r in reserved] == [0.06]


def test_nothing_goes_through_the_nat_gateway(estate: Estate) -> None:
    from inventory_pipeline.demo.cloudwatch import MetricKey, Metrics

    (gateway,) = (t for t in estate.world(1).things if t.type == "nat_gateway")
    key = MetricKey(
        "AWS/NATGateway", "BytesOutToDestination", frozenset({("NatGatewayId", gateway.id)})
    )
    points = list(Metrics([gateway], estate.now).datapoints(key, estate.ago(days=5), estate.now))
    assert len(points) == 5
    assert {p.total for p in points} == {0}
