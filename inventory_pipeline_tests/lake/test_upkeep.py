"""Upkeep: what nothing refers to goes after its day, and nothing else ever does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from inventory_pipeline.lake import Lake, LakeError, upkeep
from inventory_pipeline.lake.turns import INGESTION
from inventory_pipeline.lake.upkeep import GRACE, referenced, remove, sweep
from inventory_pipeline_tests.lake.planted import delivery, ids, ingest, usage

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC) + timedelta(days=2)
"""All that the tests write is two days old."""


def files(lake: Lake, table: str = "s3_usage") -> set[str]:
    return {str(p) for p in Path(lake.location, "tables", table).rglob("*") if p.is_file()}


@pytest.fixture
def worn(lake: Lake) -> Lake:
    """A table that was rewritten until its first files were forgotten."""
    for number in range(8):
        lake.replace("s3_usage", [delivery("a")], usage("a", number))
    ingest(lake, [delivery("a")])
    return lake


def test_a_forgotten_file_goes_when_it_was_a_day_without_reference(worn: Lake) -> None:
    before = files(worn)
    first = {one.table: one for one in sweep(worn, NOW)}["s3_usage"]
    assert (first.removed, first.waiting) == (0, len(before - set(referenced_by(worn))))
    assert first.waiting_bytes > 0
    assert files(worn) == before
    assert all(one.removed == 0 for one in sweep(worn, NOW + GRACE - HOUR))
    last = {one.table: one for one in sweep(worn, NOW + GRACE)}["s3_usage"]
    assert (last.removed, last.removed_bytes) == (first.waiting, first.waiting_bytes)
    assert files(worn) == set(referenced_by(worn))
    assert ids(worn.read("s3_usage"), "objects") == [7]
    assert {one.table for one in sweep(worn, NOW + 2 * GRACE)} == set()


def test_a_lake_opened_by_a_link_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    by_link = Lake.open(str(tmp_path / "link" / "lake"))
    by_link.replace("s3_usage", [delivery("a")], usage("a", 1))
    ingest(by_link, [delivery("a")])
    by_disk = Lake.open(str(tmp_path / "disk" / "lake"))
    assert sweep(by_disk, NOW) == sweep(by_disk, NOW + 2 * GRACE) == []
    assert ids(by_link.read("s3_usage"), "objects") == [1]


def referenced_by(lake: Lake, table: str = "s3_usage") -> list[str]:
    iceberg = lake.iceberg(table)
    assert iceberg is not None
    return list(referenced(iceberg))


def test_a_reader_that_opened_before_reads_on(worn: Lake) -> None:
    sweep(worn, NOW)
    sweep(worn, NOW + GRACE)
    opened = worn.iceberg("s3_usage")
    assert opened is not None
    scan = opened.scan()
    for number in range(20, 30):
        worn.replace("s3_usage", [delivery("a")], usage("a", number))
    sweep(worn, NOW + 2 * GRACE)
    sweep(worn, NOW + 3 * GRACE - HOUR)
    assert scan.to_arrow()["objects"].to_pylist() == [7]


def test_what_has_arrived_may_still_be_committed(lake: Lake) -> None:
    lake.replace("s3_usage", [delivery("a")], usage("a", 1))
    arrived = []
    for source in ("b", "c"):
        file = lake.scratch_file()
        pq.write_table(usage(source, 2), file)
        arrived.append(lake.arrive("s3_usage", file, source))
    sweep(lake, NOW)
    lake.replace("s3_usage", [delivery("b")], arrived[:1])
    sweep(lake, NOW + GRACE)
    assert [Path(file.path).exists() for file in arrived] == [True, False]
    ingest(lake, [delivery("a"), delivery("b")])
    assert ids(lake.read("s3_usage"), "objects") == [1, 2]


def test_a_file_that_came_anew_by_its_name_has_its_own_day(worn: Lake) -> None:
    loose = next(f for f in files(worn) - set(referenced_by(worn)) if "/data/" in f)
    sweep(worn, datetime.now(UTC) - GRACE)
    sweep(worn, datetime.now(UTC))
    assert Path(loose).exists()


def test_a_dry_run_changes_nothing(worn: Lake) -> None:
    sweep(worn, NOW, dry_run=True)
    told = sweep(worn, NOW + GRACE, dry_run=True)
    assert all(one.removed == 0 for one in told), "its day has not begun"
    sweep(worn, NOW)
    before = files(worn)
    told = sweep(worn, NOW + GRACE, dry_run=True)
    assert sum(one.removed for one in told) > 0
    assert files(worn) == before


def test_files_are_removed_while_nobody_erases_or_commits(
    worn: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[str, set[str]]] = []

    @contextmanager
    def watched(lake: Lake, work: str) -> Iterator[None]:
        before = files(lake)
        yield
        taken.append((work, before - files(lake)))

    monkeypatch.setattr(upkeep, "alone", watched)
    sweep(worn, NOW)
    assert taken == [], "there was nothing to remove"
    before = files(worn)
    sweep(worn, NOW + GRACE)
    assert taken == [(INGESTION, before - files(worn))]


def test_only_tables_files_are_looked_at(worn: Lake) -> None:
    strange = Path(worn.location, "tables", "somebody_elses", "data.parquet")
    strange.parent.mkdir()
    strange.write_bytes(b"x")
    sweep(worn, NOW)
    sweep(worn, NOW + GRACE)
    assert strange.exists()
    assert Path(worn.location, "catalog.db").exists()


def test_files_outside_the_lake_are_never_removed(lake: Lake, tmp_path: Path) -> None:
    outside = tmp_path / "lakeside.parquet"
    outside.write_bytes(b"")
    with pytest.raises(LakeError, match="not of the lake"):
        remove(lake, [str(outside)])
    assert outside.exists()
