"""Changes between snapshots: nothing unobserved is called gone, new or changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory_pipeline.collect.changes import LOOK_BACK, build_changes
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.collect.test_merge import AT, Row, bucket, ledger_row, volume

PLACE = ("1", "eu")
V = "ebs_volume"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def at(n: int) -> datetime:
    return AT + timedelta(hours=12 * n)


def put(lake: Lake, table: str, when: datetime, rows: Iterable[Row]) -> None:
    dated = [{**row, "snapshot_at": when} for row in rows]
    data = pa.Table.from_pylist(dated, arrow_schema(table))
    lake.replace(table, [{"snapshot_at": when}], data)


def take(
    lake: Lake,
    n: int,
    volumes: Iterable[Row] = (),
    ledger: Mapping[str, str] | None = None,
    buckets: Iterable[Row] = (),
) -> list[dict[str, Any]]:
    """Publish snapshot `n`, of one account and region; its changes, `ledger` being by collector."""
    put(lake, "ebs_volumes", at(n), volumes)
    put(lake, "s3_buckets", at(n), buckets)
    statuses = {V: "ok"} if ledger is None else ledger
    cells = [
        ledger_row("1", "global" if c.startswith("s3") else "eu", c, s) for c, s in statuses.items()
    ]
    put(lake, "coverage", at(n), cells)
    row = {"snapshot_at": at(n), "status": "complete", "tables": 1, "rows": 1, "cells": 1}
    row |= {"collected_from": at(n), "collected_to": at(n), "cells_ok": 1}
    listed = pa.Table.from_pylist([row], arrow_schema("snapshots"))
    lake.merge("snapshots", {}, lambda earlier: pa.concat_tables([earlier, listed]))
    build_changes(DuckDBEngine(lake, "200MB"), at(n))
    return lake.read("resource_changes", {"snapshot_at": at(n)}).to_pylist()


def told(changes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    columns = ("resource_id", "change", "field", "old_value", "new_value")
    return sorted((tuple(c[name] for name in columns) for c in changes), key=str)


def went(changes: list[dict[str, Any]]) -> set[tuple[str, str, int]]:
    """Resource, change, and the number of the snapshot it is compared with."""
    return {
        (c["resource_id"], c["change"], (c["previous_at"] - AT) // timedelta(hours=12))
        for c in changes
    }


def v(resource_id: str, /, **more: Any) -> Row:
    return {**volume(*PLACE, resource_id), **more}


def test_the_first_snapshot_has_no_changes(lake: Lake) -> None:
    assert take(lake, 0, [v("a")]) == []


def test_what_came_went_changed_and_came_back(lake: Lake) -> None:
    take(lake, 0, [v("a"), v("b"), v("c", size_gb=1)])
    assert told(take(lake, 1, [v("a"), v("c", size_gb=2), v("d")])) == [
        ("b", "removed", None, None, None),
        ("c", "changed", "size_gb", "1", "2"),
        ("d", "added", None, None, None),
    ]
    assert told(take(lake, 2, [v("a"), v("c", size_gb=2), v("d")])) == []
    changes = take(lake, 3, [v("a"), v("b", name="again"), v("c", size_gb=2), v("d")])
    assert went(changes) == {("b", "reappeared", 0)}
    assert changes[0]["name"] == "again"


def test_a_resource_is_gone_only_if_its_cell_was_seen(lake: Lake) -> None:
    take(lake, 0, [v("a"), v("b")])
    assert take(lake, 1, [v("a")], {V: "timeout"}) == []
    assert take(lake, 2, [], {V: "denied"}) == []
    # What went in a gap is told when the cell is seen again.
    assert went(take(lake, 3, [v("a")])) == {("b", "removed", 0)}
    assert take(lake, 4, [v("a")]) == []


def test_a_resource_is_new_only_if_its_cell_was_seen_without_it(lake: Lake) -> None:
    take(lake, 0, [], {V: "denied"})
    assert take(lake, 1, [v("old")]) == [], "the first look at it"
    assert take(lake, 2, [], {V: "throttled"}) == []
    assert went(take(lake, 3, [v("old"), v("new")])) == {("new", "added", 1)}


def test_a_cell_that_is_not_in_the_ledger_tells_nothing(lake: Lake) -> None:
    """Another account, region or type may be looked at only now, or no longer."""
    take(lake, 0, [v("a")])
    assert take(lake, 1, [], {}) == []
    assert went(take(lake, 2, [v("b")])) == {("a", "removed", 0), ("b", "added", 0)}


def test_changes_across_a_gap_are_told_once(lake: Lake) -> None:
    take(lake, 0, [v("a", size_gb=1), v("b", size_gb=1)])
    partly = take(lake, 1, [v("a", size_gb=2)], {V: "timeout"})
    assert told(partly) == [("a", "changed", "size_gb", "1", "2")]
    whole = take(lake, 2, [v("a", size_gb=2), v("b", size_gb=3)])
    assert told(whole) == [("b", "changed", "size_gb", "1", "3")]
    assert went(whole) == {("b", "changed", 0)}


def test_looking_back_has_an_end(lake: Lake) -> None:
    take(lake, 0, [v("a")])
    put(lake, "ebs_volumes", at(LOOK_BACK + 1), [])
    for n in range(1, LOOK_BACK + 1):
        row = {"snapshot_at": at(n), "status": "complete", "tables": 0, "rows": 0, "cells": 0}
        row |= {"collected_from": at(n), "collected_to": at(n), "cells_ok": 0}
        listed = pa.Table.from_pylist([row], arrow_schema("snapshots"))
        lake.merge("snapshots", {}, lambda earlier, new=listed: pa.concat_tables([earlier, new]))
    assert take(lake, LOOK_BACK + 1, [v("b")]) == []


@pytest.mark.parametrize("when", [0, 1])
def test_a_null_beside_a_part_that_was_not_seen_is_no_change(lake: Lake, when: int) -> None:
    partly, whole = (
        {V: "ok", f"{V}.x": "denied"},
        {V: "ok", f"{V}.x": "ok", f"{V}.metrics": "error"},
    )
    ledgers = [whole, whole]
    ledgers[when] = partly
    sizes = [5, 6]
    rows = [v("a", iops=None if n == when else 100, size_gb=sizes[n]) for n in (0, 1)]
    take(lake, 0, [rows[0]], ledgers[0])
    assert told(take(lake, 1, [rows[1]], ledgers[1])) == [("a", "changed", "size_gb", "5", "6")]


def test_a_null_where_all_was_seen_is_a_change(lake: Lake) -> None:
    whole = {V: "ok", f"{V}.metrics": "denied"}
    take(lake, 0, [v("a", attached_instance_id="i-1")], whole)
    changes = take(lake, 1, [v("a", attached_instance_id=None)], whole)
    assert told(changes) == [("a", "changed", "attached_instance_id", "i-1", None)]


def test_tags_are_compared_key_by_key(lake: Lake) -> None:
    hostile = 'it\'s "a" [key]'
    take(lake, 0, [v("a", tags={"env": "test", "gone": "x", hostile: ""}), v("b", tags={"k": "1"})])
    retagged = {hostile: "ü", "env": "prod", "new": ""}
    changes = take(lake, 1, [v("a", tags=retagged), v("b", tags=None)])
    assert told(changes) == [
        ("a", "changed", "tags.env", "test", "prod"),
        ("a", "changed", "tags.gone", "x", None),
        ("a", "changed", f"tags.{hostile}", "", "ü"),
        ("a", "changed", "tags.new", None, ""),
    ]


def test_order_is_no_change(lake: Lake) -> None:
    take(lake, 0, [v("a", tags={"x": "1", "y": "2"})])
    assert take(lake, 1, [v("a", tags={"y": "2", "x": "1"})]) == []


def test_what_changes_by_itself_is_no_change(lake: Lake) -> None:
    take(lake, 0, [v("a", observed_at=at(0), account_name="old", department="x")])
    assert take(lake, 1, [v("a", observed_at=at(1), account_name="new", department="y")]) == []
    for kind in resource_types().values():
        assert kind.volatile <= {f.column.name for f in kind.fields}, kind.name


def test_a_global_resource_is_the_same_wherever_it_is_said_to_be(lake: Lake) -> None:
    ledger = {"s3_bucket": "ok", V: "ok"}
    take(lake, 0, (), ledger, [bucket("1", "unknown", "b"), bucket("1", "eu", "gone")])
    changes = take(lake, 1, (), ledger, [bucket("1", "eu", "b"), bucket("1", "us", "new")])
    assert went(changes) == {("gone", "removed", 0), ("new", "added", 0)}
    assert {c["resource_id"]: c["region"] for c in changes} == {"gone": "eu", "new": "us"}


def test_building_again_gives_the_same(lake: Lake) -> None:
    take(lake, 0, [v("a")])
    first = take(lake, 1, [v("b")])
    build_changes(DuckDBEngine(lake), at(1))
    assert told(lake.read("resource_changes").to_pylist()) == told(first)


looks = st.tuples(
    st.sampled_from(["ok", "ok", "denied", "timeout"]), st.sets(st.sampled_from("abc"))
)


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(st.lists(looks, min_size=2, max_size=5))
def test_comings_and_goings_add_up(
    tmp_path_factory: pytest.TempPathFactory, series: list[tuple[str, set[str]]]
) -> None:
    """From the first complete look on, they lead from what there is then to what there is last."""
    lake = Lake.open(str(tmp_path_factory.mktemp("changes") / "lake"))
    believed: set[str] | None = None
    for n, (status, truth) in enumerate(series):
        # An incomplete look sees some of what there is.
        seen = truth if status == "ok" else set(sorted(truth)[:1])
        changes = take(lake, n, [v(name) for name in sorted(seen)], {V: status})
        came = {c["resource_id"] for c in changes if c["change"] in ("added", "reappeared")}
        gone = {c["resource_id"] for c in changes if c["change"] == "removed"}
        if believed is None:
            assert not came, "nothing was seen completely yet"
            believed = set(truth) if status == "ok" else None
            continue
        assert not came & believed
        assert gone <= believed
        assert not gone or status == "ok"
        believed = (believed | came) - gone
        if status == "ok":
            assert believed == truth
