"""Partials of the rollup: by SQL, by the compiled loops, and by a count in plain Python."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.reports import rollup_fast
from inventory_pipeline.reports.errors import ReportError
from inventory_pipeline.reports.rollup import COUNTS, GROUPS, partial_select, usage_select
from inventory_pipeline.reports.rollup_fast import COLUMNS, TEXTS, UsageRollup

AT = datetime(2026, 11, 1, 1, tzinfo=UTC)
AGES = [("0-30", 31), ("31-90", 91), ("91-180", 181), ("181-365", 366)]
SIZES = [("0 B", 1), ("1 B-16 KiB", 2**14), ("16-128 KiB", 2**17), ("128 KiB-1 MiB", 2**20),
         ("1-16 MiB", 2**24), ("16-128 MiB", 2**27), ("128 MiB-1 GiB", 2**30),
         ("1-5 GiB", 5 * 2**30)]  # fmt: skip

Row = dict[str, Any]
Partial = dict[tuple[Any, ...], tuple[int, int, int]]


def schema() -> pa.Schema:
    contract = arrow_schema("s3_objects")
    return pa.schema([contract.field(name) for name in COLUMNS])


def batch_of(rows: Sequence[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{n: r.get(n) for n in COLUMNS} for r in rows], schema())


def encoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    for name in TEXTS:
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, name, batch[name].dictionary_encode())
    return batch


def added_up(rows: Iterable[Row]) -> Partial:
    """A partial as groups and sums; those of a group that has several rows are added."""
    found: Partial = {}
    for row in rows:
        group = tuple(row[name] for name in GROUPS)
        before = found.get(group, (0, 0, 0))
        found[group] = tuple(a + row[n] for a, n in zip(before, COUNTS, strict=True))  # type: ignore[assignment]
    return found


def by_sql(batch: pa.RecordBatch, depth: int) -> Partial:
    with database().cursor() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("batch", pa.table(batch))
        sql = partial_select("SELECT * FROM batch", depth)
        return added_up(db.sql(sql, params={"delivered_at": AT}).to_arrow_table().to_pylist())


@cache
def database() -> duckdb.DuckDBPyConnection:
    """One for all examples: to open it takes longer than they do."""
    return duckdb.connect(config={"threads": 1})


def by_loops(batches: Iterable[pa.RecordBatch], depth: int) -> Partial:
    rollup = UsageRollup(depth, AT)
    for batch in batches:
        rollup.add(batch)
    return added_up(rollup.table().to_pylist())


def by_hand(rows: Iterable[Row], depth: int) -> Partial:
    return added_up(counted(dict.fromkeys(COLUMNS) | row, depth) for row in rows)


def counted(row: Row, depth: int) -> Row:
    """One object as a row of a partial."""
    marker, size = row["is_delete_marker"], row["size"]
    current = "noncurrent" if row["is_latest"] is False else "current"
    bytes_ = 0 if marker or size is None else size
    infrequent = row["storage_class"] in ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR")
    at_least = 2**17 if infrequent and not marker and size is not None else bytes_
    return row | {
        "prefix": prefix(row["key"], depth),
        "access_tier": row["intelligent_tiering_access_tier"],
        "version_state": "delete_marker" if marker else current,
        "age_band": age_band(row["last_modified_date"]),
        "size_band": "0 B" if marker else size_band(size),
        "objects": 1,
        "bytes": bytes_,
        "billable_bytes": max(bytes_, at_least),
    }


def prefix(key: str | None, depth: int) -> str | None:
    return None if key is None else "".join(f"{part}/" for part in key.split("/")[:-1][:depth])


def age_band(modified: datetime | None) -> str:
    if modified is None:
        return "unknown"
    return next((band for band, end in AGES if AT - modified < timedelta(days=end)), "366+")


def size_band(size: int | None) -> str:
    if size is None or size < 0:
        return "unknown"
    return next((band for band, end in SIZES if size < end), "5 GiB+")


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


NEAR = [bound + d for _, bound in SIZES for d in (-1, 0)]
AGED = [timedelta(days=days, microseconds=d) for _, days in AGES for d in (-1, 0, 1)]
KEYS = st.text(st.sampled_from("ab//é\n\x00%+𝒳"), max_size=12) | st.text(max_size=20)
ROWS = st.fixed_dictionaries({
    "key": maybe(KEYS),
    "is_latest": maybe(st.booleans()),
    "is_delete_marker": maybe(st.booleans()),
    "size": maybe(st.sampled_from(NEAR) | st.integers(-5, 2**55)),
    "last_modified_date": maybe(
        st.sampled_from(AGED).map(lambda age: AT - age)
        | st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants the bounds naive
    ),
    "storage_class": maybe(st.sampled_from(["STANDARD", "STANDARD_IA", "GLACIER_IR", "", "'"])),
    "intelligent_tiering_access_tier": maybe(st.sampled_from(["FREQUENT", "ARCHIVE"])),
    "encryption_status": maybe(st.sampled_from(["SSE-S3", "SSE-KMS"])),
    "replication_status": maybe(st.sampled_from(["FAILED", "REPLICA"])),
})  # fmt: skip


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=25), st.integers(0, 5), st.integers(0, 25), st.booleans())
@example([{"key": "a/b"}, {"key": "a/bc"}, {"key": "a//"}, {"key": None}, {"key": ""}], 2, 1, True)
def test_loops_and_sql_equal_a_naive_count(
    rows: list[Row], depth: int, cut: int, as_dictionaries: bool
) -> None:
    whole = batch_of(rows)
    batch = encoded(whole) if as_dictionaries else whole
    expected = by_hand(rows, depth)
    assert by_sql(whole, depth) == expected
    assert by_loops([batch.slice(0, cut), batch.slice(cut)], depth) == expected


@pytest.mark.parametrize(
    "absent", [COLUMNS[1:], ("size",), ("is_latest", "is_delete_marker"), TEXTS]
)
def test_absent_columns_are_null(absent: tuple[str, ...]) -> None:
    row = {"key": "a/b", "is_latest": False, "is_delete_marker": True, "size": 7,
           "last_modified_date": AT, **dict.fromkeys(TEXTS, "x")}  # fmt: skip
    kept = {name: value for name, value in row.items() if name not in absent}
    batch = batch_of([row]).drop_columns(list(absent))
    assert by_loops([batch], 1) == by_hand([kept], 1) == by_sql(batch_of([kept]), 1)


def test_objects_of_a_parquet_file(tmp_path: Path) -> None:
    rows = [{"key": f"{n}/x", "size": n, "storage_class": "GLACIER_IR"} for n in range(9)]
    table = pa.table(batch_of(rows)).drop_columns(["is_latest", "replication_status"])
    pq.write_table(table.append_column("more", [list(range(9))]), tmp_path / "f", row_group_size=4)
    batches = list(rollup_fast.objects_in(tmp_path / "f"))
    assert {name for batch in batches for name in batch.schema.names} < set(COLUMNS)
    assert by_loops(batches, 1) == by_hand(rows, 1)


def test_times_of_other_units() -> None:
    rows = [{"key": "a", "last_modified_date": AT - timedelta(days=31, seconds=s)} for s in (-1, 0)]
    batch, at = batch_of(rows), COLUMNS.index("last_modified_date")
    for unit in (pa.timestamp("ms", "UTC"), pa.timestamp("us"), pa.timestamp("ns")):
        times = batch[at].cast(unit)
        assert by_loops([batch.set_column(at, COLUMNS[at], times)], 1) == by_hand(rows, 1)


def test_more_prefixes_groups_and_classes_than_the_first_tables_hold() -> None:
    rows = [
        {"key": f"{n % 5000:x}{'é' * (n % 40)}/{n}", "storage_class": str(n % 700), "size": n}
        for n in range(9000)
    ]
    assert by_loops([encoded(batch_of(rows))], 1) == by_hand(rows, 1)


def test_a_full_table_is_handed_over_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"key": f"{n % 70}/{n}", "size": n} for n in range(300)]
    monkeypatch.setattr(rollup_fast, "GROUP_LIMIT", 50)
    rollup, parts = UsageRollup(1, AT), []
    for start in range(0, 300, 30):
        rollup.add(batch_of(rows[start : start + 30]))
        if rollup.full:
            parts.append(rollup.table())
    parts.append(rollup.table())
    assert len(parts) > 2
    assert added_up(row for part in parts for row in part.to_pylist()) == by_hand(rows, 1)
    assert rollup.table().num_rows == 0


def test_long_prefixes_fill_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup_fast, "PREFIX_BYTES_LIMIT", 100)
    rollup = UsageRollup(1, AT)
    rollup.add(batch_of([{"key": "x" * 98 + "/1"}]))
    assert not rollup.full
    rollup.add(batch_of([{"key": "y/1"}]))
    assert rollup.full


def test_sums_beyond_2_to_the_53rd_are_exact_and_beyond_the_63rd_refused() -> None:
    odd = {"key": "a", "size": 2**61 + 1}
    for found in (by_loops([batch_of([odd] * 3)], 0), by_sql(batch_of([odd] * 3), 0)):
        ((objects, bytes_, billed),) = found.values()
        assert (objects, bytes_, billed) == (3, 3 * 2**61 + 3, 3 * 2**61 + 3)
    with pytest.raises(ReportError, match=r"2\^63"):
        by_loops([batch_of([odd] * 4)], 0)
    with pytest.raises(duckdb.ConversionException):
        by_sql(batch_of([odd] * 4), 0)


PARTIALS = st.lists(
    st.tuples(
        st.sampled_from(["", "a/", "é\n/", "'/", None]),
        st.sampled_from(["STANDARD", None]),
        st.integers(1, 9),
        st.integers(0, 2**59),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(st.lists(PARTIALS, min_size=1, max_size=3), st.integers(0, 5))
def test_partials_are_combined_under_the_cap(
    tmp_path_factory: pytest.TempPathFactory,
    partials: list[list[tuple[str | None, str | None, int, int]]],
    limit: int,
) -> None:
    """Exact above 2^53, the remainder under NULL."""
    folder = tmp_path_factory.mktemp("partials")
    files = [written(folder / f"{n}.parquet", rows) for n, rows in enumerate(partials)]
    with database().cursor() as db:
        delivery = {"delivered_on": AT.date(), "source_bucket": "b'", "configuration_id": "c"}
        params = {"files": files, "prefix_limit": limit} | delivery
        rows = db.sql(usage_select(), params=params).to_arrow_table().to_pylist()
    every = [row for rows in partials for row in rows]
    size: Counter[str] = Counter()
    for prefix, _, _, bytes_ in every:
        if prefix is not None:
            size[prefix] += bytes_
    largest = sorted(size, key=lambda p: (-size[p], p))[:limit]
    expected: dict[Any, tuple[int, int]] = {}
    for prefix, class_, objects, bytes_ in every:
        group = (prefix if prefix in largest else None, class_)
        o, b = expected.get(group, (0, 0))
        expected[group] = (o + objects, b + bytes_)
    found = {(r["prefix"], r["storage_class"]): (r["objects"], r["bytes"]) for r in rows}
    assert found == expected
    assert len(rows) == len(expected)
    assert all(row["source_bucket"] == "b'" for row in rows)


def written(file: Path, rows: Sequence[tuple[str | None, str | None, int, int]]) -> str:
    fixed = {"access_tier": None, "version_state": "current", "age_band": "0-30",
             "size_band": "0 B", "encryption_status": None, "replication_status": None}  # fmt: skip
    table = pa.Table.from_pylist(
        [
            {"prefix": p, "storage_class": c, "objects": o, "bytes": b, "billable_bytes": b} | fixed
            for p, c, o, b in rows
        ],
        pa.schema([*((name, pa.string()) for name in GROUPS), *((n, pa.int64()) for n in COUNTS)]),
    )
    pq.write_table(table, file)
    return str(file)
