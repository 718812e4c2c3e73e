"""`rewrite`: a partition changed by its files, against exactly those it has."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from inventory_pipeline.lake import DataFile, Lake, LakeError, Rewriting
from inventory_pipeline_tests.lake import processes
from inventory_pipeline_tests.lake.planted import NEWER, OLDER, ids, instances, publish

AT = {"snapshot_at": NEWER}


def written(lake: Lake, *names: str, at=NEWER) -> Path:
    file = lake.scratch_file()
    pq.write_table(instances(at, *names), file)
    return file


def names(lake: Lake) -> list[str]:
    if NEWER not in lake.snapshots():
        publish(lake, NEWER)
    return ids(lake.read("ec2_instances"))


def test_files_are_kept_dropped_and_added(lake: Lake):
    for name in ("i-1", "i-2"):
        commit = lake.rewrite(
            "ec2_instances", AT, lambda current, n=name: Rewriting(current, [written(lake, n)])
        )
        assert (commit.rows, commit.files, commit.conflicts) == (1, 1, 0)
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, "i-0"))
    seen: list[DataFile] = []

    def drop_the_first(current: Sequence[DataFile]) -> Rewriting:
        seen.extend(current)
        kept = [f for f in current if pq.read_table(f.path)["resource_id"][0].as_py() == "i-2"]
        return Rewriting(kept, [written(lake, "i-3", "i-4"), written(lake)])

    assert lake.rewrite("ec2_instances", AT, drop_the_first).files == 1, "one was empty"
    assert len(seen) == 2
    assert names(lake) == ["i-2", "i-3", "i-4"]
    assert len(lake.files("ec2_instances", visible=False)) == 3
    assert not list(lake.scratch.iterdir())


def test_nothing_to_change_makes_neither_a_table_nor_a_commit(lake: Lake):
    lake.rewrite("ec2_instances", AT, lambda current: Rewriting(current, [written(lake)]))
    assert not (Path(lake.location) / "tables" / "ec2_instances").exists()
    lake.replace("ec2_instances", [AT], instances(NEWER, "i-1"))
    metadata = Path(lake.location) / "tables" / "ec2_instances" / "metadata"
    before = sorted(metadata.iterdir())
    lake.rewrite("ec2_instances", AT, lambda current: Rewriting(current, []))
    assert sorted(metadata.iterdir()) == before


@pytest.mark.parametrize("exists", [True, False])
def test_a_writer_that_was_overtaken_starts_over_with_its_file(lake: Lake, exists: bool):
    if exists:
        lake.replace("ec2_instances", [AT], instances(NEWER, "i-0"))
    mine, seen = written(lake, "i-2"), []

    def add(current: Sequence[DataFile]) -> Rewriting:
        seen.append(sum(file.rows for file in current))
        assert pq.read_metadata(mine).num_rows == 1, "it is where it was"
        if len(seen) == 1:
            new = instances(NEWER, "i-1")
            Lake.open(lake.location).merge(
                "ec2_instances", AT, lambda earlier: earlier.slice(0, 0) if exists else new
            )
        return Rewriting(current, [mine])

    assert lake.rewrite("ec2_instances", AT, add).conflicts == 1
    assert seen == ([1, 0] if exists else [0, 1])
    assert names(lake) == (["i-2"] if exists else ["i-1", "i-2"])
    assert not mine.exists()
    data = Path(lake.location) / "tables" / "ec2_instances" / "data"
    assert len(list(data.iterdir())) == 2, "nothing is left of the attempt"


def test_rows_outside_the_partition_are_refused(lake: Lake):
    stray = written(lake, "i-1", at=OLDER)
    with pytest.raises(LakeError, match="rows outside the partitions"):
        lake.rewrite("ec2_instances", AT, lambda current: Rewriting(current, [stray]))


def test_a_kill_before_the_commit_changes_nothing(lake: Lake):
    lake.replace("ec2_instances", [AT], instances(NEWER, "i-1"))
    processes.run_to_its_death(processes.die_before_the_commit_of_a_rewrite, lake.location)
    assert names(lake) == ["i-1"]
    assert len(lake.files("ec2_instances")) == 1
