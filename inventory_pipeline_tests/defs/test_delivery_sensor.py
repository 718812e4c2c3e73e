"""The delivery sensor on a real instance and a simulated S3: everything is ingested, once."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import dagster as dg
import pytest

from inventory_pipeline.defs import s3_inventory
from inventory_pipeline.defs.processes import UNFINISHED
from inventory_pipeline.defs.s3_inventory import JOB, tick
from inventory_pipeline_tests.defs.conftest import House
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

DAY = timedelta(days=1)
T0 = datetime(2026, 1, 10, 1, tzinfo=UTC)
ROWS = [{"key": "a", "size": 1, "is_latest": True, "is_delete_marker": False}]


@dataclass
class Daemon:
    """Ticks the sensor and starts what it asks for, as Dagster's daemon does: no run key twice."""

    house: House
    s3: Any
    cursor: str | None = None
    keys: set[str] = field(default_factory=set[str])
    skipped: str | None = None

    def tick(self, seconds: float = 60) -> list[dg.RunRequest]:
        """The runs that a tick asks for, and that the daemon would start."""
        context = dg.build_sensor_context(instance=self.house.instance, cursor=self.cursor)
        result = tick(context, self.house.inventory, time.monotonic() + seconds)
        self.cursor = result.cursor
        self.skipped = result.skip_reason.skip_message if result.skip_reason else None
        asked = [r for r in result.run_requests or () if r.run_key not in self.keys]
        self.keys |= {r.run_key for r in asked if r.run_key}
        return asked

    def record(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        """A run of this request that stands at, or has ended with, a status."""
        job = self.house.definitions.resolve_job_def(JOB)
        return self.house.instance.create_run_for_job(
            job, run_config=request.run_config, tags=request.tags, status=status
        )

    def run(self, requests: Sequence[dg.RunRequest]) -> None:
        for request in requests:
            result = self.house.definitions.resolve_job_def(JOB).execute_in_process(
                instance=self.house.instance,
                partition_key=request.partition_key,
                run_config=request.run_config,
                tags=dict(request.tags),
            )
            assert result.success

    def run_to_rest(self, seconds: float = 60) -> int:
        """Tick and run until a whole round of ticks asks for nothing; how many runs that took."""
        runs, quiet = 0, 0
        while quiet < 5:
            requests = self.tick(seconds)
            self.run(requests)
            runs += len(requests)
            quiet = 0 if requests else quiet + 1
        return runs

    def ledger(self) -> dict[tuple[str, str], str]:
        """Status by source bucket and time of delivery."""
        return {
            (row["source_bucket"], f"{row['delivered_at']:%m-%dT%H}"): row["status"]
            for row in self.house.rows("s3_deliveries")
        }


@pytest.fixture
def daemon(house: House, aws: str) -> Daemon:
    s3 = boto3.client("s3", endpoint_url=aws, region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    house.content |= {
        "aws_endpoint_url": aws,
        "collection_settings": {"retry_attempts": 0},
        "s3_inventory": {"destinations": [{"bucket": BUCKET, "prefix": "inventory"}]},
    }
    return Daemon(house, s3)


def deliver(daemon: Daemon, *sources: str, at: datetime = T0, **more: Any) -> str:
    """Write a delivery of each source bucket; the last one's folder."""
    folder = ""
    for source in sources:
        folder = Writer(daemon.s3, source=source).deliver(at, ROWS, **more)
    return folder


def sources(request: dg.RunRequest) -> list[str]:
    (op,) = request.run_config["ops"].values()
    return [uri.split("/")[4] for uri in op["config"]["manifests"]]


def told(daemon: Daemon, requests: Sequence[dg.RunRequest]) -> list[tuple[str | None, list[str]]]:
    return [(request.partition_key, sources(request)) for request in requests]


def test_new_deliveries_are_asked_for_by_day(daemon: Daemon) -> None:
    assert daemon.tick() == []
    assert daemon.skipped == "no new deliveries"
    deliver(daemon, "a", "b")
    deliver(daemon, "a", at=T0 + DAY)
    requests = daemon.tick()
    assert told(daemon, requests) == [("2026-01-10", ["a", "b"]), ("2026-01-11", ["a"])]
    daemon.run(requests)
    assert daemon.tick() == []
    assert daemon.ledger() == {
        ("a", "01-10T01"): "ingested",
        ("b", "01-10T01"): "ingested",
        ("a", "01-11T01"): "ingested",
    }


def test_the_budget_of_a_run(daemon: Daemon) -> None:
    daemon.house.content["s3_inventory"] |= {"max_deliveries_per_run": 2}
    deliver(daemon, "a", "b", "c")
    assert [sources(request) for request in daemon.tick()] == [["a", "b"], ["c"]]


# A queued run cannot be made without a whole workspace; it is one of UNFINISHED like the others.
@pytest.mark.parametrize("status", [s for s in UNFINISHED if s != dg.DagsterRunStatus.QUEUED])
def test_what_is_under_way_is_not_asked_for_again(
    daemon: Daemon, status: dg.DagsterRunStatus
) -> None:
    deliver(daemon, "a", "b")
    (request,) = daemon.tick()
    daemon.record(request, status)
    deliver(daemon, "c")
    assert [sources(request) for request in daemon.tick()] == [["c"]]


def test_a_batch_that_fails_is_tried_three_times_a_day(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(daemon, "a")
    for _ in range(3):
        (request,) = daemon.tick()
        daemon.record(request, dg.DagsterRunStatus.FAILURE)
    assert daemon.tick() == []
    later = datetime.now(UTC) + DAY

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return later

    monkeypatch.setattr(s3_inventory, "datetime", Tomorrow)
    (request,) = daemon.tick()
    assert sources(request) == ["a"]


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS])
def test_a_run_that_settled_nothing_is_not_the_last(
    daemon: Daemon, status: dg.DagsterRunStatus
) -> None:
    """One was killed; the other found that S3 did not answer. Its run key must not be used up."""
    deliver(daemon, "a")
    (request,) = daemon.tick()
    daemon.record(request, status)
    (again,) = daemon.tick()
    assert sources(again) == ["a"]
    assert again.run_key != request.run_key


def test_an_incomplete_delivery_is_waited_for(daemon: Daemon) -> None:
    folder = deliver(daemon, "a", complete=False)
    deliver(daemon, "a", at=T0 + 30 * DAY)
    daemon.run_to_rest()
    assert daemon.ledger() == {("a", "02-09T01"): "ingested"}
    Writer(daemon.s3, source="a").complete(folder)
    daemon.run_to_rest()
    assert daemon.ledger()["a", "01-10T01"] == "ingested"


def test_one_that_comes_late_is_found(daemon: Daemon) -> None:
    deliver(daemon, "a", at=T0 + 3 * DAY)
    daemon.run_to_rest()
    deliver(daemon, "a", at=T0)
    assert daemon.run_to_rest() == 1
    assert set(daemon.ledger().values()) == {"ingested"}


def test_what_is_quarantined_is_not_tried_again(daemon: Daemon) -> None:
    Writer(daemon.s3, source="bad").deliver_manifest(T0, b"not JSON")
    deliver(daemon, "good")
    assert daemon.run_to_rest() == 1
    assert daemon.ledger() == {("bad", "01-10T01"): "quarantined", ("good", "01-10T01"): "ingested"}


def test_a_destination_that_cannot_be_read_holds_up_no_other(daemon: Daemon) -> None:
    daemon.house.content["s3_inventory"]["destinations"].append(
        {"bucket": "other", "prefix": "inventory"}
    )
    deliver(daemon, "a")
    daemon.run_to_rest()
    assert "s3://other/inventory cannot be read: NoSuchBucket" in str(daemon.skipped)
    assert list(json.loads(daemon.cursor or "")) == ["reports/inventory"]
    daemon.s3.create_bucket(Bucket="other")
    assert daemon.tick() == []
    assert daemon.skipped == "no new deliveries"
    before = json.loads(daemon.cursor or "")["reports/inventory"]
    daemon.house.content["s3_inventory"]["destinations"][0]["bucket"] = "gone"
    daemon.tick()
    assert json.loads(daemon.cursor or "")["reports/inventory"] == before


def test_ticks_cut_short_come_round(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick without any time left lists and weighs a little; the next goes on from there."""
    monkeypatch.setattr(s3_inventory, "WEIGHERS", 1)
    for n in range(6):
        deliver(daemon, "a", at=T0 + n * DAY)
    deliver(daemon, "b", "c")
    first = daemon.tick(seconds=0)
    assert {source for request in first for source in sources(request)} == {"a"}
    assert len(first) == 4
    assert json.loads(daemon.cursor or "")["reports/inventory"]["resume"] == "inventory/a/daily/"
    daemon.run(first)
    daemon.run_to_rest(seconds=0)
    assert len(daemon.ledger()) == 8
    assert set(daemon.ledger().values()) == {"ingested"}


def test_a_tick_asks_for_so_many_runs_and_the_next_for_the_rest(daemon: Daemon) -> None:
    for n in range(25):
        Writer(daemon.s3, source="a").deliver_manifest(T0 + n * DAY, b"not JSON")
    first = daemon.tick()
    for request in first:
        daemon.record(request, dg.DagsterRunStatus.NOT_STARTED)
    second = daemon.tick()
    assert (len(first), len(second)) == (20, 5)
    assert not {r.partition_key for r in first} & {r.partition_key for r in second}


def test_everything_is_ingested_exactly_once(daemon: Daemon) -> None:
    """New, late, incomplete, bad and repeated deliveries, until nothing is left to do."""
    daemon.house.content["s3_inventory"] |= {"max_deliveries_per_run": 2}
    deliver(daemon, "a", "b", "c", at=T0 + 2 * DAY)
    folder = deliver(daemon, "d", complete=False)
    Writer(daemon.s3, source="e").deliver_manifest(T0, b"{}")
    daemon.run_to_rest()
    deliver(daemon, "a", "b")
    deliver(daemon, "a", at=T0 + timedelta(hours=9))
    Writer(daemon.s3, source="d").complete(folder)
    daemon.run_to_rest()
    assert daemon.run_to_rest() == 0
    assert sorted(daemon.ledger().items()) == [
        (("a", "01-10T01"), "superseded"),
        (("a", "01-10T10"), "ingested"),
        (("a", "01-12T01"), "ingested"),
        (("b", "01-10T01"), "ingested"),
        (("b", "01-12T01"), "ingested"),
        (("c", "01-12T01"), "ingested"),
        (("d", "01-10T01"), "ingested"),
        (("e", "01-10T01"), "quarantined"),
    ]
    assert len(daemon.house.rows("s3_objects")) == 6
    done = [
        uri
        for run in daemon.house.instance.get_runs()
        for op in run.run_config["ops"].values()
        for uri in op["config"]["manifests"]
    ]
    assert len(done) == len(set(done))


def test_the_sensor_itself(daemon: Daemon) -> None:
    """As Dagster finds it in the definitions: with its resources and its job."""
    deliver(daemon, "a")
    definitions = daemon.house.definitions
    sensor = definitions.resolve_sensor_def("delivery_sensor")
    context = dg.build_sensor_context(
        instance=daemon.house.instance,
        resources={"inventory": daemon.house.inventory},
        repository_def=definitions.get_repository_def(),
    )
    (request,) = sensor.evaluate_tick(context).run_requests or ()
    assert sources(request) == ["a"]
