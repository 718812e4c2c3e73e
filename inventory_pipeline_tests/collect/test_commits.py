"""Cells are committed while others are looked at, in chunks of bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from inventory_pipeline.accounts import Account
from inventory_pipeline.collect import commits, spool
from inventory_pipeline.collect.cells import Cell
from inventory_pipeline.collect.commits import Commits
from inventory_pipeline.collect.look import CellResult
from inventory_pipeline.collect.spool import Chunk, Spool
from inventory_pipeline.lake import Lake
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.collect.test_merge import AT, V, edge, ledger_row, metric, volume

ACCOUNT = Account("1", "one")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def result(region: str, resources: int = 1, status: str = "ok") -> CellResult:
    """A cell of volumes, each with an edge and a statistic."""
    names = [f"{region}-{n}" for n in range(resources)]
    return CellResult(
        Cell(ACCOUNT, region, resource_types()[V]),
        [volume("1", region, name) for name in names],
        [edge("1", region, name, "i-1") for name in names],
        [metric("1", region, name, 1.0) for name in names],
        [ledger_row("1", region, V, status)],
        {},
    )


@pytest.fixture
def chunks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cells of each chunk that was committed; they join nothing."""
    committed: list[int] = []
    monkeypatch.setattr(
        commits, "join_chunk", lambda lake, at, chunk: committed.append(chunk.rows["coverage"])
    )
    return committed


def test_cells_are_committed_every_so_often(lake: Lake, chunks: list[int]) -> None:
    clock = Clock()
    with Commits(lake, AT, 300, clock) as done:
        for n in range(10):
            clock.seconds += 100
            done.add(result(f"r{n}"))
    assert chunks == [3, 3, 3, 1]
    assert (done.rows["ebs_volumes"], done.rows["resources"]) == (10, 10)
    assert done.statuses == {"ok": 10}


def test_many_rows_are_committed_before_their_time(
    lake: Lake, chunks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "COMMIT_ROWS", 20)
    with Commits(lake, AT, 300, Clock()) as done:
        for n in range(5):
            done.add(result(f"r{n}", resources=3))  # 13 rows in five tables
    assert chunks == [2, 2, 1]


def test_what_was_seen_before_an_error_is_committed(lake: Lake, chunks: list[int]) -> None:
    def interrupted() -> None:
        with Commits(lake, AT, 300, Clock()) as done:
            done.add(result("r1"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert chunks == [1]


def test_a_commit_that_fails_ends_the_collection(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(commits, "join_chunk", fail)
    monkeypatch.setattr(commits, "COMMIT_ROWS", 1)
    asked: list[int] = []

    def collected() -> None:
        with Commits(lake, AT, 300, Clock()) as done:
            for n in range(10):
                done.add(result(f"r{n}"))
                asked.append(n)

    with pytest.raises(OSError, match="disk full"):
        collected()
    assert len(asked) <= 2, "at the latest when the next chunk is due"


def test_rows_wait_in_bounded_number(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "PENDING_ROWS", 50)
    filling = Spool(lake)
    for n in range(40):
        filling.add(result(f"r{n}", resources=n % 7))
        assert sum(map(len, filling._pending.values())) <= 50
    chunk = filling.finish()
    found = {name: pq.read_table(file) for name, file in chunk.files.items()}
    assert {name: table.num_rows for name, table in found.items()} == chunk.rows
    expected = {f"r{n}-{i}" for n in range(40) for i in range(n % 7)}
    for name in ("ebs_volumes", "resources", "metrics"):
        assert set(found[name]["resource_id"].to_pylist()) == expected
    assert filling.finish() == Chunk({}, {})
