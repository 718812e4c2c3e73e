from __future__ import annotations

from datetime import UTC, datetime

from inventory_pipeline.accounts import Account, Entry, Failure, Regions
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.collect.cells import Cell, plan
from inventory_pipeline.collect.ledger import CellLedger, Tally
from inventory_pipeline.resource_types import resource_types, selected_types

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KINDS = selected_types(["ebs_volume", "s3_bucket"])
DENIED = Failure("denied", "AccessDenied", "no")
OPEN = Entry(
    Account("1", "open"),
    regions=Regions(("eu-central-2", "us-east-1"), ("ap-south-2",)),
)
SHUT = Entry(Account("2", "shut"), failure=DENIED)
SILENT = Entry(Account("3", "silent"), notice="denied")
EVERYWHERE = RegionScope()


def planned(*entries: Entry, scope: RegionScope = EVERYWHERE) -> dict[tuple[str, str, str], Cell]:
    cells = plan(entries, KINDS, scope, lambda *_: ["ap-east-1", "us-west-2"])
    found = {cell.key: cell for cell in cells}
    assert len(found) == len(cells)
    return found


def test_regional_types_are_asked_in_each_region_and_global_ones_once() -> None:
    cells = planned(OPEN)
    assert set(cells) == {
        ("1", "us-east-1", "ebs_volume"),
        ("1", "eu-central-2", "ebs_volume"),
        ("1", "ap-south-2", "ebs_volume"),
        ("1", "global", "s3_bucket"),
    }
    assert cells["1", "global", "s3_bucket"].call_region == "us-east-1"


def test_a_region_that_is_off_is_not_asked_but_said() -> None:
    cell = planned(OPEN)["1", "ap-south-2", "ebs_volume"]
    assert cell.skip is not None
    assert cell.skip.status == "region_disabled"


def test_a_region_that_the_account_calls_on_is_never_taken_for_off() -> None:
    assert not any(cell.may_be_disabled for cell in planned(OPEN).values())


def test_excluded_regions_have_no_cells() -> None:
    cells = planned(OPEN, scope=RegionScope((), ("ap-*", "eu-central-?")))
    assert set(cells) == {("1", "us-east-1", "ebs_volume"), ("1", "global", "s3_bucket")}


def test_a_wanted_region_that_the_account_has_not_is_said() -> None:
    cells = planned(OPEN, scope=RegionScope(("us-east-1", "us-moon-1")))
    assert set(cells) == {
        ("1", "us-east-1", "ebs_volume"),
        ("1", "us-moon-1", "ebs_volume"),
        ("1", "global", "s3_bucket"),
    }
    skip = cells["1", "us-moon-1", "ebs_volume"].skip
    assert skip is not None
    # Not "off", which would leave the snapshot complete.
    assert skip.status == "error"
    assert "the account has no such region" in (skip.message or "")


def test_all_cells_of_an_account_that_cannot_be_entered_say_why() -> None:
    cells = planned(OPEN, SHUT)
    shut = {key: cell for key, cell in cells.items() if key[0] == "2"}
    assert {key[1] for key in shut} == {"global", "us-east-1", "eu-central-2"}
    assert all(cell.skip == DENIED for cell in shut.values())


def test_alone_such_an_account_has_the_regions_that_are_known() -> None:
    assert {key[1] for key in planned(SHUT)} == {"global", "ap-east-1", "us-west-2"}
    wanted = planned(SHUT, scope=RegionScope(("eu-west-1",)))
    assert {key[1] for key in wanted} == {"global", "eu-west-1"}


def test_an_account_that_hides_its_regions_is_tried_in_all_not_only_in_those_of_others() -> None:
    silent = {key[1]: cell for key, cell in planned(OPEN, SILENT).items() if key[0] == "3"}
    assert set(silent) == {"global", "ap-east-1", "us-west-2", "us-east-1", "eu-central-2"}
    assert all(cell.skip is None for cell in silent.values())
    # Refused credentials mean "off" only where a region can be off.
    assert {r for r, cell in silent.items() if cell.may_be_disabled} == {
        "ap-east-1",
        "eu-central-2",
    }


def test_a_pattern_beside_a_name_is_not_forgotten_where_regions_are_guessed() -> None:
    scope = RegionScope(("eu-west-1", "us-*"))
    for entry in (SHUT, SILENT):
        assert {key[1] for key in planned(entry, scope=scope)} == {
            "global",
            "eu-west-1",
            "us-west-2",
        }


def test_the_ledger_of_a_cell_has_a_row_for_each_part() -> None:
    cell = planned(OPEN)["1", "global", "s3_bucket"]
    rows = CellLedger.of(cell).rows(cell, NOW, NOW)
    details = [d.name for d in resource_types()["s3_bucket"].details]
    assert [r["collector"] for r in rows] == [
        "s3_bucket",
        *(f"s3_bucket.{d}" for d in details),
        "s3_bucket.metrics",
    ]


def test_a_region_that_is_off_has_one_row_and_a_shut_account_all() -> None:
    off = planned(OPEN)["1", "ap-south-2", "ebs_volume"]
    assert [r["collector"] for r in CellLedger.of(off).rows(off, NOW, NOW)] == ["ebs_volume"]
    shut = planned(SHUT)["2", "us-west-2", "ebs_volume"]
    rows = CellLedger.of(shut).rows(shut, NOW, NOW)
    assert {(r["collector"], r["status"], r["error_code"]) for r in rows} == {
        ("ebs_volume", "denied", "AccessDenied"),
        ("ebs_volume.metrics", "denied", "AccessDenied"),
    }


def test_a_tally_shows_the_worst_of_its_failures() -> None:
    tally = Tally()
    for failure in (
        Failure("throttled", "a"),
        Failure("denied", "b"),
        Failure("denied", "c"),
        Failure("timeout", "d"),
    ):
        tally.fail(failure)
    assert (tally.status, tally.code) == ("denied", "b")


def test_a_global_type_may_be_asked_elsewhere_and_not_in_every_partition() -> None:
    kind = resource_types()["s3_multi_region_access_point"]
    abroad = Entry(Account("4", "abroad", partition="aws-cn"), regions=Regions(("cn-north-1",), ()))
    cells = plan([OPEN, abroad], [kind], EVERYWHERE, lambda *_: [])
    assert [(cell.key, cell.call_region) for cell in cells] == [
        (("1", "global", "s3_multi_region_access_point"), "us-west-2")
    ]


def test_a_service_that_a_region_may_not_have_is_noted() -> None:
    def known(partition: str, service: str) -> list[str]:
        return ["us-east-1"] if service == "ec2" else []

    cells = {cell.key: cell for cell in plan([OPEN], KINDS, EVERYWHERE, known)}
    assert cells["1", "eu-central-2", "ebs_volume"].may_be_missing
    assert not cells["1", "us-east-1", "ebs_volume"].may_be_missing
    assert not cells["1", "global", "s3_bucket"].may_be_missing
