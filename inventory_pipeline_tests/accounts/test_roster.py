"""Which accounts are looked at, and that an organisation never shrinks in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from inventory_pipeline.accounts import Account, NoAccountsError, Roster, enter, roster_of
from inventory_pipeline_tests.accounts.landing_zone import MANAGEMENT, LandingZone
from inventory_pipeline_tests.simulated_aws import Fault, FaultyClients, refused

DENIED = Fault("ListAccounts", [refused("AccessDeniedException", "no permission")])


def roster(
    landing_zone: LandingZone,
    *faults: Fault,
    known: Sequence[Mapping[str, Any]] = (),
    accounts: dict[str, Any] | None = None,
    **organization: Any,
) -> Roster:
    settings = landing_zone.settings(accounts, **organization)
    return roster_of(settings, FaultyClients(settings, *faults), known)


def names(found: Roster) -> set[str]:
    return {account.name for account in found.accounts}


def by_name(found: Roster) -> dict[str, Account]:
    return {account.name: account for account in found.accounts}


def failures(found: Roster) -> dict[str, str]:
    """Status by collector, of what was not read."""
    assert found.discovery is not None
    return {name: f.status for name, f in found.discovery.failures.items() if f}


def row(name: str, account_id: str, status: str = "ok", **more: Any) -> dict[str, Any]:
    """A row of `accounts` as a snapshot has it."""
    return {
        "account_id": account_id,
        "account_name": name,
        "status": status,
        "organizational_unit": None,
        "tags": [("Department", "Old")],
        **more,
    }


class TestDiscovery:
    def test_every_active_account_is_found_with_its_owner_and_role(self, landing_zone) -> None:
        found = roster(landing_zone, role_name="AWSControlTowerExecution", external_id="x")
        assert names(found) == {"master", *landing_zone.accounts}
        payments = by_name(found)["payments"]
        role = f"arn:aws:iam::{payments.account_id}:role/AWSControlTowerExecution"
        assert payments.role_arn == role
        assert payments.external_id_text() == "x"
        assert (payments.department, payments.cost_center) == ("Payments", "42")
        assert payments.organizational_unit == "Workloads/Prod"
        assert by_name(found)["Audit"].department == "Compliance"
        assert not failures(found)
        assert found.discovery is not None
        assert found.discovery.asked_as == MANAGEMENT

    @pytest.mark.parametrize(
        ("filters", "left"),
        [
            ({"include_ous": ["Workloads"]}, {"payments", "playground"}),
            ({"include_ous": ["Workloads"], "exclude_ous": ["Sandbox"]}, {"payments"}),
            ({"include_ous": ["Workloads/P*"]}, {"payments"}),
            ({"exclude_ous": ["Root"], "include_ous": ["Security"]}, None),
            ({"exclude_ous": ["Workloads/*", "Security"]}, {"master"}),
            ({"include_accounts": ["*a*"], "exclude_accounts": ["pay*"]},
             {"master", "playground"}),
            ({"exclude_accounts": [MANAGEMENT, "Log Archive", "Audit", "playground"]},
             {"payments"}),
        ],
    )  # fmt: skip
    def test_filters(self, landing_zone, filters, left) -> None:
        if left is None:
            with pytest.raises(NoAccountsError, match="organization: no active account is left"):
                roster(landing_zone, **filters)
        else:
            assert names(roster(landing_zone, **filters)) == left

    def test_a_unit_is_also_known_by_its_id(self, landing_zone) -> None:
        found = roster(landing_zone, include_ous=[landing_zone.units["Prod"]])
        assert names(found) == {"payments"}

    def test_a_filter_that_matches_nothing_is_told(self, landing_zone) -> None:
        found = roster(landing_zone, exclude_ous=["Sandbx"], include_accounts=["*"])
        assert failures(found) == {"accounts": "error"}
        assert found.discovery is not None
        told = found.discovery.failures["accounts"]
        assert told is not None
        assert told.message == "organization.exclude_ous: 'Sandbx' matches nothing"

    def test_an_empty_unit_is_no_mistake(self, landing_zone) -> None:
        landing_zone.add_unit("Suspended")
        assert not failures(roster(landing_zone, exclude_ous=["Suspended"]))

    def test_organizations_may_be_asked_as_another_role(self, landing_zone) -> None:
        settings = landing_zone.settings(
            ask_as=f"arn:aws:iam::{MANAGEMENT}:role/Reader", external_id="x"
        )
        clients = FaultyClients(settings, Fault("AssumeRole", [None]))
        sent: list[Mapping[str, Any]] = []
        clients.client(None, "sts", "us-east-1").meta.events.register(
            "provide-client-params.sts.AssumeRole", lambda params, **_: sent.append(dict(params))
        )
        found = roster_of(settings, clients)
        assert names(found) == {"master", *landing_zone.accounts}
        assert [(s["RoleArn"], s["ExternalId"]) for s in sent] == [
            (f"arn:aws:iam::{MANAGEMENT}:role/Reader", "x")
        ]

    def test_an_organisation_without_accounts_is_not_believed(self, landing_zone) -> None:
        # The simulation answers so to whoever is not the management account.
        audit = landing_zone.accounts["Audit"]
        found = roster(
            landing_zone,
            known=[row("payments", "111111111111")],
            ask_as=f"arn:aws:iam::{audit}:role/Reader",
        )
        assert names(found) == {"payments"}
        assert failures(found) == {"accounts": "error"}

    def test_other_partitions(self, landing_zone, monkeypatch) -> None:
        monkeypatch.setenv("AWS_REGION", "us-gov-west-1")
        settings = landing_zone.settings(role_name="R")
        known = [row("gov", "333333333333")]
        found = roster_of(settings, FaultyClients(settings, DENIED), known)
        [gov] = found.accounts
        assert gov.role_arn == "arn:aws-us-gov:iam::333333333333:role/R"
        assert gov.global_region == "us-gov-west-1"


class TestSettingsWin:
    def test_over_what_aws_tells_of_the_same_account(self, landing_zone) -> None:
        payments = landing_zone.accounts["payments"]
        mine = {"account_id": payments, "tags": {"dept": "Mine"}}
        account = by_name(roster(landing_zone, accounts={"pay": mine}, role_name="Org"))["pay"]
        assert account.department == "Mine"
        assert account.cost_center == "42"
        assert account.organizational_unit == "Workloads/Prod"
        assert account.role_arn == f"arn:aws:iam::{payments}:role/Org"
        own_role = mine | {"role_name": "AWSInventoryRole"}
        account = by_name(roster(landing_zone, accounts={"pay": own_role}, role_name="Org"))["pay"]
        assert account.role_arn == f"arn:aws:iam::{payments}:role/AWSInventoryRole"

    def test_an_account_that_is_off_is_left_out(self, landing_zone) -> None:
        off = {"account_id": landing_zone.accounts["Audit"], "enabled": False}
        found = roster(landing_zone, accounts={"audit": off})
        assert names(found) == {"master", "Log Archive", "payments", "playground"}

    def test_filters_do_not_touch_accounts_of_the_settings(self, landing_zone) -> None:
        mine = {"account_id": landing_zone.accounts["Audit"]}
        found = roster(landing_zone, accounts={"audit": mine}, include_ous=["Prod"])
        assert names(found) == {"audit", "payments"}

    def test_accounts_outside_the_organisation_may_be_added(self, landing_zone) -> None:
        outside = {"account_id": "999999999999"}
        assert "partner" in names(roster(landing_zone, accounts={"partner": outside}))


class TestNothingVanishesInSilence:
    def test_the_last_snapshots_accounts_stand_in_for_an_organisation_not_read(
        self, landing_zone
    ) -> None:
        known = [
            row("payments", landing_zone.accounts["payments"], organizational_unit="Workloads"),
            row("shut", "222222222222", "denied"),
            row("gone", "333333333333", "left"),
        ]
        found = roster(landing_zone, DENIED, known=known, include_ous=["Workloads"])
        assert names(found) == {"payments", "shut"}
        assert by_name(found)["payments"].department == "Old"
        assert by_name(found)["payments"].organizational_unit == "Workloads"
        assert not found.absences
        assert failures(found) == {"accounts": "denied"}
        told = found.discovery.failures["accounts"].message
        assert told.startswith("organizations:ListAccounts: no permission; the last snapshot's")

    def test_what_settings_leave_out_stays_out_meanwhile(self, landing_zone) -> None:
        known = [row("a", "111111111111"), row("b", "222222222222"), row("c", "333333333333")]
        off = {"account_id": "222222222222", "enabled": False}
        found = roster(
            landing_zone, DENIED, known=known, accounts={"b": off}, exclude_accounts=["c"]
        )
        assert names(found) == {"a"}
        assert {a.account.name: a.status for a in found.absences} == {
            "b": "excluded",
            "c": "excluded",
        }

    def test_without_a_snapshot_it_is_an_error_that_names_the_permission(
        self, landing_zone
    ) -> None:
        with pytest.raises(NoAccountsError) as caught:
            roster(landing_zone, DENIED)
        assert "organizations:ListAccounts: no permission" in str(caught.value)
        assert "organization.ask_as" in str(caught.value)

    def test_units_that_filters_need_and_cannot_be_read_are_no_reason_to_guess(
        self, landing_zone
    ) -> None:
        fault = Fault("ListRoots", [refused("AccessDeniedException")])
        known = [row("payments", landing_zone.accounts["payments"])]
        found = roster(landing_zone, fault, known=known, exclude_ous=["Sandbox"])
        assert names(found) == {"payments"}
        unfiltered = roster(landing_zone, fault, known=known)
        assert names(unfiltered) == {"master", *landing_zone.accounts}
        assert failures(unfiltered) == {"accounts.organizational_units": "denied"}

    def test_tags_that_could_not_be_read_are_those_of_the_last_snapshot(self, landing_zone) -> None:
        fault = Fault("ListTagsForResource", [refused("TooManyRequestsException")])
        known = [row("payments", landing_zone.accounts["payments"])]
        found = roster(landing_zone, fault, known=known)
        assert by_name(found)["payments"].department == "Old"
        assert by_name(found)["Audit"].department is None
        assert failures(found) == {"accounts.tags": "throttled"}

    def test_who_left_is_suspended_or_excluded_is_named(self, landing_zone) -> None:
        known = [row(name, account_id) for name, account_id in landing_zone.accounts.items()]
        known.append(row("moved away", "444444444444"))
        known.append(row("long gone", "555555555555", "left"))
        landing_zone.client.close_account(AccountId=landing_zone.accounts["playground"])
        found = roster(landing_zone, known=known, exclude_ous=["Security"])
        assert names(found) == {"master", "payments"}
        assert {a.account.name: a.status for a in found.absences} == {
            "playground": "suspended",
            "Audit": "excluded",
            "Log Archive": "excluded",
            "moved away": "left",
        }

    def test_a_suspended_account_is_not_entered_though_settings_name_it(self, landing_zone) -> None:
        playground = landing_zone.accounts["playground"]
        landing_zone.client.close_account(AccountId=playground)
        found = roster(landing_zone, accounts={"play": {"account_id": playground}})
        assert "play" not in names(found)
        assert [a.status for a in found.absences] == ["suspended"]

    def test_without_discovery_as_well(self, landing_zone) -> None:
        known = [row("a", "111111111111"), row("b", "222222222222"), row("c", "333333333333")]
        accounts = {
            "a": {"account_id": "111111111111"},
            "b": {"account_id": "222222222222", "enabled": False},
        }
        found = roster(landing_zone, known=known, accounts=accounts, discover=False)
        assert names(found) == {"a"}
        assert {a.account.name: a.status for a in found.absences} == {"b": "excluded", "c": "left"}


class TestOwnAccount:
    def test_control_tower_has_no_role_in_its_own_account(self, landing_zone) -> None:
        settings = landing_zone.settings(role_name="AWSControlTowerExecution")
        refusing = Fault("AssumeRole", [refused("AccessDenied")])
        clients = FaultyClients(settings, refusing)
        accounts = by_name(roster_of(settings, clients))
        management = enter(accounts["master"], clients)
        assert management.status == "ok"
        assert management.account.role_arn is None
        assert enter(accounts["payments"], clients).status == "denied"

    def test_its_role_is_taken_where_there_is_one(self, landing_zone) -> None:
        settings = landing_zone.settings()
        clients = FaultyClients(settings)
        master = by_name(roster_of(settings, clients))["master"]
        entered = enter(master, clients).account
        assert entered.role_arn == f"arn:aws:iam::{MANAGEMENT}:role/AWSInventoryRole"
