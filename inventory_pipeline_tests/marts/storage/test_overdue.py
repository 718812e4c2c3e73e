"""Overdue reports: noted day by day, with whether they came since and who was told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.marts.storage.overdue import TABLE, note_overdue, note_told
from inventory_pipeline_tests.cli.planted import plant

DAY = date(2026, 11, 5)
NEXT = DAY + timedelta(days=1)
NOW = datetime(2026, 11, 9, 9, tzinfo=UTC)
LAST = date(2026, 11, 4)


@pytest.fixture
def engine(tmp_path: Path) -> DuckDBEngine:
    return DuckDBEngine(Lake.open(str(tmp_path / "lake")), memory_limit="256MB", threads=1)


def health(engine: DuckDBEngine, day: date, *buckets: str, since: date = LAST) -> None:
    """Of a day, reports of these buckets are missing and one was delivered."""
    common = {"delivered_on": day, "configuration_id": "all", "frequency": "Daily"}
    missing = [
        {**common, "source_bucket": bucket, "status": "missing", "verdict": "no",
         "missed": (day - since).days, "silent_since": since}
        for bucket in buckets
    ]  # fmt: skip
    well = {**common, "source_bucket": "well", "status": "delivered", "verdict": "yes"}
    plant(engine.lake, "delivery_health", [*missing, well])


def delivered(engine: DuckDBEngine, bucket: str, day: date) -> None:
    row = {"delivered_on": day, "source_bucket": bucket, "configuration_id": "all"}
    plant(engine.lake, "s3_deliveries", [{**row, "status": "ingested"}])


def noted(engine: DuckDBEngine) -> list[tuple[date, str, bool, bool]]:
    with engine.session({TABLE: {}}) as db:
        assert violations(db, TABLE) == []
    rows: list[dict[str, Any]] = engine.lake.read(TABLE).to_pylist()
    return sorted(
        (row["delivered_on"], row["source_bucket"], row["ended"], row["told_at"] is not None)
        for row in rows
    )


def test_a_streak_that_was_told_of_stays_told(engine: DuckDBEngine) -> None:
    health(engine, DAY, "a", "b")
    found = note_overdue(engine, DAY)
    assert (found.missing, found.untold) == (2, 2)
    assert [row["source_bucket"] for row in found.named_untold] == ["a", "b"]
    note_told(engine, DAY, NOW)
    health(engine, NEXT, "a", "c")
    assert note_overdue(engine, DAY).untold == 0, "built again"
    found = note_overdue(engine, NEXT)
    assert [row["source_bucket"] for row in found.named_untold] == ["c"]
    assert noted(engine) == [
        (DAY, "a", False, True),
        (DAY, "b", False, True),
        (NEXT, "a", False, True),
        (NEXT, "c", False, False),
    ]


def test_another_streak_is_told_of_anew(engine: DuckDBEngine) -> None:
    health(engine, DAY, "a")
    note_overdue(engine, DAY)
    note_told(engine, DAY, NOW)
    health(engine, DAY + timedelta(days=9), "a", since=DAY + timedelta(days=8))
    assert note_overdue(engine, DAY + timedelta(days=9)).untold == 1


def test_what_has_come_since_is_noted_and_never_told(engine: DuckDBEngine) -> None:
    health(engine, DAY, "a", "b")
    delivered(engine, "a", NEXT)
    delivered(engine, "b", LAST)
    assert note_overdue(engine, DAY).untold == 1
    note_told(engine, DAY, NOW)
    assert noted(engine) == [(DAY, "a", True, False), (DAY, "b", False, True)]


def test_a_day_on_which_nothing_is_missing_has_no_rows(engine: DuckDBEngine) -> None:
    assert note_overdue(engine, DAY).missing == 0
    health(engine, DAY, "a")
    note_overdue(engine, DAY)
    health(engine, DAY)
    assert note_overdue(engine, DAY).missing == 0
    assert noted(engine) == []
