"""Collections of an organisation: who is looked at, and what becomes of who is not any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.accounts import Clients, account_named
from inventory_pipeline.collect import collect, publish_snapshot
from inventory_pipeline.lake import Lake
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.accounts.landing_zone import MANAGEMENT, LandingZone
from inventory_pipeline_tests.simulated_aws import Fault, FaultyClients, ec2_error, refused

FIRST = datetime(2026, 11, 20, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=12)
ONLY = ["ebs_volume"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


@pytest.fixture
def landing_zone(aws: str) -> LandingZone:
    return LandingZone(aws)


def add_volume(settings: Settings, account_id: str, **more: Any) -> str:
    account = account_named(settings, account_id)
    ec2 = Clients.of(settings).client(account, "ec2", "us-east-1")
    made = ec2.create_volume(AvailabilityZone="us-east-1a", Size=8, VolumeType="gp3", **more)
    return str(made["VolumeId"])


def snapshot(settings: Settings, lake: Lake, at: datetime, *faults: Fault) -> dict[str, Any]:
    clients = FaultyClients(settings, *faults)
    collect(settings, lake, at, lambda: at, resource_types=ONLY, clients=clients)
    return publish_snapshot(lake, at)


def accounts(lake: Lake, at: datetime) -> dict[str, dict[str, Any]]:
    rows = lake.read("accounts", {"snapshot_at": at}).to_pylist()
    return {row["account_name"]: row for row in rows}


def discovery(lake: Lake, at: datetime) -> dict[str, tuple[str, str, str]]:
    """Rows of the ledger on the organisation: account asked as, status and code."""
    return {
        row["collector"]: (row["account_id"], row["status"], row["error_code"])
        for row in lake.read("coverage", {"snapshot_at": at}).to_pylist()
        if row["collector"].startswith("accounts")
    }


def test_an_organisation_is_collected_with_its_units_owners_and_inherited_tags(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings()
    payments = landing_zone.accounts["payments"]
    volume = add_volume(settings, payments)
    row = snapshot(settings, lake, FIRST)
    found = accounts(lake, FIRST)
    assert set(found) == {"master", *landing_zone.accounts}
    assert found["payments"]["organizational_unit"] == "Workloads/Prod"
    assert found["payments"]["department"] == "Payments"
    [seen] = lake.read("ebs_volumes").to_pylist()
    assert (seen["resource_id"], seen["account_id"]) == (volume, payments)
    assert dict(seen["tags"]) == {"Department": "Payments", "Cost Centre": "42"}
    assert row["status"] == "complete"
    assert set(discovery(lake, FIRST).values()) == {(MANAGEMENT, "ok", None)}


def test_an_organisation_that_cannot_be_read_any_more_keeps_its_accounts(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings()
    volume = add_volume(settings, landing_zone.accounts["payments"])
    snapshot(settings, lake, FIRST)
    denied = Fault("ListAccounts", [refused("AccessDeniedException")])
    row = snapshot(settings, lake, SECOND, denied)
    assert row["status"] == "partial"
    assert {name: a["status"] for name, a in accounts(lake, SECOND).items()} == dict.fromkeys(
        ["master", *landing_zone.accounts], "ok"
    )
    assert accounts(lake, SECOND)["payments"]["organizational_unit"] == "Workloads/Prod"
    seen = lake.read("ebs_volumes", {"snapshot_at": SECOND}).to_pylist()
    assert [(v["resource_id"], v["department"]) for v in seen] == [(volume, "Payments")]
    assert discovery(lake, SECOND) == {"accounts": (MANAGEMENT, "denied", "AccessDeniedException")}


def test_an_account_that_was_suspended_or_left_is_recorded_and_none_of_its_cells_seen(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings({"partner": {"account_id": "999999999999"}})
    playground = landing_zone.accounts["playground"]
    add_volume(settings, playground)
    add_volume(settings, "999999999999")
    snapshot(settings, lake, FIRST)
    landing_zone.client.close_account(AccountId=playground)
    without_partner = landing_zone.settings()
    snapshot(without_partner, lake, SECOND)
    now = accounts(lake, SECOND)
    assert now["playground"]["status"] == "suspended"
    assert now["playground"]["organizational_unit"] == "Workloads/Sandbox"
    assert now["partner"]["status"] == "left"
    # Without a cell that was seen nothing of theirs may be called gone.
    cells = lake.read("coverage", {"snapshot_at": SECOND}).to_pylist()
    assert not {playground, "999999999999"} & {cell["account_id"] for cell in cells}


def test_empty_accounts_are_seen_and_complete(landing_zone: LandingZone, lake: Lake) -> None:
    row = snapshot(landing_zone.settings(), lake, FIRST)
    assert (row["status"], row["rows"]) == ("complete", 0)
    assert len(accounts(lake, FIRST)) == 5


def test_fifty_unicode_tags_of_a_resource_win_over_its_accounts(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings()
    many = {f"ключ-{n}": f"значение {n} 🚀" for n in range(49)} | {"Department": "Own"}
    tags = [{"Key": key, "Value": value} for key, value in many.items()]
    add_volume(
        settings,
        landing_zone.accounts["payments"],
        TagSpecifications=[{"ResourceType": "volume", "Tags": tags}],
    )
    snapshot(settings, lake, FIRST)
    [seen] = lake.read("ebs_volumes").to_pylist()
    assert dict(seen["tags"]) == {"Cost Centre": "42", **many}
    assert (seen["department"], seen["cost_center"]) == ("Own", "42")


def test_a_subset_of_the_organisation_is_chosen_by_name_or_id(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings()
    names = ["payments", landing_zone.accounts["Audit"]]
    collect(settings, lake, FIRST, lambda: FIRST, resource_types=ONLY, accounts=names)
    publish_snapshot(lake, FIRST)
    assert set(accounts(lake, FIRST)) == {"payments", "Audit"}


def test_one_account_that_hangs_at_the_door_holds_nobody_up(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings()
    seconds = [0.0]

    def wait() -> None:
        seconds[0] += 1000.0

    slow = Fault(
        "GetCallerIdentity",
        [refused("ServiceUnavailable")],
        account_id=landing_zone.accounts["payments"],
        before=wait,
    )
    collect(
        settings,
        lake,
        FIRST,
        lambda: FIRST,
        resource_types=ONLY,
        clients=FaultyClients(settings, slow),
        clock=lambda: seconds[0],
    )
    publish_snapshot(lake, FIRST)
    assert accounts(lake, FIRST)["payments"]["status"] == "error"


def test_credentials_that_end_during_a_run_are_renewed_and_nothing_is_lost(
    landing_zone: LandingZone, lake: Lake
) -> None:
    settings = landing_zone.settings()
    volumes = {add_volume(settings, account) for account in landing_zone.accounts.values()}
    assumed = Fault("AssumeRole", [None])
    # One cell in two meets credentials that were revoked in the middle.
    ended = ec2_error("ExpiredToken", "The security token included in the request is expired")
    revoked = Fault("DescribeVolumes", [None, ended, None, ended, None, None, None], forever=False)
    row = snapshot(settings, lake, FIRST, assumed, revoked)
    assert row["status"] == "complete"
    assert {v["resource_id"] for v in lake.read("ebs_volumes").to_pylist()} == volumes
    # Five accounts, two of which were entered anew.
    assert assumed.calls == 5 + 2
