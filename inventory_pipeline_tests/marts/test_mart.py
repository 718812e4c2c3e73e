"""Marts as such: their order, their parameters, and building one partition again and again."""

from datetime import date, datetime
from pathlib import Path

import pytest

from inventory_pipeline.marts import Mart, MartError, build_mart, marts
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.marts.planted import NOW, Planted, ago


def test_a_mart_reads_only_what_stands_before_it() -> None:
    built: set[str] = set()
    for name, mart in marts().items():
        assert not (set(mart.reads) & marts().keys()) - built, name
        built.add(name)


def test_every_mart_fills_its_table_by_its_partition() -> None:
    columns = {"snapshot": "snapshot_at", "day": "delivered_on"}
    for name, mart in marts().items():
        assert tables()[name].partitioned_by == (columns[mart.partition],)


def test_every_mart_builds_on_a_lake_without_resources(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    planted.publish()
    assert {result.table: result.rows for result in planted.build() if result.rows} == {}


def test_building_twice_gives_the_same_rows_once(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    planted.resource("ebs_volume", "vol-1", volume_type="gp2", size_gb=1)
    planted.publish()
    [first] = planted.build("cost_components")
    rows = planted.rows("cost_components")
    [second] = planted.build("cost_components")
    assert (first.rows, second.rows) == (1, 1)
    assert planted.rows("cost_components") == rows


def test_building_a_snapshot_leaves_the_others_alone(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    for at, size in ((ago(1), 1), (NOW, 2)):
        planted.resource("ebs_volume", "vol", snapshot_at=at, volume_type="gp2", size_gb=size)
    planted.publish(ago(1), NOW)
    mart = marts()["cost_components"]
    for at in (ago(1), NOW, ago(1)):
        assert build_mart(planted.engine, mart, at, {}).rows == 1
    sizes = planted.lake.read("cost_components", columns=["quantity"])["quantity"].to_pylist()
    assert sorted(sizes) == [1, 2]


def test_an_unpublished_snapshot_cannot_be_built(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    planted.publish(ago(1))
    with pytest.raises(MartError, match="no published snapshot of 2025-06-02T12:00:00"):
        planted.build("cost_components")


def test_a_missing_parameter_is_named(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    planted.publish()
    with pytest.raises(MartError, match="mart waste_findings: parameter idle_resource_days"):
        build_mart(
            planted.engine,
            marts()["waste_findings"],
            NOW,
            {"stale_resource_days": 90, "rules_off": []},
        )


@pytest.mark.parametrize(
    ("snapshots", "seen"),
    [
        ((ago(3), ago(1), NOW), ago(1)),  # the newest by the end of the day
        ((NOW,), NOW),  # none yet: the first that came
        ((), None),
    ],
)
def test_a_days_mart_reads_the_snapshot_of_its_day(
    tmp_path: Path, snapshots: tuple[datetime, ...], seen: datetime | None
) -> None:
    planted = Planted(tmp_path)
    for at in snapshots:
        planted.resource("s3_bucket", at.isoformat(), snapshot_at=at)
    if snapshots:
        planted.publish(*snapshots)
    mart = Mart(
        "storage_usage",
        lambda: (
            "SELECT $delivered_on AS delivered_on, resource_id AS source_bucket, "
            + ", ".join(
                f"NULL AS {column.name}"
                for column in tables()["storage_usage"].columns
                if column.name not in ("delivered_on", "source_bucket")
            )
            + " FROM s3_buckets"
        ),
        {"s3_buckets": "snapshot"},
        "day",
    )
    build_mart(planted.engine, mart, date(2025, 6, 1), {})
    found = planted.lake.read("storage_usage")["source_bucket"].to_pylist()
    assert found == ([seen.isoformat()] if seen else [])
