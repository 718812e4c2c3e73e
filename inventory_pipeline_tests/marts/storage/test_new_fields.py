"""Fields that this build does not know: none is taken for what a mart reads or computes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from inventory_pipeline.lake import Lake
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.storage.growth.comparing import UNCLASSED, UNSIZED
from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.settings.model import S3InventorySettings
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.marts.storage.delivered import (
    TODAY,
    VERSIONS,
    YESTERDAY,
    Row,
    deliver,
    marker,
    obj,
)
from inventory_pipeline_tests.marts.storage.planting import House

DAILY = [mart for mart in marts().values() if mart.partition == "day"]
READERS = [mart for mart in DAILY if "s3_objects" in mart.reads]
PARAMETERS = storage_parameters(S3InventorySettings.model_validate({}))


def names_in_sql() -> list[str]:
    """Every word of the marts' SQL that could be a field's name."""
    own = {column.name for column in tables()["s3_objects"].columns}
    words = (re.findall(r"\b[a-z][a-z0-9_]*\b", mart.sql()) for mart in READERS)
    return sorted({word for found in words for word in found} - own)


def give_new_fields(lake: Lake) -> None:
    """Have every file of objects bring them all."""
    names = names_in_sql()
    assert {"prefix", "bytes", "by_version"} <= {*names}
    lake.evolve("s3_objects", names)
    for file in lake.files("s3_objects"):

        def with_more(rows: pa.Table) -> pa.Table:
            for name in names:
                value = pa.repeat(pa.scalar("new"), rows.num_rows)
                at = rows.schema.get_field_index(name)
                rows = rows.set_column(at, name, value)
            return rows

        lake.merge("s3_objects", file.partition, with_more)


def built(lake: Lake, engine: Any) -> dict[str, list[Row]]:
    """The rows of every mart of objects, today."""
    found: dict[str, list[Row]] = {}
    for mart in DAILY:
        if mart in READERS or mart.table in ("storage_usage", "storage_costs"):
            build_mart(engine, mart, TODAY, PARAMETERS)
            found[mart.table] = sorted(lake.read(mart.table).to_pylist(), key=str)
    return found


@pytest.mark.full
def test_a_new_field_changes_no_mart(tmp_path: Path) -> None:
    house = House(tmp_path)
    old = [obj("a/1", version_id="1"), obj("a/2", version_id="2"), marker("b/3", "3")]
    new = [obj("a/1", 7, "2", version_id="4"), obj("a/1", version_id="1", is_latest=False)]
    deliver(house.lake, old, YESTERDAY, schema=VERSIONS)
    deliver(house.lake, [*new, marker("b/3", "3"), marker("c/@", "5")], schema=VERSIONS)
    before = built(house.lake, house.engine)
    assert {row["prefix"] for row in before["storage_waste"]} >= {"a/", "b/"}
    assert len(before["storage_growth"]) > 1
    give_new_fields(house.lake)
    assert built(house.lake, house.engine) == before


SCHEMAS = {
    "csv": "Bucket, Key, OriginalSize, StorageClassChangeDate",
    "orc": "struct<bucket:string,key:string,original_size:bigint,"
    "storage_class_change_date:timestamp>",
    "parquet": "message s3.inventory {  required binary key (STRING);  optional int64 original_size"
    ";  optional int64 storage_class_change_date (TIMESTAMP(MILLIS,true));}",
}


def test_a_field_is_not_told_by_another_whose_name_contains_its_own(tmp_path: Path) -> None:
    lake, engine = (house := House(tmp_path)).lake, house.engine
    for name, schema in SCHEMAS.items():
        for day in (YESTERDAY, TODAY):
            deliver(lake, [obj(f"a/{day}")], day, configuration=name, schema=schema)
    for table in ("storage_usage", "storage_trend", "storage_growth"):
        build_mart(engine, marts()[table], TODAY, PARAMETERS)
    trends = lake.read("storage_trend").to_pylist()
    assert {row["configuration_id"]: row["bytes"] for row in trends} == dict.fromkeys(SCHEMAS)
    grown = lake.read("storage_growth").to_pylist()
    assert {row["bytes_net"] for row in grown} == {None}
    unknown = {(row["configuration_id"], row["unknown_reason"]) for row in grown}
    assert unknown >= {(name, why) for name in SCHEMAS for why in (UNSIZED, UNCLASSED)}
