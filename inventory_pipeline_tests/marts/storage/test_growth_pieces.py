"""Growth piece by piece: ranges of keys, small deliveries together, and what goes wrong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline.marts.storage.growth import building
from inventory_pipeline.marts.storage.growth.ranges import KeyRange, RowGroup, cut
from inventory_pipeline_tests.marts.storage.delivered import (
    CURRENT,
    TODAY,
    VERSIONS,
    YESTERDAY,
    Row,
    deliver,
    obj,
)
from inventory_pipeline_tests.marts.storage.test_growth import amounts, grown


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def written(lake: Lake, objects: Sequence[Row], day: date, files: int) -> None:
    """A delivery whose data files have row groups of two rows, and overlap."""
    deliver(lake, objects, day)
    part = {"delivered_on": day, "source_bucket": "data-1", "configuration_id": "daily"}
    rows: pa.Table = lake.read("s3_objects", part)
    paths = [lake.scratch_file() for _ in range(files)]
    for number, path in enumerate(paths):
        pq.write_table(rows.take(list(range(number, len(rows), files))), path, row_group_size=2)
    lake.replace("s3_objects", [part], paths)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[building.Piece]:
    """The pieces compared, each of a few rows."""
    compared: list[building.Piece] = []
    compare = building._compare

    def noted(db: Any, piece: building.Piece, *rest: Any) -> None:
        compared.append(piece)
        compare(db, piece, *rest)

    monkeypatch.setattr(building, "PIECE_ROWS", 8)
    monkeypatch.setattr(building, "_compare", noted)
    return compared


HOSTILE = ("", "'; --", "é", "\ud7ff", "\U0001f600", "\x00", "\x7f", "$low")


def test_ranges_of_keys_give_what_the_whole_does(lake: Lake, pieces: list[building.Piece]) -> None:
    keys = sorted(f"{n:02}/{text}" for n in range(12) for text in HOSTILE)
    before = [obj(key) for n, key in enumerate(keys) if n % 5]
    after = [obj(key, content=n % 3) for n, key in enumerate(keys) if n % 7]
    written(lake, before, YESTERDAY, 2)
    written(lake, after, TODAY, 3)
    rows = grown(lake)
    assert len(pieces) > 10
    assert [pieces[0].low, pieces[-1].high] == [None, None]
    assert all(len(piece.before) <= 2 and len(piece.after) <= 3 for piece in pieces)
    old, new = ({row["key"]: row["e_tag"] for row in side} for side in (before, after))
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["change"]] += max(row["objects_added"], row["objects_removed"])
    assert totals == {
        "created": len(new.keys() - old.keys()),
        "deleted": len(old.keys() - new.keys()),
        "overwritten": sum(old[key] != new[key] for key in old.keys() & new.keys()),
    }


def test_unsorted_files_are_compared_whole(lake: Lake, pieces: list[building.Piece]) -> None:
    objects = [obj(f"{n * 37 % 101:03}") for n in range(60)]
    written(lake, objects[:50], YESTERDAY, 1)
    written(lake, objects[10:], TODAY, 1)
    assert amounts(grown(lake), "change") == {
        ("created",): (10, 0, 100, 0),
        ("deleted",): (0, 10, 0, 100),
    }
    assert [(piece.low, piece.high) for piece in pieces] == [(None, None)]


def test_small_deliveries_are_compared_together(lake: Lake, pieces: list[building.Piece]) -> None:
    for day, count in ((YESTERDAY, 2), (TODAY, 1)):
        for number in range(4):
            objects = [obj(str(n)) for n in range(count)]
            schema = VERSIONS if number % 2 else CURRENT
            deliver(lake, objects, day, bucket=f"b{number}", schema=schema)
    found = amounts(grown(lake), "source_bucket", "change")
    assert found == {(f"b{n}", "deleted"): (0, 1, 0, 10) for n in range(4)}
    assert len(pieces) == 2


def test_statistics_that_lie_lose_nothing(
    lake: Lake, pieces: list[building.Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = [obj(f"{n:03}") for n in range(40)]
    for day in (YESTERDAY, TODAY):
        written(lake, objects, day, 2)

    def forgetful(groups: Sequence[RowGroup], most_rows: int) -> list[KeyRange]:
        first, *others = cut(groups, most_rows)
        return [replace(first, files={"before": first.files["before"]}), *others]

    monkeypatch.setattr(building, "cut", forgetful)
    assert grown(lake) == []
    assert len(pieces) > 2
    assert (pieces[-1].low, pieces[-1].high) == (None, None)
