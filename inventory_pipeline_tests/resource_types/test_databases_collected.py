"""Database types from the simulated AWS to rows, as the product collects them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    ENGINEERING,
    Fault,
    FaultyClients,
    refused,
    settings_of,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = Account(ENGINEERING, "engineering", f"arn:aws:iam::{ENGINEERING}:role/R")
REGION = "eu-west-1"
OTHER = "222222222222"

# What the simulation does not have.
NO_PERCENTILES = Fault("GetMetricData", [refused("AccessDenied")])
NO_TAGGING = Fault("GetResources", [refused("AccessDenied")])


def look(aws: str, kind: str, *faults: Fault) -> CellResult:
    clients = FaultyClients(settings_of(aws), NO_PERCENTILES, *faults)
    runner = CellRunner(clients, NOW, lambda: NOW, parallel=2)
    (result,) = runner.run([Cell(ACCOUNT, REGION, resource_types()[kind])])
    return result


def client(aws: str, service: str) -> Any:
    return Clients(endpoint_url=aws).client(ACCOUNT, service, REGION)


def ledger(result: CellResult) -> dict[str, str]:
    return {row["collector"].partition(".")[2]: row["status"] for row in result.coverage}


def xml(name: str, inside: str) -> tuple[int, dict[str, str], bytes]:
    body = f"<{name}Response><{name}Result>{inside}</{name}Result></{name}Response>"
    return 200, {"content-type": "text/xml"}, body.encode()


def versions(*listed: tuple[str, str, str]) -> Fault:
    members = "".join(
        f"<DBEngineVersion><Engine>{engine}</Engine><EngineVersion>{version}</EngineVersion>"
        f"<Status>{status}</Status></DBEngineVersion>"
        for engine, version, status in listed
    )
    answer = xml("DescribeDBEngineVersions", f"<DBEngineVersions>{members}</DBEngineVersions>")
    return Fault("DescribeDBEngineVersions", [answer])


def lifecycles(engine: str, major: str, until: str) -> Fault:
    support = (
        "<SupportedEngineLifecycle>"
        "<LifecycleSupportName>open-source-rds-standard-support</LifecycleSupportName>"
        f"<LifecycleSupportEndDate>{until}</LifecycleSupportEndDate></SupportedEngineLifecycle>"
    )
    inside = (
        f"<DBMajorEngineVersions><DBMajorEngineVersion><Engine>{engine}</Engine>"
        f"<MajorEngineVersion>{major}</MajorEngineVersion>"
        f"<SupportedEngineLifecycles>{support}</SupportedEngineLifecycles>"
        "</DBMajorEngineVersion></DBMajorEngineVersions>"
    )
    return Fault("DescribeDBMajorEngineVersions", [xml("DescribeDBMajorEngineVersions", inside)])


def make_database(aws: str, name: str = "orders", **more: Any) -> Any:
    rds = client(aws, "rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="mysql",
        EngineVersion="5.7.44",
        DBInstanceClass="db.t3.micro",
        MasterUsername="admin",
        MasterUserPassword=CANARY,
        AllocatedStorage=20,
        **more,
    )
    return rds


def test_an_instance_with_its_engines_support(aws: str) -> None:
    make_database(aws, EnableCloudwatchLogsExports=["audit"])
    make_database(aws, "reports")
    engines = versions(("mysql", "5.7.44", "deprecated"), ("postgres", "16.3", "available"))
    support = lifecycles("mysql", "5.7", "2024-02-29T00:00:00Z")
    result = look(aws, "rds_instance", engines, support)
    row = next(row for row in result.rows if row["resource_id"] == "orders")
    assert row["engine_version_status"] == "deprecated"
    assert row["standard_support_ends_at"] == datetime(2024, 2, 29, tzinfo=UTC)
    assert row["master_username"] == "admin"
    assert row["log_exports"] == ["audit"]
    assert row["copies_tags_to_snapshots"] is False
    assert CANARY not in str((result.rows, result.edges))
    # Asked once, however many databases there are.
    assert (engines.calls, support.calls) == (1, 1)


def test_engines_not_read_are_unknown(aws: str) -> None:
    make_database(aws)
    denied = [refused("AccessDenied")]
    result = look(
        aws,
        "rds_instance",
        Fault("DescribeDBEngineVersions", denied),
        Fault("DescribeDBMajorEngineVersions", denied),
    )
    (row,) = result.rows
    assert row["engine_version_status"] is None
    assert row["engine"] == "mysql"
    assert ledger(result)["engine_versions"] == "denied"


def test_snapshots_and_with_whom_they_are_shared(aws: str) -> None:
    rds = make_database(aws)
    for name in ("public", "shared", "private"):
        rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier="orders")
    for name, whom in (("public", "all"), ("shared", OTHER)):
        rds.modify_db_snapshot_attribute(
            DBSnapshotIdentifier=name, AttributeName="restore", ValuesToAdd=[whom]
        )
    result = look(aws, "rds_snapshot")
    rows = {row["resource_id"]: row for row in result.rows}
    assert {name: rows[name]["public"] for name in ("public", "shared", "private")} == {
        "public": True,
        "shared": False,
        "private": False,
    }
    assert rows["shared"]["shared_with"] == [OTHER]
    assert rows["private"]["instance_id"] == "orders"


def test_a_snapshot_that_was_deleted_meanwhile_is_left_out(aws: str) -> None:
    rds = make_database(aws)
    for name in ("one", "two"):
        rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier="orders")
    gone = Fault("DescribeDBSnapshotAttributes", [refused("DBSnapshotNotFound"), None])
    result = look(aws, "rds_snapshot", gone)
    manual = [row for row in result.rows if row["snapshot_type"] == "manual"]
    assert len(manual) == 1
    assert ledger(result)["attributes"] == "ok"


def test_a_parameter_groups_demand_for_tls(aws: str) -> None:
    client(aws, "rds").create_db_parameter_group(
        DBParameterGroupName="strict", DBParameterGroupFamily="postgres15", Description="TLS"
    )
    members = "".join(
        f"<Parameter><ParameterName>{name}</ParameterName>"
        f"<ParameterValue>{value}</ParameterValue></Parameter>"
        for name, value in (("rds.force_ssl", "1"), ("shared_buffers", CANARY))
    )
    answer = xml("DescribeDBParameters", f"<Parameters>{members}</Parameters>")
    result = look(aws, "rds_parameter_group", Fault("DescribeDBParameters", [answer]), NO_TAGGING)
    (row,) = result.rows
    assert row["tls_required"] is True
    assert row["family"] == "postgres15"
    assert row["tags"] is None
    assert CANARY not in str(result.rows)


def make_table(aws: str, name: str = "orders", **more: Any) -> Any:
    dynamodb = client(aws, "dynamodb")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        **more,
    )
    return dynamodb


POLICY = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER},
        "Action": "dynamodb:GetItem",
        "Resource": "*",
    },
}


def test_tables_with_and_without_protection(aws: str) -> None:
    throughput = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}
    dynamodb = make_table(aws, ProvisionedThroughput=throughput, DeletionProtectionEnabled=True)
    make_table(aws, "events", BillingMode="PAY_PER_REQUEST")
    dynamodb.update_continuous_backups(
        TableName="orders",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    arn = dynamodb.describe_table(TableName="orders")["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "Department", "Value": "Shop"}])
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps(POLICY))
    result = look(aws, "dynamodb_table")
    rows = {row["resource_id"]: row for row in result.rows}
    orders, events = rows["orders"], rows["events"]
    assert orders["arn"] == arn
    assert orders["department"] == "Shop"
    assert (orders["read_capacity"], orders["write_capacity"]) == (5, 2)
    assert (orders["point_in_time_recovery"], events["point_in_time_recovery"]) == (True, False)
    assert (orders["deletion_protection"], events["deletion_protection"]) == (True, False)
    assert (orders["policy_statements"], events["policy_statements"]) == (1, 0)
    assert (orders["read_autoscaled"], orders["billing_mode"]) == (False, "PROVISIONED")
    assert events["tags"] == {}
    (statement,) = result.children["policy_statements"]
    assert (statement["resource_id"], statement["accounts"]) == ("orders", [OTHER])


def test_a_table_that_may_not_be_described_is_still_a_row(aws: str) -> None:
    make_table(aws, BillingMode="PAY_PER_REQUEST")
    denied = Fault("DescribeTable", [refused("AccessDeniedException")])
    result = look(aws, "dynamodb_table", denied)
    (row,) = result.rows
    assert row["arn"] == f"arn:aws:dynamodb:{REGION}:{ENGINEERING}:table/orders"
    for column in ("billing_mode", "policy_statements", "tags", "encryption"):
        assert row[column] is None
    assert ledger(result)["table"] == "denied"


def test_a_file_system_with_a_public_policy(aws: str) -> None:
    efs = client(aws, "efs")
    made = efs.create_file_system(CreationToken="t", Encrypted=True)
    other = efs.create_file_system(CreationToken="u")
    public = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
    efs.put_file_system_policy(FileSystemId=made["FileSystemId"], Policy=json.dumps(public))
    efs.put_lifecycle_configuration(
        FileSystemId=made["FileSystemId"], LifecyclePolicies=[{"TransitionToIA": "AFTER_7_DAYS"}]
    )
    result = look(aws, "efs_file_system")
    rows = {row["resource_id"]: row for row in result.rows}
    open_one, plain = rows[made["FileSystemId"]], rows[other["FileSystemId"]]
    assert (open_one["encrypted"], plain["encrypted"]) == (True, False)
    assert open_one["to_infrequent_access"] == "AFTER_7_DAYS"
    assert plain["to_infrequent_access"] == "none"
    assert plain["policy_statements"] == 0
    (statement,) = result.children["policy_statements"]
    assert (statement["resource_id"], statement["public"]) == (made["FileSystemId"], True)


def test_domains_are_described_five_at_a_time(aws: str) -> None:
    opensearch = client(aws, "opensearch")
    for number in range(6):
        opensearch.create_domain(
            DomainName=f"search-{number}",
            EngineVersion="OpenSearch_2.11",
            AccessPolicies=json.dumps(POLICY),
            DomainEndpointOptions={"EnforceHTTPS": number == 0},
        )
    described = Fault("DescribeDomains", [None])
    result = look(aws, "opensearch_domain", described, NO_TAGGING)
    rows = {row["resource_id"]: row for row in result.rows}
    assert len(rows) == 6
    assert described.calls == 2
    assert rows["search-0"]["https_required"] is True
    assert rows["search-5"]["https_required"] is False
    assert rows["search-5"]["policy_statements"] == 1
    assert rows["search-0"]["arn"].endswith(":domain/search-0")


def test_a_warehouse_and_a_cache(aws: str) -> None:
    client(aws, "redshift").create_cluster(
        ClusterIdentifier="facts",
        NodeType="ra3.xlplus",
        MasterUsername="admin",
        MasterUserPassword=CANARY,
        PubliclyAccessible=True,
        NumberOfNodes=2,
        ClusterType="multi-node",
    )
    client(aws, "elasticache").create_cache_cluster(
        CacheClusterId="sessions", Engine="redis", CacheNodeType="cache.t3.micro", NumCacheNodes=1
    )
    (facts,) = look(aws, "redshift_cluster").rows
    assert (facts["publicly_accessible"], facts["encrypted"], facts["nodes"]) == (True, False, 2)
    assert facts["audit_log"] == "none"
    assert CANARY not in str(facts)
    (sessions,) = look(aws, "elasticache_cluster", NO_TAGGING).rows
    assert (sessions["engine"], sessions["nodes"], sessions["tags"]) == ("redis", 1, None)
