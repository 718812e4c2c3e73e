from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake import DuckDBEngine, Lake, LakeError
from inventory_pipeline.lake.catalog import KEPT_SNAPSHOTS, MANY_MANIFESTS, load_table
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.tables import DELIVERY
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


def test_replace_empties_its_partitions_and_no_others(lake: Lake):
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, "i-1"))
    lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER, "i-1", "i-2"))
    publish(lake, OLDER)
    publish(lake, NEWER)

    commit = lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER, "i-3"))

    assert (commit.rows, commit.files, commit.conflicts) == (1, 1, 0)
    assert ids(lake.read("ec2_instances", {"snapshot_at": OLDER})) == ["i-1"]
    assert ids(lake.read("ec2_instances", {"snapshot_at": NEWER})) == ["i-3"]
    lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER))
    assert ids(lake.read("ec2_instances")) == ["i-1"]


def test_many_deliveries_are_one_commit(lake: Lake):
    buckets = [f"bucket-{i}" for i in range(30)]
    written = pa.concat_tables([usage(bucket, 1, 2) for bucket in buckets])
    ingest(lake, [delivery(bucket) for bucket in buckets])
    for _ in range(2):
        commit = lake.replace("s3_usage", [delivery(bucket) for bucket in buckets], written)
        assert (commit.rows, commit.files) == (60, 30)
    assert Counter(lake.read("s3_usage")["source_bucket"].to_pylist()) == dict.fromkeys(buckets, 2)


def test_a_day_is_replaced_whole_by_naming_the_day_alone(lake: Lake):
    days = [DAY, DAY + timedelta(days=1)]
    ingest(lake, [delivery(bucket, day) for bucket in "abc" for day in days])
    for day in days:
        both = pa.concat_tables([usage("a", 1, day=day), usage("b", 2, day=day)])
        lake.replace("s3_usage", [{"delivered_on": day}], both)

    lake.replace("s3_usage", [{"delivered_on": DAY}], usage("c", 3))

    found = lake.read("s3_usage").select(["delivered_on", "objects"]).to_pylist()
    assert sorted((row["delivered_on"], row["objects"]) for row in found) == [
        (days[0], 3), (days[1], 1), (days[1], 2),
    ]  # fmt: skip


def test_an_unpartitioned_table_is_replaced_whole(lake: Lake):
    for key in ("m5.large:linux", "m6i.large:linux"):
        lake.replace("prices", [{}], rows("prices", {"service": "ec2", "key": key}))
    assert lake.read("prices")["key"].to_pylist() == ["m6i.large:linux"]


def test_replacing_nothing_with_nothing_makes_no_iceberg_snapshot(lake: Lake):
    lake.replace("s3_usage", [], [])
    lake.replace("s3_usage", [delivery("a")], usage("a"))
    iceberg = load_table(lake._catalog, "s3_usage")
    assert iceberg is not None
    assert iceberg.current_snapshot() is None


def test_merge_sees_the_unpublished_rows_of_its_partition_alone(lake: Lake):
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, "i-1"))
    lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER, "i-2"))
    seen = []

    def join(earlier: pa.Table) -> pa.Table:
        seen.extend(earlier["resource_id"].to_pylist())
        return pa.concat_tables([earlier, instances(NEWER, "i-3")])

    lake.merge("ec2_instances", {"snapshot_at": NEWER}, join)
    publish(lake, NEWER)
    assert seen == ["i-2"]
    assert ids(lake.read("ec2_instances")) == ["i-2", "i-3"]


def test_snapshots_are_seen_once_listed(lake: Lake):
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, "i-1"))
    engine = DuckDBEngine(lake)
    assert lake.read("ec2_instances").num_rows == 0
    assert not lake.files("ec2_instances")
    assert len(lake.files("ec2_instances", visible=False)) == 1
    with engine.session({"ec2_instances": None}) as db:
        assert db.query("SELECT * FROM ec2_instances").num_rows == 0
    with engine.session({"ec2_instances": None}, published=False) as db:
        assert db.query("SELECT * FROM ec2_instances").num_rows == 1

    publish(lake, OLDER)
    assert lake.snapshots() == [OLDER]
    assert ids(lake.read("ec2_instances")) == ["i-1"]


def test_deliveries_are_seen_once_ingested(lake: Lake):
    both = pa.concat_tables([usage("a", 1), usage("b", 2)])
    lake.replace("s3_usage", [delivery("a"), delivery("b")], both)
    assert lake.read("s3_usage").num_rows == 0
    quarantined = rows("s3_deliveries", {**delivery("a"), "status": "quarantined"})
    lake.replace("s3_deliveries", [{"delivered_on": DAY}], quarantined)
    assert lake.read("s3_usage").num_rows == 0

    ingest(lake, [delivery("b"), delivery("c")])
    assert lake.read("s3_usage")["objects"].to_pylist() == [2]
    assert lake.deliveries() == {tuple(delivery(b)[c] for c in DELIVERY) for b in "bc"}


@pytest.mark.parametrize(
    ("partition", "message"),
    [
        (delivery("b"), "rows outside the partitions being written"),
        ({"source_bucket": "b"}, "rows outside the partitions being written"),
        ({"prefix": "0/"}, "not partitioned by prefix"),
    ],
)
def test_rows_outside_the_partitions_are_refused(lake: Lake, partition, message, tmp_path: Path):
    lake.replace("s3_usage", [delivery("b")], usage("b", 7))
    ingest(lake, [delivery("a"), delivery("b")])
    written = tmp_path / "a.parquet"
    pq.write_table(usage("a", 1), written)
    for data in (usage("a", 1), [written]):
        with pytest.raises(LakeError, match=message):
            lake.replace("s3_usage", [partition], data)
    with pytest.raises(LakeError, match=message):
        lake.merge("s3_usage", partition, lambda _: usage("a", 1))
    assert lake.read("s3_usage")["objects"].to_pylist() == [7]


def test_a_file_of_two_partitions_is_refused(lake: Lake):
    file = lake.scratch_file()
    pq.write_table(pa.concat_tables([usage("a", 1), usage("b", 1)]), file)
    with pytest.raises(LakeError, match="several partitions"):
        lake.replace("s3_usage", [delivery("a"), delivery("b")], [file])


def test_partitions_that_name_different_columns_are_refused(lake: Lake):
    with pytest.raises(LakeError, match="same columns"):
        lake.replace("s3_usage", [delivery("a"), {"delivered_on": DAY}], usage("a", 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["objects"]), "columns missing .'objects'."),
        (lambda t: t.append_column("extra", [[1]]), "not in its contract .'extra'."),
        (lambda t: _with(t, "objects", pa.array(["many"])), "column objects: "),
        (lambda t: _with(t, "objects", pa.array([1.5])), "column objects: "),
        (lambda t: _with(t, "objects", pa.array([2**63], pa.uint64())), "column objects: "),
        (lambda t: _with(t, "delivered_on", pa.array(["soon"])), "column delivered_on: "),
    ],
)
def test_arrow_that_breaks_the_contract_is_refused(lake: Lake, change, message):
    with pytest.raises(LakeError, match=message):
        lake.replace("s3_usage", [delivery("a")], change(usage("a", 1)))
    assert not lake.files("s3_usage", visible=False)


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(38, 0), pa.int32(), pa.string()])
def test_files_of_other_types_are_refused(lake: Lake, kind: pa.DataType):
    file = lake.scratch_file()
    pq.write_table(_with(usage("a", 1), "objects", pa.array([1]).cast(kind)), file)
    with pytest.raises(LakeError, match=r"column objects is .*, its contract says int64"):
        lake.replace("s3_usage", [delivery("a")], [file])


def _with(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), column, values)


def test_a_column_that_a_contract_gains_is_null_in_older_files(lake: Lake, contract):
    whole = contract("s3_usage")
    contract("s3_usage", without=["billable_bytes", "replication_status"])
    lake.replace("s3_usage", [delivery("a")], usage("a", 1))
    contract("s3_usage", columns=whole)
    ingest(lake, [delivery("a"), delivery("b")])

    def found() -> list[tuple[int, int | None]]:
        read = lake.read("s3_usage")
        assert read.schema == arrow_schema("s3_usage")
        with DuckDBEngine(lake).session({"s3_usage": None}) as db:
            assert db.query("SELECT * FROM s3_usage ORDER BY objects") == read.sort_by("objects")
        return sorted(
            zip(*(read[c].to_pylist() for c in ("objects", "billable_bytes")), strict=True)
        )

    assert found() == [(1, None)]
    lake.merge("s3_usage", delivery("b"), lambda _: usage("b", 2))
    assert found() == [(1, None), (2, 0)]
    lake.merge("s3_usage", delivery("a"), lambda earlier: earlier)
    assert found() == [(1, None), (2, 0)]


@settings(max_examples=25)
@given(text=st.text(max_size=64), other=st.text(max_size=64))
def test_hostile_text_is_only_ever_a_value(tmp_path_factory, text: str, other: str):
    lake = Lake.open(str(tmp_path_factory.getbasetemp() / "hostile [1]*'\"#%20;é"))
    lake.replace("s3_usage", [delivery(text)], usage(text, 1, 2))
    ingest(lake, [delivery(text), delivery(other)])
    expected = 2 if text == other else 0
    assert lake.read("s3_usage", {"source_bucket": text}).num_rows == 2
    assert lake.read("s3_usage", {"source_bucket": [other]}).num_rows == expected
    with DuckDBEngine(lake).session({"s3_usage": {"source_bucket": text}}) as db:
        assert db.query("SELECT * FROM s3_usage").num_rows == 2
    where = {"source_bucket": [text, other], "prefix": {"0/", text}}
    with DuckDBEngine(lake).session({"s3_usage": where}) as db:
        same = "SELECT * FROM s3_usage WHERE source_bucket = $bucket"
        assert db.query(same, {"bucket": text}).num_rows == 1
    lake.replace("s3_usage", [delivery(text)], usage(text))


def test_a_lake_that_is_not_there_is_said_so(tmp_path: Path):
    with pytest.raises(LakeError, match=r"no lake at .*: run `inventory"):
        Lake.open(str(tmp_path / "none"), create=False)
    assert not (tmp_path / "none").exists()
    with pytest.raises(LakeError, match="needs the glue catalog"):
        Lake.open("s3://bucket/lake")


def test_an_empty_lake_reads_as_empty_tables_of_the_contract(lake: Lake):
    assert lake.read("resource_costs").schema == arrow_schema("resource_costs")
    assert lake.snapshots() == []
    assert lake.deliveries() == set()
    with DuckDBEngine(lake).session({"resources": None}) as db:
        assert db.query("SELECT * FROM resources").num_rows == 0


def test_a_manifest_that_pyiceberg_passed_over_is_looked_at_again(lake: Lake, monkeypatch):
    publish(lake, NEWER)
    lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER, "i-1"))
    wrong = iter([False])
    monkeypatch.setattr(
        "pyiceberg.table.update.snapshot._SnapshotProducer._build_manifest_evaluator",
        lambda producer, spec: lambda manifest: next(wrong, True),
    )
    commit = lake.replace("ec2_instances", [{"snapshot_at": NEWER}], instances(NEWER, "i-2"))
    assert commit.conflicts == 1
    assert ids(lake.read("ec2_instances")) == ["i-2"]


def test_metadata_stays_bounded_however_many_commits(lake: Lake):
    for i in range(2 * MANY_MANIFESTS + 5):
        bucket = f"bucket-{i % 45}"
        lake.replace("s3_usage", [delivery(bucket)], usage(bucket, i))
    iceberg = load_table(lake._catalog, "s3_usage")
    assert iceberg is not None
    snapshot = iceberg.current_snapshot()
    assert snapshot is not None
    assert len(iceberg.metadata.snapshots) <= 2 * KEPT_SNAPSHOTS
    assert len(snapshot.manifests(iceberg.io)) <= MANY_MANIFESTS + 1
    metadata = Path(lake.location) / "tables" / "s3_usage" / "metadata"
    assert len(list(metadata.glob("*.metadata.json"))) <= 12
    assert len(lake.files("s3_usage", visible=False)) == 45


def test_partitions_prune_files(lake: Lake):
    days = [date(2026, 1, 1) + timedelta(days=i) for i in range(5)]
    for day in days:
        lake.replace("s3_usage", [delivery("a", day)], usage("a", 1, day=day))
    found = lake.files("s3_usage", {"delivered_on": days[1:3], "prefix": "0/"}, visible=False)
    assert sorted(file.partition["delivered_on"] for file in found) == days[1:3]
    assert all(file.rows == 1 and file.bytes == Path(file.path).stat().st_size for file in found)
