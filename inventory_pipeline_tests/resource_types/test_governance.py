"""Organisations, Config, GuardDuty, Access Analyzer and ACM: what is off, and what is not told."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_pipeline.resource_types import acm, config, guardduty, organizations
from inventory_pipeline_tests.collect.scripted import look, refused, statuses
from inventory_pipeline_tests.resource_types.collected import client_of, collected

OWN, OTHER = "111111111111", "222222222222"


def organization(management: str, **answers: Any) -> Any:
    described = {
        "Id": "o-1",
        "Arn": f"arn:aws:organizations::{management}:organization/o-1",
        "MasterAccountId": management,
        "FeatureSet": "ALL",
    }
    policies = [
        {"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"},
        {"Type": "TAG_POLICY", "Status": "PENDING_ENABLE"},
    ]
    script: dict[str, Any] = {
        "describe_organization": lambda: {"Organization": described},
        "get_caller_identity": lambda: {"Account": OWN},
        "list_roots": [{"Roots": [{"Id": "r-1", "PolicyTypes": policies}]}],
        "list_aws_service_access_for_organization": [
            {"EnabledServicePrincipals": [{"ServicePrincipal": "cloudtrail.amazonaws.com"}]}
        ],
        "list_delegated_administrators": [{"DelegatedAdministrators": [{"Id": OTHER}]}],
    }
    return look(organizations.ORGANIZATION, script | answers)


def test_the_management_account_is_told_all() -> None:
    result, _ = organization(OWN)
    (row,) = result.rows
    assert (row["feature_set"], row["management_account_id"]) == ("ALL", OWN)
    assert row["enabled_policy_types"] == ["SERVICE_CONTROL_POLICY"]
    assert row["trusted_services"] == ["cloudtrail.amazonaws.com"]
    assert row["delegated_administrators"] == [OTHER]


def test_a_member_does_not_ask_for_what_it_is_not_told() -> None:
    result, client = organization(OTHER)
    (row,) = result.rows
    assert (row["feature_set"], row["enabled_policy_types"]) == ("ALL", None)
    assert (row["trusted_services"], row["delegated_administrators"]) == (None, None)
    assert {name for name, _ in client.asked} == {"describe_organization", "get_caller_identity"}
    assert "denied" not in statuses(result).values()


def test_who_it_is_not_known_to_be_asks() -> None:
    result, _ = organization(OWN, get_caller_identity=lambda: refused("AccessDenied"))
    assert result.rows[0]["enabled_policy_types"] == ["SERVICE_CONTROL_POLICY"]


def test_an_account_in_no_organisation_has_none() -> None:
    result, _ = organization(
        OWN, describe_organization=lambda: refused("AWSOrganizationsNotInUseException")
    )
    assert (result.rows, result.status) == ([], "ok")


def test_an_organisation_as_made(aws: str) -> None:
    client_of(aws, "organizations").create_organization(FeatureSet="ALL")
    (row,) = collected(aws, "organization").rows
    assert (row["management_account_id"], row["feature_set"]) == (OWN, "ALL")
    assert row["delegated_administrators"] == []


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"status": {"ConfigurationRecordersStatus": [{"recording": True}]}}, "recording"),
        ({"status": {"ConfigurationRecordersStatus": [{"recording": False}]}}, "stopped"),
        ({"status": {"ConfigurationRecordersStatus": []}}, None),
        ({}, None),
    ],
)
def test_whether_a_recorder_records(status: dict[str, Any], state: str | None) -> None:
    assert config.state(status) == state


def test_a_recorder_that_delivers_nowhere_is_told_from_one_not_asked() -> None:
    assert config.delivery_bucket({"delivery": {"DeliveryChannels": []}}) == ""
    assert config.delivery_bucket({}) is None


def test_a_recorder_as_made(aws: str) -> None:
    client = client_of(aws, "config")
    role = f"arn:aws:iam::{OWN}:role/config"
    client.put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": role,
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )
    client.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "history"})
    (row,) = collected(aws, "config_recorder").rows
    assert (row["state"], row["recording"]) == ("stopped", False)
    assert (row["all_supported"], row["includes_global"]) == (True, True)
    assert (row["delivery_bucket"], row["role_arn"]) == ("history", role)
    client.start_configuration_recorder(ConfigurationRecorderName="default")
    assert collected(aws, "config_recorder").rows[0]["state"] == "recording"


def test_features_that_are_off_are_not_enabled() -> None:
    features = [
        {"Name": "S3_DATA_EVENTS", "Status": "DISABLED"},
        {
            "Name": "RUNTIME_MONITORING",
            "Status": "ENABLED",
            "AdditionalConfiguration": [
                {"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"},
                {"Name": "EKS_ADDON_MANAGEMENT", "Status": "DISABLED"},
            ],
        },
    ]
    assert guardduty.enabled_features({"detector": {"Features": features}}) == [
        "RUNTIME_MONITORING",
        "RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT",
    ]
    assert guardduty.enabled_features({}) is None


def test_a_detector_as_made(aws: str) -> None:
    made = client_of(aws, "guardduty").create_detector(Enable=True)["DetectorId"]
    (row,) = collected(aws, "guardduty_detector").rows
    assert (row["resource_id"], row["state"]) == (made, "ENABLED")
    assert row["arn"] == f"arn:aws:guardduty:us-east-1:{OWN}:detector/{made}"
    assert row["created_at"] is not None
    assert collected(aws, "guardduty_detector", "eu-west-1").rows == []


def test_whether_a_certificate_is_used() -> None:
    assert acm.in_use({"InUse": False}) is False
    assert acm.in_use({"certificate": {"Certificate": {"InUseBy": ["arn"]}}}) is True
    assert acm.in_use({"certificate": {"Certificate": {}}}) is False
    assert acm.in_use({}) is None


def test_certificates_of_all_keys_are_asked_for() -> None:
    """AWS leaves out all but two algorithms otherwise."""
    _, client = look(acm.ACM_CERTIFICATE, {"list_certificates": [{"CertificateSummaryList": []}]})
    (asked,) = client.arguments("list_certificates")
    assert "EC_prime256v1" in asked["Includes"]["keyTypes"]


def test_a_certificate_as_made(aws: str) -> None:
    made = client_of(aws, "acm").request_certificate(
        DomainName="example.org",
        ValidationMethod="DNS",
        Tags=[{"Key": "Team", "Value": "web"}],
    )["CertificateArn"]
    (row,) = collected(aws, "acm_certificate").rows
    assert (row["resource_id"], row["domain"]) == (made, "example.org")
    assert row["tags"] == {"Team": "web"}
    assert row["in_use"] is False
