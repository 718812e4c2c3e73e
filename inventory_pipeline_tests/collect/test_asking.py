"""Which cells are asked: what is missing of a snapshot cut short, and what failed first."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.collect import CollectionResult, NotCollectedError, collect
from inventory_pipeline.collect.publication import ledger, publish_snapshot
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.collect import processes
from inventory_pipeline_tests.collect.processes import AT, VOLUMES, now
from inventory_pipeline_tests.collect.test_snapshot import add_volume, cells, volumes
from inventory_pipeline_tests.lake.processes import run_to_its_death
from inventory_pipeline_tests.simulated_aws import (
    ENGINEERING,
    OPERATIONS,
    Fault,
    FaultyClients,
    refused,
    settings_of,
)

(V,) = VOLUMES

Asked = list[tuple[str, str]]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def look(
    aws: str, lake: Lake, *faults: Fault, at: datetime = AT, **more: Any
) -> tuple[CollectionResult, Asked]:
    """Collect volumes, one cell after the other: the account and region of each that was asked."""
    settings = settings_of(aws, collection_settings={"parallel_regions": 1, "retry_attempts": 0})
    said: list[str] = []
    result = collect(
        settings,
        lake,
        at,
        lambda: at + (now() - AT),
        resource_types=VOLUMES,
        clients=FaultyClients(settings, *faults),
        progress=said.append,
        **more,
    )
    words = [line.split() for line in said]
    return result, [(account, region) for _, account, region, *_ in words]


def denied(account_id: str = OPERATIONS, region: str | None = None) -> Fault:
    return Fault("DescribeVolumes", [refused("UnauthorizedOperation")], account_id, region)


def test_a_snapshot_cut_short_is_carried_on_with(aws: str, lake: Lake) -> None:
    before = add_volume(aws, "engineering")
    result, asked = look(aws, lake, denied())
    assert result.planned == result.asked == len(asked) == 6
    seen_now = add_volume(aws, "operations")
    add_volume(aws, "engineering")  # after its cell was seen
    result, asked = look(aws, lake)
    assert sorted(asked) == [("operations", "eu-west-1"), ("operations", "us-east-1")]
    assert (result.planned, result.asked) == (6, 2)
    assert publish_snapshot(lake, AT)["status"] == "complete"
    assert set(volumes(lake)) == {before, seen_now}


def test_a_published_snapshot_is_collected_anew(aws: str, lake: Lake) -> None:
    look(aws, lake)
    publish_snapshot(lake, AT)
    new = add_volume(aws, "engineering")
    _, asked = look(aws, lake)
    assert len(asked) == 6
    assert set(volumes(lake)) == {new}


def test_only_what_failed_is_asked(aws: str, lake: Lake) -> None:
    look(aws, lake, denied(region="eu-west-1"))
    publish_snapshot(lake, AT)
    add_volume(aws, "engineering")
    new = add_volume(aws, "operations", "eu-west-1")
    _, asked = look(aws, lake, failed=True)
    assert asked == [("operations", "eu-west-1")]
    assert volumes(lake) == {new: (OPERATIONS, "eu-west-1")}
    assert set(cells(lake).values()) == {"ok", "region_disabled"}
    assert look(aws, lake, failed=True)[1] == [], "all is seen now"


def test_a_part_that_failed_is_a_failed_cell(aws: str, lake: Lake) -> None:
    add_volume(aws, "operations")
    look(aws, lake, Fault("GetMetricData", [refused("AccessDenied")]))
    publish_snapshot(lake, AT)
    assert look(aws, lake, failed=True)[1] == [("operations", "us-east-1")]


def test_nothing_can_have_failed_of_what_was_not_collected(aws: str, lake: Lake) -> None:
    with pytest.raises(NotCollectedError, match="leave out --failed"):
        look(aws, lake, failed=True)


def test_cells_that_failed_in_the_last_snapshot_are_asked_first(aws: str, lake: Lake) -> None:
    look(aws, lake, denied(region="us-east-1"))
    publish_snapshot(lake, AT)
    later = AT + timedelta(hours=12)
    _, asked = look(aws, lake, at=later)
    assert asked[0] == ("operations", "us-east-1")
    assert len(asked) == 6


@pytest.mark.parametrize("kills_at", [1, 4])
def test_a_killed_run_loses_only_what_was_not_committed(
    aws: str, lake: Lake, kills_at: int
) -> None:
    """Killed after the first table of a chunk: its ledger is missing, so its cell is seen again."""
    expected = {
        add_volume(aws, account, region): (account_id, region)
        for account, account_id in (("engineering", ENGINEERING), ("operations", OPERATIONS))
        for region in ("us-east-1", "eu-west-1")
    }
    run_to_its_death(processes.collect_until_killed, aws, lake.location, kills_at)
    with ledger(lake, AT, "resources") as db:
        (committed,) = db.query(
            "SELECT COUNT(*) AS n FROM coverage WHERE collector = $v", {"v": V}
        )["n"]
        (rows,) = db.query("SELECT COUNT(*) AS n FROM resources")["n"]
    assert 0 < committed.as_py() < 6
    assert rows.as_py() > 0, "it died too early"
    _, asked = look(aws, lake)
    assert len(asked) == 6 - committed.as_py()
    assert publish_snapshot(lake, AT)["status"] == "complete"
    assert volumes(lake) == expected
    assert lake.read("ebs_volumes").num_rows == lake.read("resources").num_rows == 4
