"""Which deliveries a run takes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.reports import (
    Delivery,
    Weighed,
    find_deliveries,
    plan_runs,
    unsettled,
    weigh,
)
from inventory_pipeline.reports.ledger import Ledger
from inventory_pipeline_tests.reports.conftest import House, Place
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

DAY = timedelta(days=1)
T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)


def weighed(number: int, size: int, day: int = 0) -> Weighed:
    at = T0 + day * DAY + timedelta(minutes=number)
    delivery = Delivery(Place(), "photos", "daily", at, f"inventory/photos/daily/{number}/")
    return Weighed(delivery, f"{number:032x}", size)


def row(item: Weighed, status: str, **changes: Any) -> dict[str, Any]:
    d = item.delivery
    return {
        "delivered_on": d.delivered_on, "source_bucket": d.source_bucket,
        "configuration_id": d.configuration_id, "delivered_at": d.delivered_at,
        "manifest_uri": d.manifest_uri, "manifest_md5": item.manifest_md5, "status": status,
    } | changes  # fmt: skip


@given(st.lists(st.integers(0, 100)), st.integers(1, 5), st.integers(1, 150))
def test_every_delivery_is_in_one_run_within_the_budget(
    sizes: list[int], max_deliveries: int, max_bytes: int
) -> None:
    items = [weighed(n, size) for n, size in enumerate(sizes)]
    runs = plan_runs(reversed(items), max_deliveries=max_deliveries, max_bytes=max_bytes)
    assert [item for run in runs for item in run] == items
    for run in runs:
        assert 0 < len(run) <= max_deliveries
        assert len(run) == 1 or sum(item.bytes for item in run) <= max_bytes


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_a_run_holds_one_day(days: list[int]) -> None:
    items = [weighed(n, 1, day) for n, day in enumerate(days)]
    runs = plan_runs(items, max_deliveries=100, max_bytes=100)
    assert [{w.delivery.delivered_on for w in run} for run in runs] == [
        {(T0 + day * DAY).date()} for day in sorted(set(days))
    ]


def test_what_failed_in_company_shares_a_run_with_fewer_of_its_like() -> None:
    items = [weighed(n, 1) for n in range(9)]
    limits = {item.delivery.manifest_uri: 2 for item in items[2:7]}
    runs = plan_runs(items, max_deliveries=10, max_bytes=100, limits=limits)
    assert runs == [items[2:4], items[4:6], items[6:7], [*items[:2], *items[7:]]]


def test_the_known_are_settled_and_the_changed_are_not() -> None:
    items = [weighed(n, 1) for n in range(7)]
    ledger = Ledger.of([
        row(items[0], "ingested"),
        row(items[1], "quarantined"),
        row(items[2], "erased"),
        row(items[3], "seen"),
        row(items[4], "ingested", manifest_md5="0" * 32),
        row(items[5], "quarantined", manifest_md5="0" * 32),
    ])  # fmt: skip
    settled = [ledger.is_settled(item.delivery, item.manifest_md5) for item in items]
    assert settled == [True, True, True, False, False, False, False]


def test_under_kms_a_manifest_is_known_by_its_etag() -> None:
    item = weighed(0, 1)
    listed = replace(item.delivery, manifest_etag="of-kms")
    assert not Ledger.of([row(item, "ingested")]).is_settled_as_listed(listed)
    ledger = Ledger.of([row(item, "ingested", manifest_etag="of-kms")])
    assert ledger.is_settled_as_listed(listed)
    assert not ledger.is_settled_as_listed(replace(listed, manifest_etag="written-anew"))


@pytest.mark.parametrize("status", ["ingested", "erased"])
def test_overtaken_deliveries_are_settled_once_that_is_recorded(status: str) -> None:
    early, late = weighed(0, 1), weighed(0, 1)
    late = Weighed(
        Delivery(Place(), "photos", "daily", T0 + timedelta(hours=9), "later/"), "f" * 32, 1
    )
    only_late = Ledger.of([row(late, status)])
    assert not only_late.is_settled(early.delivery, early.manifest_md5)
    both = Ledger.of([row(late, status), row(early, "superseded")])
    assert both.is_settled(early.delivery, early.manifest_md5)


def test_weighing(s3: Any, writer: Writer) -> None:
    writer.deliver(T0, bodies=[b"12345", b"678"])
    writer.deliver(T0 + DAY, fileFormat="Avro")
    folder = writer.deliver(T0 + 2 * DAY)
    whole, avro, halfway = find_deliveries(s3, Place()).deliveries
    writer.put(f"{folder}manifest.checksum", b"0" * 32)
    assert weigh(s3, whole) == Weighed(whole, whole.manifest_etag, 8)
    assert weigh(s3, avro) == Weighed(avro, avro.manifest_etag, 0)
    assert weigh(s3, halfway) is None
    s3.delete_object(Bucket=BUCKET, Key=avro.manifest_key)
    assert weigh(s3, avro) is None


def test_what_is_left_to_do_of_what_was_found(house: House, s3: Any) -> None:
    for source in ("a", "b", "c", "d"):
        Writer(s3, source=source).deliver(T0, [{"key": "k"}])
    house.ingest(deliveries=find_deliveries(s3, Place()).deliveries[:1])
    found = find_deliveries(s3, Place())
    uri = found.deliveries[1].manifest_uri
    left = unsettled(house.lake, s3, found, under_way={uri})
    assert [w.delivery.source_bucket for w in left.ready] == ["c", "d"]
    assert [d.source_bucket for d in left.under_way] == ["b"]
    assert left.left == []
