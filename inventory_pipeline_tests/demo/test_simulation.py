"""Each call of the collector, through boto3, against the running simulation."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from inventory_pipeline.demo import Estate, Simulation, environment_for
from inventory_pipeline.demo.estate import (
    ANALYTICS,
    DISABLED_REGION,
    FINANCE,
    PLATFORM,
    RESEARCH,
    STOREFRONT,
    Account,
    Instance,
)
from inventory_pipeline.demo.planted import HOSTILE_TEXTS, LOCKED_BUCKET
from inventory_pipeline_tests.demo.conftest import NOW

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


def make_client(simulation: Simulation, account: Account, service: str, region: str) -> Client:
    """A client in the account's role."""
    given = assume(simulation, account.role_arn, account.external_id)
    made = boto3.client(
        service,
        region_name=region,
        endpoint_url=simulation.endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    if service == "s3control":
        host = urlsplit(simulation.endpoint_url).netloc

        def without_account(request: Any, **_: Any) -> None:
            request.url = urlsplit(request.url)._replace(netloc=host).geturl()

        made.meta.events.register("before-sign", without_account)
    return made


def assume(simulation: Simulation, role_arn: str, external_id: str) -> dict[str, str]:
    sts = boto3.client("sts", endpoint_url=simulation.endpoint_url)
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName="inventory", ExternalId=external_id)
    return answer["Credentials"]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"]


def all_items(client: Client, operation: str, items: str) -> list[Any]:
    return list(client.get_paginator(operation).paginate().search(items))


def test_a_role_is_assumed_in_its_own_account(client: Callable[..., Client]) -> None:
    identity = client(STOREFRONT, "sts").get_caller_identity()
    assert identity["Account"] == STOREFRONT.account_id


@pytest.mark.parametrize(
    ("role_arn", "external_id"),
    [
        (PLATFORM.role_arn, "guessed"),
        (PLATFORM.role_arn, FINANCE.external_id),
        (f"arn:aws:iam::{PLATFORM.account_id}:role/Other", PLATFORM.external_id),
    ],
)
def test_a_wrong_role_or_external_id_is_refused(
    simulation: Simulation, role_arn: str, external_id: str
) -> None:
    assert code_of(lambda: assume(simulation, role_arn, external_id)) == "AccessDenied"


def test_regions_tell_their_opt_in_status(client: Callable[..., Client]) -> None:
    ec2 = client(PLATFORM, "ec2")
    known = {
        r["RegionName"]: r["OptInStatus"] for r in ec2.describe_regions(AllRegions=True)["Regions"]
    }
    assert known == {
        "us-east-1": "opt-in-not-required",
        "eu-west-1": "opt-in-not-required",
        "eu-central-2": "opted-in",
        "af-south-1": "not-opted-in",
    }
    assert DISABLED_REGION not in {r["RegionName"] for r in ec2.describe_regions()["Regions"]}


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("ec2", "describe_instances"),
        ("ec2", "describe_volumes"),
        ("rds", "describe_db_instances"),
        ("rds", "describe_db_clusters"),
        ("lambda", "list_functions"),
    ],
)
def test_a_disabled_region_takes_no_credentials(
    client: Callable[..., Client], service: str, operation: str
) -> None:
    found = code_of(getattr(client(PLATFORM, service, DISABLED_REGION), operation))
    assert found in ("AuthFailure", "UnrecognizedClientException")


def test_one_account_denies_one_service(client: Callable[..., Client]) -> None:
    for operation in ("describe_db_instances", "describe_db_clusters"):
        assert code_of(getattr(client(FINANCE, "rds"), operation)) == "AccessDenied"
    assert client(FINANCE, "ec2").describe_instances()["Reservations"]
    assert client(ANALYTICS, "rds").describe_db_instances()["DBInstances"]


def test_instances_carry_what_is_planted(estate: Estate, client: Callable[..., Client]) -> None:
    found = all_items(client(PLATFORM, "ec2"), "describe_instances", "Reservations[].Instances[]")
    here = (PLATFORM.account_id, "us-east-1")
    planted = [i for i in estate.world(1).instances if (i.account_id, i.region) == here]
    assert {i["InstanceId"] for i in found} == {i.id for i in planted}
    by_name = {next(t["Value"] for t in i["Tags"] if t["Key"] == "Name"): i for i in found}
    importer = by_name["importer"]
    assert importer["State"] == {"Code": 80, "Name": "stopped"}
    stopped_at = estate.ago(days=150)
    assert (
        importer["StateTransitionReason"] == f"User initiated ({stopped_at:%Y-%m-%d %H:%M:%S} GMT)"
    )
    assert importer["LaunchTime"].astimezone(UTC) == estate.ago(days=400)
    address = importer["NetworkInterfaces"][0]["PrivateIpAddresses"][0]["Association"]
    assert address == {"PublicIp": importer["PublicIpAddress"], "IpOwnerId": PLATFORM.account_id}
    assert len(importer["BlockDeviceMappings"]) == 2
    assert by_name["web-1"]["PlatformDetails"] == "Linux/UNIX"


def test_kinds_of_instances_are_told_apart(client: Callable[..., Client]) -> None:
    def only(account: Account, **about: str) -> dict[str, Any]:
        found = all_items(
            client(account, "ec2"), "describe_instances", "Reservations[].Instances[]"
        )
        name, value = next(iter(about.items()))
        return next(i for i in found if i.get(name) == value)

    assert only(FINANCE, Platform="windows")["PlatformDetails"] == "Windows"
    assert only(ANALYTICS, InstanceLifecycle="spot")["InstanceType"] == "c5.xlarge"
    assert only(STOREFRONT, Architecture="arm64")["InstanceType"] == "m6g.large"
    frontend = only(STOREFRONT, PublicIpAddress=only_public(client))
    assert {"Key": "aws:autoscaling:groupName", "Value": "frontend"} in frontend["Tags"]
    association = frontend["NetworkInterfaces"][0]["PrivateIpAddresses"][0]["Association"]
    assert association["IpOwnerId"] == "amazon"


def only_public(client: Callable[..., Client]) -> str:
    found = all_items(client(STOREFRONT, "ec2"), "describe_instances", "Reservations[].Instances[]")
    named = [i for i in found if {"Key": "Name", "Value": "frontend"} in i["Tags"]]
    return named[0]["PublicIpAddress"]


def test_instances_have_images_managers_and_mostly_no_user_data(
    estate: Estate, client: Callable[..., Client]
) -> None:
    ec2 = client(PLATFORM, "ec2")
    listed = all_items(ec2, "describe_instances", "Reservations[].Instances[]")
    ids = {i["InstanceId"] for i in listed}
    images = ec2.describe_instance_image_metadata(InstanceIds=sorted(ids)[:2])
    assert [i["InstanceId"] in ids for i in images["InstanceImageMetadata"]] == [True, True]
    one = listed[0]["InstanceId"]
    assert "Value" not in ec2.describe_instance_attribute(InstanceId=one, Attribute="userData").get(
        "UserData", {}
    )
    unknown = code_of(
        lambda: ec2.describe_instance_attribute(InstanceId="i-0", Attribute="userData")
    )
    assert unknown == "InvalidInstanceID.NotFound"
    managed = all_items(
        client(PLATFORM, "ssm"), "describe_instance_information", "InstanceInformationList[]"
    )
    silent = instance_named(estate, "agent").id
    running = {i["InstanceId"] for i in listed if i["State"]["Name"] == "running"}
    assert silent in running
    assert {i["InstanceId"] for i in managed} == running - {silent}
    notebook = instance_named(estate, "notebook")
    told = client(RESEARCH, "ec2", notebook.region).describe_instance_attribute(
        InstanceId=notebook.id, Attribute="userData"
    )
    assert estate.secret in base64.b64decode(told["UserData"]["Value"]).decode()


def instance_named(estate: Estate, name: str) -> Instance:
    return next(i for i in estate.world(1).instances if i.tags["Name"] == name)


def test_databases_run_versions_that_are_offered(client: Callable[..., Client]) -> None:
    rds = client(PLATFORM, "rds")
    offered = {
        (v["Engine"], v["EngineVersion"])
        for v in all_items(rds, "describe_db_engine_versions", "DBEngineVersions[]")
    }
    databases = all_items(rds, "describe_db_instances", "DBInstances[]")
    assert {(d["Engine"], d["EngineVersion"]) for d in databases} <= offered
    majors = rds.describe_db_major_engine_versions()["DBMajorEngineVersions"]
    assert {m["Engine"] for m in majors} >= {d["Engine"] for d in databases}
    assert all(m["SupportedEngineLifecycles"][0]["LifecycleSupportEndDate"] for m in majors)


def test_hostile_tags_arrive_to_the_letter(client: Callable[..., Client]) -> None:
    found = all_items(client(RESEARCH, "ec2"), "describe_instances", "Reservations[].Instances[]")
    names = {t["Value"] for i in found for t in i["Tags"] if t["Key"] == "Name"}
    assert set(HOSTILE_TEXTS) <= names


def test_volumes_turn_pages_and_carry_what_is_planted(
    estate: Estate, client: Callable[..., Client]
) -> None:
    ec2 = client(RESEARCH, "ec2")
    first = ec2.describe_volumes(MaxResults=5)
    assert len(first["Volumes"]) == 5
    second = ec2.describe_volumes(MaxResults=5, NextToken=first["NextToken"])
    assert first["Volumes"] != second["Volumes"]
    found = {v["VolumeId"]: v for v in all_items(ec2, "describe_volumes", "Volumes[]")}
    here = (RESEARCH.account_id, "us-east-1")
    planted = {v.id: v for v in estate.world(1).volumes if (v.account_id, v.region) == here}
    assert found.keys() == planted.keys()
    for id_, volume in planted.items():
        told = found[id_]
        assert (told["VolumeType"], told["Size"]) == (volume.type, volume.size_gb)
        assert told["Encrypted"] is volume.encrypted
        assert told["State"] == ("in-use" if volume.instance_id else "available")
        assert [a["InstanceId"] for a in told["Attachments"]] == [
            i for i in [volume.instance_id] if i
        ]
    tuned = next(v for v in found.values() if v["Size"] == 500 and v["VolumeType"] == "gp3")
    assert (tuned["Iops"], tuned["Throughput"]) == (6000, 250)


def test_databases_and_clusters_carry_what_is_planted(client: Callable[..., Client]) -> None:
    rds = client(STOREFRONT, "rds", "eu-west-1")
    cluster = all_items(rds, "describe_db_clusters", "DBClusters[]")[0]
    assert cluster["Engine"] == "aurora-mysql"
    assert [m["DBInstanceIdentifier"] for m in cluster["DBClusterMembers"]] == [
        "catalog-1",
        "catalog-2",
    ]
    found = all_items(client(RESEARCH, "rds"), "describe_db_instances", "DBInstances[]")
    by_id = {d["DBInstanceIdentifier"]: d for d in found}
    assert by_id["legacy"]["StorageEncrypted"] is False
    assert by_id["legacy"]["StorageType"] == "gp2"
    assert by_id["scratch"]["BackupRetentionPeriod"] == 0
    assert by_id["sessions-1"]["DBClusterIdentifier"] == "sessions"


def test_functions_carry_what_is_planted_and_a_secret(
    estate: Estate, client: Callable[..., Client]
) -> None:
    functions = client(STOREFRONT, "lambda")
    found = {f["FunctionName"]: f for f in all_items(functions, "list_functions", "Functions[]")}
    checkout = found["checkout"]
    assert checkout["Architectures"] == ["arm64"]
    assert checkout["MemorySize"] == 512
    assert checkout["Environment"]["Variables"]["API_TOKEN"] == estate.secret
    urls = functions.list_function_url_configs(FunctionName="checkout")["FunctionUrlConfigs"]
    assert [url["AuthType"] for url in urls] == ["NONE"]
    unknown = code_of(lambda: functions.list_function_url_configs(FunctionName="nowhere"))
    assert unknown == "ResourceNotFoundException"
    assert code_of(lambda: functions.get_policy(FunctionName="checkout")) == unknown
    limits = functions.get_account_settings()
    assert limits["AccountUsage"]["FunctionCount"] == len(found)


def test_tags_of_functions_come_from_the_tagging_service(
    estate: Estate, client: Callable[..., Client]
) -> None:
    tagged = [f for f in Estate.build(7, "small", NOW).world(1).functions if f.tags]
    assert tagged, "else this shows nothing"
    for account in estate.accounts:
        here = [
            f
            for f in estate.world(1).functions
            if f.tags and (f.account_id, f.region) == (account.account_id, "us-east-1")
        ]
        found = client(account, "resourcegroupstaggingapi").get_resources(
            ResourceTypeFilters=["lambda:function"]
        )["ResourceTagMappingList"]
        assert {f["ResourceARN"].rpartition(":")[2] for f in found} == {f.id for f in here}


def test_buckets_have_the_settings_that_are_planted(client: Callable[..., Client]) -> None:
    s3 = client(ANALYTICS, "s3")
    names = {b["Name"] for b in s3.list_buckets()["Buckets"]}
    assert {"example-analytics-shared", "example-analytics-models"} <= names
    shared, models = {"Bucket": "example-analytics-shared"}, {"Bucket": "example-analytics-models"}
    grants = s3.get_bucket_acl(**shared)["Grants"]
    assert any("AllUsers" in g["Grantee"].get("URI", "") for g in grants)
    assert s3.get_bucket_location(**shared)["LocationConstraint"] == "eu-west-1"
    ownership = s3.get_bucket_ownership_controls(**shared)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "ObjectWriter"}]
    missing = "NoSuchPublicAccessBlockConfiguration"
    assert code_of(lambda: s3.get_public_access_block(**shared)) == missing
    rule = s3.get_bucket_encryption(**models)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_bucket_versioning(**models)["Status"] == "Enabled"
    assert len(s3.get_bucket_lifecycle_configuration(**models)["Rules"]) == 1
    assert s3.get_bucket_tagging(**models)["TagSet"] == [
        {"Key": "Owner", "Value": HOSTILE_TEXTS[4]}
    ]
    assert "LoggingEnabled" not in s3.get_bucket_logging(**models)
    policy = json.loads(s3.get_bucket_policy(**models)["Policy"])
    assert [s["Sid"] for s in policy["Statement"]] == ["NoPlainHttp"]
    assert s3.get_bucket_policy_status(**models)["PolicyStatus"]["IsPublic"] is False
    assert code_of(lambda: s3.get_bucket_policy_status(**shared)) == "NoSuchBucketPolicy"


def test_a_public_policy_under_the_account_s_own_block(client: Callable[..., Client]) -> None:
    s3 = client(FINANCE, "s3")
    status = s3.get_bucket_policy_status(Bucket="example-finance-statements")
    assert status["PolicyStatus"]["IsPublic"] is True
    blocks = client(FINANCE, "s3control").get_public_access_block(AccountId=FINANCE.account_id)
    assert set(blocks["PublicAccessBlockConfiguration"].values()) == {True}
    other = client(PLATFORM, "s3control")
    assert (
        code_of(lambda: other.get_public_access_block(AccountId=PLATFORM.account_id))
        == "NoSuchPublicAccessBlockConfiguration"
    )


def test_a_locked_bucket_tells_only_where_it_is(client: Callable[..., Client]) -> None:
    s3 = client(RESEARCH, "s3")
    denied = (
        "get_bucket_acl",
        "get_bucket_encryption",
        "list_bucket_inventory_configurations",
        "get_bucket_replication",
        "get_object_lock_configuration",
        "get_bucket_policy",
        "get_bucket_lifecycle_configuration",
        "get_bucket_logging",
        "get_bucket_ownership_controls",
        "get_bucket_policy_status",
        "get_bucket_tagging",
        "get_bucket_versioning",
        "get_public_access_block",
    )
    for operation in denied:
        assert code_of(lambda: getattr(s3, operation)(Bucket=LOCKED_BUCKET)) == "AccessDenied"  # noqa: B023
    assert s3.get_bucket_location(Bucket=LOCKED_BUCKET)["LocationConstraint"] is None


def test_metrics_are_answered_in_one_call_for_many(
    estate: Estate, client: Callable[..., Client]
) -> None:
    cloudwatch = client(PLATFORM, "cloudwatch")
    ids = [
        i.id
        for i in estate.world(1).instances
        if i.account_id == PLATFORM.account_id and i.region == "us-east-1" and i.running
    ]
    queries = [
        {
            "Id": f"q{n}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": "NetworkIn",
                    "Dimensions": [{"Name": "InstanceId", "Value": id_}],
                },
                "Period": 86400,
                "Stat": "Sum",
            },
        }
        for n, id_ in enumerate(ids)
    ]
    window = {"StartTime": estate.now - timedelta(days=14), "EndTime": estate.now}
    results = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
    assert [r["Id"] for r in results] == [q["Id"] for q in queries]
    assert {len(r["Values"]) for r in results} == {0, 14}
    times = results[0]["Timestamps"]
    assert times == sorted(times, reverse=True), "newest first, unless asked otherwise"
    too_many = [{**queries[0], "Id": f"x{n}"} for n in range(501)]
    assert (
        code_of(lambda: cloudwatch.get_metric_data(MetricDataQueries=too_many, **window))
        == "ValidationError"
    )


def test_deliveries_arrive_in_a_bucket_of_their_region(
    simulation: Simulation, client: Callable[..., Client]
) -> None:
    simulation.write_deliveries(1)
    s3 = client(PLATFORM, "s3", "eu-west-1")
    prefix = "inventory/example-analytics-lake/daily/2026-11-18T01-00Z/"
    listed = s3.list_objects_v2(Bucket="example-inventory-reports-eu-west-1", Prefix=prefix)
    assert [o["Key"].removeprefix(prefix) for o in listed["Contents"]] == [
        "manifest.checksum",
        "manifest.json",
    ]


def test_the_second_day_shows_what_became_of_the_first(
    estate: Estate, client: Callable[..., Client], simulation: Simulation
) -> None:
    ec2 = client(STOREFRONT, "ec2")

    def names() -> set[str]:
        found = all_items(ec2, "describe_instances", "Reservations[].Instances[]")
        return {t["Value"] for i in found for t in i["Tags"] if t["Key"] == "Name"}

    assert "old-frontend" in names()
    simulation.apply(2)
    try:
        assert "old-frontend" not in names()
        assert "new-frontend" in names()
        buckets = client(RESEARCH, "s3").list_buckets()["Buckets"]
        assert "example-research-new" in {b["Name"] for b in buckets}
    finally:
        simulation.apply(1)
