"""Which deliveries a run takes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.reports import (
    Delivery,
    Weighed,
    find_deliveries,
    plan_runs,
    read_ledger,
    weigh,
)
from inventory_pipeline.reports.ledger import Ledger
from inventory_pipeline_tests.reports.conftest import House, Place
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

DAY = timedelta(days=1)
T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)
NOTHING_KNOWN = Ledger.of(())


def weighed(number: int, size: int, day: int = 0) -> Weighed:
    at = T0 + day * DAY + timedelta(minutes=number)
    delivery = Delivery(Place(), "photos", "daily", at, f"inventory/photos/daily/{number}/")
    return Weighed(delivery, f"{number:032x}", size)


def row(item: Weighed, status: str, **changes: Any) -> dict[str, Any]:
    d = item.delivery
    return {
        "delivered_on": d.delivered_on, "source_bucket": d.source_bucket,
        "configuration_id": d.configuration_id, "delivered_at": d.delivered_at,
        "manifest_md5": item.manifest_md5, "status": status,
    } | changes  # fmt: skip


@given(st.lists(st.integers(0, 100)), st.integers(1, 5), st.integers(1, 150))
def test_every_delivery_is_in_one_run_within_the_budget(
    sizes: list[int], max_deliveries: int, max_bytes: int
) -> None:
    items = [weighed(n, size) for n, size in enumerate(sizes)]
    runs = plan_runs(
        reversed(items), NOTHING_KNOWN, max_deliveries=max_deliveries, max_bytes=max_bytes
    )
    assert [item for run in runs for item in run] == items
    for run in runs:
        assert 0 < len(run) <= max_deliveries
        assert len(run) == 1 or sum(item.bytes for item in run) <= max_bytes


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_a_run_holds_one_day(days: list[int]) -> None:
    items = [weighed(n, 1, day) for n, day in enumerate(days)]
    runs = plan_runs(items, NOTHING_KNOWN, max_deliveries=100, max_bytes=100)
    assert [{w.delivery.delivered_on for w in run} for run in runs] == [
        {(T0 + day * DAY).date()} for day in sorted(set(days))
    ]


def test_the_known_are_left_out_and_the_changed_are_not() -> None:
    items = [weighed(n, 1) for n in range(6)]
    ledger = Ledger.of([
        row(items[0], "ingested"),
        row(items[1], "quarantined"),
        row(items[2], "seen"),
        row(items[3], "ingested", manifest_md5="0" * 32),
        row(items[4], "quarantined", manifest_md5="0" * 32),
    ])  # fmt: skip
    (run,) = plan_runs(items, ledger, max_deliveries=10, max_bytes=10)
    assert run == items[2:]


def test_overtaken_deliveries_are_planned_once() -> None:
    early, late = weighed(0, 1), weighed(0, 1)
    late = Weighed(
        Delivery(Place(), "photos", "daily", T0 + timedelta(hours=9), "later/"), "f" * 32, 1
    )
    budget = {"max_deliveries": 10, "max_bytes": 10}
    assert plan_runs([early, late], Ledger.of([row(late, "ingested")]), **budget) == [[early]]
    both = Ledger.of([row(late, "ingested"), row(early, "superseded")])
    assert plan_runs([early, late], both, **budget) == []


def test_weighing(s3: Any, writer: Writer) -> None:
    writer.deliver(T0, bodies=[b"12345", b"678"])
    writer.deliver(T0 + DAY, fileFormat="Avro")
    folder = writer.deliver(T0 + 2 * DAY)
    whole, avro, halfway = find_deliveries(s3, Place(), {}).deliveries
    writer.put(f"{folder}manifest.checksum", b"0" * 32)
    assert weigh(s3, whole) == Weighed(whole, whole.manifest_etag, 8)
    assert weigh(s3, avro) == Weighed(avro, avro.manifest_etag, 0)
    assert weigh(s3, halfway) is None
    s3.delete_object(Bucket=BUCKET, Key=avro.manifest_key)
    assert weigh(s3, avro) is None


def test_nothing_is_lost_and_nothing_twice_whatever_the_order(house: House, s3: Any) -> None:
    """Ticks of a sensor: deliveries come late, out of order, twice, and listings are cut short."""
    import random

    random.seed(7)
    places = [(f"bucket{n}", day) for n in range(4) for day in range(5)]
    random.shuffle(places)
    cursors: dict[str, str] = {}
    resume: str | None = None
    ingested: list[tuple[str, datetime]] = []
    folders: list[tuple[Writer, str]] = []
    for tick in range(24):
        for source, day in places[tick * 2 : tick * 2 + 2]:
            writer = Writer(s3, source=source)
            folders.append((writer, writer.deliver(T0 + day * DAY, [{"key": "k"}], complete=False)))
        while len(folders) > (3 if tick < 12 else 0):
            writer, folder = folders.pop(0)
            writer.complete(folder)
        listed = iter(range(3))
        found = find_deliveries(
            s3, Place(), cursors, lambda listed=listed: next(listed, None) is None, resume=resume
        )
        cursors, resume = dict(found.cursors), found.resume
        known = read_ledger(house.lake, {d.delivered_on for d in found.deliveries})
        new = [w for d in found.deliveries if (w := weigh(s3, d))]
        for run in plan_runs(new, known, max_deliveries=3, max_bytes=10**6):
            results = house.ingest(deliveries=[w.delivery for w in run])
            assert {result.status for result in results} == {"ingested"}
            ingested += [(r.delivery.source_bucket, r.delivery.delivered_at) for r in results]
    assert sorted(ingested) == sorted((source, T0 + day * DAY) for source, day in places)
