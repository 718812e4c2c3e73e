"""Reading an organisation, on a simulated one and on answers that the simulation never gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.accounts import Clients, Watch
from inventory_pipeline.accounts.account import GLOBAL_REGIONS
from inventory_pipeline.accounts.organization import TAGS, UNITS, Organization, read_organization
from inventory_pipeline_tests.accounts.landing_zone import MANAGEMENT, LandingZone
from inventory_pipeline_tests.simulated_aws import Fault, FaultyClients, refused


def organization_of(landing_zone: LandingZone, *faults: Fault) -> Organization:
    clients = FaultyClients(landing_zone.settings(), *faults)
    return read_organization(clients.client(None, "organizations", "us-east-1"))


def test_accounts_stand_at_the_units_of_their_tree(landing_zone: LandingZone) -> None:
    found = organization_of(landing_zone)
    paths = {m.name: m.units[-1].path for m in found.members if m.units}
    assert paths == {
        "master": "Root",
        "Log Archive": "Security",
        "Audit": "Security",
        "payments": "Workloads/Prod",
        "playground": "Workloads/Sandbox",
    }
    assert {u.path for u in found.units} == {
        "Root",
        "Security",
        "Workloads",
        "Workloads/Prod",
        "Workloads/Sandbox",
    }
    payments = next(m for m in found.members if m.name == "payments")
    assert payments.tags == {"Department": "Payments", "Cost Centre": "42"}
    assert not found.failures
    assert MANAGEMENT in {m.account_id for m in found.members}


def test_more_accounts_and_units_than_a_page_holds(landing_zone: LandingZone) -> None:
    for number in range(25):
        landing_zone.add_unit(f"Team {number}", "Prod")
        landing_zone.add(f"team-{number}", f"Team {number}")
    found = organization_of(landing_zone)
    assert len(found.members) == 30
    last = next(m for m in found.members if m.name == "team-24")
    assert last.units is not None
    assert last.units[-1].path == "Workloads/Prod/Team 24"


def test_the_calls_of_every_thread_are_counted(landing_zone: LandingZone) -> None:
    client = Clients.of(landing_zone.settings()).client(None, "organizations", "us-east-1")
    with Watch() as watch:
        read_organization(client)
    # Accounts, roots, and for each of 5 units its units and accounts; tags of 5 accounts.
    assert watch.calls == 1 + 1 + 5 + 5 + 5


def test_tags_of_unicode_and_as_many_as_aws_allows(landing_zone: LandingZone) -> None:
    many = {f"schlüssel-{n}-日本": f"wert {n} 🚀" for n in range(49)} | {"Dépt": "é" * 256}
    account_id = landing_zone.add("många", "Prod", many)
    found = organization_of(landing_zone)
    assert {m.account_id: m.tags for m in found.members}[account_id] == many


def test_a_tree_that_may_not_be_read_leaves_the_accounts(landing_zone: LandingZone) -> None:
    fault = Fault("ListRoots", [refused("AccessDeniedException")])
    found = organization_of(landing_zone, fault)
    assert len(found.members) == 5
    assert {m.units for m in found.members} == {None}
    assert found.failures[UNITS].status == "denied"


def test_tags_of_one_account_that_fail_leave_the_others(landing_zone: LandingZone) -> None:
    busy = refused("TooManyRequestsException")
    fault = Fault("ListTagsForResource", [busy], forever=False)
    found = organization_of(landing_zone, fault)
    assert sum(m.tags is None for m in found.members) == 1
    assert found.failures[TAGS].status == "throttled"


class Scripted:
    """A client of Organizations that answers from pages by operation and parent."""

    def __init__(self, pages: dict[tuple[str, str | None], list[dict[str, Any]]]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        client = self

        class Paginator:
            def paginate(self, ParentId: str | None = None, **_: str) -> list[dict[str, Any]]:
                client.asked.append(operation)
                return client.pages.get((operation, ParentId), [{}])

        return Paginator()


ROOT = {"Id": "r-root", "Name": "Root"}
PROD = {"Id": "ou-root-prod", "Name": "Prod"}


def script(*accounts: dict[str, Any]) -> Scripted:
    return Scripted(
        {
            # AWS may send an empty page before one with accounts.
            ("list_accounts", None): [{"Accounts": []}, {"Accounts": list(accounts)}],
            ("list_roots", None): [{"Roots": [ROOT]}],
            ("list_organizational_units_for_parent", "r-root"): [{"OrganizationalUnits": [PROD]}],
        }
    )


def test_where_aws_tells_paths_no_unit_is_asked_for_its_accounts() -> None:
    path = "o-organized1/r-root/ou-root-prod/111111111111/"
    client = script({"Id": "111111111111", "Name": "a", "State": "ACTIVE", "Paths": [path]})
    [member] = read_organization(client).members
    assert member.units is not None
    assert [unit.unit_id for unit in member.units] == ["r-root", "ou-root-prod"]
    assert "list_accounts_for_parent" not in client.asked


@pytest.mark.parametrize(
    ("fields", "active"),
    [
        ({"State": "ACTIVE", "Status": "ACTIVE"}, True),
        ({"State": "ACTIVE"}, True),  # since AWS dropped Status
        ({"Status": "ACTIVE"}, True),  # where AWS does not send State yet
        ({"State": "PENDING_ACTIVATION", "Status": "ACTIVE"}, False),
        ({"State": "CLOSED", "Status": "SUSPENDED"}, False),
        ({"Status": "PENDING_CLOSURE"}, False),
        ({}, True),  # entering the account will tell
    ],
)
def test_the_newer_field_tells_the_state(fields: dict[str, str], active: bool) -> None:
    [member] = read_organization(script({"Id": "111111111111", "Name": "a", **fields})).members
    assert member.is_active is active


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "organizations.us-east-1.amazonaws.com"),
        ("cn-north-1", "organizations.cn-northwest-1.amazonaws.com.cn"),
        ("us-gov-east-1", "organizations.us-gov-west-1.amazonaws.com"),
    ],
)
def test_each_partition_has_its_own_organizations(region: str, host: str) -> None:
    clients = Clients(home_region=region)
    asked = GLOBAL_REGIONS[clients.partition]
    client = clients.client(None, "organizations", asked)
    assert client.meta.endpoint_url == f"https://{host}"


@given(st.lists(st.text(max_size=40), max_size=3))
def test_a_path_of_any_shape_is_read_or_passed_over(paths: list[str]) -> None:
    client = script({"Id": "111111111111", "Name": "a", "State": "ACTIVE", "Paths": paths})
    [member] = read_organization(client).members
    assert member.units is None or member.units[0].unit_id == "r-root"
