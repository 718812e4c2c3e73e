"""Erasure: no byte of the keys is left in the lake, all else is, and nothing brings them back.

The tests of the full tier take some 20 seconds of CPU.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from inventory_pipeline.archive.store import delete
from inventory_pipeline.columns import ColumnType
from inventory_pipeline.lake import Lake, LakeError, publish_warehouse
from inventory_pipeline.lake.turns import Turn
from inventory_pipeline.reports import erasure, find_deliveries, unsettled
from inventory_pipeline.reports.erasure import (
    Erased,
    Erasing,
    Keys,
    Survey,
    derived_tables,
    survey,
)
from inventory_pipeline.tables import Table, tables
from inventory_pipeline_tests.faults.searching import Needles, found_in
from inventory_pipeline_tests.lake.planted import rows
from inventory_pipeline_tests.reports.conftest import House, Place
from inventory_pipeline_tests.reports.writer import Writer, gzipped

T0 = datetime(2026, 11, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = datetime(2026, 11, 20, 12, tzinfo=UTC)
MARK = "Cnry7b1f0"
PREFIX = f"people/{MARK}/"
NEEDLES = Needles.of(MARK, [])
KEYS = Keys("photos", PREFIX)


@dataclass(frozen=True)
class Estate:
    """A lake that knows the keys in every place that there is."""

    house: House
    folder: Path

    @property
    def lake(self) -> Lake:
        return self.house.lake

    @property
    def warehouse(self) -> Path:
        return self.folder / "lake" / "warehouse.duckdb"

    def publish(self) -> None:
        publish_warehouse(self.lake, self.warehouse, "512MB")

    def erase(self, keys: Keys = KEYS, **changes: Any) -> Erased:
        erasing = Erasing(
            engine=self.house.engine,
            keys=keys,
            by="somebody",
            clock=lambda: LATER,
            prefix_depth=2,
            prefix_limit=1000,
            delete_manifest=lambda uri: delete(uri, lambda: self.house.s3),
            publish=self.publish,
        )
        return replace(erasing, **changes).run(survey(self.house.engine, keys))

    def found(self) -> dict[str, list[str]]:
        return found_in(self.folder, NEEDLES)

    def keep_manifest(self, content: str) -> str:
        """Write a manifest; returns its address."""
        manifest = self.folder / "manifests" / "m.csv"
        manifest.parent.mkdir()
        manifest.write_text(content)
        return manifest.as_uri()

    def listed(self) -> list[tuple[str, str]]:
        return sorted((row["source_bucket"], row["key"]) for row in self.house.rows("s3_objects"))

    def shown(self) -> dict[int, set[str]]:
        """The keys of photos that readers see, by day."""
        found: dict[int, set[str]] = {}
        for row in self.house.rows("s3_objects"):
            if row["source_bucket"] == "photos":
                found.setdefault(row["delivered_on"].day, set()).add(row["key"])
        return found

    def statuses(self) -> list[tuple[str, int, str]]:
        ledger = self.house.rows("s3_deliveries")
        return sorted((r["source_bucket"], r["delivered_at"].day, r["status"]) for r in ledger)


@pytest.fixture
def estate(house: House, tmp_path: Path) -> Estate:
    estate = Estate(house, tmp_path)
    plant_everywhere(estate)
    estate.publish()
    return estate


def ingest_some(house: House) -> None:
    """Two deliveries of a bucket, the first of which came again, and one of another bucket."""
    mine = [f"{PREFIX}{n}.jpg" for n in range(3)]
    objects = [{"key": key, "size": 10, "is_latest": True} for key in [*mine, "people/", "b/1"]]
    writer = Writer(house.s3, source="photos")
    writer.deliver(T0, objects, format="Parquet")
    writer.deliver(T0 + DAY, objects[:3])
    Writer(house.s3, source="other").deliver(T0, [{"key": "people/x/1", "size": 1}])
    house.ingest()
    writer.deliver(T0, [*objects, {"key": f"{PREFIX}late.jpg", "size": 10, "is_latest": True}])
    house.ingest()


def plant_everywhere(estate: Estate) -> None:
    """Deliveries, a row in every other table that can name a key, a manifest, and files that nobody
    committed."""
    lake = estate.lake
    ingest_some(estate.house)
    uri = estate.keep_manifest(f"photos,{PREFIX}0.jpg\n")
    for table in derived_tables():
        columns = KEYS.columns(table) - {"source_bucket"}
        if not columns or table.name in ("s3_objects", "s3_usage"):
            continue
        mine = dict.fromkeys(columns, f"{PREFIX}0.jpg") | place(table, "photos")
        others = dict.fromkeys(columns, "people/x") | place(table, "photos")
        partition = {name: mine[name] for name in table.partitioned_by}
        lake.replace(table.name, [partition], rows(table.name, mine, others))
    manifests = tables()["archive_manifests"]
    recorded = place(manifests, "photos") | {"uri": uri}
    partition = place(manifests, "photos")
    lake.replace("archive_manifests", [partition], rows("archive_manifests", recorded))
    abandoned = rows("s3_objects", {**place(tables()["s3_objects"], "photos"), "key": PREFIX})
    pq.write_table(abandoned, lake.scratch / "of-a-dead-run.parquet")
    os.utime(lake.scratch / "of-a-dead-run.parquet", (0, 0))
    staged = lake.scratch_file()
    pq.write_table(abandoned, staged)
    lake.arrive("s3_objects", staged, "staged")


def place(table: Table, source: str) -> dict[str, Any]:
    """A delivery's columns, as far as the table has them."""
    found = {"delivered_on": T0.date(), "source_bucket": source, "configuration_id": "daily"}
    return {c.name: found[c.name] for c in table.columns if c.name in found}


def test_no_byte_of_the_keys_is_left_and_all_else_is(estate: Estate) -> None:
    before = estate.found()
    kinds = {Path(path).suffix for path in before}
    assert kinds == {".parquet", ".duckdb", ".csv"}, "or the search would prove nothing"
    found = survey(estate.house.engine, KEYS)
    assert estate.erase().left == ()
    assert estate.found() == {}
    assert_all_else_is_there(estate)
    assert_the_record_says_what_was_done_but_not_the_prefix(estate, found)


def assert_all_else_is_there(estate: Estate) -> None:
    assert estate.listed() == [
        ("other", "people/x/1"), ("photos", "b/1"), ("photos", "people/")
    ]  # fmt: skip
    assert estate.statuses() == [
        ("other", 1, "ingested"),
        ("photos", 1, "ingested"), ("photos", 1, "superseded"), ("photos", 2, "erased"),
    ]  # fmt: skip
    for table in derived_tables():
        if KEYS.columns(table) and table.name not in ("s3_objects", "s3_usage"):
            assert estate.lake.iceberg(table.name).scan().count() == 1, table.name  # type: ignore[union-attr]
    assert_usage_is_that_of_what_remains(estate)


def assert_usage_is_that_of_what_remains(estate: Estate) -> None:
    usage = [row for row in estate.house.rows("s3_usage") if row["source_bucket"] == "photos"]
    assert sorted((row["prefix"], row["objects"], row["bytes"]) for row in usage) == [
        ("b/", 1, 10), ("people/", 1, 10)
    ]  # fmt: skip
    ledger = estate.house.rows("s3_deliveries")
    assert sorted(row["rows"] for row in ledger if row["status"] == "ingested") == [1, 2]


def assert_the_record_says_what_was_done_but_not_the_prefix(estate: Estate, found: Survey) -> None:
    (record,) = estate.house.rows("erasures")
    assert record["prefix_sha256"] == hashlib.sha256(PREFIX.encode()).hexdigest()
    assert (record["source_bucket"], record["requested_by"]) == ("photos", "somebody")
    assert record["finished_at"] == LATER
    assert record["rows"] == sum(held.rows for held in found.held) > 8
    assert (record["deliveries"], record["manifests"]) == (2, 1)
    assert record["tables"] == len(found.held)


def test_nothing_brings_them_back(estate: Estate, s3: Any) -> None:
    """Neither the sensor nor the older manifest of a delivery that was ingested twice."""
    estate.erase()
    estate.erase(Keys("photos"))
    found = find_deliveries(s3, Place())
    left = unsettled(estate.lake, s3, found)
    assert (left.ready, left.left, left.under_way) == ([], [], [])
    assert estate.listed() == [("other", "people/x/1")]
    results = estate.house.ingest(deliveries=[found.deliveries[0]])
    assert [(r.delivery.source_bucket, r.status) for r in results] == [("other", "skipped")]


@pytest.mark.full
def test_a_later_delivery_is_ingested(estate: Estate, s3: Any) -> None:
    estate.erase(Keys("photos"))
    Writer(s3, source="photos").deliver(T0 + 2 * DAY, [{"key": "new", "size": 1}])
    Writer(s3, source="photos").deliver(T0, [{"key": "written anew", "size": 1}])
    found = find_deliveries(s3, Place())
    new = [w.delivery for w in unsettled(estate.lake, s3, found).ready]
    assert [result.status for result in estate.house.ingest(deliveries=new)] == ["ingested"] * 2
    assert ("photos", "new") in estate.listed()
    assert ("photos", "written anew") in estate.listed()


@pytest.mark.full
def test_an_ingestion_that_was_cut_short_leaves_no_prefixes(
    house: House, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects and usage are committed, and the ledger does not know of them."""
    Writer(s3, source="photos").deliver(T0, [{"key": f"{PREFIX}1.jpg", "size": 1}])
    ingestion = sys.modules["inventory_pipeline.reports.ingest"]  # the package has its function
    monkeypatch.setattr(ingestion, "record_news", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        house.ingest()
    monkeypatch.undo()
    assert {held.table for held in survey(house.engine, KEYS).held} == {"s3_objects", "s3_usage"}
    erasing = Erasing(
        engine=house.engine, keys=KEYS, by="somebody", clock=lambda: LATER, prefix_depth=2,
        prefix_limit=1000, delete_manifest=lambda _: None, publish=lambda: None,
    )  # fmt: skip
    assert erasing.run(survey(house.engine, KEYS)).left == ()
    assert survey(house.engine, KEYS).held == ()
    assert [one.status for one in house.ingest()] == ["ingested"]


def test_what_arrived_for_a_table_that_is_not_there_yet_is_erased(
    house: House, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very first ingestion was killed before it committed anything."""
    Writer(s3, source="photos").deliver(T0, [{"key": f"{PREFIX}1.jpg", "size": 1}])
    monkeypatch.setattr(
        sys.modules["inventory_pipeline.reports.ingest"], "_commit", lambda *_: 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        house.ingest()
    estate = Estate(house, Path(house.lake.location))
    assert estate.found() != {}
    assert estate.erase(publish=lambda: None).removed == 1
    assert estate.found() == {}


@pytest.mark.parametrize("keys", [KEYS, Keys("photos")])
def test_why_a_report_is_quarantined_quotes_no_key(house: House, s3: Any, keys: Keys) -> None:
    """Such as one whose fields are displaced: a key stands where its size should."""
    bodies = [gzipped(f'"photos","k","people%2F{MARK}"\n'.encode())]
    Writer(s3, source="photos").deliver(T0, bodies=bodies, fields=("Bucket", "Key", "Size"))
    house.ingest()
    estate = Estate(house, Path(house.lake.location))
    assert MARK in house.rows("s3_deliveries")[0]["error"]
    estate.erase(keys, publish=lambda: None)
    (row,) = house.rows("s3_deliveries")
    assert row["status"] == "quarantined"
    assert row["error"].startswith("its words were erased on request; once mended: inventory")
    assert estate.found() == {}


def test_looking_changes_nothing(estate: Estate) -> None:
    before = {path: path.stat().st_mtime_ns for path in estate.folder.rglob("*")}
    survey(estate.house.engine, KEYS)
    after = {path: path.stat().st_mtime_ns for path in estate.folder.rglob("*")}
    scratch = estate.lake.scratch
    assert {p: t for p, t in before.items() if p != scratch} == {
        p: t for p, t in after.items() if p != scratch
    }


@pytest.mark.full
def test_cut_short_anywhere_it_is_completed_by_the_next_run(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before each of its commits in turn; readers never see half of a delivery."""
    commit = Lake._commit
    whole = estate.shown()

    class KilledError(Exception):
        pass

    for allowed in range(100):
        left = iter(range(allowed))

        def counted(lake: Lake, *rest: Any, left: Iterator[int] = left) -> Any:
            if next(left, None) is None:
                raise KilledError
            return commit(lake, *rest)

        monkeypatch.setattr(Lake, "_commit", counted)
        try:
            erased = estate.erase()
        except KilledError:
            shown = estate.shown()
            assert shown.get(1) in (whole[1], None, {"people/", "b/1"})
            assert shown.get(2) in (whole[2], None)
        else:
            break
    assert allowed > 10
    assert erased.left == ()
    assert estate.found() == {}
    assert ("photos", 1, "ingested") in estate.statuses()
    (record,) = estate.house.rows("erasures")
    assert record["rows"] > 8
    assert record["finished_at"] == LATER


def test_an_erasure_that_loses_its_turn_goes_no_further(
    house: House, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Writer(s3, source="photos").deliver(T0, [{"key": f"{PREFIX}1.jpg", "size": 1}])
    house.ingest()
    estate = Estate(house, Path(house.lake.location))

    def check() -> None:
        raise LakeError("lost")

    @contextmanager
    def lost(*_: Any) -> Iterator[Turn]:
        yield Turn(check)

    monkeypatch.setattr(erasure, "alone", lost)
    with pytest.raises(LakeError, match="lost"):
        estate.erase()
    monkeypatch.undo()
    assert estate.listed() == [("photos", f"{PREFIX}1.jpg")]
    assert estate.erase(publish=lambda: None).left == ()
    assert estate.listed() == []
    assert len(house.rows("erasures")) == 1


@pytest.mark.full
def test_what_cannot_be_deleted_is_told_and_the_record_stays_open(estate: Estate) -> None:
    def refuse(uri: str) -> None:
        raise PermissionError("no")

    for _ in range(2):
        erased = estate.erase(delete_manifest=refuse)
        assert "m.csv is not deleted: PermissionError: no" in erased.left[0]
        assert "manifests/m.csv" in estate.found()
        (record,) = estate.house.rows("erasures")
        assert record["finished_at"] is None
    assert {path.split("/")[2] for path in estate.found() if "/tables/" in path} == {
        "archive_candidates"
    }, "which lead to the manifest"
    assert estate.erase().left == ()
    assert estate.found() == {}
    (record,) = estate.house.rows("erasures")
    assert record["finished_at"] == LATER


@pytest.mark.full
def test_a_run_under_way_keeps_its_scratch_and_the_erasure_open(estate: Estate) -> None:
    (estate.lake.scratch / "busy").mkdir()
    assert "may be of a run under way" in estate.erase().left[0]
    assert (estate.lake.scratch / "busy").exists()


def test_other_buckets_keep_keys_of_the_same_name_and_rows_all_their_columns(
    house: House, s3: Any
) -> None:
    for source in ("photos", "other"):
        objects = [{"key": key, "object_mood": "glad"} for key in (f"{PREFIX}a", "b")]
        Writer(s3, source=source).deliver(T0, objects, fields=("Bucket", "Key", "ObjectMood"))
    house.ingest()
    estate = Estate(house, Path(house.lake.location))
    estate.erase(publish=lambda: None)
    assert estate.listed() == [("other", "b"), ("other", f"{PREFIX}a"), ("photos", "b")]
    with house.engine.session({"s3_objects": {"source_bucket": "photos"}}) as db:
        assert db.query("SELECT object_mood FROM s3_objects").to_pylist() == [
            {"object_mood": "glad"}
        ]


def test_a_prefix_that_begins_a_price_leaves_costs_as_they_are(house: House) -> None:
    row = {**place(tables()["storage_costs"], "photos"), "prefix": "b/", "price_key": "STANDARD"}
    partition = {"delivered_on": T0.date()}
    house.lake.replace("storage_costs", [partition], rows("storage_costs", row))
    assert survey(house.engine, Keys("photos", "S")).held == ()
    assert [held.rows for held in survey(house.engine, Keys("photos", "b")).held] == [1]


def test_columns_that_hold_keys_are_known_by_their_names() -> None:
    """What a column means says whether it holds keys; a name that hides it would not be erased."""
    hidden = {
        f"{table.name}.{column.name}"
        for table in derived_tables()
        for column in table.columns
        if column.type in (ColumnType.TEXT, ColumnType.TEXT_LIST, ColumnType.TAGS)
        and re.search(r"\b(key|prefix)", column.meaning.lower())
        and column.name not in KEYS.columns(table)
    }
    assert hidden <= {
        "storage_costs.price_key",
        "storage_growth.change",
        "storage_waste.kind",
        "personal_data_prefixes.rule_id",
        "personal_data_prefixes.sample",
    }
