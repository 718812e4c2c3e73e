"""Reports against CloudWatch: equal, explained, unexplained, unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline_tests.marts.storage.planting import House, obj

MIB = 1024**2


def metric(name: str, value: float, bucket: str = "data-1") -> dict[str, Any]:
    return {
        "resource_type": "s3_bucket",
        "resource_id": bucket,
        "metric": name,
        "statistic": "Average",
        "value": value,
    }


def sizes(**by_type: float) -> list[dict[str, Any]]:
    return [metric(f"BucketSizeBytes:{kind}", value) for kind, value in by_type.items()]


def configuration(**about: Any) -> dict[str, Any]:
    whole = {"prefix": "", "included_versions": "All"}
    return {"resource_id": "data-1", "configuration_id": "daily", **whole, **about}


def rows(house: House, **settings: Any) -> dict[str | None, tuple[Any, ...]]:
    """By class (None for the number of objects): listed, measured, status, explanation."""
    return {
        row["storage_class"]: (row["listed"], row["measured"], row["status"], row["explanation"])
        for row in house.build("bucket_reconciliation", **settings)
    }


@pytest.fixture
def house(tmp_path: Path) -> House:
    """100 MiB in STANDARD, 10 in GLACIER, and a delete marker."""
    house = House(tmp_path, {"resource_id": "data-1", "versioning": "Enabled"})
    house.deliver(
        obj("a/1", 100 * MIB),
        obj("a/2", 10 * MIB, storage_class="GLACIER", is_latest=False),
        obj("a/3", None, storage_class=None, is_delete_marker=True),
    )
    house.plant("bucket_inventory_configurations", configuration())
    return house


def test_equal_figures_match_and_a_class_without_datapoints_holds_nothing(house: House) -> None:
    house.plant(
        "metrics",
        *sizes(StandardStorage=100 * MIB, StandardIAStorage=0.0, GlacierObjectOverhead=32768),
        metric("NumberOfObjects", 3.0),
        metric("NumberOfObjects", 9.0, bucket="another"),
    )
    found = rows(house)
    assert found == {
        "STANDARD": (100 * MIB, 100 * MIB, "matches", None),
        "STANDARD_IA": (0, 0, "matches", None),
        "GLACIER": (10 * MIB, 0, "unexplained", "the metric may be days older than the report"),
        None: (3, 3, "matches", None),
    }


# The configuration, what CloudWatch measured of 100 MiB, the status, a part of its reason.
DIFFERENCES: tuple[tuple[dict[str, Any], int, str, str], ...] = (
    ({}, 101 * MIB, "explained", "another time of the day"),
    ({}, 99 * MIB, "explained", "another time of the day"),
    ({}, 102 * MIB, "unexplained", "multipart"),
    ({"prefix": "a/"}, 200 * MIB, "explained", "one prefix"),
    ({"prefix": "a/"}, 50 * MIB, "unexplained", "days older"),
    ({"included_versions": "Current"}, 200 * MIB, "explained", "current versions only"),
    ({"configuration_id": "deleted"}, 200 * MIB, "unknown", "whole bucket"),
)


def test_a_difference_is_explained_only_by_what_is_known(tmp_path: Path) -> None:
    names = [f"data-{n}" for n in range(len(DIFFERENCES))]
    house = House(tmp_path, *({"resource_id": n, "versioning": "Enabled"} for n in names))
    configurations, metrics = [], []
    for name, (about, measured, _, _) in zip(names, DIFFERENCES, strict=True):
        house.deliver(obj("a/1", 100 * MIB), bucket=name)
        configurations.append({**configuration(**about), "resource_id": name})
        metrics.append(metric("BucketSizeBytes:StandardStorage", measured, bucket=name))
    house.plant("bucket_inventory_configurations", *configurations)
    house.plant("metrics", *metrics)
    found = {
        row["source_bucket"]: row
        for row in house.build("bucket_reconciliation")
        if row["measure"] == "bytes"
    }
    for name, (about, measured, status, told) in zip(names, DIFFERENCES, strict=True):
        assert found[name]["status"] == status, (about, measured)
        assert told in found[name]["explanation"], (about, measured)


def test_the_tolerance_is_a_setting(house: House) -> None:
    house.plant("metrics", *sizes(StandardStorage=110 * MIB))
    assert rows(house)["STANDARD"][2] == "unexplained"
    assert rows(house, reconciliation_tolerance_percent=10)["STANDARD"][2] == "explained"


def test_without_metrics_or_sizes_it_is_unknown(house: House) -> None:
    assert {status for _, _, status, _ in rows(house).values()} == {"unknown"}
    assert rows(house)[None][3] == "no metric of the bucket was collected"
    house.deliver(obj("b/1", None), configuration="no sizes", fields="Bucket, Key, StorageClass")
    house.usages[-1] = {**house.usages[-1], "size_band": "unknown"}
    house.roll_up(*house.usages)
    house.plant("metrics", *sizes(StandardStorage=1))
    found = {
        (row["configuration_id"], row["storage_class"]): row
        for row in house.build("bucket_reconciliation")
    }
    untold = found["no sizes", "STANDARD"]
    assert (untold["listed"], untold["measured"], untold["status"]) == (None, 1, "unknown")
    assert "size" in untold["explanation"]
