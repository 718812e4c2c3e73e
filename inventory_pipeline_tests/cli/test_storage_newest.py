"""Which deliveries views speak of: after a clean-up, and of several reports of a bucket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.settings.model import S3InventorySettings
from inventory_pipeline_tests.archive.planted import DAY, SNAPSHOT, plant_buckets
from inventory_pipeline_tests.archive.planted import rows as contract_rows
from inventory_pipeline_tests.marts.storage.delivered import deliver
from inventory_pipeline_tests.marts.storage.planting import FIELDS, House, obj
from inventory_pipeline_tests.marts.storage.test_covered import configured

GIB = 2**30
BUILT = (
    *("storage_usage", "storage_costs", "storage_growth", "storage_trend", "storage_waste"),
    *("duplicate_candidates", "personal_data_prefixes", "tenant_usage", "object_compliance"),
)
PARAMETERS = storage_parameters(S3InventorySettings())
BARE = {"encryption_status": "NOT-SSE"}
DIRTY = (
    obj("users/a@b.cd/1", 2 * GIB, **BARE),
    obj("users/a@b.cd/2", 2 * GIB, **BARE),
    obj("users/a@b.cd/2", 2 * GIB, is_latest=False, **BARE),
)


def listed(
    house: House,
    day: date,
    objects: Iterable[Mapping[str, Any]],
    configuration: str = "daily",
    *,
    analyzed: bool = True,
) -> None:
    """A delivery of a day, and its marts."""
    deliver(house.lake, objects, day, configuration=configuration, schema=FIELDS)
    if analyzed:
        for table in BUILT:
            build_mart(house.engine, marts()[table], day, PARAMETERS)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, {"resource_id": "data-1", "versioning": "Enabled"})


@pytest.fixture
def shown(run, house: House):
    def answer(*arguments: str) -> dict[str, Any]:
        result = run("storage", *arguments, "--lake", house.lake.location, "--format", "json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return answer


@pytest.mark.parametrize("left", [[obj("clean/1", 5)], []], ids=["clean", "empty"])
def test_after_a_clean_up_nothing_is_found(house: House, shown, left: list[Any]) -> None:
    listed(house, DAY, DIRTY)
    for view in ("waste", "duplicates", "personal-data"):
        assert shown(view)["rows"], view
    listed(house, DAY + timedelta(days=1), left)
    for view in ("waste", "duplicates", "personal-data"):
        assert shown(view)["rows"] == [], view
        assert shown(view, "--until", str(DAY))["rows"], view
    failing = [
        row["failing_objects"] for row in shown("compliance", "--rule", "unencrypted")["rows"]
    ]
    assert failing == [0] * len(left)
    for view in ("usage", "tenants"):
        assert sum(row["objects"] for row in shown(view, "--by", "bucket")["rows"]) == len(left)
    # Nothing costs nothing; of what is not there at all, the price is unknown.
    assert shown("usage", "--department", "Research")["total"]["monthly_usd"] == 0
    assert shown("usage", "--department", "Sales")["total"]["monthly_usd"] is None


def test_a_delivery_without_its_marts_does_not_empty_the_views(house: House, shown) -> None:
    listed(house, DAY, DIRTY)
    listed(house, DAY + timedelta(days=1), [obj("clean/1", 5)], analyzed=False)
    assert shown("usage")["total"]["objects"] == 3
    assert shown("waste")["rows"]


def test_disjoint_reports_add_up(house: House, shown, run, tmp_path: Path) -> None:
    house.plant("bucket_inventory_configurations", *configured(a="acme/", b="beta/", n="beta/n"))
    listed(house, DAY, [obj("acme/1", GIB, **BARE)], "a")
    listed(house, DAY + timedelta(days=2), [obj("beta/n", GIB)], "n")
    listed(house, DAY + timedelta(days=2), [obj("beta/1", GIB, **BARE), obj("beta/n", GIB)], "b")
    answer = shown("usage")
    assert (answer["total"]["objects"], answer["total"]["bytes"]) == (3, 3 * GIB)
    assert answer["deliveries"] == {
        "buckets": 1,
        "oldest": str(DAY),
        "newest": str(DAY + timedelta(days=2)),
        "other_reports": 1,
        "empty_reports": 0,
    }
    [unencrypted] = shown("compliance", "--rule", "unencrypted")["rows"]
    assert (unencrypted["failing_objects"], unencrypted["passing_objects"]) == (2, 1)
    assert sum(row["objects"] for row in shown("tenants")["rows"]) == 3
    trends = shown("growth")["trends"]
    assert [(row["configuration_id"], len(row["history"])) for row in trends] == [
        ("b", 1),
        ("a", 1),
    ]
    run(
        *("storage", "compliance", "--lake", house.lake.location),
        *("--rule", "unencrypted", "--extract", "out.parquet"),
    )
    keys = [row["key"] for row in pq.read_table(tmp_path / "out.parquet").to_pylist()]
    assert sorted(keys) == ["acme/1", "beta/1"]


@pytest.mark.parametrize("known", [True, False], ids=["known", "not collected"])
def test_a_newer_narrow_report_does_not_replace_the_whole(house: House, shown, known: bool) -> None:
    if known:
        rows = configured(whole="", narrow="logs/")
        house.plant("bucket_inventory_configurations", *rows)
    listed(house, DAY, [obj("a/1", GIB), obj("logs/1", 5)], "whole")
    listed(house, DAY + timedelta(days=1), [obj("logs/1", 5)], "narrow")
    answer = shown("usage")
    assert answer["total"]["bytes"] == GIB + 5
    assert answer["deliveries"]["other_reports"] == 1
    # After a week and some days the whole report is no longer coming.
    listed(house, DAY + timedelta(days=11), [obj("logs/1", 5)], "narrow")
    assert shown("usage")["total"]["bytes"] == 5


def test_of_two_reports_of_the_same_the_newer_counts(house: House, shown) -> None:
    house.plant("bucket_inventory_configurations", *configured(daily="", weekly=""))
    listed(house, DAY, DIRTY, "weekly")
    listed(house, DAY + timedelta(days=1), [obj("clean/1", 5)], "daily")
    assert shown("usage")["total"]["bytes"] == 5
    assert shown("waste")["rows"] == []


def test_buckets_are_compared_on_the_day_that_has_most_of_them(house: House, shown, run) -> None:
    """A weekly report stands beside daily ones on Sundays only."""
    plant_buckets(house.lake, {"resource_id": "data-1"}, {"resource_id": "data-2"})
    for age, buckets in ((11, 3), (7, 2), (0, 1)):
        day = DAY + timedelta(days=11 - age)
        for number in range(1, buckets + 1):
            deliver(house.lake, DIRTY[:1], day, bucket=f"data-{number}", schema=FIELDS)
        for table in ("storage_usage", "duplicate_candidates"):
            build_mart(house.engine, marts()[table], day, PARAMETERS)
    [row] = shown("duplicates", "--scope", "all")["rows"]
    assert (row["delivered_on"], row["buckets"]) == (str(DAY + timedelta(days=4)), 2)
    told = run("storage", "duplicates", "--scope", "all", "--lake", house.lake.location).stdout
    assert "Compared: 2 of 2 buckets, which delivered on 2026-11-05" in told
    assert "Compared" not in run("storage", "duplicates", "--lake", house.lake.location).stdout
    assert shown("duplicates", "--until", str(DAY), "--department", "Sales")["rows"] == []


def test_filters_do_not_choose_an_older_delivery(house: House, shown) -> None:
    listed(house, DAY, DIRTY)
    buckets = house.lake.read("s3_buckets").to_pylist()
    moved = [{**row, "department": "Sales"} for row in buckets]
    house.lake.replace(
        "s3_buckets", [{"snapshot_at": SNAPSHOT}], contract_rows("s3_buckets", moved)
    )
    listed(house, DAY + timedelta(days=1), [obj("clean/1", 5)])
    assert shown("usage", "--department", "Sales")["total"]["objects"] == 1
    assert shown("usage", "--department", "Research")["total"]["objects"] == 0


def test_what_nothing_is_known_of_is_not_0(house: House, shown) -> None:
    listed(house, DAY, DIRTY)
    answer = shown("growth")
    assert set(answer["total"].values()) == {None}
    assert answer["unknown"]
