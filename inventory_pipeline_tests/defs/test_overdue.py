"""Overdue deliveries through Dagster: checked by a schedule, and told of once a streak."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline_tests.defs.conftest import House
from inventory_pipeline_tests.defs.test_comparisons import TOPIC, Topic
from inventory_pipeline_tests.defs.test_schedules import requests
from inventory_pipeline_tests.marts.storage.judged import Planted, days

FIRST = datetime(2026, 1, 5, tzinfo=UTC).date()
CONFIGURATIONS: dict[tuple[str, str], dict[str, Any]] = {("data", "all"): {}, ("logs", "all"): {}}


@pytest.fixture
def topic(house: House, monkeypatch: pytest.MonkeyPatch) -> Topic:
    topic = Topic()
    house.content |= {"notifications": {"sns_topic_arn": TOPIC}}
    monkeypatch.setattr(Inventory, "sns", lambda self, region: topic)
    return topic


def check(house: House, day: int) -> tuple[str, ...]:
    """What the command would say of the check of a day of January."""
    outcome = house.run("delivery_check", f"2026-01-{day:02}")
    assert outcome.success
    return outcome.messages


def test_a_streak_is_told_of_once_as_soon_as_somebody_hears(house: House, topic: Topic) -> None:
    planted = Planted()
    for day in days(FIRST, 9):
        planted.snapshot(day, CONFIGURATIONS)
        planted.deliver(day, "logs")
    planted.deliver(FIRST + timedelta(days=3))
    planted.publish(house.inventory.lake)
    assert check(house, 8) == ()
    topic.deaf = True
    messages = check(house, 9)
    assert "overdue_deliveries: 1 S3 Inventory report missing" in messages
    assert "delivery_health: 1 delivered, 1 missing; 0 reports lack fields" in str(messages)
    topic.deaf = False
    check(house, 9)
    check(house, 10)
    (heard,) = topic.heard
    assert heard["Subject"] == "inventory: 1 S3 Inventory report overdue"
    line = "data all (account 111122223333): 1 daily in a row, nothing after 2026-01-08"
    assert line in heard["Message"]
    assert "logs" not in heard["Message"]


def run_requested(house: House, day: int) -> tuple[dg.RunRequest, list[str]]:
    """What the schedule asks for on a morning of January, and the days that were then checked."""
    (request,) = requests(house, "delivery_check", datetime(2026, 1, day, 9, tzinfo=UTC))
    result = house.definitions.resolve_job_def("delivery_check").execute_in_process(
        instance=house.instance, partition_key=request.partition_key, tags=dict(request.tags)
    )
    built = result.asset_materializations_for_node("build_delivery_health")
    return request, sorted(one.partition for one in built if one.partition)


def test_a_total_outage_is_told_of_once_where_the_lake_learns_the_time_at_noon(
    house: House, topic: Topic
) -> None:
    """At nine the newest that it has seen is of yesterday, and no delivery will ever tell more."""
    planted = Planted()
    for day in days(FIRST, 4):
        for bucket in ("data", "logs"):
            planted.deliver(day, bucket)
    checked: list[list[str]] = []
    keys: set[str | None] = set()
    for offset in range(11):
        if offset > 6:
            planted.publish(house.inventory.lake)
            request, found = run_requested(house, (FIRST + timedelta(days=offset)).day)
            checked.append(found)
            keys.add(request.run_key)
        planted.snapshot(FIRST + timedelta(days=offset), CONFIGURATIONS, hour=12)
    assert checked == [
        ["2026-01-09"],
        ["2026-01-09", "2026-01-10"],
        ["2026-01-10", "2026-01-11"],
        ["2026-01-11", "2026-01-12"],
    ]
    assert len(keys) == 4
    (heard,) = topic.heard
    assert "did not deliver for 2026-01-09" in heard["Message"]
    assert {row["status"] for row in house.rows("delivery_health")} == {"missing", "awaited"}


def test_a_snapshot_that_comes_late_has_all_days_judged_and_tells_once(
    house: House, topic: Topic
) -> None:
    """Collection stood still as well: of the days of a week that are awaited, one run tells."""
    planted = Planted()
    for day in days(FIRST, 4):
        planted.snapshot(day, CONFIGURATIONS)
        planted.deliver(day, "logs")
    planted.publish(house.inventory.lake)
    for day in (12, 13, 14):
        run_requested(house, day)
    assert topic.heard == []
    planted.snapshot(FIRST + timedelta(days=10), CONFIGURATIONS)
    planted.publish(house.inventory.lake)
    assert run_requested(house, 16)[1] == [f"2026-01-{day:02}" for day in range(9, 14)]
    (heard,) = topic.heard
    assert heard["Subject"] == "inventory: 2 S3 Inventory reports overdue"
    assert run_requested(house, 23)[1][0] >= "2026-01-14", "no day is asked of for ever"


def test_the_check_is_of_the_day_whose_time_is_over(house: House) -> None:
    def requested(at: datetime) -> list[str | None]:
        return [request.partition_key for request in requests(house, "delivery_check", at)]

    assert requested(datetime(2026, 1, 20, 9, tzinfo=UTC)) == ["2026-01-17"]
    assert requested(datetime(2026, 1, 2, 9, tzinfo=UTC)) == []
