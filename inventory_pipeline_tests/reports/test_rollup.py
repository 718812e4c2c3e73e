"""The rollup against a count in plain Python."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory_pipeline.reports.bands import AGE_BANDS, SIZE_BANDS
from inventory_pipeline_tests.reports.conftest import House
from inventory_pipeline_tests.reports.writer import CURRENT_ONLY, Row, Writer

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
KIB, MIB, GIB = 2**10, 2**20, 2**30


def usage(house: House, writer: Writer, rows: list[Row], **options: Any) -> list[Row]:
    fields = options.pop("fields", None)
    writer.deliver(AT, rows, **({"fields": fields} if fields else {}))
    (result,) = house.ingest(**options)
    assert result.status == "ingested", result.error
    return house.rows("s3_usage")


def totals(rows: list[Row], *by: str) -> dict[Any, tuple[int, int, int]]:
    counted: dict[Any, tuple[int, int, int]] = {}
    for row in rows:
        group = tuple(row[name] for name in by) if len(by) > 1 else row[by[0]]
        before = counted.get(group, (0, 0, 0))
        now = (row["objects"], row["bytes"], row["billable_bytes"])
        counted[group] = tuple(map(sum, zip(before, now, strict=True)))  # type: ignore[assignment]
    return counted


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (timedelta(hours=-7), "0-30"),  # a rolling snapshot: changed while it was listed
        (timedelta(0), "0-30"),
        (timedelta(days=31, milliseconds=-1), "0-30"),
        (timedelta(days=31), "31-90"),
        (timedelta(days=91, milliseconds=-1), "31-90"),
        (timedelta(days=91), "91-180"),
        (timedelta(days=181), "181-365"),
        (timedelta(days=366, milliseconds=-1), "181-365"),
        (timedelta(days=366), "366+"),
        (timedelta(days=9999), "366+"),
    ],
)
def test_age_bands(house: House, writer: Writer, age: timedelta, band: str) -> None:
    (row,) = usage(house, writer, [{"key": "a", "last_modified_date": AT - age, "size": 1}])
    assert row["age_band"] == band


def test_size_bands(house: House, writer: Writer) -> None:
    bounds = {
        0: "0 B",
        1: "1 B-16 KiB",
        16 * KIB - 1: "1 B-16 KiB",
        16 * KIB: "16-128 KiB",
        128 * KIB - 1: "16-128 KiB",
        128 * KIB: "128 KiB-1 MiB",
        MIB: "1-16 MiB",
        16 * MIB: "16-128 MiB",
        128 * MIB: "128 MiB-1 GiB",
        GIB: "1-5 GiB",
        5 * GIB - 1: "1-5 GiB",
        5 * GIB: "5 GiB+",
        2**62: "5 GiB+",
    }
    rows = usage(house, writer, [{"key": "k", "size": size} for size in bounds])
    expected = Counter(bounds.values())
    assert {band: n for band, (n, _, _) in totals(rows, "size_band").items()} == expected
    assert sum(row["bytes"] for row in rows) == sum(bounds)


def test_bands_rise_from_zero() -> None:
    for bands in (AGE_BANDS, SIZE_BANDS):
        lower = [band.lower for band in bands]
        assert lower == sorted(set(lower))
        assert lower[0] == 0


def test_small_objects_are_billed_larger_where_the_class_has_a_minimum(
    house: House, writer: Writer
) -> None:
    least = 128 * KIB
    expected = {
        "STANDARD": 10, "INTELLIGENT_TIERING": 10, "GLACIER": 10, "DEEP_ARCHIVE": 10,
        "STANDARD_IA": least, "ONEZONE_IA": least, "GLACIER_IR": least,
    }  # fmt: skip
    rows = usage(house, writer, [{"key": "k", "size": 10, "storage_class": c} for c in expected])
    assert {c: billed for c, (_, _, billed) in totals(rows, "storage_class").items()} == expected


def test_versions_and_delete_markers(house: House, writer: Writer) -> None:
    rows = usage(
        house,
        writer,
        [
            {"key": "k", "size": 5, "is_latest": True, "is_delete_marker": False},
            {"key": "k", "size": 7, "is_latest": False, "is_delete_marker": False},
            {"key": "k", "is_latest": False, "is_delete_marker": True},
            {"key": "l", "is_latest": True, "is_delete_marker": True},
        ],
    )
    assert totals(rows, "version_state") == {
        "current": (1, 5, 5),
        "noncurrent": (1, 7, 7),
        "delete_marker": (2, 0, 0),
    }


def test_a_report_of_current_versions_only_and_without_size(house: House, writer: Writer) -> None:
    fields = tuple(f for f in CURRENT_ONLY if f not in ("Size", "LastModifiedDate"))
    (row,) = usage(house, writer, [{"key": "k", "storage_class": "STANDARD_IA"}], fields=fields)
    assert row["version_state"] == "current"
    assert (row["size_band"], row["age_band"]) == ("unknown", "unknown")
    assert (row["objects"], row["bytes"], row["billable_bytes"]) == (1, 0, 0)
    assert row["encryption_status"] is None


@pytest.mark.parametrize(
    ("depth", "prefixes"),
    [(0, {""}), (1, {"", "a/", "/"}), (2, {"", "a/", "a/b/", "/x/"}),
     (9, {"", "a/", "a/b/", "a/b/c\n/", "/x/"})],
)  # fmt: skip
def test_prefix_depth(house: House, writer: Writer, depth: int, prefixes: set[str]) -> None:
    keys = ["top", "a/1", "a/b/2", "a/b/c\n/3", "/x/4"]
    rows = usage(house, writer, [{"key": k, "size": 1} for k in keys], prefix_depth=depth)
    assert {row["prefix"] for row in rows} == prefixes


def test_the_largest_prefixes_are_kept_and_the_rest_is_one(house: House, writer: Writer) -> None:
    rows = usage(
        house,
        writer,
        [
            {"key": f"{name}/{n}", "size": size}
            for name, size in {"a": 5, "b": 40, "c": 3, "d": 30}.items()
            for n in range(2)
        ],
        prefix_depth=1,
        prefix_limit=2,
    )  # fmt: skip
    assert totals(rows, "prefix") == {"b/": (2, 80, 80), "d/": (2, 60, 60), None: (4, 16, 16)}


ROWS = st.fixed_dictionaries({
    "key": st.text("ab/+ é", min_size=1, max_size=8),
    "size": st.integers(0, 2**45),
    "last_modified_date": st.integers(0, 3000).map(lambda days: AT - timedelta(days=days)),
    "storage_class": st.sampled_from(["STANDARD", "GLACIER_IR", "SNOW"]),
    "is_latest": st.booleans(),
    "is_delete_marker": st.just(False),
    "encryption_status": st.sampled_from(["SSE-S3", None]),
    "replication_status": st.sampled_from(["FAILED", None]),
    "intelligent_tiering_access_tier": st.sampled_from(["FREQUENT", None]),
})  # fmt: skip


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(ROWS, max_size=30), st.integers(0, 3), st.integers(0, 5))
def test_totals_equal_a_naive_count(
    house: House, writer: Writer, rows: list[Row], depth: int, limit: int
) -> None:
    """The delivery changes with each example, so each is ingested anew into the same partition."""
    got = usage(house, writer, rows, prefix_depth=depth, prefix_limit=limit)
    count: Counter[tuple[Any, ...]] = Counter()
    size: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        state = "current" if row["is_latest"] else "noncurrent"
        group = (row["storage_class"], state, row["encryption_status"],
                 row["replication_status"], row["intelligent_tiering_access_tier"])  # fmt: skip
        count[group] += 1
        size[group] += row["size"]
    by = ("storage_class", "version_state", "encryption_status", "replication_status",
          "access_tier")  # fmt: skip
    summed = totals(got, *by)
    assert {group: n for group, (n, _, _) in summed.items()} == count
    assert {group: b for group, (_, b, _) in summed.items()} == {g: size[g] for g in count}
    kept = {row["prefix"] for row in got} - {None}
    assert len(kept) <= limit
    assert all(prefix.count("/") <= depth for prefix in kept)
