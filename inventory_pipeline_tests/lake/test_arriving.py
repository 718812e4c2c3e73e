"""Files that arrive before a commit names them: found again, kept, registered once and again."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventory_pipeline.lake import DataFile, Lake, LakeError
from inventory_pipeline.lake.lake import ARRIVED_SECONDS
from inventory_pipeline_tests.lake.planted import delivery, ids, ingest, usage


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def scratch_file(lake: Lake, *objects: int) -> Path:
    file = lake.scratch_file()
    pq.write_table(usage("a", *objects), file)
    return file


def arrived(lake: Lake, name: str, *objects: int) -> DataFile:
    return lake.arrive("s3_usage", scratch_file(lake, *objects), name)


def test_a_file_arrives_and_is_found_again(lake: Lake) -> None:
    assert lake.arrived("s3_usage", "one") is None
    file = arrived(lake, "one", 1, 2)
    assert lake.arrived("s3_usage", "one") == file
    assert (file.rows, file.partition) == (2, delivery("a"))
    assert Path(file.path).name == "one.parquet"
    assert file.bytes == Path(file.path).stat().st_size
    assert not list(lake.scratch.iterdir())
    assert not lake.files("s3_usage", visible=False), "no commit names it yet"
    lake.replace("s3_usage", [delivery("a")], [file, scratch_file(lake, 3)])
    ingest(lake, [delivery("a")])
    assert ids(lake.read("s3_usage"), "objects") == [1, 2, 3]


def test_what_is_there_already_stays(lake: Lake) -> None:
    """A commit may name it, with its size."""
    first = arrived(lake, "one", 1)
    assert arrived(lake, "one", 2, 3) == first
    assert pq.read_table(first.path)["objects"].to_pylist() == [1]
    assert not list(lake.scratch.iterdir())


def test_what_may_be_cleared_away_is_made_again(lake: Lake) -> None:
    first = arrived(lake, "one", 1)
    long_ago = time.time() - ARRIVED_SECONDS / 2 - 60
    os.utime(first.path, (long_ago, long_ago))
    assert lake.arrived("s3_usage", "one") is None
    again = arrived(lake, "one", 2, 3)
    assert again.rows == 2
    assert lake.arrived("s3_usage", "one") == again


def test_a_file_that_breaks_the_contract_does_not_arrive(lake: Lake) -> None:
    file = lake.scratch_file()
    pq.write_table(usage("a", 1).append_column("x_mood", pa.array(["blue"])), file)
    with pytest.raises(LakeError, match="no column x_"):
        lake.arrive("s3_usage", file, "one")
    assert lake.arrived("s3_usage", "one") is None


def test_a_file_of_another_partition_is_not_committed(lake: Lake) -> None:
    file = arrived(lake, "one", 1)
    with pytest.raises(LakeError, match="outside the partitions"):
        lake.replace("s3_usage", [delivery("b")], [file])


def test_a_file_without_rows_is_found_but_not_committed(lake: Lake) -> None:
    file = arrived(lake, "none")
    assert lake.arrived("s3_usage", "none") is not None
    assert lake.replace("s3_usage", [delivery("a")], [file]).files == 0


def test_the_same_path_is_dropped_and_added_in_one_commit(lake: Lake) -> None:
    """As when a run died after this commit and is done again: also when manifests are merged."""
    one, two = arrived(lake, "one", 1), arrived(lake, "two", 2)
    ingest(lake, [delivery("a"), delivery("b")])
    for again in range(12):
        kept = [one, two] if again % 2 else [two]
        assert lake.replace("s3_usage", [delivery("a")], kept).files == len(kept)
        lake.replace("s3_usage", [delivery("b")], usage("b", again + 10))
        expected = sorted([2, again + 10, *([1] if again % 2 else [])])
        assert ids(lake.read("s3_usage"), "objects") == expected
        assert ids(scanned(lake), "objects") == expected, "as another engine sees it"


def scanned(lake: Lake) -> pa.Table:
    from inventory_pipeline.lake.catalog import load_table

    iceberg = load_table(lake._catalog, "s3_usage")
    assert iceberg
    return iceberg.scan().to_arrow()
