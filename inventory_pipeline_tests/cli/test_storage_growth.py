"""`inventory storage growth` over deliveries that were compared for real."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.cli.storage.trends import (
    CHANGES,
    by_place,
    forecast_note,
    sparkline,
    summed,
)
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.storage.places import prefix_pattern
from inventory_pipeline_tests.archive.planted import plant_buckets
from inventory_pipeline_tests.marts.storage.delivered import CURRENT, TODAY, deliver, obj

GIB = 2**30


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two buckets that grow, one of them told of without ETag and date, and one that is new."""
    folder = tmp_path_factory.mktemp("grown") / "lake"
    lake = Lake.open(str(folder))
    engine = DuckDBEngine(lake, memory_limit="256MB", threads=1)
    plant_buckets(lake, {"resource_id": "data-1"}, {"resource_id": "told-less"})
    for age, count in ((14, 1), (7, 2), (0, 4)):
        day = TODAY - timedelta(days=age)
        objects = [obj(f"logs/{n}", GIB) for n in range(count)]
        deliver(lake, objects, day)
        deliver(lake, objects, day, bucket="told-less", schema="Bucket, Key, Size, StorageClass")
        for table in ("storage_usage", "storage_growth", "storage_trend"):
            if age == 0 and table == "storage_usage":
                deliver(lake, objects[:1], day, bucket="new\x1b[31m")
            build_mart(engine, marts()[table], day, {"prefix_pattern": prefix_pattern(1)})
    deliver(lake, [], TODAY + timedelta(days=1), schema=CURRENT, status="quarantined")
    return folder


def test_unknown_is_told_and_never_0(run, grown: Path) -> None:
    answer = json.loads(run("storage", "growth", "--format", "json", "--lake", grown).stdout)
    rows = {row["source_bucket"]: row for row in answer["rows"]}
    assert rows.keys() == {"data-1", "told-less"}
    for bucket, overwritten in (("data-1", 0), ("told-less", None)):
        row = rows[bucket]
        assert (row["created"], row["deleted"], row["overwritten"]) == (2, 0, overwritten)
        assert (row["added_bytes"], row["net_bytes"]) == (2 * GIB, 2 * GIB)
    assert answer["total"]["net_bytes"] == 4 * GIB
    assert [(u["deliveries"], u["reason"][:22]) for u in answer["unknown"]] == [
        (1, "no earlier delivery of"),
        (1, "the reports have neith"),
    ]
    trends = {row["source_bucket"]: row for row in answer["trends"]}
    assert len(trends) == 3
    trend = trends["data-1"]
    assert (trend["bytes"], trend["change_7d_bytes"]) == (4 * GIB, 2 * GIB)
    assert (trend["history"], trend["forecast_30d_bytes"]) == ("▁▃█", None)
    assert trend["unknown_reason"].startswith("3 deliveries over 14 days")


def test_it_fits_a_terminal_and_says_what_it_rests_on(
    run, grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("storage", "growth", "--by", "prefix", "--lake", grown).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    assert "Total: 4 objects created, 0 deleted, 4.0 GiB net" in shown
    assert "Unknown of 1 delivery: no earlier delivery" in " ".join(shown.split())
    assert "7 of 8 deliveries ingested" in shown


def test_filters_and_an_empty_lake(run, grown: Path, tmp_path: Path) -> None:
    before = str(TODAY - timedelta(days=3))
    given = ("storage", "growth", "--format", "json", "--lake", grown)
    [row, _] = json.loads(run(*given, "--until", before).stdout)["rows"]
    assert (row["created"], row["net_bytes"]) == (1, GIB)
    assert json.loads(run(*given, "--department", "Nobody's").stdout)["rows"] == []
    Lake.open(str(tmp_path / "empty"))
    nothing = run("storage", "growth", "--lake", tmp_path / "empty")
    assert nothing.exit_code == 1
    assert "storage_analysis" in nothing.stderr


def test_trends_are_summed_over_an_account(run, grown: Path) -> None:
    given = ("storage", "growth", "--by", "account", "--format", "json", "--lake", grown)
    answer = json.loads(run(*given).stdout)
    collected, stranger = answer["trends"]
    assert (collected["account_id"], collected["reports"]) == ("111122223333", 2)
    assert (collected["bytes"], collected["change_7d_bytes"]) == (8 * GIB, 4 * GIB)
    assert (collected["monthly_usd"], collected["unpriced_parts"]) == (None, 2)
    assert collected["unknown_reason"] == "2 of 2 reports left out, without a trend"
    assert (stranger["account_id"], stranger["bytes"]) == (None, GIB)
    assert answer["forecast"]["bytes"] == 9 * GIB


def report(account: str, stored: int | None, trend: int | None, usd: str | None) -> dict[str, Any]:
    """A trend as its view reads it: with these bytes in 90 days, and what they would cost."""
    ends = {"_low": -1, "": 0, "_high": 1}
    return {
        "account_id": account, "bytes": stored, "daily_bytes": trend,
        "monthly_usd": usd and Decimal(usd), **dict.fromkeys(CHANGES, stored),
        **{f"forecast_{days}d{end}_bytes": None if trend is None else trend + by
           for days in (30, 90) for end, by in ends.items()},
        **{f"forecast_{days}d{end}_usd": usd and Decimal(usd) + by
           for days in (30, 90) for end, by in ends.items()},
    }  # fmt: skip


def test_what_has_no_trend_is_left_out_and_told() -> None:
    whole = [report("a", 5, 7, "2.5"), report("a", 1, 3, "2")]
    parts = [report("b", 9, 8, None), report("b", 2, None, None), report("b", None, None, None)]
    a, b = by_place([*parts, *whole], ["account_id"])
    assert (a["bytes"], a["change_30d_bytes"], a["monthly_usd"]) == (6, 6, Decimal("4.5"))
    assert [a[f"forecast_90d{end}_bytes"] for end in ("_low", "", "_high")] == [8, 10, 12]
    assert a["forecast_90d_high_usd"] == Decimal("6.5")
    assert a["unknown_reason"] is a["unpriced_reason"] is None
    assert list(forecast_note(a)) == [
        "In 90 days: 10 B (8 B to 12 B), $4.50 a month ($2.50 to $6.50)"
    ]
    assert (b["bytes"], b["change_30d_bytes"], b["unpriced_parts"]) == (None, None, 3)
    assert (b["forecast_90d_bytes"], b["forecast_90d_usd"]) == (8, None)
    assert list(forecast_note(b)) == [
        "In 90 days: 8 B (7 B to 9 B); 2 of 3 reports left out, without a trend; "
        "1 of 3 reports left out, without a price"
    ]
    assert list(forecast_note(summed(parts[1:]))) == []


@pytest.mark.parametrize(
    ("values", "line"),
    [((), ""), ((5, 5), "▄▄"), ((0, 7), "▁█"), ((2**60, 0, 2**59), "█▁▄")],
)
def test_a_sparkline_spans_its_values(values: tuple[int, ...], line: str) -> None:
    assert sparkline(values) == line
