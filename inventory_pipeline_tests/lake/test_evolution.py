"""Columns that a table grows: text, after its contract's, NULL in files that are older."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from inventory_pipeline.columns import Column, bigint, text
from inventory_pipeline.lake import DuckDBEngine, Lake, LakeError, catalog, publish_warehouse
from inventory_pipeline.lake import lake as lake_module
from inventory_pipeline.lake.catalog import load_table, sqlite_catalog
from inventory_pipeline.lake.dialect import LakeState, mart_select
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.lake.planted import delivery, ingest, rows

OLD, NEW = delivery("old"), delivery("new")
CONTRACT = [column.name for column in tables()["s3_objects"].columns]


def objects(partition: Mapping[str, Any], key: str, **more: str) -> pa.Table:
    found = rows("s3_objects", {**partition, "bucket": "b", "key": key})
    for name, value in more.items():
        found = found.append_column(name, pa.array([value], pa.string()))
    return found


@pytest.fixture
def grown(lake: Lake) -> Lake:
    """A lake with a delivery that knew no moods, and one that did."""
    lake.replace("s3_objects", [OLD], objects(OLD, "a"))
    lake.evolve("s3_objects", ["object_mood", "object_age"])
    lake.replace("s3_objects", [NEW], objects(NEW, "b", object_mood="glad"))
    ingest(lake, [OLD, NEW])
    return lake


def told(found: pa.Table) -> list[tuple[str, str | None]]:
    return sorted(zip(found["key"].to_pylist(), found["object_mood"].to_pylist(), strict=True))


def test_every_reader_sees_them(grown: Lake, tmp_path: Path) -> None:
    columns = [*CONTRACT, "object_mood", "object_age"]
    assert [column.name for column in grown.columns("s3_objects")] == columns
    warehouse = tmp_path / "warehouse.duckdb"
    publish_warehouse(grown, warehouse)
    with DuckDBEngine(grown).session({"s3_objects": None}) as db:
        by_engine = db.query("SELECT * FROM s3_objects")
    with duckdb.connect(str(warehouse), read_only=True) as db:
        by_warehouse = db.sql("SELECT * FROM s3_objects").to_arrow_table()
        [(meaning,)] = db.sql(
            "SELECT comment FROM duckdb_columns() WHERE column_name = 'object_mood'"
        ).fetchall()
    assert "does not know" in meaning
    iceberg = load_table(sqlite_catalog(Path(grown.location)), "s3_objects")
    assert iceberg is not None
    for found in (grown.read("s3_objects"), by_engine, by_warehouse):
        assert found.column_names == columns
        assert told(found) == [("a", None), ("b", "glad")]
    assert told(iceberg.scan().to_arrow()) == [("a", None), ("b", "glad")]
    assert grown.read("s3_objects", NEW, ["object_mood"])["object_mood"].to_pylist() == ["glad"]


def test_athenas_statements_see_them() -> None:
    state = LakeState({"s3_objects": [*CONTRACT, "object_mood"]}, [])
    asked = "SELECT * FROM s3_objects WHERE object_mood = 'glad'"
    statement = mart_select("s3_objects", asked, {"s3_objects": {}}, {}, state, "athena")
    assert statement.count("object_mood") == 2


def test_they_outlive_a_rewriting_of_rows(grown: Lake) -> None:
    grown.merge("s3_objects", NEW, lambda earlier: earlier)
    assert told(grown.read("s3_objects", NEW)) == [("b", "glad")]
    with DuckDBEngine(grown).session({"s3_objects": NEW}) as db:
        built = db.build("s3_objects", "SELECT * FROM s3_objects", extra=["object_mood"])
    grown.replace("s3_objects", [NEW], built)
    assert told(grown.read("s3_objects", NEW)) == [("b", "glad")]


def test_growing_again_changes_nothing(grown: Lake) -> None:
    its_catalog = sqlite_catalog(Path(grown.location))
    before = load_table(its_catalog, "s3_objects")
    grown.evolve("s3_objects", ["object_age", "object_mood"])
    grown.evolve("s3_objects", [])
    after = load_table(its_catalog, "s3_objects")
    assert before is not None
    assert after is not None
    assert after.metadata_location == before.metadata_location


def test_a_table_that_is_not_there_can_grow(lake: Lake) -> None:
    lake.evolve("s3_objects", ["object_mood"])
    lake.replace("s3_objects", [NEW], objects(NEW, "b", object_mood="glad"))
    ingest(lake, [NEW])
    assert told(lake.read("s3_objects")) == [("b", "glad")]


def test_a_file_cannot_bring_columns_by_itself(lake: Lake) -> None:
    lake.replace("s3_objects", [NEW], objects(NEW, "a"))
    with pytest.raises(LakeError, match="column object_mood, and the table has not"):
        lake.replace("s3_objects", [NEW], objects(NEW, "b", object_mood="glad"))
    with pytest.raises(LakeError, match="not in its contract"):
        lake.replace("s3_objects", [NEW], objects(NEW, "b").append_column("n", pa.array([1])))
    ingest(lake, [NEW])
    assert lake.read("s3_objects")["key"].to_pylist() == ["a"]


def test_other_tables_do_not_grow(lake: Lake) -> None:
    with pytest.raises(LakeError, match="its columns are those of its contract"):
        lake.evolve("s3_usage", ["mood"])


Contract = Callable[..., tuple[Column, ...]]


def test_a_build_that_learns_a_field_as_text_takes_it_over(grown: Lake, contract: Contract) -> None:
    known = tables()["s3_objects"].columns
    contract("s3_objects", columns=(*known, text("object_mood", "Mood.")))
    grown.replace("s3_objects", [NEW], objects(NEW, "c"))
    found = grown.read("s3_objects")
    assert found.column_names == [*CONTRACT, "object_mood", "object_age"]
    assert told(found) == [("a", None), ("c", None)]


def test_a_build_that_learns_a_field_as_another_type_says_so(
    grown: Lake, contract: Contract
) -> None:
    known = tables()["s3_objects"].columns
    contract("s3_objects", columns=(*known, bigint("object_mood", "Mood.")))
    with pytest.raises(LakeError, match="object_mood is string in this lake"):
        grown.replace("s3_objects", [NEW], objects(NEW, "c"))


def test_of_two_that_grow_a_table_at_once_neither_is_lost(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.replace("s3_objects", [NEW], objects(NEW, "a"))
    grow = catalog.add_columns
    others = iter([["theirs"]])

    def overtaken(*given: Any) -> None:
        for names in others:
            Lake.open(lake.location).evolve("s3_objects", names)
        grow(*given)

    monkeypatch.setattr(lake_module, "add_columns", overtaken)
    lake.evolve("s3_objects", ["ours"])
    assert [column.name for column in lake.columns("s3_objects")] == [*CONTRACT, "theirs", "ours"]
