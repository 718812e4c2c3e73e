"""What an account has once: how AWS says "none", "off" and "ask another account"."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_pipeline.resource_types import iam_account
from inventory_pipeline_tests.collect.scripted import look, refused, statuses

OWN, OTHER = "111111111111", "222222222222"
MEMBER_ONLY = refused("AccountNotManagementOrDelegatedAdministratorException")
NO_ENTITIES: list[Any] = [{"PolicyRoles": [], "PolicyUsers": [], "PolicyGroups": []}]
SUMMARY = {
    "Users": 3,
    "AccountMFAEnabled": 1,
    "AccountAccessKeysPresent": 0,
    "AccountSigningCertificatesPresent": 0,
}


def account(**answers: Any) -> tuple[dict[str, Any], dict[str, str], Any]:
    script: dict[str, Any] = {
        "get_account_summary": lambda: {"SummaryMap": SUMMARY},
        "get_account_password_policy": lambda: refused("NoSuchEntity"),
        "list_virtual_mfa_devices": [{"VirtualMFADevices": []}],
        "describe_organization": lambda: refused("AWSOrganizationsNotInUseException"),
        "list_organizations_features": lambda: refused("OrganizationNotFoundException"),
        "list_entities_for_policy": NO_ENTITIES,
    }
    result, client = look(iam_account.IAM_ACCOUNT, script | answers)
    return result.rows[0], statuses(result), client


def organization(management: str) -> Any:
    return lambda: {"Organization": {"Id": "o-1", "MasterAccountId": management}}


def test_the_summary_is_figures_and_facts() -> None:
    row, said, _ = account()
    assert set(said.values()) == {"ok"}
    assert (row["resource_id"], row["arn"]) == (OWN, f"arn:aws:iam::{OWN}:root")
    assert (row["users"], row["groups"]) == (3, None)
    assert (row["root_mfa"], row["root_access_key"], row["root_password"]) == (True, False, None)


def test_a_refused_summary_leaves_the_rest_known() -> None:
    row, said, _ = account(get_account_summary=lambda: refused("AccessDenied"))
    assert (row["users"], row["root_mfa"]) == (None, None)
    assert row["password_policy_set"] is False
    assert said["iam_account.summary"] == "denied"


def test_no_password_policy_is_one_without_rules() -> None:
    row, _, _ = account()
    assert row["password_policy_set"] is False
    assert (row["password_min_length"], row["password_reuse_prevention"]) == (0, 0)
    assert row["password_requires_symbols"] is False


def test_a_password_policy_without_a_rule_has_it_off() -> None:
    policy = {"MinimumPasswordLength": 14, "RequireSymbols": True, "ExpirePasswords": False}
    row, _, _ = account(get_account_password_policy=lambda: {"PasswordPolicy": policy})
    assert row["password_policy_set"] is True
    assert (row["password_min_length"], row["password_reuse_prevention"]) == (14, 0)
    assert row["password_requires_symbols"] is True
    assert row["password_requires_numbers"] is False


def test_a_password_policy_that_was_refused_is_unknown() -> None:
    row, _, _ = account(get_account_password_policy=lambda: refused("AccessDenied"))
    assert (row["password_policy_set"], row["password_min_length"]) == (None, None)


def test_roots_devices_are_known_by_their_user() -> None:
    devices = [
        {"SerialNumber": f"arn:aws:iam::{OWN}:mfa/root-account-mfa-device", "User": {"Arn": "x"}},
        {
            "SerialNumber": f"arn:aws:iam::{OWN}:mfa/phone",
            "User": {"Arn": f"arn:aws:iam::{OWN}:root"},
        },
        {"SerialNumber": f"arn:aws:iam::{OWN}:mfa/ann"},
    ]
    row, _, client = account(list_virtual_mfa_devices=[{"VirtualMFADevices": devices}])
    assert row["root_virtual_mfa_devices"] == 1
    assert client.arguments("list_virtual_mfa_devices")[0]["AssignmentStatus"] == "Assigned"


@pytest.mark.parametrize(
    ("management", "features", "expected"),
    [
        (OWN, {"EnabledFeatures": ["RootSessions"], "OrganizationId": "o-1"}, (False, True)),
        (OWN, {"OrganizationId": "o-1"}, (False, False)),
        (OWN, refused("ServiceAccessNotEnabledException"), (False, False)),
        (OWN, refused("AccessDenied"), (None, None)),
        (OTHER, MEMBER_ONLY, (None, None)),
        (OTHER, refused("ServiceAccessNotEnabledException"), (None, None)),
        # A delegated administrator is told.
        (OTHER, {"EnabledFeatures": ["RootCredentialsManagement"]}, (True, False)),
    ],
)
def test_features_of_the_organisation_are_told_to_some(
    management: str, features: Any, expected: tuple[bool | None, bool | None]
) -> None:
    row, said, _ = account(
        describe_organization=organization(management),
        list_organizations_features=lambda: features,
    )
    assert (row["root_credentials_management"], row["root_sessions"]) == expected
    denied = said["iam_account.features"] == "denied"
    assert denied == (management == OWN and expected == (None, None))
    assert row["management_account_id"] == management


def test_an_account_in_no_organisation_says_so() -> None:
    row, _, _ = account()
    assert (row["organization_id"], row["management_account_id"]) == ("", "")
    assert row["root_credentials_management"] is None


def test_who_may_turn_to_support() -> None:
    entities = {
        "PolicyRoles": [{"RoleName": "support", "RoleId": "AROA"}],
        "PolicyUsers": [{"UserName": "ann"}],
    }
    row, _, client = account(list_entities_for_policy=[entities])
    assert (row["support_roles"], row["support_entities"]) == (["support"], 2)
    (asked,) = client.arguments("list_entities_for_policy")
    assert asked["PolicyArn"] == "arn:aws:iam::aws:policy/AWSSupportAccess"
    row, _, _ = account()
    assert (row["support_roles"], row["support_entities"]) == ([], 0)
