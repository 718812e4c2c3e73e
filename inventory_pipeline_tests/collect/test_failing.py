"""Cells that fail again: since when, and told of once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.collect.changes import build_changes
from inventory_pipeline.collect.failing import NAMED, note_repeated_failures, note_told
from inventory_pipeline.collect.publication import UnpublishedError
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline_tests.collect.test_changes import at, take
from inventory_pipeline_tests.collect.test_merge import V

SECOND = "ec2_instance"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def note(lake: Lake, n: int, ledger: dict[str, str]) -> Any:
    take(lake, n, ledger=ledger)
    return note_repeated_failures(DuckDBEngine(lake), at(n))


def streaks(lake: Lake, n: int) -> dict[str, int]:
    """The number of the snapshot since which each collector fails."""
    rows = lake.read("repeated_failures", {"snapshot_at": at(n)}).to_pylist()
    return {r["collector"]: next(i for i in range(9) if at(i) == r["since"]) for r in rows}


def test_a_failure_counts_when_it_is_repeated(lake: Lake) -> None:
    denied = {V: "denied", f"{V}.metrics": "not_attempted", SECOND: "ok", f"{SECOND}.x": "error"}
    assert note(lake, 0, denied).failing == 0
    found = note(lake, 1, {**denied, SECOND: "region_disabled", V: "timeout"})
    assert (found.failing, found.untold) == (2, 2)
    assert {row["collector"] for row in found.named} == {V, f"{SECOND}.x"}
    assert next(row for row in found.named if row["collector"] == V)["status"] == "timeout"
    assert streaks(lake, 1) == {V: 0, f"{SECOND}.x": 0}
    note(lake, 2, {V: "not_attempted"})
    assert streaks(lake, 2) == {V: 0}, "an endpoint that was given up as silent"
    assert note(lake, 3, {V: "ok"}).failing == 0
    note(lake, 4, {V: "denied"})
    note(lake, 5, {V: "denied"})
    assert streaks(lake, 5) == {V: 4}, "a new streak"


def test_each_streak_is_told_of_once(lake: Lake) -> None:
    engine = DuckDBEngine(lake)
    note(lake, 0, {V: "denied"})
    assert note(lake, 1, {V: "denied", SECOND: "denied"}).untold == 1
    assert note_repeated_failures(engine, at(1)).untold == 1, "nobody has heard yet"
    note_told(engine, at(1), at(1))
    again = note_repeated_failures(engine, at(1))
    assert (again.failing, again.untold) == (1, 0)
    found = note(lake, 2, {V: "denied", SECOND: "denied"})
    assert [row["collector"] for row in found.named_untold] == [SECOND]
    note_told(engine, at(2), at(2))
    (first,) = lake.read("repeated_failures", {"snapshot_at": at(2), "collector": V}).to_pylist()
    assert first["told_at"] == at(1)
    note(lake, 3, {V: "ok", SECOND: "denied"})
    note(lake, 4, {V: "denied", SECOND: "denied"})
    assert note(lake, 5, {V: "denied", SECOND: "denied"}).untold == 1, "of the new streak"


def test_a_hundred_failures_are_counted_and_some_named(lake: Lake) -> None:
    many = {f"{V}.{n:03}": "denied" for n in range(100)}
    note(lake, 0, many)
    found = note(lake, 1, many)
    assert (found.failing, len(found.named), len(found.named_untold)) == (100, NAMED, NAMED)


def test_what_is_not_published_cannot_be_compared(lake: Lake) -> None:
    for compare in (note_repeated_failures, build_changes):
        with pytest.raises(UnpublishedError, match="collect it first"):
            compare(DuckDBEngine(lake), at(0))
