"""Databases: values that functions read out of what AWS answers, in the shapes that it uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_pipeline.collect.sources import find
from inventory_pipeline.resource_types import (
    dynamodb,
    efs,
    opensearch,
    rds_engines,
    rds_parameters,
    rds_snapshots,
    redshift,
)

ENDS = datetime(2026, 2, 28, tzinfo=UTC)
LATER = datetime(2029, 2, 28, tzinfo=UTC)


def lifecycle(engine: str, major: str, end: datetime) -> dict[str, Any]:
    standard = {
        "LifecycleSupportName": rds_engines.STANDARD_SUPPORT,
        "LifecycleSupportEndDate": end,
    }
    return {"engine": engine, "major": major, "lifecycles": [standard]}


@pytest.mark.parametrize(
    ("engine", "version", "end"),
    [
        ("mysql", "5.7.44", ENDS),
        ("mysql", "5.70.1", None),
        ("postgres", "13.15", ENDS),
        ("postgres", "1.3", None),
        ("aurora-mysql", "5.7.mysql_aurora.2.12.0", LATER),
        ("oracle-ee", "19.0.0.0", None),
    ],
)
def test_support_ends_by_engine_and_major_version(
    engine: str, version: str, end: datetime | None
) -> None:
    database = {
        "Engine": engine,
        "EngineVersion": version,
        "engine_lifecycles": [
            lifecycle("aurora-mysql", "5.7", LATER),
            lifecycle("mysql", "5.7", ENDS),
            lifecycle("postgres", "13", ENDS),
            {"engine": "oracle-ee", "major": "19", "lifecycles": None},
        ],
    }
    assert rds_engines.standard_support_ends(database) == end
    assert rds_engines.extended_support_ends(database) is None


def test_a_version_has_the_status_of_its_own_engine() -> None:
    listed = [
        {"engine": "aurora-mysql", "version": "8.0.35", "status": "available"},
        {"engine": "mysql", "version": "8.0.35", "status": "deprecated"},
    ]
    database = {"Engine": "mysql", "EngineVersion": "8.0.35"}
    assert rds_engines.version_status(database | {"engine_versions": listed}) == "deprecated"
    assert rds_engines.version_status(database | {"engine_versions": []}) == "unlisted"
    assert rds_engines.version_status(database) is None


def snapshot(*values: str, cluster: bool = False) -> dict[str, Any]:
    kind = "DBClusterSnapshot" if cluster else "DBSnapshot"
    attributes = [
        {"AttributeName": "copy", "AttributeValues": ["all"]},
        {"AttributeName": "restore", "AttributeValues": list(values)},
    ]
    return {
        "SnapshotType": "manual",
        "attributes": {f"{kind}AttributesResult": {f"{kind}Attributes": attributes}},
    }


@pytest.mark.parametrize("cluster", [False, True])
def test_who_may_restore_a_snapshot(cluster: bool) -> None:
    shared = snapshot("222222222222", cluster=cluster)
    everyone = snapshot("333333333333", "all", "222222222222", cluster=cluster)
    assert rds_snapshots.public(shared) is False
    assert rds_snapshots.shared_with(shared) == ["222222222222"]
    assert rds_snapshots.public(everyone) is True
    assert rds_snapshots.shared_with(everyone) == ["222222222222", "333333333333"]
    assert rds_snapshots.public(snapshot(cluster=cluster)) is False


def test_an_automated_snapshot_is_nobodys_else_and_a_manual_one_not_read_is_unknown() -> None:
    assert rds_snapshots.public({"SnapshotType": "automated"}) is False
    assert rds_snapshots.shared_with({"SnapshotType": "automated"}) == []
    assert rds_snapshots.public({"SnapshotType": "manual"}) is None
    assert rds_snapshots.shared_with({"SnapshotType": "manual"}) is None


@pytest.mark.parametrize(
    ("parameters", "required"),
    [
        ([{"name": "rds.force_ssl", "value": "1"}], True),
        ([{"name": "rds.force_ssl", "value": "0"}], False),
        ([{"name": "require_secure_transport", "value": "ON"}], True),
        ([{"name": "require_secure_transport", "value": "OFF"}], False),
        # Without a value the engine's own default counts, which AWS does not tell.
        ([{"name": "require_secure_transport", "value": None}], None),
        # A backend that knows no filter answers other parameters as well.
        ([{"name": "autocommit", "value": "1"}, {"name": "rds.force_ssl", "value": "0"}], False),
        ([], None),
    ],
)
def test_tls_of_a_parameter_group(parameters: list[dict[str, Any]], required: bool | None) -> None:
    assert rds_parameters.tls_required({"parameters": parameters}) is required


def test_parameters_not_read_are_unknown() -> None:
    assert rds_parameters.tls_required({}) is None


def table(**more: Any) -> dict[str, Any]:
    arn = "arn:aws:dynamodb:eu-west-1:111111111111:table/orders"
    return {"TableName": "orders", "table": {"Table": {"TableArn": arn, **more}}}


def test_a_table_that_aws_says_little_of_is_provisioned_and_standard() -> None:
    index = {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1}}
    plain = table(
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 2},
        GlobalSecondaryIndexes=[index, {"ProvisionedThroughput": None}],
    )
    assert dynamodb.billing_mode(plain) == "PROVISIONED"
    assert dynamodb.table_class(plain) == "STANDARD"
    assert dynamodb.encryption(plain) == "AES256"
    assert dynamodb.capacity("ReadCapacityUnits")(plain) == 15
    assert dynamodb.provisioned(plain) == "orders"
    on_demand = table(BillingModeSummary={"BillingMode": "PAY_PER_REQUEST"})
    assert dynamodb.provisioned(on_demand) is None
    assert dynamodb.capacity("ReadCapacityUnits")(on_demand) == 0


def test_a_table_not_described_is_unknown() -> None:
    listed = {"TableName": "orders", "tags": [], "policy": {}}
    for read in (
        dynamodb.billing_mode,
        dynamodb.table_class,
        dynamodb.encryption,
        dynamodb.capacity("ReadCapacityUnits"),
        dynamodb.provisioned,
        dynamodb.point_in_time_recovery,
        dynamodb.autoscaled("dynamodb:table:ReadCapacityUnits"),
        dynamodb.tags,
    ):
        assert read(listed) is None


def test_a_tables_tags_scaling_and_backups() -> None:
    arn = table()["table"]["Table"]["TableArn"]
    reads, writes = "dynamodb:table:ReadCapacityUnits", "dynamodb:table:WriteCapacityUnits"
    item = table() | {
        "tags": [{"ResourceARN": arn, "Tags": [{"Key": "Team", "Value": "a"}]}],
        "scaling": [["table/orders", reads], ["table/orders-2", writes]],
        "backups": {
            "ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
            }
        },
    }
    assert dynamodb.tags(item) == [{"Key": "Team", "Value": "a"}]
    assert dynamodb.autoscaled(reads)(item) is True
    assert dynamodb.autoscaled(writes)(item) is False
    # Backups as such are always on; it is the recovery that counts.
    assert dynamodb.point_in_time_recovery(item) is False


def test_a_file_systems_lifecycle_is_a_policy_for_each_transition() -> None:
    policies = [{"TransitionToIA": "AFTER_30_DAYS"}, {"TransitionToArchive": "AFTER_90_DAYS"}]
    tiered = {"lifecycle": {"LifecyclePolicies": policies}, "backup": {}}
    assert efs.transition("TransitionToIA")(tiered) == "AFTER_30_DAYS"
    assert efs.transition("TransitionToArchive")(tiered) == "AFTER_90_DAYS"
    assert efs.transition("TransitionToIA")({"lifecycle": {"LifecyclePolicies": []}}) == "none"
    assert efs.transition("TransitionToIA")({}) is None
    assert efs.backup(tiered) == "DISABLED"
    assert efs.backup({}) is None


def test_a_domain_that_was_not_described_is_not_a_public_one() -> None:
    def vpc(item: dict[str, Any]) -> Any:
        source = next(
            f.source for f in opensearch.OPENSEARCH_DOMAIN.fields if f.column.name == "vpc_id"
        )
        return find(source, item)

    assert vpc({"DomainName": "d"}) is None
    assert vpc({"DomainName": "d", "domain": {"DomainName": "d"}}) == ""
    assert vpc({"domain": {"VPCOptions": {"VPCId": "vpc-1"}}}) == "vpc-1"


def test_a_domains_options_that_never_were_set_are_off() -> None:
    https = {"DomainEndpointOptions": {"EnforceHTTPS": True}}
    read = opensearch.switched("DomainEndpointOptions", "EnforceHTTPS")
    assert read({"domain": https}) is True
    assert read({"domain": {}}) is False
    assert read({}) is None
    assert opensearch.state({"domain": {"DomainProcessingStatus": "Isolated"}}) == "Isolated"
    assert opensearch.state({"domain": {"Deleted": True, "Processing": True}}) == "Deleting"
    assert opensearch.state({"domain": {}}) == "Active"
    logs = {"LogPublishingOptions": {"AUDIT_LOGS": {"Enabled": True}, "ES_APPLICATION_LOGS": {}}}
    assert opensearch.log_kinds({"domain": logs}) == ["AUDIT_LOGS"]


def test_where_audit_logs_of_redshift_go() -> None:
    assert redshift.audit_log({}) is None
    assert redshift.audit_log({"logging": {"LoggingEnabled": False}}) == "none"
    assert redshift.audit_log({"logging": {"LoggingEnabled": True, "BucketName": "b"}}) == "s3"
    to_cloudwatch = {"LoggingEnabled": True, "LogDestinationType": "cloudwatch"}
    assert redshift.audit_log({"logging": to_cloudwatch}) == "cloudwatch"
