"""The lake under several processes, and under processes that die."""

from datetime import timedelta
from pathlib import Path

import duckdb

from inventory_pipeline.lake import DuckDBEngine, Lake, publish_warehouse
from inventory_pipeline_tests.lake import processes
from inventory_pipeline_tests.lake.planted import (
    DAY,
    NEWER,
    OLDER,
    delivery,
    ids,
    ingest,
    instances,
    publish,
    rows,
    usage,
)

TIMES = 15

RESOURCES = "SELECT resource_id FROM ec2_instances UNION ALL SELECT resource_id FROM ebs_volumes"


def test_two_processes_commit_different_partitions_at_once(tmp_path: Path):
    location = str(tmp_path / "lake")  # made by whichever comes first
    conflicts = processes.run_together(
        processes.replace_own_days, (location, "a", TIMES), (location, "b", TIMES)
    )
    lake = Lake.open(location)
    days = [DAY + timedelta(days=i) for i in range(TIMES)]
    ingest(lake, [delivery(bucket, day) for bucket in "ab" for day in days])
    assert sum(conflicts) > 0, "they never met"
    found = lake.read("s3_usage").select(["source_bucket", "objects"]).to_pylist()
    assert sorted((row["source_bucket"], row["objects"]) for row in found) == [
        (bucket, i) for bucket in "ab" for i in range(TIMES)
    ]


def test_two_subset_collections_of_one_snapshot_both_survive(tmp_path: Path):
    location = str(tmp_path / "lake")
    regions = ("eu-west-1", "us-east-1")
    conflicts = processes.run_together(
        processes.merge_own_region, *((location, region, TIMES) for region in regions)
    )
    lake = Lake.open(location)
    publish(lake, NEWER)
    assert sum(conflicts) > 0, "they never met"
    expected = sorted(f"i-{region}-{i}" for region in regions for i in range(TIMES))
    assert ids(lake.read("ec2_instances")) == expected
    # What attempts that were overtaken had written is gone again: a file for each commit, at most.
    data = Path(location) / "tables" / "ec2_instances" / "data"
    assert len(list(data.iterdir())) == len(regions) * TIMES


def test_a_kill_between_writing_and_committing_changes_nothing(lake: Lake):
    lake.replace("s3_usage", [delivery("a")], usage("a", 1))
    ingest(lake, [delivery("a")])
    for target in (processes.die_before_the_commit, processes.die_before_the_commit_of_a_merge):
        processes.run_to_its_death(target, lake.location)
        assert lake.read("s3_usage")["objects"].to_pylist() == [1]
        assert len(lake.files("s3_usage")) == 1

    lake.replace("s3_usage", [delivery("a")], usage("a", 8, 9))
    assert ids(lake.read("s3_usage"), "objects") == [8, 9]


def test_after_a_kill_halfway_through_a_snapshot_readers_see_the_previous_one(
    lake: Lake, tmp_path: Path
):
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, "i-1"))
    volume = rows("ebs_volumes", {"snapshot_at": OLDER, "resource_id": "vol-1"})
    lake.replace("ebs_volumes", [{"snapshot_at": OLDER}], volume)
    publish(lake, OLDER)

    def seen() -> list[str]:
        with DuckDBEngine(lake).session({"ec2_instances": None, "ebs_volumes": None}) as db:
            by_engine = ids(db.query(RESOURCES))
        by_lake = ids(lake.read("ec2_instances")) + ids(lake.read("ebs_volumes"))
        assert by_engine == by_lake
        assert _warehouse(lake, tmp_path) == [i for i in by_lake if i not in hidden]
        return by_engine

    hidden: set[str] = set()
    processes.run_to_its_death(processes.collect_half, lake.location)
    assert len(lake.files("ec2_instances", visible=False)) == 2, "it died too early"
    assert seen() == ["i-1", "vol-1"]

    processes.collect(lake.location)
    hidden = {"i-1", "vol-1"}  # the warehouse shows the newest snapshot alone
    assert seen() == ["i-1", "i-2", "i-3", "vol-1", "vol-2"]


def _warehouse(lake: Lake, folder: Path) -> list[str]:
    publish_warehouse(lake, folder / "warehouse.duckdb")
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as db:
        return [row[0] for row in db.execute(f"{RESOURCES} ORDER BY resource_id").fetchall()]


def test_a_reader_that_holds_the_warehouse_keeps_reading_through_a_publish(
    lake: Lake, tmp_path: Path
):
    path = tmp_path / "warehouse.duckdb"
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, "i-1"))
    publish(lake, OLDER)
    publish_warehouse(lake, path)
    ours, theirs = processes.SPAWN.Pipe()
    reader = processes.SPAWN.Process(target=processes.read_twice, args=(path, theirs))
    reader.start()
    assert ours.poll(processes.SECONDS)
    assert ours.recv() == ["i-1"]

    processes.collect(lake.location)
    publish_warehouse(lake, path)
    ours.send("published")

    assert ours.poll(processes.SECONDS)
    assert ours.recv() == (["i-1"], ["i-2", "i-3"])
    reader.join(processes.SECONDS)
    assert reader.exitcode == 0


def test_a_kill_while_publishing_leaves_the_old_warehouse(lake: Lake, tmp_path: Path):
    folder = tmp_path / "published"
    assert _warehouse(lake, folder) == []
    processes.collect(lake.location)

    processes.run_to_its_death(processes.die_publishing, lake.location, folder / "warehouse.duckdb")

    assert len(list(folder.iterdir())) == 2, "the old warehouse and the dead build's file"
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as db:
        assert db.execute(RESOURCES).fetchall() == []
    assert _warehouse(lake, folder) == ["i-2", "i-3", "vol-2"]
    assert [file.name for file in folder.iterdir()] == ["warehouse.duckdb"]
