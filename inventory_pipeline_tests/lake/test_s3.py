"""The same lake on S3 with the Glue catalogue, both simulated."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from inventory_pipeline.lake import DataFile, DuckDBEngine, Lake, Rewriting, publish_warehouse
from inventory_pipeline.lake.erasing import erase_rows, forget_history, holding
from inventory_pipeline.lake.upkeep import GRACE, sweep
from inventory_pipeline_tests.lake.planted import (
    DAY,
    NEWER,
    delivery,
    ids,
    ingest,
    instances,
    publish,
    usage,
)


def test_the_same_operations_hold_on_s3_with_glue(s3_lake: Lake, tmp_path: Path):
    lake = s3_lake
    assert not lake.is_local
    assert lake.read("s3_usage").num_rows == 0
    both = pa.concat_tables([usage("a", 1), usage("b", 2)])
    lake.replace("s3_usage", [delivery("a"), delivery("b")], both)
    lake.replace("s3_usage", [delivery("a")], usage("a", 3))
    commit = lake.merge(
        "s3_usage", delivery("b"), lambda earlier: pa.concat_tables([earlier, usage("b", 4)])
    )
    assert (commit.rows, commit.files, commit.conflicts) == (2, 1, 0)
    assert lake.read("s3_usage").num_rows == 0, "not ingested yet"
    ingest(lake, [delivery("a"), delivery("b")])
    assert ids(lake.read("s3_usage"), "objects") == [2, 3, 4]
    assert all(f.path.startswith("s3://lake-bucket/prod/tables/") for f in lake.files("s3_usage"))

    lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER, "i-1"))
    publish(lake, NEWER)
    engine = DuckDBEngine(lake)
    with engine.session({"s3_usage": {"delivered_on": DAY, "source_bucket": "b"}}) as db:
        assert ids(db.query("SELECT objects FROM s3_usage"), "objects") == [2, 4]
    with engine.session({"ec2_instances": None, "s3_usage": None}) as db:
        assert ids(db.query("SELECT resource_id FROM ec2_instances")) == ["i-1"]
        built = db.build("s3_usage", "SELECT * FROM s3_usage WHERE source_bucket = 'a'")
    assert lake.replace("s3_usage", [delivery("a")], built).rows == 1
    assert not list(lake.scratch.iterdir())

    path = tmp_path / "warehouse.duckdb"
    publish_warehouse(lake, path)
    with duckdb.connect(str(path), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM s3_usage").fetchall() == [(3,)]
        views = db.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        assert views == []


def test_a_file_whose_commit_was_overtaken_is_uploaded_anew(s3_lake: Lake):
    def data_files() -> list[str]:
        listed = boto3.client("s3").list_objects_v2(
            Bucket="lake-bucket", Prefix="prod/tables/ec2_instances/data/"
        )
        keys = [found["Key"] for found in listed.get("Contents", [])]
        return [key for key in keys if key.endswith(".parquet")]

    before = data_files()
    partition, file, calls = {"snapshot_at": NEWER}, s3_lake.scratch_file(), 0
    pq.write_table(instances(NEWER, "i-2"), file)

    def add(current: Sequence[DataFile]) -> Rewriting:
        nonlocal calls
        calls += 1
        if calls == 1:
            Lake.open(s3_lake.location, catalog="glue").merge(
                "ec2_instances", partition, lambda _: instances(NEWER, "i-1")
            )
        return Rewriting(current, [file])

    assert s3_lake.rewrite("ec2_instances", partition, add).conflicts == 1
    publish(s3_lake, NEWER)
    assert ids(s3_lake.read("ec2_instances")) == ["i-1", "i-2"]
    assert not file.exists()
    assert len(data_files()) == len(before) + 2, "nothing is left of the attempt"


def test_a_file_arrives_on_s3_and_is_found_again(s3_lake: Lake):
    file = s3_lake.scratch_file()
    pq.write_table(usage("c", 5), file)
    assert s3_lake.arrived("s3_usage", "five") is None
    there = s3_lake.arrive("s3_usage", file, "five")
    assert there.path == "s3://lake-bucket/prod/tables/s3_usage/data/five.parquet"
    assert s3_lake.arrived("s3_usage", "five") == there
    assert not file.exists()
    for _ in range(2):
        s3_lake.replace("s3_usage", [delivery("c")], [there])
    ingest(s3_lake, [delivery("c")])
    assert ids(s3_lake.read("s3_usage", {"source_bucket": "c"}), "objects") == [5]


def test_a_writer_that_glue_says_was_overtaken_starts_over(s3_lake: Lake):
    overtaker = Lake.open(s3_lake.location, catalog="glue")
    calls = 0

    def join(earlier: pa.Table) -> pa.Table:
        nonlocal calls
        calls += 1
        if calls == 1:
            overtaker.merge(
                "ec2_instances", {"snapshot_at": NEWER}, lambda _: instances(NEWER, "i-1")
            )
        return pa.concat_tables([earlier, instances(NEWER, "i-2")])

    commit = s3_lake.merge("ec2_instances", {"snapshot_at": NEWER}, join)
    assert (calls, commit.conflicts) == (2, 1)
    publish(s3_lake, NEWER)
    assert ids(s3_lake.read("ec2_instances")) == ["i-1", "i-2"]


def test_files_that_nothing_refers_to_are_removed_on_s3(s3_lake: Lake) -> None:
    now = datetime.now(UTC) + timedelta(days=2)
    for number in range(8):
        s3_lake.replace("s3_usage", [delivery("a")], usage("a", number))
    ingest(s3_lake, [delivery("a")])
    waiting = {one.table: one.waiting for one in sweep(s3_lake, now)}["s3_usage"]
    assert waiting > 0
    swept = {one.table: one for one in sweep(s3_lake, now + GRACE)}["s3_usage"]
    assert (swept.removed, swept.waiting) == (waiting, 0)
    assert ids(s3_lake.read("s3_usage"), "objects") == [7]


def test_what_arrived_on_s3_and_no_commit_names_is_removed(s3_lake: Lake) -> None:
    now = datetime.now(UTC) + timedelta(days=2)
    arrived = []
    for source in ("b", "c"):
        file = s3_lake.scratch_file()
        pq.write_table(usage(source, 2), file)
        arrived.append(s3_lake.arrive("s3_usage", file, source))
    sweep(s3_lake, now)
    s3_lake.replace("s3_usage", [delivery("a")], usage("a", 1))
    s3_lake.replace("s3_usage", [delivery("b")], arrived[:1])
    assert sum(one.removed for one in sweep(s3_lake, now + GRACE)) > 0
    paths = [file.path.removeprefix("s3://") for file in arrived]
    assert [info.is_file for info in s3_lake.filesystem.get_file_info(paths)] == [True, False]
    ingest(s3_lake, [delivery("a"), delivery("b")])
    assert ids(s3_lake.read("s3_usage"), "objects") == [1, 2]


def test_erased_rows_leave_no_file_on_s3(s3_lake: Lake) -> None:
    s3_lake.replace("s3_usage", [delivery("a"), delivery("b")], pa.concat_tables([
        usage("a", 1, 2), usage("b", 3)
    ]))  # fmt: skip
    ingest(s3_lake, [delivery("a"), delivery("b")])

    def chosen(batch: pa.RecordBatch) -> pa.BooleanArray:
        return pc.equal(batch.column("objects"), 2)

    (held,) = holding(s3_lake, "s3_usage", {}, chosen, {"objects"})
    erase_rows(s3_lake, "s3_usage", delivery("a"), chosen, {"objects"})
    assert forget_history(s3_lake, "s3_usage", chosen, {"objects"}) > 0
    assert ids(s3_lake.read("s3_usage"), "objects") == [1, 3]
    assert s3_lake.filesystem.get_file_info(held.file.path.removeprefix("s3://")).is_file is False
    assert {file.rows for file in s3_lake.files("s3_usage")} == {1}
