"""Delivery health: what was due on a day, what came, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake, Session
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.storage.health import field_of
from inventory_pipeline.tables.s3_inventory import S3_OBJECT_COLUMNS
from inventory_pipeline_tests.marts.storage.judged import SUNDAY, Planted, at, days

DAILY = {("data", "all"): dict[str, Any]()}
WEEKLY = {("data", "all"): {"frequency": "Weekly"}}
MONDAY = SUNDAY + timedelta(days=1)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.open(str(tmp_path_factory.mktemp("health") / "lake"))
    with DuckDBEngine(lake, memory_limit="256MB", threads=1).session({}) as session:
        yield session


class Judged(Planted):
    def __init__(self, db: Session) -> None:
        super().__init__()
        self._db = db

    def on(self, day: date) -> dict[tuple[str, str], dict[str, Any]]:
        return self.health(self._db, day)


@pytest.fixture
def lake(db: Session) -> Judged:
    return Judged(db)


def seen_daily(lake: Judged, first: date, count: int, configurations: Any = DAILY) -> None:
    for day in days(first, count):
        lake.snapshot(day, configurations)


def verdict(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return row["configured"], row["expected"], row["status"], row["verdict"]


def test_what_came_is_delivered_and_what_did_not_is_missing_after_its_time(
    lake: Judged,
) -> None:
    seen_daily(lake, SUNDAY, 8)
    lake.deliver(SUNDAY + timedelta(days=3))
    came = lake.on(SUNDAY + timedelta(days=3))["data", "all"]
    assert verdict(came) == ("yes", "yes", "delivered", "yes")
    assert (came["missed"], came["silent_since"], came["lacking_fields"]) == (0, None, None)
    absent = lake.on(SUNDAY + timedelta(days=4))["data", "all"]
    assert verdict(absent) == ("yes", "yes", "missing", "no")
    assert (absent["missed"], absent["silent_since"]) == (1, SUNDAY + timedelta(days=3))
    assert absent["last_delivered_at"] == at(SUNDAY + timedelta(days=3), 1)


def test_until_48_hours_after_the_day_a_report_is_awaited(lake: Judged) -> None:
    day = SUNDAY + timedelta(days=5)
    seen_daily(lake, SUNDAY, 8)
    assert lake.on(day)["data", "all"]["status"] == "awaited"
    lake.snapshot(day + timedelta(days=3), DAILY)
    assert lake.on(day)["data", "all"]["status"] == "missing"


def test_a_past_day_stays_what_it_was(lake: Judged) -> None:
    day = SUNDAY + timedelta(days=4)
    seen_daily(lake, SUNDAY, 12)
    lake.deliver(SUNDAY + timedelta(days=2))
    before = lake.on(day)
    seen_daily(lake, SUNDAY + timedelta(days=12), 5, {})
    lake.deliver(SUNDAY + timedelta(days=13))
    assert lake.on(day) == before


@pytest.mark.parametrize(("offset", "status"), [(0, "not_expected"), (2, "not_expected"),
                                                (3, "missing"), (4, "missing")])  # fmt: skip
def test_the_first_report_has_48_hours(lake: Judged, offset: int, status: str) -> None:
    seen_daily(lake, SUNDAY, 9)
    row = lake.on(SUNDAY + timedelta(days=offset))["data", "all"]
    assert row["status"] == status
    assert row["missed"] == (offset - 2 if status == "missing" else 0)
    assert row["silent_since"] == (SUNDAY if status == "missing" else None)


@pytest.mark.parametrize(
    "meantime",
    [{}, {("data", "all"): {"enabled": False}}, WEEKLY],
    ids=["deleted", "disabled", "weekly"],
)
def test_who_was_changed_has_48_hours_again(lake: Judged, meantime: Any) -> None:
    lake.snapshot(SUNDAY, DAILY)
    lake.snapshot(SUNDAY + timedelta(days=10), meantime)
    seen_daily(lake, SUNDAY + timedelta(days=11), 8)
    assert lake.on(SUNDAY + timedelta(days=13))["data", "all"]["status"] == "not_expected"
    assert lake.on(SUNDAY + timedelta(days=14))["data", "all"]["missed"] == 1


def test_a_look_that_failed_is_no_change(lake: Judged) -> None:
    lake.snapshot(SUNDAY, DAILY)
    lake.snapshot(SUNDAY + timedelta(days=3), None)
    seen_daily(lake, SUNDAY + timedelta(days=4), 5)
    assert lake.on(SUNDAY + timedelta(days=4))["data", "all"]["missed"] == 2


def test_weekly_reports_are_due_on_sundays(lake: Judged) -> None:
    lake.snapshot(MONDAY, WEEKLY)
    lake.deliver(SUNDAY + timedelta(days=7))
    lake.snapshot(SUNDAY + timedelta(days=30), WEEKLY)
    looked_at = [SUNDAY + timedelta(days=n) for n in (6, 7, 8, 13, 14, 15, 21, 28)]
    found = {day: lake.on(day)["data", "all"] for day in looked_at}
    missed = {day: row["missed"] for day, row in found.items() if row["status"] == "missing"}
    assert missed == {SUNDAY + timedelta(days=14): 1, SUNDAY + timedelta(days=21): 2}
    assert found[SUNDAY + timedelta(days=28)]["status"] == "awaited"
    assert found[SUNDAY + timedelta(days=7)]["status"] == "delivered"
    others = {row["status"] for day, row in found.items() if day.weekday() != 6}
    assert others == {"not_expected"}


def test_a_weekly_report_that_never_came_counts_from_the_first_due(lake: Judged) -> None:
    lake.snapshot(SUNDAY - timedelta(days=2), WEEKLY)  # a Friday: this Sunday is too soon
    lake.snapshot(SUNDAY + timedelta(days=30), WEEKLY)
    assert lake.on(SUNDAY)["data", "all"]["status"] == "not_expected"
    row = lake.on(SUNDAY + timedelta(days=14))["data", "all"]
    assert (row["missed"], row["silent_since"]) == (2, SUNDAY - timedelta(days=2))


def test_a_disabled_configuration_owes_nothing(lake: Judged) -> None:
    seen_daily(lake, SUNDAY, 9, {("data", "all"): {"enabled": False}})
    row = lake.on(SUNDAY + timedelta(days=5))["data", "all"]
    assert verdict(row) == ("yes", "no", "not_expected", "yes")
    assert row["reason"] == "the configuration is disabled"


@pytest.mark.parametrize("collected", ["never", "later", "not read", "another bucket"])
def test_what_was_not_read_is_unknown_and_never_missing(lake: Judged, collected: str) -> None:
    day = SUNDAY + timedelta(days=4)
    match collected:
        case "later":
            lake.snapshot(day + timedelta(days=9), DAILY)
        case "not read":
            seen_daily(lake, SUNDAY, 2, DAILY)
            seen_daily(lake, SUNDAY + timedelta(days=2), 9, None)
        case "another bucket":
            seen_daily(lake, SUNDAY, 9, {("other", "all"): {}})
    bucket = "elsewhere" if collected == "another bucket" else "data"
    lake.deliver(SUNDAY + timedelta(days=2), bucket)
    lake.deliver(SUNDAY + timedelta(days=12), bucket)
    row = lake.on(day)[bucket, "all"]
    assert verdict(row) == ("unknown", "unknown", "unknown", "unknown")
    came = lake.on(SUNDAY + timedelta(days=2))[bucket, "all"]
    assert verdict(came) == ("unknown", "unknown", "delivered", "yes")


def test_who_delivered_long_ago_and_is_not_known_is_left_out(lake: Judged) -> None:
    lake.deliver(SUNDAY)
    assert lake.on(SUNDAY + timedelta(days=35)).keys() == {("data", "all")}
    assert lake.on(SUNDAY + timedelta(days=36)) == {}


def test_a_delivery_nobody_asked_for_is_told(lake: Judged) -> None:
    seen_daily(lake, SUNDAY, 9, {})
    lake.deliver(SUNDAY + timedelta(days=1))
    row = lake.on(SUNDAY + timedelta(days=1))["data", "all"]
    assert verdict(row) == ("no", "no", "delivered", "yes")
    assert row["reason"] == "delivered, though the bucket has no such configuration"
    assert lake.on(SUNDAY + timedelta(days=2)) == {}


@pytest.mark.parametrize(
    ("hours", "status"), [(23, "delivered"), (48, "delivered"), (49, "late"), (None, "delivered")]
)
def test_late_is_what_arrived_after_48_hours(lake: Judged, hours: int | None, status: str) -> None:
    """The pipeline may record it a week later, which says nothing of S3."""
    seen_daily(lake, SUNDAY, 9)
    day = SUNDAY + timedelta(days=4)
    arrived = None if hours is None else at(day, 1) + timedelta(hours=hours)
    lake.deliver(day, arrived_at=arrived, recorded_at=at(day + timedelta(days=7)))
    row = lake.on(day)["data", "all"]
    assert (row["status"], row["verdict"]) == (status, "yes")


def test_a_bad_report_is_none_unless_a_good_one_came_as_well(lake: Judged) -> None:
    seen_daily(lake, SUNDAY, 10)
    bad = {"status": "quarantined", "error": "MD5 differs", "manifest_md5": "1" * 32}
    for offset, status in ((3, "quarantined"), (4, "ingested")):
        day = SUNDAY + timedelta(days=offset)
        lake.deliver(day, delivered_at=at(day, 2), **bad)
        if status == "ingested":
            lake.deliver(day)
    lake.deliver(SUNDAY + timedelta(days=5), status="seen")
    rows = [lake.on(SUNDAY + timedelta(days=n))["data", "all"] for n in (3, 4, 5, 6)]
    assert [(r["status"], r["verdict"]) for r in rows] == [
        ("quarantined", "no"),
        ("delivered", "yes"),
        ("seen", "unknown"),
        ("missing", "no"),
    ]
    assert rows[0]["reason"] == "MD5 differs"
    assert rows[0]["last_delivered_at"] is None


@pytest.mark.parametrize(("hours", "status"), [(5, "delivered"), (49, "late")])
def test_what_was_erased_had_come(lake: Judged, hours: int, status: str) -> None:
    """Alone, and beside an older report of the day and one that was bad."""
    seen_daily(lake, SUNDAY, 9)
    for day in days(SUNDAY + timedelta(days=4), 2):
        arrived = at(day, 1) + timedelta(hours=hours)
        lake.deliver(day, status="erased", error="erased on request", arrived_at=arrived)
    lake.deliver(day, status="superseded", arrived_at=arrived, manifest_md5="1" * 32)
    lake.deliver(day, status="quarantined", error="MD5 differs", manifest_md5="2" * 32)
    for day in days(SUNDAY + timedelta(days=4), 2):
        row = lake.on(day)["data", "all"]
        assert (row["status"], row["verdict"], row["missed"]) == (status, "yes", 0)
        assert row["reason"] == "it came, and was erased on request"
        assert row["last_delivered_at"] == at(day, 1)


PARQUET = (
    "message s3.inventory {  required binary bucket (STRING);  optional int64 size;  "
    "optional binary e_tag (STRING);}"
)


@pytest.mark.parametrize(
    "schema",
    [
        "Bucket, Key, Size, ETag",
        "struct<bucket:string,key:string,size:bigint,e_tag:string>",
        PARQUET,
        PARQUET.replace("(STRING)", "(UTF8)"),
    ],
)
def test_fields_that_the_newest_report_lacks_are_named(lake: Judged, schema: str) -> None:
    asked = ["StorageClass", "Size", "ETag", "ObjectLockMode", "NotYetInvented"]
    seen_daily(lake, SUNDAY, 5, {("data", "all"): {"fields": asked}})
    lake.deliver(SUNDAY, schema="Bucket, Key, ObjectLockMode, StorageClass, Size, ETag")
    lake.deliver(MONDAY, schema=schema)
    assert lake.on(SUNDAY)["data", "all"]["lacking_fields"] is None
    for day in (MONDAY, MONDAY + timedelta(days=1)):
        row = lake.on(day)["data", "all"]
        assert row["lacking_fields"] == "ObjectLockMode StorageClass"


def test_the_mart_is_built_on_a_lake_as_it_is_judged_here(lake: Judged, tmp_path: Path) -> None:
    real = Lake.open(str(tmp_path / "lake"))
    engine = DuckDBEngine(real, memory_limit="256MB", threads=1)
    seen_daily(lake, SUNDAY, 8)
    lake.deliver(SUNDAY + timedelta(days=2))
    lake.publish(real)
    day = SUNDAY + timedelta(days=4)
    build_mart(engine, marts()["delivery_health"], day, {})
    with engine.session({"delivery_health": {"delivered_on": day}}) as session:
        assert violations(session, "delivery_health") == []
        built = session.query("SELECT * FROM delivery_health").to_pylist()
    assert built == [*lake.on(day).values()]
    assert [row["status"] for row in built] == ["missing"]


def test_fields_are_aws_own() -> None:
    from botocore.session import get_session

    known = get_session().get_service_model("s3").shape_for("InventoryOptionalField").enum
    ours = {field for column in S3_OBJECT_COLUMNS if (field := field_of(column.name))}
    assert ours == set(known)
