"""`inventory storage health`: of each configuration the newest day that is decided."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.cli.conftest import Run
from inventory_pipeline_tests.cli.planted import ESCAPE, plant

NEWEST = date(2026, 11, 20)


def row(days_ago: int, bucket: str, status: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"delivered_on": NEWEST - timedelta(days=days_ago), "source_bucket": bucket,
            "configuration_id": "all", "configured": "yes", "status": status, "verdict": verdict,
            **more}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("health") / "lake"
    plant(
        Lake.open(str(folder)),
        "delivery_health",
        [
            row(0, "data", "awaited", "unknown"),
            row(1, "data", "seen", "unknown"),
            row(3, "data", "missing", "no", missed=2, reason=f"nothing {ESCAPE} came"),
            row(4, "data", "missing", "no", missed=1),
            row(0, "logs", "delivered", "yes", configured="no"),
            row(7, "logs", "quarantined", "no"),
            row(0, "weekly", "not_expected", "yes"),
            row(6, "weekly", "late", "yes"),
            row(0, "off", "not_expected", "yes"),
            row(0, "strange", "unknown", "unknown"),
            row(15, "gone", "missing", "no"),
        ],
    )
    return folder


def test_what_is_missing_comes_first_and_is_not_hidden_by_what_is_awaited(
    lake: Path, run: Run
) -> None:
    result = run("storage", "health", "--lake", lake, "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [(r["source_bucket"], r["status"], r["delivered_on"], r["missed"]) for r in rows] == [
        ("data", "missing", "2026-11-17", 2),
        ("strange", "unknown", "2026-11-20", 0),
        ("logs", "delivered", "2026-11-20", 0),
        ("off", "not_expected", "2026-11-20", 0),
        ("weekly", "late", "2026-11-14", 0),
    ]


def test_the_table_says_how_many_are_well(lake: Path, run: Run) -> None:
    result = run("storage", "health", "--lake", lake)
    assert "5 configurations: 3 well, 1 not, 1 unknown" in result.stdout
    assert "1 delivered, though their bucket has no such configuration any more" in result.stdout
    assert "\x1b" not in result.stdout


def test_without_rows_it_says_what_to_run(run: Run, tmp_path: Path) -> None:
    Lake.open(str(tmp_path / "lake"))
    result = run("storage", "health", "--lake", tmp_path / "lake")
    assert result.exit_code == 1
    assert "storage_analysis" in result.output
