"""Unknown never means deleted: how chunks of cells join what the snapshot has."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory_pipeline.collect.merge import join_chunk, merge_accounts
from inventory_pipeline.collect.spool import Chunk
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.schema import arrow_schema

AT = datetime(2026, 6, 1, tzinfo=UTC)
STATUSES = ["ok", "denied", "throttled", "timeout", "region_disabled", "error", "not_attempted"]

Cell = tuple[str, str, str, str]
"""Account, region, collector, status."""

Row = dict[str, Any]
Look = tuple[Sequence[Cell], dict[str, Sequence[Row]]]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(str(tmp_path / "lake"))


def ledger_row(account: str, region: str, collector: str, status: str) -> Row:
    counts = dict.fromkeys(("resources", "calls", "retries", "throttles"), 0)
    return {
        "snapshot_at": AT,
        "account_id": account,
        "region": region,
        "collector": collector,
        "status": status,
        "seconds": 0.0,
        "observed_at": AT,
        **counts,
    }


def resource(kind: str, account: str, region: str, name: str, **more: Any) -> Row:
    return {
        "snapshot_at": AT,
        "observed_at": AT,
        "account_id": account,
        "region": region,
        "resource_type": kind,
        "resource_id": name,
        **more,
    }


def volume(account: str, region: str, name: str, size: int = 1) -> Row:
    return resource("ebs_volume", account, region, name, size_gb=size)


def bucket(account: str, region: str, name: str) -> Row:
    return resource("s3_bucket", account, region, name)


def edge(account: str, region: str, name: str, target: str) -> Row:
    return {
        "snapshot_at": AT,
        "account_id": account,
        "region": region,
        "source_type": "ebs_volume",
        "source_id": name,
        "relation": "attached_to",
        "target_type": "ec2_instance",
        "target_id": target,
    }


def metric(account: str, region: str, name: str, value: float) -> Row:
    return {
        **resource("ebs_volume", account, region, name),
        "metric": "VolumeReadOps",
        "statistic": "Sum",
        "window_days": 14,
        "value": value,
        "datapoints": 1,
        "expected_datapoints": 14,
    }


def join(lake: Lake, *cells: Cell, **rows: Sequence[Row]) -> None:
    """Commit a chunk of these cells, with these rows by table."""
    listed = [*rows.get("ebs_volumes", ()), *rows.get("s3_buckets", ())]
    found = {**rows, "resources": listed, "coverage": [ledger_row(*cell) for cell in cells]}
    files: dict[str, Path] = {}
    for table, some in found.items():
        if some:
            files[table] = lake.scratch_file()
            pq.write_table(pa.Table.from_pylist(some, arrow_schema(table)), files[table])
    join_chunk(lake, AT, Chunk(files, {table: len(some) for table, some in found.items()}))
    assert not any(file.exists() for file in files.values()), "gone when it has joined"


def read(lake: Lake, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with _reading(lake, table) as db:
        found = db.query(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL")
    return [tuple(row.values()) for row in found.to_pylist()]


def _reading(lake: Lake, table: str) -> Any:
    from inventory_pipeline.lake import DuckDBEngine

    return DuckDBEngine(lake).session({table: None}, published=False)


def volumes(lake: Lake) -> list[tuple[Any, ...]]:
    return read(lake, "ebs_volumes", "account_id", "region", "resource_id")


def ledger(lake: Lake) -> dict[str, str]:
    """Status by collector, of a lake with one cell."""
    return dict(read(lake, "coverage", "collector", "status"))


def files(lake: Lake, table: str) -> set[str]:
    return {file.path for file in lake.files(table, visible=False)}


V = "ebs_volume"


@pytest.mark.parametrize(
    ("earlier", "new", "rows", "status"),
    [
        (None, {V: "ok"}, ["a", "b"], "ok"),
        (None, {V: "denied"}, ["a", "b", "old"], "denied"),
        ({V: "denied"}, {V: "ok"}, ["a", "b"], "ok"),
        ({V: "timeout"}, {V: "denied"}, ["a", "b", "old"], "denied"),
        ({V: "ok"}, {V: "ok"}, ["a", "b"], "ok"),
        ({V: "ok"}, {V: "denied"}, ["a", "old"], "ok"),
        ({V: "ok", f"{V}.x": "ok"}, {V: "ok", f"{V}.x": "denied"}, ["a", "old"], "ok"),
        ({V: "ok", f"{V}.x": "ok"}, {V: "ok"}, ["a", "old"], "ok"),
        ({V: "ok", f"{V}.x": "denied"}, {V: "ok", f"{V}.x": "denied"}, ["a", "b"], "ok"),
        ({V: "ok", f"{V}.x": "denied"}, {V: "ok", f"{V}.x": "ok"}, ["a", "b"], "ok"),
        ({V: "timeout", f"{V}.x": "ok"}, {V: "ok", f"{V}.x": "denied"}, ["a", "b"], "ok"),
        # A part that is new in this version of the program takes nothing away.
        ({V: "ok"}, {V: "ok", f"{V}.x": "denied"}, ["a", "b"], "ok"),
    ],
)
def test_how_a_cell_joins(
    lake: Lake, earlier: dict[str, str] | None, new: dict[str, str], rows: list[str], status: str
) -> None:
    def of(statuses: dict[str, str]) -> list[Cell]:
        return [("1", "eu", collector, s) for collector, s in statuses.items()]

    before = [volume("1", "eu", "a", 1), volume("1", "eu", "old", 1)]
    if earlier:
        join(lake, *of(earlier), ebs_volumes=before)
    else:  # rows without a ledger are those of a run that was killed, or that is still running
        for table in ("ebs_volumes", "resources"):
            rows_of = pa.Table.from_pylist(before, arrow_schema(table))
            lake.replace(table, [{"snapshot_at": AT}], rows_of)
    join(lake, *of(new), ebs_volumes=[volume("1", "eu", "a", 2), volume("1", "eu", "b", 2)])
    found = read(lake, "ebs_volumes", "resource_id", "size_gb")
    assert [name for name, _ in found] == rows
    assert dict(found)["a"] == (2 if "b" in rows else 1)
    assert ledger(lake)[V] == status
    kept = "b" not in rows
    assert set(ledger(lake)) == set(earlier or {} if kept else new), "parts go with their cell"
    assert read(lake, "resources", "resource_id") == [(name,) for name in rows]


def test_cells_do_not_mix(lake: Lake) -> None:
    join(
        lake,
        ("1", "eu", V, "ok"),
        ("1", "us", V, "ok"),
        ("2", "eu", V, "ok"),
        ebs_volumes=[volume("1", "eu", "a"), volume("1", "us", "a"), volume("2", "eu", "a")],
    )
    join(lake, ("1", "eu", V, "ok"), ("1", "us", V, "denied"), ebs_volumes=[volume("1", "eu", "b")])
    assert volumes(lake) == [("1", "eu", "b"), ("1", "us", "a"), ("2", "eu", "a")]
    assert set(read(lake, "coverage", "account_id", "region", "status")) == {
        ("1", "eu", "ok"),
        ("1", "us", "ok"),
        ("2", "eu", "ok"),
    }


def test_an_empty_cell_that_was_seen_empties_it(lake: Lake) -> None:
    join(lake, ("1", "eu", V, "ok"), ebs_volumes=[volume("1", "eu", "gone")])
    join(lake, ("1", "eu", V, "ok"))
    assert volumes(lake) == read(lake, "resources", "resource_id") == []


def test_a_global_types_cell_has_rows_of_many_regions(lake: Lake) -> None:
    place = ("1", "global", "s3_bucket")
    ours = [bucket("1", "eu", "gone"), bucket("1", "us", "moved")]
    other = ("2", "global", "s3_bucket", "ok")
    join(lake, (*place, "denied"), other, s3_buckets=[*ours, bucket("2", "eu", "other")])
    join(lake, (*place, "denied"), s3_buckets=[bucket("1", "eu", "moved")])
    columns = ("account_id", "region", "resource_id")
    assert read(lake, "s3_buckets", *columns) == [
        ("1", "eu", "gone"),
        ("1", "eu", "moved"),
        ("2", "eu", "other"),
    ]
    join(lake, (*place, "ok"), s3_buckets=[bucket("1", "eu", "moved")])
    for table in ("s3_buckets", "resources"):
        assert read(lake, table, *columns) == [("1", "eu", "moved"), ("2", "eu", "other")]


def test_what_a_resource_seen_again_has_no_longer_is_gone(lake: Lake) -> None:
    """Even of two incomplete looks: its own new row says what it has."""
    both = [volume("1", "eu", "a"), volume("1", "eu", "b")]
    join(
        lake,
        ("1", "eu", V, "timeout"),
        ebs_volumes=both,
        relationships=[edge("1", "eu", "a", "i-1"), edge("1", "eu", "b", "i-2")],
        metrics=[metric("1", "eu", "a", 1.0), metric("1", "eu", "b", 1.0)],
    )
    join(lake, ("1", "eu", V, "denied"), ebs_volumes=[volume("1", "eu", "a")])
    assert read(lake, "relationships", "source_id", "target_id") == [("b", "i-2")]
    assert read(lake, "metrics", "resource_id") == [("b",)]
    assert volumes(lake) == [("1", "eu", "a"), ("1", "eu", "b")]


def test_edges_and_metrics_go_with_their_cell(lake: Lake) -> None:
    def seen(place: str, value: float) -> dict[str, Sequence[Row]]:
        return {
            "ebs_volumes": [volume("1", place, "a")],
            "relationships": [edge("1", place, "a", f"i-{value}")],
            "metrics": [metric("1", place, "a", value)],
        }

    for place in ("eu", "us"):
        join(lake, ("1", place, V, "ok"), **seen(place, 1.0))
    join(lake, ("1", "eu", V, "ok"), **seen("eu", 2.0))
    join(lake, ("1", "us", V, "denied"), **seen("us", 3.0))
    assert read(lake, "metrics", "region", "value") == [("eu", 2.0), ("us", 1.0)]
    assert read(lake, "relationships", "target_id") == [("i-1.0",), ("i-2.0",)]


def test_rows_of_the_list_of_accounts_join_the_ledger(lake: Lake) -> None:
    """Its collectors are of no resource type."""
    for status in ("denied", "ok", "denied"):
        join(lake, ("1", "global", "accounts", status), ("1", "global", "accounts.tags", status))
    assert ledger(lake) == {"accounts": "ok", "accounts.tags": "ok"}


def test_files_without_rows_of_the_cells_stay_as_they_are(lake: Lake) -> None:
    join(lake, ("1", "eu", V, "ok"), ebs_volumes=[volume("1", "eu", "a")])
    first = files(lake, "ebs_volumes")
    join(lake, ("2", "eu", V, "ok"), ebs_volumes=[volume("2", "eu", "a")])
    both = files(lake, "ebs_volumes")
    assert first < both
    assert len(both) == 2
    join(lake, ("2", "eu", V, "ok"), ebs_volumes=[volume("2", "eu", "b")])
    assert len(files(lake, "ebs_volumes")) == 2
    assert first == both & files(lake, "ebs_volumes")
    assert volumes(lake) == [("1", "eu", "a"), ("2", "eu", "b")]


def test_cells_join_a_lake_on_s3_as_well(s3_lake: Lake) -> None:
    here, there = ("1", "eu", V), ("1", "us", V)
    first = [volume(*here[:2], "a"), volume(*here[:2], "b"), volume(*there[:2], "c")]
    join(s3_lake, (*here, "timeout"), (*there, "ok"), ebs_volumes=first)
    second = [volume(*here[:2], "b", 2), volume(*there[:2], "d")]
    join(s3_lake, (*here, "denied"), (*there, "ok"), ebs_volumes=second)
    assert read(s3_lake, "ebs_volumes", "resource_id", "size_gb") == [("a", 1), ("b", 2), ("d", 1)]
    join(s3_lake, (*here, "ok"), (*there, "denied"), ebs_volumes=[volume(*there[:2], "e")])
    for table in ("ebs_volumes", "resources"):
        assert read(s3_lake, table, "resource_id") == [("d",)]
    assert set(read(s3_lake, "coverage", "region", "status")) == {("eu", "ok"), ("us", "ok")}


def test_nothing_is_made_where_nothing_was_seen(lake: Lake) -> None:
    join(lake, ("1", "eu", V, "ok"))
    assert not (Path(lake.location) / "tables" / "ebs_volumes").exists()


def test_a_denied_look_beside_a_running_one_takes_nothing_away(lake: Lake) -> None:
    """Two collections at once: the denied one decides before the complete one has a ledger."""
    from inventory_pipeline.collect import merge

    decide, overtaken = merge._Join.decide, []

    def overtake(self: Any, earlier: str) -> None:
        decide(self, earlier)
        if not overtaken:
            overtaken.append(True)
            join(
                Lake.open(lake.location), ("1", "eu", V, "ok"), ebs_volumes=[volume("1", "eu", "a")]
            )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge._Join, "decide", overtake)
        join_chunk(lake, AT, _chunk_of(lake, ("1", "eu", V, "denied")))
    assert ledger(lake) == {V: "ok"}
    assert volumes(lake) == [("1", "eu", "a")]


def _chunk_of(lake: Lake, *cells: Cell) -> Chunk:
    file = lake.scratch_file()
    rows = [ledger_row(*cell) for cell in cells]
    pq.write_table(pa.Table.from_pylist(rows, arrow_schema("coverage")), file)
    return Chunk({"coverage": file}, {"coverage": len(rows)})


looks = st.dictionaries(
    st.tuples(st.sampled_from("12"), st.sampled_from(["eu", "us"])),
    st.tuples(st.sampled_from(STATUSES), st.sets(st.sampled_from("abc"))),
    max_size=4,
)


def look_at(
    lake: Lake, cells: Iterable[tuple[tuple[str, str], tuple[str, set[str]]]], n: int
) -> None:
    """A chunk of cells; each look makes its volumes one larger, and attaches them elsewhere."""
    listed = list(cells)
    found = [(*place, name) for place, (_, names) in listed for name in sorted(names)]
    join(
        lake,
        *((*place, V, status) for place, (status, _) in listed),
        ebs_volumes=[volume(*place, size=n) for place in found],
        relationships=[edge(*place, f"i-{n}") for place in found if (n + ord(place[2])) % 2],
    )


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.lists(looks, max_size=3), st.data())
def test_cells_joined_in_chunks_are_as_if_joined_at_once(
    tmp_path_factory: pytest.TempPathFactory, series: list[dict[Any, Any]], data: st.DataObject
) -> None:
    """Over any series of looks; and what was seen completely is kept, the ledger says the same."""
    folder = tmp_path_factory.mktemp("joined")
    whole, chunked = Lake.open(str(folder / "whole")), Lake.open(str(folder / "chunked"))
    complete: dict[Any, set[str]] = {}
    seen = defaultdict[Any, set[str]](set)
    for n, look in enumerate(series):
        look_at(whole, look.items(), n)
        cells = data.draw(st.permutations(list(look.items())))
        cut = data.draw(st.integers(0, len(cells)))
        for part in (cells[:cut], cells[cut:]):
            look_at(chunked, part, n)
        for place, (status, names) in look.items():
            seen[place] |= names
            if status == "ok":
                complete[place] = names
    for table, columns in {
        "ebs_volumes": ("account_id", "region", "resource_id", "size_gb"),
        "resources": ("account_id", "region", "resource_id"),
        "relationships": ("account_id", "region", "source_id", "target_id"),
        "coverage": ("account_id", "region", "collector", "status"),
    }.items():
        assert read(chunked, table, *columns) == read(whole, table, *columns)
    for account, region, status in read(whole, "coverage", "account_id", "region", "status"):
        place = (account, region)
        stored = {name for *there, name in volumes(whole) if tuple(there) == place}
        assert (status == "ok") == (place in complete)
        assert stored == complete.get(place, seen[place])
    shutil.rmtree(folder)


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
