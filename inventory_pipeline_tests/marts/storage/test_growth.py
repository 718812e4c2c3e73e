"""Growth between two deliveries: what each change is called, that it adds up, what is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake import DuckDBEngine, Lake, Session
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.lake.schema import arrow_schema, contract_select
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.mart import rows_read
from inventory_pipeline.marts.storage.growth.comparing import FIRST, ONE_SIDED_VERSIONS
from inventory_pipeline.marts.storage.places import prefix_pattern
from inventory_pipeline_tests.archive.planted import plant_buckets
from inventory_pipeline_tests.marts.storage.delivered import (
    CURRENT,
    DEPTH,
    TODAY,
    VERSIONS,
    YESTERDAY,
    Row,
    deliver,
    entry,
    listed,
    marker,
    obj,
    rolled_up,
)

PARAMS = {"prefix_pattern": prefix_pattern(DEPTH)}
AMOUNTS = ("objects_added", "objects_removed", "bytes_added", "bytes_removed")
OLD = {"is_latest": False}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def grown(lake: Lake, day: date = TODAY) -> list[Row]:
    """The day's growth, built piece by piece; the SELECT run whole gives the same."""
    engine = DuckDBEngine(lake, memory_limit="256MB", threads=1)
    mart = marts()["storage_growth"]
    build_mart(engine, mart, day, PARAMS)
    with engine.session({"storage_growth": {"delivered_on": day}}) as db:
        assert violations(db, "storage_growth") == []
    with engine.session(rows_read(lake, mart, day)) as db:
        select = contract_select("storage_growth", mart.sql())
        whole = db.query(select, {**PARAMS, "delivered_on": day}).to_pylist()
    found = lake.read("storage_growth", {"delivered_on": day}).to_pylist()
    assert sorted(map(str, found)) == sorted(map(str, whole))
    return found


def amounts(rows: Iterable[Row], *by: str) -> dict[Any, tuple[int, ...]]:
    """Objects that came and went and their bytes, by these columns."""
    return {
        tuple(row[column] for column in by): tuple(row[name] for name in AMOUNTS)
        for row in rows
        if row["change"] != "unknown"
    }


def reasons(rows: Iterable[Row]) -> list[str]:
    return [row["unknown_reason"] for row in rows if row["change"] == "unknown"]


def test_each_change_of_current_objects(lake: Lake) -> None:
    exact = 2**53 + 1
    same = [obj("a/same", exact), obj("top"), obj("dir/", 0)]
    deliver(
        lake,
        [*same, obj("a/gone", 3), obj("a/moved", 5), obj("b/more", 1), obj("b/other", 8)],
        YESTERDAY,
    )
    deliver(
        lake,
        [
            *same,
            obj("a/moved", 5, storage_class="GLACIER"),
            obj("b/more", exact, content=2),
            obj("b/other", 8, content=2, storage_class="STANDARD_IA"),
            obj("new/1", 7),
        ],
    )
    rows = grown(lake)
    assert amounts(rows, "change", "prefix", "storage_class", "from_class", "to_class") == {
        ("deleted", "a/", "STANDARD", None, None): (0, 1, 0, 3),
        ("class_changed", "a/", "STANDARD", None, "GLACIER"): (0, 1, 0, 5),
        ("class_changed", "a/", "GLACIER", "STANDARD", None): (1, 0, 5, 0),
        ("overwritten", "b/", "STANDARD", None, None): (1, 2, exact, 9),
        ("overwritten", "b/", "STANDARD_IA", None, None): (1, 0, 8, 0),
        ("created", "new/", "STANDARD", None, None): (1, 0, 7, 0),
    }
    assert {(r["previous_delivered_on"], r["days_between"]) for r in rows} == {(YESTERDAY, 1)}
    assert all(r["bytes_net"] == r["bytes_added"] - r["bytes_removed"] for r in rows)
    assert reasons(rows) == []


def test_a_version_that_stays_is_moved_and_not_gone(lake: Lake) -> None:
    first, second = {"version_id": "v1"}, {"version_id": "v2"}
    deliver(
        lake,
        [
            obj("written", 3, **first),
            obj("hidden", 5, **first),
            obj("shown", 7, **first, **OLD),
            marker("shown"),
            obj("expired", 11, **first, **OLD),
            obj("expired", 13, **second),
            obj("suspended", 17),
        ],
        YESTERDAY,
        schema=VERSIONS,
    )
    deliver(
        lake,
        [
            obj("written", 3, **first, **OLD),
            obj("written", 4, content=2, **second),
            obj("hidden", 5, **first, **OLD),
            marker("hidden"),
            obj("shown", 7, **first),
            obj("expired", 13, **second),
            marker("suspended", None),
        ],
        schema=VERSIONS,
    )
    found = amounts(grown(lake), "change", "version_state", "storage_class")
    assert found == {
        ("overwritten", "current", "STANDARD"): (1, 1, 4, 3),
        ("overwritten", "noncurrent", "STANDARD"): (1, 0, 3, 0),
        ("deleted", "current", "STANDARD"): (0, 2, 0, 22),
        ("deleted", "noncurrent", "STANDARD"): (1, 1, 5, 11),
        ("created", "current", "STANDARD"): (1, 0, 7, 0),
        ("created", "noncurrent", "STANDARD"): (0, 1, 0, 7),
        ("created", "delete_marker", None): (2, 0, 0, 0),
        ("deleted", "delete_marker", None): (0, 1, 0, 0),
    }


def test_the_first_delivery_is_not_growth(lake: Lake) -> None:
    deliver(lake, [obj("a")])
    deliver(lake, [obj("a")], YESTERDAY, configuration="another")
    deliver(lake, [obj("a")], YESTERDAY, status="quarantined")
    [row] = grown(lake)
    assert (row["change"], row["unknown_reason"]) == ("unknown", FIRST)
    assert [row[name] for name in (*AMOUNTS, "objects_net", "bytes_net", "days_between")] == [
        None
    ] * 7


def test_missing_days_and_a_bucket_that_became_empty(lake: Lake) -> None:
    plant_buckets(lake, {"resource_id": "data-1"})
    deliver(lake, [obj("a", 3)], TODAY - timedelta(days=9))
    deliver(lake, [obj("a", 3), obj("b", 4)], TODAY - timedelta(days=5))
    deliver(lake, [])
    [row] = grown(lake)
    assert (row["change"], row["objects_removed"], row["bytes_net"]) == ("deleted", 2, -7)
    assert (row["days_between"], row["department"]) == (5, "Research")


def test_a_hole_filled_later_changes_the_day_after_it(lake: Lake) -> None:
    deliver(lake, [obj("a")], TODAY - timedelta(days=2))
    deliver(lake, [obj("a"), obj("b"), obj("c")])
    assert [r["objects_added"] for r in grown(lake)] == [2]
    deliver(lake, [obj("a"), obj("b")], YESTERDAY)
    assert [r["objects_added"] for r in grown(lake, YESTERDAY)] == [1]
    for _ in range(2):
        [row] = grown(lake)
        assert (row["objects_added"], row["previous_delivered_on"]) == (1, YESTERDAY)


@pytest.mark.parametrize(
    ("before", "after", "reason", "found"),
    [
        (
            "Bucket, Key, Size, StorageClass", CURRENT,
            "the reports have neither ETag nor LastModifiedDate in common",
            {("overwritten",): (1, 1, 20, 10), ("class_changed",): (1, 1, 10, 10)},
        ),
        (
            "Bucket, Key, Size, LastModifiedDate, StorageClass", CURRENT, None,
            {("overwritten",): (1, 1, 20, 10), ("class_changed",): (1, 1, 10, 10)},
        ),
        (
            CURRENT.replace(", StorageClass", ""), CURRENT,
            "the reports do not both have StorageClass",
            {("overwritten",): (2, 2, 30, 20)},
        ),
        (
            CURRENT, CURRENT.replace("Size, ", ""), "the reports do not both have Size",
            {("overwritten",): (2, 2, None, None), ("class_changed",): (1, 1, None, None)},
        ),
    ],
)  # fmt: skip
def test_what_a_report_lacks_is_unknown(
    lake: Lake, before: str, after: str, reason: str | None, found: Mapping[Any, Any]
) -> None:
    deliver(lake, [obj("a"), obj("b"), obj("c"), obj("d")], YESTERDAY, schema=before)
    rewritten = obj("b", content=2)
    deliver(
        lake,
        [obj("a", 20, content=2), rewritten, obj("c", storage_class="GLACIER"), obj("d")],
        schema=after,
    )
    rows = grown(lake)
    assert [text.startswith(reason or "") for text in reasons(rows)] == ([True] if reason else [])
    totals: dict[Any, list[int | None]] = {}
    for row in rows:
        if row["change"] != "unknown":
            total = totals.setdefault((row["change"],), [0, 0, 0, 0])
            for at, name in enumerate(AMOUNTS):
                total[at] = None if row[name] is None else (total[at] or 0) + row[name]
    if "ETag" not in before and "LastModifiedDate" in before:
        # By date alone nothing was written: `b` and its ETag are as they may have been.
        assert totals["class_changed",] == [1, 1, 10, 10]
        assert totals["overwritten",] == [1, 1, 20, 10]
    else:
        assert {change: tuple(total) for change, total in totals.items()} == found


def test_a_report_that_comes_to_list_all_versions(lake: Lake) -> None:
    deliver(lake, [obj("a"), obj("b")], YESTERDAY)
    deliver(
        lake,
        [obj("a", version_id="v2"), obj("a", 99, version_id="v1", **OLD), marker("b")],
        schema=VERSIONS,
    )
    rows = grown(lake)
    assert amounts(rows, "change", "version_state") == {("deleted", "current"): (0, 1, 0, 10)}
    assert reasons(rows) == [ONE_SIDED_VERSIONS]


def test_a_version_listed_twice_is_named_as_such(lake: Lake) -> None:
    deliver(lake, [obj("a", 3), obj("b", 5)], YESTERDAY)
    deliver(lake, [obj("a", 3), obj("a", 3), obj("b", 5, storage_class="GLACIER")])
    assert amounts(grown(lake), "change", "storage_class") == {
        ("duplicate", "STANDARD"): (1, 0, 3, 0),
        ("class_changed", "STANDARD"): (0, 1, 0, 5),
        ("class_changed", "GLACIER"): (1, 0, 5, 0),
    }


def test_prefixes_beyond_the_cap_are_told_together(lake: Lake) -> None:
    big = [obj("big/1", 1000), obj("big/2", 1000)]
    deliver(lake, [*big, obj("x/1", 1)], YESTERDAY, prefix_limit=1)
    deliver(lake, [*big[1:], obj("y/1", 2), obj("z/1", 3)], prefix_limit=1)
    assert amounts(grown(lake), "prefix", "change") == {
        ("big/", "deleted"): (0, 1, 0, 1000),
        (None, "created"): (2, 0, 5, 0),
        (None, "deleted"): (0, 1, 0, 1),
    }


keys = st.sampled_from(("a", "b/", "b/1", "b/2"))
versions = st.sampled_from((None, "v1", "v2"))
listings = st.lists(
    st.builds(
        lambda key, version, size, content, latest, dead, kind: (
            marker(key, version, is_latest=latest)
            if dead
            else obj(key, size, content, version_id=version, is_latest=latest, storage_class=kind)
        ),
        keys, versions, st.integers(0, 3), st.integers(0, 1), st.booleans(), st.booleans(),
        st.sampled_from(("STANDARD", "GLACIER")),
    ),
    max_size=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    lake = Lake.open(str(tmp_path_factory.mktemp("lake")))
    with DuckDBEngine(lake, memory_limit="256MB", threads=1).session({}) as session:
        session.connection.register("s3_buckets", arrow_schema("s3_buckets").empty_table())
        yield session


@settings(max_examples=12)
@given(before=listings, after=listings, schema=st.sampled_from((CURRENT, VERSIONS)))
def test_changes_add_up_in_every_cell_of_usage(
    db: Session, before: list[Row], after: list[Row], schema: str
) -> None:
    """Whatever is listed, even twice: what usage has more than before is what changed."""
    if schema == CURRENT:
        before, after = ([o for o in some if not o["is_delete_marker"]] for some in (before, after))
    parts = {
        day: {"delivered_on": day, "source_bucket": "data-1", "configuration_id": "daily"}
        for day in (YESTERDAY, TODAY)
    }
    days = {
        day: listed(parts[day], objects, schema)
        for day, objects in ((YESTERDAY, before), (TODAY, after))
    }
    usage = [
        parts[day] | row
        for day, rows in days.items()
        for row in rolled_up(db, rows, day).to_pylist()
    ]
    ledger = [entry(parts[day], rows.num_rows, schema) for day, rows in days.items()]
    tables = {
        "s3_objects": pa.concat_tables(days.values()),
        "s3_usage": pa.Table.from_pylist(usage, schema=arrow_schema("s3_usage")),
        "s3_deliveries": pa.Table.from_pylist(ledger, schema=arrow_schema("s3_deliveries")),
    }
    for name, rows in tables.items():
        db.connection.register(name, rows)
    select = marts()["storage_growth"].sql()
    changes = db.query(select, {**PARAMS, "delivered_on": TODAY}).to_pylist()
    assert cells((r, 1, r["objects_net"], r["bytes_net"]) for r in changes) == cells(
        (r, 1 if r["delivered_on"] == TODAY else -1, r["objects"], r["bytes"]) for r in usage
    )


def cells(rows: Iterable[tuple[Row, int, int, int]]) -> dict[Any, tuple[int, int]]:
    """Sums by cell of usage, of those that are not zero."""
    sums: dict[Any, tuple[int, int]] = {}
    for row, sign, objects, size in rows:
        cell = row["prefix"], row["version_state"], row["storage_class"]
        before = sums.get(cell, (0, 0))
        sums[cell] = before[0] + sign * int(objects), before[1] + sign * int(size)
    return {cell: both for cell, both in sums.items() if any(both)}
