"""The delivery sensor on a real instance and a simulated S3: everything is ingested, once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import dagster as dg
import pytest

from inventory_pipeline.defs import delivery_sensor
from inventory_pipeline.defs.delivery_sensor import LOOKBACK
from inventory_pipeline.defs.processes import UNFINISHED
from inventory_pipeline.defs.resources import Clock
from inventory_pipeline.defs.s3_inventory import JOB
from inventory_pipeline.reports import deliveries, planning
from inventory_pipeline.reports.ledger import record_news
from inventory_pipeline_tests.defs.conftest import NOW, House
from inventory_pipeline_tests.defs.daemon import (
    DAY,
    ROWS,
    T0,
    Daemon,
    deliver,
    make_daemon,
    sources,
)
from inventory_pipeline_tests.reports.writer import BUCKET, Writer


@pytest.fixture
def daemon(house: House, aws: str) -> Daemon:
    return make_daemon(house, aws)


def told(daemon: Daemon, requests: Sequence[dg.RunRequest]) -> list[tuple[str | None, list[str]]]:
    return [(request.partition_key, sources(request)) for request in requests]


def test_new_deliveries_are_asked_for_by_day(daemon: Daemon) -> None:
    assert daemon.tick() == []
    assert daemon.skipped == "no new deliveries"
    deliver(daemon, "a", "b")
    deliver(daemon, "a", at=T0 + DAY)
    requests = daemon.tick()
    assert told(daemon, requests) == [("2026-01-10", ["a", "b"]), ("2026-01-11", ["a"])]
    daemon.settle(requests)
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


def test_a_delivery_that_makes_runs_fail_is_tried_three_times_a_day(daemon: Daemon) -> None:
    daemon.now = datetime.now(UTC)
    deliver(daemon, "a")
    for _ in range(3):
        (request,) = daemon.tick()
        daemon.record(request, dg.DagsterRunStatus.FAILURE)
    assert daemon.tick() == []
    daemon.now = datetime.now(UTC) + DAY + timedelta(minutes=1)
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


def test_a_batch_that_fails_is_halved_until_the_one_to_blame_is_alone(daemon: Daemon) -> None:
    daemon.now = datetime.now(UTC)
    deliver(daemon, *"abcdefg")
    sizes: list[int] = []
    for _ in range(30):
        for request in daemon.tick():
            sizes.append(len(sources(request)))
            if "e" in sources(request):
                daemon.record(request, dg.DagsterRunStatus.FAILURE)
            else:
                daemon.settle([request])
    assert sorted(source for source, _ in daemon.ledger()) == list("abcdfg")
    assert sizes[:3] == [7, 7, 7]
    assert max(sizes[3:]) == 3
    assert len(sizes) < 15


def test_where_every_run_fails_few_are_started(daemon: Daemon) -> None:
    daemon.now = datetime.now(UTC)
    deliver(daemon, *"abcdefgh")
    asked: list[int] = []
    for _ in range(6):
        requests = daemon.tick()
        asked.append(len(requests))
        for request in requests:
            daemon.record(request, dg.DagsterRunStatus.FAILURE)
    assert asked == [1, 1, 1, 2, 2, 2]


def test_an_incomplete_delivery_is_waited_for(daemon: Daemon) -> None:
    folder = deliver(daemon, "a", complete=False)
    deliver(daemon, "a", at=T0 + DAY)
    daemon.run_to_rest()
    assert daemon.ledger() == {("a", "01-11T01"): "ingested"}
    Writer(daemon.s3, source="a").complete(folder)
    daemon.run_to_rest()
    assert daemon.ledger()["a", "01-10T01"] == "ingested"


def test_one_that_comes_late_is_found_at_once_and_a_very_late_one_the_next_day(
    daemon: Daemon,
) -> None:
    daemon.house.content["schedules"] = {"snapshots_start": "2025-01-01"}
    daemon.now = T0 + LOOKBACK
    deliver(daemon, "a", at=daemon.now)
    daemon.run_to_rest()
    deliver(daemon, "a", at=T0)
    assert daemon.run_to_rest() == 1
    for months in (1, 3):  # an old bucket's reports are replicated
        deliver(daemon, "a", at=T0 - months * 30 * DAY)
    assert daemon.run_to_rest() == 0
    daemon.now += DAY
    assert daemon.run_to_rest() == 2
    assert set(daemon.ledger().values()) == {"ingested"}
    assert len(daemon.ledger()) == 4


def test_days_without_a_partition_do_not_stop_the_others(daemon: Daemon) -> None:
    """Dagster would refuse a tick that asks for such a day, and so each one after it."""
    deliver(daemon, "a")
    deliver(daemon, "a", at=T0 - 365 * DAY)
    deliver(daemon, "a", at=T0 + 365 * DAY)
    assert told(daemon, daemon.tick()) == [("2026-01-10", ["a"])]


def test_an_old_delivery_whose_content_changes_is_ingested_again(daemon: Daemon) -> None:
    """In a versioned destination a delivery may be written anew, at the same place."""
    daemon.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    deliver(daemon, "a")
    daemon.now = T0 + 30 * DAY
    daemon.run_to_rest(really=True)
    writer = Writer(daemon.s3, source="a")
    writer.deliver(T0, [{"key": key, "size": 1} for key in ("b", "c")])
    assert daemon.run_to_rest(really=True) == 0
    daemon.now += DAY
    assert daemon.run_to_rest(really=True) == 1
    assert [row["key"] for row in daemon.house.rows("s3_objects")] == ["b", "c"]
    rows = daemon.house.rows("s3_deliveries")
    assert sorted(row["status"] for row in rows) == ["ingested", "superseded"]


def test_what_is_quarantined_is_not_tried_again(daemon: Daemon) -> None:
    Writer(daemon.s3, source="bad").deliver_manifest(T0, b"not JSON")
    deliver(daemon, "good")
    assert daemon.run_to_rest(really=True) == 1
    assert daemon.ledger() == {("bad", "01-10T01"): "quarantined", ("good", "01-10T01"): "ingested"}


def test_a_destination_that_cannot_be_read_holds_up_no_other(daemon: Daemon) -> None:
    daemon.house.content["s3_inventory"]["destinations"].append(
        {"bucket": "other", "prefix": "inventory"}
    )
    deliver(daemon, "a")
    daemon.run_to_rest()
    assert "s3://other/inventory cannot be read: NoSuchBucket" in str(daemon.skipped)
    assert list(json.loads(daemon.cursor or "")["places"]) == ["reports/inventory"]
    daemon.s3.create_bucket(Bucket="other")
    assert daemon.tick() == []
    assert daemon.skipped == "no new deliveries"
    before = daemon.place()
    daemon.house.content["s3_inventory"]["destinations"][0]["bucket"] = "gone"
    daemon.tick()
    assert daemon.place() == before


def test_a_reader_without_its_secret_holds_up_no_other(daemon: Daemon) -> None:
    reader = {"account_id": "111122223333", "external_id": "env:NO_SUCH_EXTERNAL_ID"}
    daemon.house.content["accounts"] = {"engineering": reader}
    daemon.house.content["s3_inventory"]["destinations"].insert(
        0, {"bucket": "elsewhere", "account": "engineering"}
    )
    assert daemon.tick() == []
    assert "accounts.engineering.external_id" in str(daemon.skipped)
    deliver(daemon, "a")
    assert [sources(request) for request in daemon.tick()] == [["a"]]


def test_a_run_of_a_whole_day_takes_what_it_can_list(daemon: Daemon) -> None:
    daemon.house.content["s3_inventory"]["destinations"].insert(0, {"bucket": "no-such-bucket"})
    deliver(daemon, "a")
    outcome = daemon.house.run(JOB, f"{T0:%Y-%m-%d}")
    assert (outcome.success, outcome.partial) == (True, True)
    assert "s3://no-such-bucket/ cannot be read: NoSuchBucket" in "".join(outcome.messages)
    assert daemon.ledger() == {("a", "01-10T01"): "ingested"}


def test_a_run_that_is_started_again_after_an_erasure_brings_nothing_back(daemon: Daemon) -> None:
    deliver(daemon, "a")
    requests = daemon.tick()
    daemon.settle(requests)
    lake = daemon.inventory.lake
    (ingested,) = lake.read("s3_deliveries").to_pylist()
    record_news(lake, [ingested | {"status": "erased"}])
    daemon.run(requests)
    assert daemon.ledger() == {("a", "01-10T01"): "erased"}
    assert daemon.house.rows("s3_objects") == []
    (config,) = requests[0].run_config["ops"].values()
    config["config"]["restore"] = True
    daemon.run(requests)
    assert daemon.ledger() == {("a", "01-10T01"): "ingested"}


def test_more_destinations_than_a_tick_has_time_for_take_turns(daemon: Daemon) -> None:
    names = [f"team{n}" for n in range(5)]
    daemon.house.content["s3_inventory"]["destinations"] = [
        {"bucket": BUCKET, "prefix": name} for name in names
    ]
    for name in names:
        Writer(daemon.s3, root=f"{name}/", source=name).deliver(T0, ROWS)
    asked = [source for _ in names for r in daemon.tick(seconds=0) for source in sources(r)]
    assert asked == names


def test_ticks_cut_short_come_round(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick without any time left lists and weighs a little; the next goes on from there."""
    monkeypatch.setattr(deliveries, "LISTERS", 1)
    monkeypatch.setattr(planning, "WEIGHERS", 1)
    for n in range(6):
        deliver(daemon, "a", at=T0 + n * DAY / 2)
    deliver(daemon, "b", "c", "d")
    first = daemon.tick(seconds=0)
    assert {source for request in first for source in sources(request)} == {"a"}
    assert sum(len(sources(request)) for request in first) == 4
    assert daemon.place()["recent"] == "inventory/a/"
    daemon.settle(first)
    daemon.run_to_rest(seconds=0)
    assert len(daemon.ledger()) == 9
    assert "seen" not in daemon.ledger().values()


def test_the_cursor_does_not_grow_with_the_source_buckets(daemon: Daemon) -> None:
    """Dagster keeps it with every tick."""
    for n in range(40):
        Writer(daemon.s3, source=f"bucket{n}").deliver_manifest(T0, b"not JSON")
    daemon.run_to_rest()
    assert len(daemon.ledger()) == 40
    assert len(daemon.cursor or "") < 150


def test_a_tick_asks_for_so_many_runs_and_the_next_for_the_rest(daemon: Daemon) -> None:
    daemon.now = T0 + 25 * DAY
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
    daemon.run_to_rest(really=True)
    deliver(daemon, "a", "b")
    deliver(daemon, "a", at=T0 + timedelta(hours=9))
    Writer(daemon.s3, source="d").complete(folder)
    daemon.run_to_rest(really=True)
    assert daemon.run_to_rest(really=True) == 0
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


def test_a_run_tells_and_checks_what_it_wrote_itself(daemon: Daemon) -> None:
    """Not the day's other deliveries: many runs a day would each look at all of them."""
    deliver(daemon, "a")
    daemon.run(daemon.tick())
    deliver(daemon, "b", "c")
    Writer(daemon.s3, source="bad").deliver_manifest(T0, b"not JSON")
    (result,) = daemon.run(daemon.tick())
    told = {
        event.asset_key.path[-1]: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    figures = {name: value.value for name, value in told["s3_objects"].items()}
    assert figures.pop("rows a second") > 0
    assert figures.pop("report bytes") > 0
    assert figures == {
        "dagster/partition_row_count": 3,
        "deliveries": 3,
        "deliveries ingested": 2,
        "deliveries quarantined": 1,
        "rows ingested": 2,
        "report files": 2,
    }
    places = {
        check.metadata["partition"].value
        for check in result.get_asset_check_evaluations()
        if check.check_name == "contract"
    }
    assert places == {"delivered_on=2026-01-10, source_bucket=b to c, configuration_id=daily"}


def test_the_sensor_itself(daemon: Daemon) -> None:
    """As Dagster finds it in the definitions: with its resources and its job."""
    deliver(daemon, "a")
    definitions = daemon.house.definitions
    sensor = definitions.resolve_sensor_def("delivery_sensor")
    context = dg.build_sensor_context(
        instance=daemon.house.instance,
        resources={"inventory": daemon.house.inventory, "clock": Clock(instant=NOW.isoformat())},
        repository_def=definitions.get_repository_def(),
    )
    (request,) = sensor.evaluate_tick(context).run_requests or ()
    assert sources(request) == ["a"]


@pytest.fixture
def queue(daemon: Daemon, aws: str) -> tuple[Any, str]:
    """A queue whose messages come again at once, unless they are deleted."""
    sqs = boto3.client("sqs", endpoint_url=aws, region_name="us-east-1")
    made = sqs.create_queue(QueueName="reports", Attributes={"VisibilityTimeout": "1"})
    url: str = made["QueueUrl"]
    daemon.house.content["s3_inventory"]["queue_url"] = url
    return sqs, url


def hint(queue: tuple[Any, str], folder: str) -> None:
    place = {"bucket": {"name": BUCKET}, "object": {"key": f"{folder}manifest.checksum"}}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": place}
    queue[0].send_message(QueueUrl=queue[1], MessageBody=json.dumps(event))


def waiting(queue: tuple[Any, str]) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = queue[0].get_queue_attributes(QueueUrl=queue[1], AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def test_what_the_queue_tells_of_is_looked_at_first(
    daemon: Daemon, queue: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing would come to the last of many buckets, and to an old delivery, much later."""
    monkeypatch.setattr(deliveries, "LISTERS", 1)
    deliver(daemon, "a", "b", "c")
    hint(queue, deliver(daemon, "z", at=T0 - DAY))
    daemon.now = T0 + 30 * DAY
    first = daemon.tick(seconds=0)
    assert told(daemon, first)[0] == ("2026-01-09", ["z"])
    assert waiting(queue) == 0
    daemon.settle(first)
    daemon.run_to_rest(seconds=0)
    assert len(daemon.ledger()) == 4


def test_messages_are_kept_until_they_lead_to_a_run(
    daemon: Daemon, queue: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_sensor, "RUNS_PER_TICK", 1)
    hint(queue, deliver(daemon, "a"))
    hint(queue, deliver(daemon, "a", at=T0 + DAY))
    hint(queue, deliver(daemon, "b", complete=False))
    hint(queue, "inventory/elsewhere/")
    assert len(daemon.tick()) == 1
    assert waiting(queue) == 1


def test_a_queue_that_cannot_be_read_does_not_stop_the_listing(
    daemon: Daemon, queue: tuple[Any, str]
) -> None:
    daemon.house.content["s3_inventory"]["queue_url"] += "-gone"
    assert daemon.tick() == []
    assert "queue" in str(daemon.skipped)
    deliver(daemon, "a")
    assert told(daemon, daemon.tick()) == [("2026-01-10", ["a"])]
