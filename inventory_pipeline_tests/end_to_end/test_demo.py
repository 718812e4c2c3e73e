"""`inventory demo`, as a newcomer runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import inventory_pipeline.demo
from inventory_pipeline.cli import demo as command
from inventory_pipeline.cli import main
from inventory_pipeline.demo import Estate, facts
from inventory_pipeline.demo.fact import Fact
from inventory_pipeline_tests.end_to_end.conftest import FinishedDemo, run_demo
from inventory_pipeline_tests.end_to_end.lake_rows import assert_equal_rows, rows_of


def estate_of(folder: Path) -> Estate:
    """The organisation that a demo's folder is of."""
    state = json.loads((folder / "demo.json").read_text())
    return Estate.build(state["seed"], state["scale"], datetime.fromisoformat(state["now"]))


def test_all_that_was_planted_is_found(finished_demo: FinishedDemo) -> None:
    told = finished_demo.process.stdout
    assert "✗" not in told
    assert told.count("✓") == len(facts(estate_of(finished_demo.folder), (1, 2))) > 110
    assert "Traceback" not in finished_demo.process.stderr
    assert re.search(r"\d+ s, at most \d+ MB of memory", finished_demo.process.stderr)


def test_what_it_leaves_behind(finished_demo: FinishedDemo) -> None:
    left = {path.name for path in finished_demo.folder.iterdir()}
    assert {"lake", "warehouse.duckdb", "dagster_home", "inventory.yaml", "demo.json"} <= left
    assert len(finished_demo.lake.snapshots()) == 2
    assert rows_of(finished_demo.folder)["archive_manifests"]


def test_a_secret_is_in_no_byte_that_it_leaves(finished_demo: FinishedDemo) -> None:
    """Functions, user data and Secrets Manager have it: lake, logs and Dagster must not."""
    secret = estate_of(finished_demo.folder).secret
    assert places_of("web-1", finished_demo.folder), "else this finds nothing"
    assert places_of(secret, finished_demo.folder) == []


def places_of(text: str, folder: Path) -> list[Path]:
    """Files with that text: as bytes, or in Parquet's compressed columns."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and (
            text in str(pq.read_table(path, partitioning=None).to_pydict())
            if path.suffix == ".parquet"
            else text.encode() in path.read_bytes()
        )
    ]


@pytest.fixture
def compare(finished_demo: FinishedDemo, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Have the command compare with the finished demo, without running its two days again."""
    now = estate_of(finished_demo.folder).now
    monkeypatch.setattr(command, "_resume_or_start", lambda *_: now)
    monkeypatch.setattr(command, "_run_days", lambda *_: None)

    def run(planted: Callable[[Fact], Fact]) -> Result:
        def changed(estate: Estate, days: tuple[int, ...]) -> tuple[Fact, ...]:
            return tuple(planted(fact) for fact in facts(estate, days))

        monkeypatch.setattr(inventory_pipeline.demo, "facts", changed)
        folder = str(finished_demo.folder)
        return CliRunner().invoke(main, ["demo", "--scale", "tiny", "--dir", folder])

    return run


def test_a_difference_is_shown_and_makes_it_fail(compare: Callable[..., Result]) -> None:
    def more(fact: Fact) -> Fact:
        if "by service" not in fact.title:
            return fact
        return replace(fact, planted=(*fact.planted, ("planted, never found", 1)))

    result = compare(more)
    assert result.exit_code == 1
    assert result.stdout.count("✗") >= 2
    assert "only planted: planted, never found 1" in result.stdout
    assert "what was found differs from what was planted" in result.stderr


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(main, ["demo", "--scale", "tiny", "--dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "not empty and not a demo's" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.full
def test_run_again_it_changes_nothing(finished_demo: FinishedDemo) -> None:
    """In the same twelve hours; later it starts anew."""
    before = rows_of(finished_demo.folder)
    state = (finished_demo.folder / "demo.json").read_text()
    run_demo(finished_demo.folder)
    if (finished_demo.folder / "demo.json").read_text() == state:
        assert_equal_rows(rows_of(finished_demo.folder), before)
    else:
        assert len(finished_demo.lake.snapshots()) == 2
