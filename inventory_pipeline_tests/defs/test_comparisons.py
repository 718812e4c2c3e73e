"""After a publication: changes, and alerts of what failed again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from inventory_pipeline.defs.partitions import snapshot_instant, snapshot_key
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline_tests.defs.conftest import NOON, NOW, House
from inventory_pipeline_tests.defs.test_snapshots import add_volume
from inventory_pipeline_tests.simulated_aws import OPERATIONS, Fault, FaultyClients, refused

TOPIC = "arn:aws:sns:eu-west-1:111111111111:alerts"


class Topic:
    """The SNS client, and what it was told."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.deaf = False

    def publish(self, **arguments: Any) -> None:
        if self.deaf:
            raise refused("AuthorizationError")
        self.heard.append(arguments)


@pytest.fixture
def topic(collecting_house: House, monkeypatch: pytest.MonkeyPatch) -> Topic:
    topic = Topic()
    collecting_house.content |= {"notifications": {"sns_topic_arn": TOPIC}}
    monkeypatch.setattr(Inventory, "sns", lambda self, region: topic)
    return topic


def collect(
    house: House, n: int, monkeypatch: pytest.MonkeyPatch, *faults: Fault
) -> tuple[str, ...]:
    """Collect and publish the `n`th snapshot; what the command would say."""
    house.now = NOW + n * timedelta(hours=12)
    with monkeypatch.context() as patch:
        clients = property(lambda self: FaultyClients(self.settings, *faults))
        patch.setattr(Inventory, "clients", clients)
        outcome = house.run("collect", snapshot_key(house.now))
    assert outcome.success
    return outcome.messages


def denied() -> Fault:
    return Fault("DescribeVolumes", [refused("UnauthorizedOperation", "hunter2")], OPERATIONS)


def test_changes_follow_a_publication(
    collecting_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = collecting_house
    add_volume(house, "engineering")
    collect(house, 0, monkeypatch)
    new = add_volume(house, "engineering")
    collect(house, 1, monkeypatch)
    (change,) = house.rows("resource_changes")
    assert (change["change"], change["resource_id"]) == ("added", new)
    assert change["previous_at"] == snapshot_instant(NOON)
    result = house.build(dg.AssetKey("resource_changes"), partition="2026-02-20T12:00")
    assert not result.success, "there is no such snapshot"


def test_a_cell_that_fails_twice_is_told_of_once(
    collecting_house: House, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = collecting_house
    collect(house, 0, monkeypatch, denied())
    assert topic.heard == []
    messages = collect(house, 1, monkeypatch, denied())
    assert "repeated_failures: 2 cells failed twice in a row" in messages
    (heard,) = topic.heard
    assert heard["Subject"] == "inventory: 2 cells could not be seen twice in a row"
    told = f"{OPERATIONS} eu-west-1 ebs_volume: denied (UnauthorizedOperation), since {NOON}"
    assert told in heard["Message"]
    assert "hunter2" not in str(heard), "what AWS said may be anything"
    collect(house, 1, monkeypatch, denied())
    collect(house, 2, monkeypatch, denied())
    assert len(topic.heard) == 1
    assert "repeated_failures" not in str(collect(house, 3, monkeypatch))


def test_what_nobody_heard_is_told_again(
    collecting_house: House, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.deaf = True
    for n in range(2):
        collect(collecting_house, n, monkeypatch, denied())
    topic.deaf = False
    collect(collecting_house, 2, monkeypatch, denied())
    assert len(topic.heard) == 1
