"""Unknown never means deleted: how a collection joins what the snapshot has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.collect.merge import (
    Joining,
    joining,
    joinings,
    ledgers,
    merge_accounts,
    merge_coverage,
    merge_rows,
)
from inventory_pipeline.lake.schema import arrow_schema

AT = datetime(2026, 6, 1, tzinfo=UTC)
STATUSES = ["ok", "denied", "throttled", "timeout", "region_disabled", "error", "not_attempted"]


def coverage(*cells: tuple[str, str, str, str]) -> pa.Table:
    rows = [
        {
            "snapshot_at": AT,
            "account_id": a,
            "region": r,
            "collector": c,
            "status": s,
            "resources": 0,
            "calls": 0,
            "retries": 0,
            "throttles": 0,
            "seconds": 0.0,
            "observed_at": AT,
        }
        for a, r, c, s in cells
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("coverage"))


def volumes(*rows: tuple[str, str, str], size: int = 1) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "snapshot_at": AT,
                "observed_at": AT,
                "account_id": a,
                "region": r,
                "resource_type": "ebs_volume",
                "resource_id": i,
                "size_gb": size,
            }
            for a, r, i in rows
        ],
        schema=arrow_schema("ebs_volumes"),
    )


def buckets(*rows: tuple[str, str, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "snapshot_at": AT,
                "observed_at": AT,
                "account_id": a,
                "region": r,
                "resource_type": "s3_bucket",
                "resource_id": i,
            }
            for a, r, i in rows
        ],
        schema=arrow_schema("s3_buckets"),
    )


def ids(table: pa.Table) -> list[tuple[Any, ...]]:
    names = ["account_id", "region", "resource_id"]
    return [tuple(row[n] for n in names) for row in table.to_pylist()]


@pytest.mark.parametrize(
    ("earlier", "new", "expected"),
    [
        (None, {"t": "ok"}, Joining.REPLACE),
        (None, {"t": "denied"}, Joining.ADD),
        ({"t": "denied"}, {"t": "ok"}, Joining.REPLACE),
        ({"t": "timeout"}, {"t": "denied"}, Joining.ADD),
        ({"t": "ok"}, {"t": "ok"}, Joining.REPLACE),
        ({"t": "ok"}, {"t": "denied"}, Joining.KEEP),
        ({"t": "ok", "t.tags": "ok"}, {"t": "ok", "t.tags": "denied"}, Joining.KEEP),
        ({"t": "ok", "t.tags": "denied"}, {"t": "ok", "t.tags": "denied"}, Joining.REPLACE),
        ({"t": "ok", "t.tags": "denied"}, {"t": "ok", "t.tags": "ok"}, Joining.REPLACE),
        ({"t": "timeout", "t.tags": "ok"}, {"t": "ok", "t.tags": "denied"}, Joining.REPLACE),
        # A part that is new in this version of the program takes nothing away.
        ({"t": "ok"}, {"t": "ok", "t.tags": "denied"}, Joining.REPLACE),
    ],
)
def test_how_a_cell_joins(
    earlier: dict[str, str] | None, new: dict[str, str], expected: Joining
) -> None:
    assert joining("t", earlier, new) is expected


def test_cells_do_not_mix() -> None:
    earlier = coverage(("1", "eu", "ebs_volume", "ok"), ("2", "eu", "ebs_volume", "ok"))
    new = coverage(("1", "eu", "ebs_volume", "denied"), ("1", "us", "ebs_volume", "error"))
    assert joinings(earlier, new) == {
        ("1", "eu", "ebs_volume"): Joining.KEEP,
        ("1", "us", "ebs_volume"): Joining.ADD,
    }
    merged = merge_coverage(earlier, new)
    assert {k: v["ebs_volume"] for k, v in ledgers(merged).items()} == {
        ("1", "eu", "ebs_volume"): "ok",
        ("1", "us", "ebs_volume"): "error",
        ("2", "eu", "ebs_volume"): "ok",
    }


def test_a_replaced_cell_takes_all_its_parts_along() -> None:
    earlier = coverage(("1", "eu", "t", "denied"), ("1", "eu", "t.tags", "denied"))
    merged = merge_coverage(earlier, coverage(("1", "eu", "t", "region_disabled")))
    assert ledgers(merged) == {("1", "eu", "t"): {"t": "region_disabled"}}


def test_rows_of_a_completely_seen_cell_replace_the_earlier_ones() -> None:
    earlier = volumes(("1", "eu", "gone"), ("1", "us", "elsewhere"), ("2", "eu", "other"))
    decided = {("1", "eu", "ebs_volume"): Joining.REPLACE}
    merged = merge_rows(earlier, volumes(("1", "eu", "new")), decided, [])
    assert ids(merged) == [("1", "eu", "new"), ("1", "us", "elsewhere"), ("2", "eu", "other")]


def test_an_empty_cell_that_was_seen_empties_it() -> None:
    decided = {("1", "eu", "ebs_volume"): Joining.REPLACE}
    assert merge_rows(volumes(("1", "eu", "gone")), volumes(), decided, []).num_rows == 0


def test_rows_of_a_worse_look_are_dropped() -> None:
    earlier = volumes(("1", "eu", "a"), ("1", "eu", "b"))
    decided = {("1", "eu", "ebs_volume"): Joining.KEEP}
    merged = merge_rows(earlier, volumes(("1", "eu", "a"), size=9), decided, [])
    assert [r["size_gb"] for r in merged.to_pylist()] == [1, 1]


def test_two_incomplete_looks_add_up() -> None:
    earlier = volumes(("1", "eu", "a"), ("1", "eu", "b"))
    decided = {("1", "eu", "ebs_volume"): Joining.ADD}
    merged = merge_rows(earlier, volumes(("1", "eu", "b"), ("1", "eu", "c"), size=9), decided, [])
    assert [(r["resource_id"], r["size_gb"]) for r in merged.to_pylist()] == [
        ("a", 1),
        ("b", 9),
        ("c", 9),
    ]


def test_a_denied_look_beside_a_running_one_takes_nothing_away() -> None:
    """Two collections at once: both see no ledger, the complete one commits its rows first."""
    nothing, denied = coverage(), coverage(("1", "eu", "ebs_volume", "denied"))
    complete = coverage(("1", "eu", "ebs_volume", "ok"))
    seen = volumes(("1", "eu", "a"))
    rows = merge_rows(volumes(), seen, joinings(nothing, complete), [])
    rows = merge_rows(rows, volumes(), joinings(nothing, denied), [])
    ledger = merge_coverage(merge_coverage(nothing, complete), denied)
    assert ledgers(ledger)["1", "eu", "ebs_volume"] == {"ebs_volume": "ok"}
    assert ids(rows) == [("1", "eu", "a")]


def test_a_global_types_cell_has_rows_of_many_regions() -> None:
    earlier = buckets(("1", "eu", "gone"), ("1", "us", "moved"), ("2", "eu", "other"))
    new = buckets(("1", "eu", "moved"))
    decided = {("1", "global", "s3_bucket"): Joining.REPLACE}
    merged = merge_rows(earlier, new, decided, ["s3_bucket"])
    assert ids(merged) == [("1", "eu", "moved"), ("2", "eu", "other")]
    added = merge_rows(earlier, new, {("1", "global", "s3_bucket"): Joining.ADD}, ["s3_bucket"])
    assert ids(added) == [("1", "eu", "gone"), ("1", "eu", "moved"), ("2", "eu", "other")]


def test_edges_join_by_their_source() -> None:
    def edges(*rows: tuple[str, str]) -> pa.Table:
        return pa.Table.from_pylist(
            [
                {
                    "snapshot_at": AT,
                    "account_id": "1",
                    "region": "eu",
                    "source_type": kind,
                    "source_id": source,
                    "relation": "r",
                    "target_type": "t",
                    "target_id": "x",
                }
                for kind, source in rows
            ],
            schema=arrow_schema("relationships"),
        )

    merged = merge_rows(
        edges(("ebs_volume", "old"), ("ec2_instance", "i")),
        edges(("ebs_volume", "new")),
        {("1", "eu", "ebs_volume"): Joining.REPLACE},
        [],
        prefix="source",
    )
    assert [r["source_id"] for r in merged.to_pylist()] == ["new", "i"]


def test_an_account_once_entered_stays_entered() -> None:
    def accounts(*rows: tuple[str, str]) -> pa.Table:
        return pa.Table.from_pylist(
            [
                {"snapshot_at": AT, "account_id": a, "status": s, "tags": {"k": "v"}}
                for a, s in rows
            ],
            schema=arrow_schema("accounts"),
        )

    merged = merge_accounts(
        accounts(("1", "ok"), ("2", "denied"), ("3", "ok")),
        accounts(("1", "denied"), ("2", "ok"), ("4", "error")),
    )
    found = {r["account_id"]: (r["status"], r["tags"]) for r in merged.to_pylist()}
    assert {a: s for a, (s, _) in found.items()} == {"1": "ok", "2": "ok", "3": "ok", "4": "error"}
    assert found["3"][1] == [("k", "v")]


cells = st.dictionaries(
    st.tuples(st.sampled_from("12"), st.sampled_from(["eu", "us"]), st.just("ebs_volume")),
    st.tuples(st.sampled_from(STATUSES), st.sets(st.sampled_from("abc"))),
)


@given(st.lists(cells, max_size=4))
def test_whatever_happens_what_was_seen_completely_is_kept(looks: list[dict[Any, Any]]) -> None:
    """Over any series of looks: the ledger and the rows agree, and nothing seen is lost."""
    ledger, rows = coverage(), volumes()
    complete: dict[Any, set[str]] = {}
    seen: dict[Any, set[str]] = {}
    for look in looks:
        new = coverage(*((*cell[:2], cell[2], status) for cell, (status, _) in look.items()))
        decided = joinings(ledger, new)
        found = volumes(*((*cell[:2], i) for cell, (_, found) in look.items() for i in found))
        rows = merge_rows(rows, found, decided, [])
        ledger = merge_coverage(ledger, new)
        for cell, (status, names) in look.items():
            seen.setdefault(cell, set()).update(names)
            if status == "ok":
                complete[cell] = names
    stored: dict[Any, set[str]] = {}
    for account, region, name in ids(rows):
        stored.setdefault((account, region, "ebs_volume"), set()).add(name)
    for cell, statuses in ledgers(ledger).items():
        assert (statuses["ebs_volume"] == "ok") == (cell in complete)
        assert stored.get(cell, set()) == complete.get(cell, seen[cell])
    assert len(ids(rows)) == len(set(ids(rows)))
