"""Growth and trend on a real Trino: versions, hostile keys, copies, and bytes beyond a double."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.dialect import LakeState, mart_select
from inventory_pipeline.marts import build_mart, marts, rows_read
from inventory_pipeline.marts.storage.places import prefix_pattern
from inventory_pipeline_tests.archive.planted import plant_buckets, plant_prices
from inventory_pipeline_tests.end_to_end.comparison import compare_mart
from inventory_pipeline_tests.end_to_end.test_trino import STAGES
from inventory_pipeline_tests.end_to_end.trino import Trino
from inventory_pipeline_tests.marts.storage.delivered import (
    TODAY,
    VERSIONS,
    YESTERDAY,
    deliver,
    marker,
    obj,
)

pytestmark = pytest.mark.full

PARAMS = {"prefix_pattern": prefix_pattern(1)}
OLD = {"is_latest": False}
FIRST, SECOND = {"version_id": "v1"}, {"version_id": "v2"}


@pytest.fixture
def grown(tmp_path: Path) -> Lake:
    """A bucket of versions on two days, and six weeks of one whose report tells little."""
    lake = Lake.open(str(tmp_path / "lake"))
    plant_prices(lake)
    plant_buckets(lake, {"resource_id": "data-1"}, {"resource_id": "less"})
    before = [
        *(obj("written", 3, **FIRST), obj("hidden", 5, **FIRST), obj("shown", 7, **FIRST, **OLD)),
        *(marker("shown"), obj("suspended", 17), obj("ü\nb/x", 2**60), obj("twice"), obj("twice")),
    ]
    after = [
        *(obj("written", 3, **FIRST, **OLD), obj("written", 4, content=2, **SECOND)),
        *(obj("hidden", 5, **FIRST, **OLD), marker("hidden"), obj("shown", 7, **FIRST)),
        *(marker("suspended", None), obj("ü\nb/x", 2**60, storage_class="GLACIER")),
    ]
    deliver(lake, before, YESTERDAY, schema=VERSIONS)
    deliver(lake, after, schema=VERSIONS)
    stored = {42: 3, 28: 9, 21: 5, 8: 100, 7: 101, 0: 77}
    for age, count in stored.items():
        objects = [obj(f"k{n}", 2**52 + n * 12345) for n in range(count)]
        day = TODAY - timedelta(days=age)
        deliver(lake, objects, day, bucket="less", schema="Bucket, Key, Size, StorageClass")
    engine = DuckDBEngine(lake, memory_limit="256MB", threads=1)
    for day in sorted({YESTERDAY, *(TODAY - timedelta(days=age) for age in stored)}):
        build_mart(engine, marts()["storage_usage"], day, {})
    build_mart(engine, marts()["storage_costs"], TODAY, {})
    return lake


@pytest.mark.parametrize(("table", "rows"), [("storage_growth", 13), ("storage_trend", 2)])
def test_mart(
    trino: Trino, grown: Lake, registered: Callable[[Lake], LakeState], table: str, rows: int
) -> None:
    state, mart, day = registered(grown), marts()[table], TODAY
    assert compare_mart(trino, grown, state, mart, day, PARAMS) == rows
    assert fragments(trino, grown, state, table, day) <= STAGES


def fragments(trino: Trino, lake: Lake, state: LakeState, table: str, day: date) -> int:
    mart = marts()[table]
    params = {**PARAMS, "delivered_on": day}
    statement = mart_select(table, mart.sql(), rows_read(lake, mart, day), params, state, "trino")
    [[plan]] = trino.query(f"EXPLAIN (TYPE DISTRIBUTED) {statement}").rows
    return len(re.findall(r"^Fragment \d+", plan, re.MULTILINE))
