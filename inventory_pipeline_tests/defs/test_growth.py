"""Growth through Dagster: on the first day that partitions know, its check, its dependencies."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest

from inventory_pipeline_tests.defs.conftest import House
from inventory_pipeline_tests.defs.test_marts import checks, spoil
from inventory_pipeline_tests.marts.storage.delivered import deliver, obj

DAY = date(2026, 1, 1)
TABLES = ("storage_usage", "storage_growth", "storage_trend")


@pytest.fixture
def delivered(house: House) -> House:
    house.content |= {"schedules": {"snapshots_start": str(DAY)}}
    lake = house.inventory.lake
    deliver(lake, [obj("a/1"), obj("a/2")], DAY - timedelta(days=1))
    deliver(lake, [obj("a/1"), obj("b/1", 7)], DAY)
    return house


def test_the_changes_add_up_even_on_the_first_day_of_all(delivered: House) -> None:
    """The day compared with may be older than any partition."""
    result = delivered.build(*TABLES, partition=str(DAY))
    assert result.success
    check = checks(result)["storage_growth", "reconciles"]
    assert check.passed
    assert {r["change"] for r in delivered.rows("storage_growth")} == {"created", "deleted"}
    assert [r["bytes"] for r in delivered.rows("storage_trend")] == [17]


def test_changes_that_do_not_add_up_are_found(
    delivered: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, "storage_growth", "bytes_added", 6)
    check = checks(delivered.build("storage_growth", partition=str(DAY)))
    assert not check["storage_growth", "reconciles"].passed
    assert check["storage_growth", "reconciles"].description == (
        "of 1 deliveries the changes are not what usage has more: data-1/daily"
    )


def test_it_depends_on_the_days_before(house: House) -> None:
    graph = house.definitions.resolve_asset_graph()
    for table, source, days in (
        ("storage_growth", "s3_objects", 7),
        ("storage_growth", "s3_usage", 7),
        ("storage_trend", "storage_usage", 97),
    ):
        mapping = graph.get(dg.AssetKey(table)).partition_mappings[dg.AssetKey(source)]
        assert mapping == dg.TimeWindowPartitionMapping(start_offset=-days)
