"""Collecting through Dagster: what is refused, what is seen again, and when readers see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from inventory_pipeline.accounts import Clients, accounts_of
from inventory_pipeline.defs import snapshots
from inventory_pipeline.defs.partitions import snapshot_instant
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.defs.snapshots import collect_config, coverage_check
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.cli.planted import plant
from inventory_pipeline_tests.defs.conftest import NOON, NOW, House
from inventory_pipeline_tests.simulated_aws import (
    ENGINEERING,
    OPERATIONS,
    Fault,
    FaultyClients,
    refused,
)

MIDNIGHT = "2026-01-20T00:00"
VOLUMES = dg.AssetKey(["resources", "ebs_volumes"])


def add_volume(house: House, account: str, region: str = "us-east-1") -> str:
    settings = house.inventory.settings
    known = {account.name: account for account in accounts_of(settings)}
    ec2: Any = Clients.of(settings).client(known[account], "ec2", region)
    made = ec2.create_volume(AvailabilityZone=f"{region}a", Size=8, VolumeType="gp3")
    return str(made["VolumeId"])


def volumes(house: House) -> set[str]:
    """The volumes that readers see."""
    return {row["resource_id"] for row in house.rows("ebs_volumes")}


def test_the_past_and_the_future_cannot_be_collected(collecting_house: House) -> None:
    for key, when in ((MIDNIGHT, "past"), ("2026-01-21T00:00", "future")):
        outcome = collecting_house.run("collect", key)
        assert not outcome.success
        assert outcome.messages[0].startswith(f"collect_resources: the {when} cannot be collected")
    assert collecting_house.rows("snapshots") == []
    job = collecting_house.definitions.resolve_job_def("collect")
    with pytest.raises(dg.Failure, match="backfill only the tables that are computed") as error:
        job.execute_in_process(instance=collecting_house.instance, partition_key=MIDNIGHT)
    assert not error.value.allow_retries


def test_a_part_is_collected_again(collecting_house: House) -> None:
    house = collecting_house
    before = {add_volume(house, "engineering"), add_volume(house, "operations")}
    assert house.run("collect").success
    assert volumes(house) == before
    new = add_volume(house, "engineering")
    add_volume(house, "operations")
    add_volume(house, "engineering", "eu-west-1")
    config = collect_config(accounts=["engineering"], regions=["us-east-1"])
    outcome = house.run("collect", config=config)
    assert outcome.success, outcome.messages
    assert volumes(house) == {*before, new}


def test_a_selected_table_alone_is_collected(collecting_house: House) -> None:
    house = collecting_house
    house.content |= {"resource_types": []}
    result = house.build(VOLUMES)
    assert result.success
    done = {e.asset_key for e in result.get_asset_materialization_events()}
    assert done == {VOLUMES}
    collectors = {row["collector"].partition(".")[0] for row in unpublished(house, "coverage")}
    assert collectors == {"ebs_volume"}


def unpublished(house: House, table: str) -> list[dict[str, Any]]:
    with house.inventory.engine.session({table: {}}, published=False) as db:
        return db.query(f"SELECT * FROM {table}").to_pylist()


@pytest.mark.parametrize(
    ("statuses", "passed", "severity"),
    [
        (["ok"] * 10, True, None),
        (["ok"] * 10 + ["region_disabled"], True, None),
        (["ok"] * 9 + ["denied"], False, dg.AssetCheckSeverity.WARN),
        (["ok"] * 8 + ["denied", "timeout"], False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_coverage_below_the_threshold_is_an_error_and_any_gap_a_warning(
    house: House, statuses: list[str], passed: bool, severity: dg.AssetCheckSeverity | None
) -> None:
    house.content |= {"collection_settings": {"coverage_threshold": 90}}
    inventory, at = house.inventory, snapshot_instant(NOON)
    cells = [
        {"snapshot_at": at, "region": f"r{n}", "collector": "ec2_instance", "status": status}
        for n, status in enumerate(statuses)
    ]
    plant(inventory.lake, "coverage", cells)
    check = coverage_check(inventory, at)
    assert check.passed is passed
    if severity is not None:
        assert check.severity == severity
    assert f"{statuses.count('ok')} of" in str(check.description)


def test_what_is_denied_is_told_and_the_rest_published(
    collecting_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = collecting_house
    seen = add_volume(house, "engineering")
    add_volume(house, "operations")
    fault = Fault("DescribeVolumes", [refused("UnauthorizedOperation")], account_id=OPERATIONS)
    monkeypatch.setattr(
        Inventory, "clients", property(lambda self: FaultyClients(self.settings, fault))
    )
    outcome = house.run("collect")
    assert outcome.success
    assert outcome.partial
    assert outcome.messages == ("coverage: 4 of 8 cells seen (2 denied, 2 not_attempted)",)
    assert volumes(house) == {seen}
    (snapshot,) = house.rows("snapshots")
    assert snapshot["status"] == "partial"


def after_collecting(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Lake, datetime], None]
) -> None:
    """Have each collection followed by `spoil`."""
    collect = snapshots.collect

    def spoilt(settings: Any, lake: Lake, at: datetime, *args: Any, **options: Any) -> Any:
        result = collect(settings, lake, at, *args, **options)
        spoil(lake, at)
        return result

    monkeypatch.setattr(snapshots, "collect", spoilt)


def test_rows_that_stand_twice_are_not_published(
    collecting_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = collecting_house
    house.now = NOW - timedelta(hours=12)
    add_volume(house, "engineering")
    assert house.run("collect", MIDNIGHT).success

    def double(lake: Lake, at: datetime) -> None:
        lake.merge("ebs_volumes", {"snapshot_at": at}, lambda rows: pa.concat_tables([rows, rows]))

    after_collecting(monkeypatch, double)
    house.now = NOW
    outcome = house.run("collect")
    assert not outcome.success
    key = "snapshot_at, account_id, region, resource_id"
    assert f"resources/ebs_volumes: 1 keys ({key}) stand more than once" in outcome.messages
    assert [row["snapshot_at"] for row in house.rows("snapshots")] == [snapshot_instant(MIDNIGHT)]
    assert len(house.rows("ebs_volumes")) == 1


@pytest.mark.parametrize("table", ["accounts", "ebs_volumes", "metrics", "coverage"])
def test_a_commit_that_fails_publishes_nothing(
    collecting_house: House, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    house = collecting_house
    house.now = NOW - timedelta(hours=12)
    before = add_volume(house, "engineering")
    assert house.run("collect", MIDNIGHT).success
    rewrite = Lake.rewrite

    def failing(lake: Lake, name: str, *rest: Any) -> Any:
        if name == table:
            raise OSError("disk full")
        return rewrite(lake, name, *rest)

    monkeypatch.setattr(Lake, "rewrite", failing)
    house.now = NOW
    add_volume(house, "engineering")
    outcome = house.run("collect")
    assert outcome.messages == ("collect_resources: OSError: disk full",)
    assert volumes(house) == {before}
    assert len(house.rows("snapshots")) == 1
    monkeypatch.undo()


def test_what_dagster_shows_of_a_collection(collecting_house: House) -> None:
    house = collecting_house
    add_volume(house, "engineering")
    result = house.build(*(dg.AssetKey(name) for name in ("coverage", "snapshots")), VOLUMES)
    assert result.success
    shown = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert shown["resources/ebs_volumes"]["dagster/partition_row_count"].value == 1
    assert shown["snapshots"]["cells"].value == shown["snapshots"]["cells_ok"].value == 8
    assert ENGINEERING in str(shown["resources/ebs_volumes"]["preview"].value)
