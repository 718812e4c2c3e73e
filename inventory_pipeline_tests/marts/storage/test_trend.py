"""The trend of stored bytes: changes over windows, the line and its interval, and when none is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake import DuckDBEngine, Lake, Session
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.lake.schema import arrow_schema, contract_select
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline_tests.archive.planted import plant_buckets

TODAY = date(2026, 11, 20)
GB = 10**9
SIZED, UNSIZED = "Bucket, Key, Size", "Bucket, Key"

Row = dict[str, Any]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.open(str(tmp_path / "lake"))
    plant_buckets(lake, {"resource_id": "data-1"})
    return lake


def history(
    stored: Mapping[int, int | None], bucket: str = "data-1", schema: str = SIZED
) -> tuple[list[Row], list[Row]]:
    """Usage and ledger of deliveries of so many days ago; None lists nothing."""
    usage, ledger = [], []
    for age, size in stored.items():
        part = {
            "delivered_on": TODAY - timedelta(days=age),
            "source_bucket": bucket,
            "configuration_id": "daily",
        }
        at = datetime.combine(part["delivered_on"], time(1), UTC)
        ledger.append(
            part | {"delivered_at": at, "recorded_at": at, "manifest_uri": "s3://m"}
            | {"schema": schema, "rows": 0 if size is None else 2, "status": "ingested"}
        )  # fmt: skip
        if size is not None:
            halves = (size // 2, size - size // 2)
            usage += [
                part | {"prefix": str(n), "storage_class": "STANDARD", "version_state": "current"}
                | {"age_band": "0-30", "objects": 1 + age, "bytes": half, "billable_bytes": half}
                for n, half in enumerate(halves)
            ]  # fmt: skip
    return usage, ledger


def plant(lake: Lake, *histories: tuple[list[Row], list[Row]]) -> None:
    for table, at in (("storage_usage", 0), ("s3_deliveries", 1)):
        rows = [row for both in histories for row in both[at]]
        days = sorted({row["delivered_on"] for row in rows})
        data = pa.Table.from_pylist(rows, schema=arrow_schema(table))
        lake.replace(table, [{"delivered_on": day} for day in days], data)


def priced(*monthly_usd: str | None) -> pa.Table:
    """What each class of today's delivery costs; None is unknown."""
    common = {
        "delivered_on": TODAY, "source_bucket": "data-1", "configuration_id": "daily",
        "version_state": "current", "age_band": "0-30", "component": "storage",
        "unit": "GB-month", "quantity": Decimal(1), "price_as_of": "2026-09",
    }  # fmt: skip
    rows = [
        common | {"storage_class": str(n), "monthly_usd": usd and Decimal(usd)}
        | {"unpriced_reason": None if usd else "no price"}
        for n, usd in enumerate(monthly_usd)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema("storage_costs"))


def trend(lake: Lake) -> Row:
    engine = DuckDBEngine(lake, memory_limit="256MB", threads=1)
    build_mart(engine, marts()["storage_trend"], TODAY, {})
    with engine.session({"storage_trend": {"delivered_on": TODAY}}) as db:
        assert violations(db, "storage_trend") == []
    [row] = lake.read("storage_trend").to_pylist()
    return dict(row)


def test_a_steady_line_leads_where_it_must(lake: Lake) -> None:
    plant(lake, history({age: (1000 - age) * GB for age in range(98)}))
    row = trend(lake)
    assert (row["objects"], row["bytes"], row["department"]) == (2, 1000 * GB, "Research")
    assert (row["deliveries"], row["days_covered"], row["unknown_reason"]) == (91, 90, None)
    for days in (7, 30, 90):
        assert row[f"since_{days}d"] == TODAY - timedelta(days=days)
        assert row[f"change_{days}d_bytes"] == days * GB
        assert row[f"change_{days}d_objects"] == -2 * days
    assert row["daily_bytes"] == GB
    for days in (30, 90):
        forecast = [row[f"forecast_{days}d_{end}"] for end in ("low_bytes", "bytes", "high_bytes")]
        assert forecast == [(1000 + days) * GB] * 3


def test_weekly_reports_with_a_gap(lake: Lake) -> None:
    """Windows end at the delivery before; the missing one is no zero."""
    plant(lake, history({age: (100 - age) * GB for age in (0, 7, 21, 28, 35, 42, 98)}))
    row = trend(lake)
    assert (row["deliveries"], row["days_covered"], row["daily_bytes"]) == (6, 42, GB)
    assert (row["since_30d"], row["change_30d_bytes"]) == (TODAY - timedelta(days=35), 35 * GB)
    assert row["since_90d"] is row["change_90d_bytes"] is row["change_90d_objects"] is None


def test_an_outlier_widens_the_interval_and_more_so_far_ahead(lake: Lake) -> None:
    plant(lake, history({age: (100 - age + 30 * (age % 3 == 0)) * GB for age in range(60)}))
    row = trend(lake)
    widths = [row[f"forecast_{d}d_high_bytes"] - row[f"forecast_{d}d_low_bytes"] for d in (30, 90)]
    assert 20 * GB < widths[0] < widths[1]
    assert (
        row["forecast_30d_low_bytes"] < row["forecast_30d_bytes"] < row["forecast_30d_high_bytes"]
    )


def test_no_forecast_is_below_nothing(lake: Lake) -> None:
    plant(lake, history({age: age * GB for age in range(20)}))
    row = trend(lake)
    assert row["daily_bytes"] == -GB
    assert {
        row[f"forecast_{d}d_{end}"]
        for d in (30, 90)
        for end in ("low_bytes", "bytes", "high_bytes")
    } == {0}


def test_forecasts_cost_what_bytes_cost_now_on_average(lake: Lake) -> None:
    plant(lake, history({age: (1000 - age + 8 * (age % 3)) * GB for age in range(90)}))
    lake.replace("storage_costs", [{"delivered_on": TODAY}], priced("20", "3.000001"))
    row = trend(lake)
    assert (row["monthly_usd"], row["price_as_of"]) == (Decimal("23.000001"), "2026-09")
    assert row["unpriced_reason"] is None
    for days in (30, 90):
        ends = [f"forecast_{days}d{end}" for end in ("_low", "", "_high")]
        usd = [row[f"{end}_usd"] for end in ends]
        assert usd == sorted(set(usd))
        for end, found in zip(ends, usd, strict=True):
            exact = row[f"{end}_bytes"] * Fraction(row["monthly_usd"]) / row["bytes"]
            assert 0 <= exact - Fraction(found) < Fraction(2, 10**6)


@pytest.mark.parametrize(
    ("stored", "schema", "reason"),
    [
        ({0: 1}, SIZED, "1 delivery over 0 days; a trend needs 5 with Size over 14 days"),
        (dict.fromkeys(range(10), 1), SIZED, "10 deliveries over 9 days; a trend needs"),
        (dict.fromkeys(range(30), 1), UNSIZED, "the report does not have Size"),
    ],
)
def test_a_short_history_is_no_trend(
    lake: Lake, stored: Mapping[int, int], schema: str, reason: str
) -> None:
    plant(lake, history(stored, schema=schema))
    row = trend(lake)
    assert row["unknown_reason"].startswith(reason)
    assert {row[name] for name in row if name.startswith(("daily", "forecast"))} == {None}
    assert row["bytes"] == (None if schema == UNSIZED else 1)


def test_an_empty_delivery_is_nothing_and_one_not_rolled_up_a_gap(lake: Lake) -> None:
    usage, ledger = history({0: None, 7: 70 * GB, 8: 80 * GB})
    plant(lake, ([u for u in usage if u["delivered_on"] != TODAY - timedelta(days=7)], ledger))
    row = trend(lake)
    assert (row["objects"], row["bytes"], row["deliveries"]) == (0, 0, 2)
    assert (row["since_7d"], row["change_7d_bytes"]) == (TODAY - timedelta(days=8), -80 * GB)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.open(str(tmp_path_factory.mktemp("lake")))
    with DuckDBEngine(lake, memory_limit="256MB", threads=1).session({}) as session:
        session.connection.register("s3_buckets", arrow_schema("s3_buckets").empty_table())
        yield session


def drawn(db: Session, planted: tuple[list[Row], list[Row]], *monthly_usd: str | None) -> Row:
    """The trend of these deliveries, whose classes cost so much; nothing is committed."""
    for name, rows in zip(("storage_usage", "s3_deliveries"), planted, strict=True):
        db.connection.register(name, pa.Table.from_pylist(rows, schema=arrow_schema(name)))
    db.connection.register("storage_costs", priced(*monthly_usd))
    select = contract_select("storage_trend", marts()["storage_trend"].sql())
    [row] = db.query(select, {"delivered_on": TODAY}).to_pylist()
    return dict(row)


def dollars(row: Row) -> list[Decimal | None]:
    return [
        row["monthly_usd"],
        *(row[name] for name in row if name.startswith("forecast") and name.endswith("_usd")),
    ]


@pytest.mark.parametrize(
    ("stored", "usd", "monthly", "reason"),
    [
        (dict.fromkeys(range(20), GB * 9), ["1", None], None, "no price"),
        (dict.fromkeys(range(20), GB * 9), [], None, "its cost is not computed yet"),
        (dict.fromkeys(range(20), GB), ["0.03"], Decimal("0.03"), "less than 1 GiB"),
        ({0: None, **dict.fromkeys(range(1, 20), GB)}, [], Decimal(0), "less than 1 GiB"),
        ({0: None}, [], Decimal(0), None),
    ],
    ids=["a part", "all", "too little", "empty", "always empty"],
)
def test_without_an_average_price_dollars_are_unknown(
    db: Session,
    stored: Mapping[int, int | None],
    usd: list[str | None],
    monthly: Decimal | None,
    reason: str | None,
) -> None:
    row = drawn(db, history(stored), *usd)
    assert dollars(row) == [monthly, *[None] * 6]
    assert (row["unpriced_reason"] or "").startswith(reason or "")
    assert bool(row["unpriced_reason"]) == bool(reason)


def test_delete_markers_alone_cost_nothing(db: Session) -> None:
    usage, ledger = history({0: 0})
    markers = [row | {"version_state": "delete_marker"} for row in usage]
    assert drawn(db, (markers, ledger))["monthly_usd"] == 0


ages = st.sets(st.integers(1, 90), min_size=5, max_size=30).filter(lambda found: max(found) > 13)


@settings(max_examples=6)
@given(st.data(), ages, st.decimals(0, 10**12 - 1, places=6))
def test_the_line_is_that_of_exact_arithmetic(
    db: Session, data: st.DataObject, days: set[int], monthly: Decimal
) -> None:
    """Least squares over fractions, up to an exabyte; an engine's floats would be off."""
    stored = {age: data.draw(st.integers(0, 2**60)) for age in sorted({0, *days})}
    row = drawn(db, history(stored), str(monthly))
    n, points = len(stored), [(90 - age, size) for age, size in stored.items()]
    mean_x, mean_y = (Fraction(sum(axis), n) for axis in zip(*points, strict=True))
    spread_x = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread_x
    assert row["daily_bytes"] == int(slope)
    misses = sorted(abs(y - int(mean_y + slope * (x - mean_x))) for x, y in points)
    spread = misses[math.ceil(0.8 * n) - 1]
    for horizon in (30, 90):
        x = 90 + horizon
        expected = int(mean_y + slope * (x - mean_x))
        assert row[f"forecast_{horizon}d_bytes"] == min(max(expected, 0), 2**63 - 1)
        leverage = float(1 + Fraction(1, n) + (x - mean_x) ** 2 / spread_x)
        half = spread * math.sqrt(leverage * n / (n - 2))
        high = row[f"forecast_{horizon}d_high_bytes"]
        assert high == pytest.approx(min(max(expected + half, 0), 2**63 - 1), abs=2 + 2e-6 * half)
        if stored[0] >= 2**30:
            usd = min(high * Fraction(monthly) / stored[0], 10**12 - Fraction(1, 10**6))
            off = 2e-6 + 2e-9 * float(monthly) + 1e-15 * float(usd)
            assert float(row[f"forecast_{horizon}d_high_usd"]) == pytest.approx(float(usd), abs=off)
