import os
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from inventory_pipeline.lake import Lake, publish_warehouse, warehouse
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.lake.planted import (
    DAY,
    NEWER,
    OLDER,
    delivery,
    ingest,
    instances,
    publish,
    rows,
    usage,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "any 'name'.duckdb"


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(sql).fetchall()


def test_every_table_is_there_with_the_contract_s_types_and_meanings(lake: Lake, path: Path):
    result = publish_warehouse(lake, path)
    found = query(
        path,
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE NOT internal",
    )
    expected = [
        (t.name, c.name, c.type.value, c.meaning) for t in tables().values() for c in t.columns
    ]
    assert sorted(found) == sorted(expected)
    comments = dict(query(path, "SELECT table_name, comment FROM duckdb_tables()"))
    assert len(comments) == result.tables == len(tables()) - 1, "s3_objects is a view"
    assert comments["ebs_volumes"].startswith(tables()["ebs_volumes"].meaning)
    views = dict(query(path, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert views.keys() == {"s3_objects"}
    assert all(views.values())
    assert result.rows == 0
    assert result.bytes == path.stat().st_size


def test_observations_are_the_newest_and_marts_are_whole(lake: Lake, path: Path):
    for at in (OLDER, NEWER):
        lake.replace("ec2_instances", [{"snapshot_at": at}], instances(at, f"i-{at.hour}"))
        cost = rows("cost_by_service", {"snapshot_at": at, "service": "ec2"})
        lake.replace("cost_by_service", [{"snapshot_at": at}], cost)
        publish(lake, at)
    # Of the newest snapshot there are no volumes: those of the older one must not stand in.
    volume = rows("ebs_volumes", {"snapshot_at": OLDER, "resource_id": "vol-1"})
    lake.replace("ebs_volumes", [{"snapshot_at": OLDER}], volume)
    unpublished = NEWER + timedelta(hours=12)
    lake.replace("ec2_instances", [{"snapshot_at": unpublished}], instances(unpublished, "i-9"))
    lake.replace("prices", [{}], rows("prices", {"service": "ec2", "key": "m5.large:linux"}))

    result = publish_warehouse(lake, path)

    assert query(path, "SELECT * FROM ebs_volumes") == []
    assert query(path, "SELECT resource_id FROM ec2_instances") == [("i-12",)]
    assert query(path, "SELECT count(*) FROM cost_by_service") == [(2,)]
    assert query(path, "SELECT count(*) FROM snapshots") == [(2,)]
    assert query(path, "SELECT key FROM prices") == [("m5.large:linux",)]
    assert result.rows == 1 + 2 + 2 + 1


def test_the_newest_two_deliveries_of_each_configuration_are_shown(lake: Lake, path: Path):
    # Bucket b is delivered weekly, so its two newest are older than a's third.
    ages = {"a": [0, 1, 2], "b": [3, 10, 17]}
    found = [delivery(b, DAY - timedelta(days=age)) for b, of_b in ages.items() for age in of_b]
    for partition in found:
        day, bucket = partition["delivered_on"], partition["source_bucket"]
        lake.replace("s3_usage", [partition], usage(bucket, 1, day=day))
        objects = rows("s3_objects", {**partition, "key": f"it's {day}", "size": 2**30 + 1})
        lake.replace("s3_objects", [partition], objects)
    ingest(lake, found)

    publish_warehouse(lake, path)

    expected = [(b, DAY - timedelta(days=age)) for b, of_b in ages.items() for age in of_b[:2]]
    for table in ("s3_usage", "s3_objects"):
        shown = query(path, f"SELECT source_bucket, delivered_on FROM {table}")
        assert sorted(shown) == sorted(expected)
    assert query(path, "SELECT count(*) FROM s3_deliveries") == [(6,)]
    assert query(path, "SELECT DISTINCT CAST(gb(size) AS VARCHAR) FROM s3_objects") == [
        ("1.000000",)
    ]


def test_a_failed_build_leaves_the_old_file_and_nothing_else(
    lake: Lake, path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish_warehouse(lake, path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(warehouse, "_sync", fail)
    with pytest.raises(OSError, match="no space"):
        publish_warehouse(lake, path)
    assert path.read_bytes() == before
    assert [f.name for f in path.parent.iterdir() if f.is_file()] == [path.name]


def test_only_what_dead_builds_left_is_removed(lake: Lake, path: Path):
    dead = 2**22 + 1  # above the largest process id
    leftover = [f"{path.name}.{dead}.tmp", f"{path.name}.{dead}.tmp.wal"]
    others = [f"{path.name}.{os.getppid()}.tmp", f"{path.name}.backup", f"x{path.name}.{dead}.tmp"]
    for name in leftover + others:
        path.with_name(name).touch()
    publish_warehouse(lake, path)
    found = {file.name for file in path.parent.iterdir() if file.is_file()}
    assert found == {path.name, *others}


def test_a_large_table_is_published_in_bounded_memory(lake: Lake, path: Path):
    many = 400_000
    key = pa.array([f"{i:040}" for i in range(many)])
    candidates = rows("archive_candidates", {**delivery("a"), "key": "k"}).take([0] * many)
    at = candidates.schema.get_field_index("key")
    lake.replace("archive_candidates", [delivery("a")], candidates.set_column(at, "key", key))
    ingest(lake, [delivery("a")])
    publish_warehouse(lake, path, memory_limit="60MB")
    assert query(path, "SELECT count(DISTINCT key) FROM archive_candidates") == [(many,)]
