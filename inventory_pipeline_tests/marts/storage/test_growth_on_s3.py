"""Growth where the lake is on S3: files are read through Arrow, range by range."""

from __future__ import annotations

import pytest

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.storage.growth import building
from inventory_pipeline.marts.storage.places import prefix_pattern
from inventory_pipeline_tests.marts.storage.delivered import TODAY, YESTERDAY, deliver, obj
from inventory_pipeline_tests.marts.storage.test_growth import amounts
from inventory_pipeline_tests.marts.storage.test_growth_pieces import written


@pytest.mark.full
def test_ranges_of_files_on_s3(s3_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "PIECE_ROWS", 20)
    written(s3_lake, [obj(f"{n:02}/x", n) for n in range(60) if n % 6], YESTERDAY, 2)
    written(s3_lake, [obj(f"{n:02}/x", n) for n in range(60) if n % 10], TODAY, 2)
    deliver(s3_lake, [obj("a")], YESTERDAY, bucket="other")
    deliver(s3_lake, [obj("a"), obj("b", 7)], bucket="other")
    engine = DuckDBEngine(s3_lake, memory_limit="256MB", threads=1)
    params = {"prefix_pattern": prefix_pattern(0)}
    build_mart(engine, marts()["storage_growth"], TODAY, params)
    found = amounts(s3_lake.read("storage_growth").to_pylist(), "source_bucket", "change")
    assert found == {
        ("data-1", "created"): (8, 0, 6 + 12 + 18 + 24 + 36 + 42 + 48 + 54, 0),
        ("data-1", "deleted"): (0, 4, 0, 10 + 20 + 40 + 50),
        ("other", "created"): (1, 0, 7, 0),
    }
