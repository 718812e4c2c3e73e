"""Finding deliveries by listing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from inventory_pipeline.reports import (
    Delivery,
    ReportError,
    deliveries,
    find_deliveries,
    look_at,
    parse_delivery,
)
from inventory_pipeline_tests.reports.conftest import Place
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

DAY = timedelta(days=1)
T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)


def found_at(s3: Any, place: Place, **options: Any) -> list[datetime]:
    return [d.delivered_at for d in find_deliveries(s3, place, **options).deliveries]


def test_a_delivery_and_its_parts(s3: Any, writer: Writer) -> None:
    writer.deliver(T0 + timedelta(hours=20, minutes=32), [{"key": "a"}])
    (delivery,) = find_deliveries(s3, Place()).deliveries
    assert delivery.source_bucket == "photos"
    assert delivery.configuration_id == "daily"
    assert delivery.delivered_at == datetime(2026, 11, 1, 21, 32, tzinfo=UTC)
    assert delivery.delivered_on == date(2026, 11, 1)
    assert delivery.manifest_uri == (
        "s3://reports/inventory/photos/daily/2026-11-01T21-32Z/manifest.json"
    )
    assert delivery.source_prefix == "inventory/photos/daily/"
    assert parse_delivery(Place(), delivery.checksum_key) == delivery


@pytest.mark.parametrize(
    ("root", "prefix"),
    [("", ""), ("x/", "x"), ("x/", "x/"), ("x//", "x/"), ("x//", "x"), ("a/b/", "a/b"), ("/", "/")],
)
def test_prefixes_with_and_without_a_slash(s3: Any, root: str, prefix: str) -> None:
    Writer(s3, root=root).deliver(T0)
    assert found_at(s3, Place(prefix=prefix)) == [T0]


def test_what_is_no_delivery_is_passed_by(s3: Any, writer: Writer) -> None:
    for key in (
        "inventory/photos/daily/data/manifest.checksum",
        "inventory/photos/daily/hive/dt=2026-11-01-01-00/symlink.txt",
        "inventory/photos/daily/2026-13-45T01-00Z/manifest.checksum",
        "inventory/photos/daily/2026-11-01T01-00Z.bak/manifest.checksum",
        "inventory/job-1f/manifest.json",
        "inventory/2026-11-01T01-00Z/manifest.checksum",
        "inventoryx/photos/daily/2026-11-01T01-00Z/manifest.checksum",
    ):
        writer.put(key, b"")
    found = find_deliveries(s3, Place())
    assert not found.deliveries
    assert not found.incomplete
    assert parse_delivery(Place(), "other/b/c/2026-11-01T01-00Z/manifest.json") is None


def test_an_incomplete_delivery_is_none_until_it_is_complete(s3: Any, writer: Writer) -> None:
    writer.deliver(T0)
    folder = writer.deliver(T0 + DAY, complete=False)
    writer.deliver(T0 + 2 * DAY)
    first = find_deliveries(s3, Place())
    assert [d.delivered_at for d in first.deliveries] == [T0, T0 + 2 * DAY]
    assert [d.prefix for d in first.incomplete] == [folder]
    writer.complete(folder)
    assert found_at(s3, Place()) == [T0, T0 + DAY, T0 + 2 * DAY]


def test_a_checksum_without_a_manifest_is_incomplete(s3: Any, writer: Writer) -> None:
    writer.put("inventory/photos/daily/2026-11-01T01-00Z/manifest.checksum", b"x")
    found = find_deliveries(s3, Place())
    assert not found.deliveries
    assert len(found.incomplete) == 1


def test_a_listing_of_recent_deliveries(s3: Any, writer: Writer) -> None:
    for days in (0, 19, 20, 21):
        writer.deliver(T0 + days * DAY)
    assert found_at(s3, Place(), since=T0 + 19 * DAY) == [T0 + n * DAY for n in (19, 20, 21)]
    assert found_at(s3, Place(), since=T0 + 19 * DAY + timedelta(minutes=1))[0] == T0 + 20 * DAY


@pytest.mark.parametrize(("root", "prefix"), [("inventory/", "inventory"), ("", ""), ("x//", "x/")])
def test_an_interrupted_listing_goes_on_where_it_stopped(
    s3: Any, monkeypatch: pytest.MonkeyPatch, root: str, prefix: str
) -> None:
    monkeypatch.setattr(deliveries, "LISTERS", 1)
    for source in ("a", "a-b", "a.b", "b", "c"):
        for configuration in ("daily", "weekly"):
            Writer(s3, root=root, source=source, configuration=configuration).deliver(T0)
    place = Place(prefix=prefix)
    whole = find_deliveries(s3, place).deliveries
    seen: list[Delivery] = []
    resume, ticks = None, 0
    while ticks == 0 or resume:
        found = find_deliveries(s3, place, None, lambda: True, resume=resume)
        seen += found.deliveries
        resume, ticks = found.resume, ticks + 1
    assert seen == list(whole)
    assert (len(seen), ticks) == (10, 5)


def test_going_on_lists_nothing_of_what_comes_before(s3: Any) -> None:
    """Fifty thousand buckets are fifty pages: a tick that goes on at the last reads one of them."""
    for number in range(9):
        Writer(s3, source=f"bucket{number}").deliver(T0)
    asked: list[dict[str, str]] = []

    class Listening:
        def get_paginator(self, name: str) -> Any:
            def paginate(**arguments: str) -> Any:
                asked.append(arguments)
                return s3.get_paginator(name).paginate(**arguments)

            return type("Paginator", (), {"paginate": staticmethod(paginate)})()

    found = find_deliveries(Listening(), Place(), resume="inventory/bucket7/")  # type: ignore[arg-type]
    assert [d.source_bucket for d in found.deliveries] == ["bucket7", "bucket8"]
    assert asked[0]["StartAfter"] == "inventory/bucket7"
    assert len(asked) == 1 + 2 * 2


def test_looking_at_what_one_was_told_of(s3: Any, writer: Writer) -> None:
    writer.deliver(T0)
    whole = find_deliveries(s3, Place()).deliveries
    halfway = writer.deliver(T0 + DAY, complete=False)
    keys = [f"{halfway}manifest.json", "inventory/photos/daily/2026-12-01T01-00Z/manifest.checksum"]
    told = [d for key in keys if (d := parse_delivery(Place(), key))]
    found = look_at(s3, Place(), [*whole, *told])
    assert (found.deliveries, found.resume) == (whole, None)
    assert found.deliveries[0].manifest_etag == whole[0].manifest_etag
    assert [d.prefix for d in found.incomplete] == [halfway]


def test_more_than_a_page_of_deliveries(s3: Any, writer: Writer) -> None:
    for days in range(520):
        writer.deliver_manifest(T0 + days * DAY, b"{}")
    assert found_at(s3, Place()) == [T0 + days * DAY for days in range(520)]


def test_a_destination_that_may_not_be_listed(s3: Any) -> None:
    with pytest.raises(ReportError, match="s3://nowhere/inventory cannot be read: NoSuchBucket"):
        find_deliveries(s3, Place(bucket="nowhere"))
    assert BUCKET != "nowhere"
