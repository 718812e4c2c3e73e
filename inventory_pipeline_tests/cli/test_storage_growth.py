"""`inventory storage growth` over deliveries that were compared for real."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from inventory_pipeline.cli.storage.growth import sparkline
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


@pytest.mark.parametrize(
    ("values", "line"),
    [((), ""), ((5, 5), "▄▄"), ((0, 7), "▁█"), ((2**60, 0, 2**59), "█▁▄")],
)
def test_a_sparkline_spans_its_values(values: tuple[int, ...], line: str) -> None:
    assert sparkline(values) == line
