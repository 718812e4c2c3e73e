"""Overdue deliveries through Dagster: checked by a schedule, and told of once a streak."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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


def test_the_check_is_of_the_day_whose_time_is_over(house: House) -> None:
    def requested(at: datetime) -> list[str | None]:
        return [request.partition_key for request in requests(house, "delivery_check", at)]

    assert requested(datetime(2026, 1, 20, 9, tzinfo=UTC)) == ["2026-01-17"]
    assert requested(datetime(2026, 1, 2, 9, tzinfo=UTC)) == []
