"""What DuckDB and pyiceberg write, a real Trino reads, computes and writes alike."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.expressions import AlwaysTrue, EqualTo
from pyiceberg.table import Table as IcebergTable

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.catalog import load_table, sqlite_catalog
from inventory_pipeline.lake.dialect import LakeState, carry_over, lint_mart_sql, mart_select
from inventory_pipeline.lake.staging import staging_metadata
from inventory_pipeline.lake.where import sql_literal
from inventory_pipeline.marts import marts
from inventory_pipeline.marts.mart import Mart, rows_read
from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.reports.adoption import write_tail
from inventory_pipeline.settings.model import S3InventorySettings
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.end_to_end.comparison import (
    assert_equal,
    compare_mart,
    register_table,
    rows_of,
)
from inventory_pipeline_tests.end_to_end.trino import Trino, TrinoQueryError
from inventory_pipeline_tests.lake.planted import delivery, instances, rows, usage
from inventory_pipeline_tests.reports import parquet_mr

pytestmark = pytest.mark.full

STORAGE = S3InventorySettings.model_validate(
    {
        "tenants": [
            {"name": "orders", "sources": ["*-lake"], "prefix": "curated/orders/"},
            {"name": "backups", "sources": ["*-backup[s]"]},
        ],
        "duplicates": {"min_bytes": 0, "listed": 3},
        "personal_data": {"patterns": {"thousands": "/[0-9]{9}[.]dat"}},
        "compliance": {"legal_hold_buckets": ["*-lake"], "rules_off": ["no_checksum"]},
    }
)
PARAMS: Mapping[str, Any] = {
    "idle_resource_days": 30,
    "stale_resource_days": 90,
    "rules_off": ["lambda.unused"],
    "controls_off": [],
    **storage_parameters(STORAGE),
}

STAGES = 100
"""Athena refuses a statement of more than 150 stages; marts must stay well below."""

STATEMENT_BYTES = 262_144
"""Longest statement that Athena takes."""

# To the microsecond, of which Trino's default timestamps keep three digits.
OLDER = datetime(2026, 11, 1, 0, 0, 0, 123456, UTC)
NEWER = OLDER + timedelta(hours=12)

Register = Callable[[Lake], LakeState]


def partition_of(lake: Lake, mart: Mart) -> datetime | date:
    """The newest partition that the mart has to be built for."""
    return lake.snapshots()[-1] if mart.partition == "snapshot" else max(lake.deliveries())[0]


# -- marts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", marts())
def test_mart(trino: Trino, demo_lake: Lake, demo_state: LakeState, table: str) -> None:
    mart = marts()[table]
    at = partition_of(demo_lake, mart)
    assert compare_mart(trino, demo_lake, demo_state, mart, at, PARAMS) > 0


@pytest.mark.parametrize("table", marts())
def test_mart_is_within_athenas_limits(
    trino: Trino, demo_lake: Lake, demo_state: LakeState, table: str
) -> None:
    mart = marts()[table]
    at = partition_of(demo_lake, mart)
    params = {**PARAMS, "snapshot_at": at, "delivered_on": at}
    reads = rows_read(demo_lake, mart, at)
    statement = mart_select(table, mart.sql(), reads, params, demo_state, "trino")
    assert len(statement.encode()) < STATEMENT_BYTES
    [[plan]] = trino.query(f"EXPLAIN (TYPE DISTRIBUTED) {statement}").rows
    assert len(re.findall(r"^Fragment \d+", plan, re.MULTILINE)) <= STAGES


# QUALIFY beside LIMIT: sqlglot has the LIMIT cut before the first of each region is picked.
TOP_REGIONS = """
SELECT snapshot_at, region, 1 AS resources, 0 AS unpriced_resources, known_usd AS monthly_usd
FROM resource_costs
QUALIFY ROW_NUMBER() OVER (PARTITION BY region ORDER BY known_usd, resource_id) = 1
ORDER BY known_usd DESC, resource_id
LIMIT 2
"""


def test_a_dialect_bug_is_found(trino: Trino, demo_lake: Lake, demo_state: LakeState) -> None:
    mart = replace(marts()["cost_by_region"], sql=lambda: TOP_REGIONS)
    with pytest.raises(AssertionError):
        compare_mart(trino, demo_lake, demo_state, mart, partition_of(demo_lake, mart), PARAMS)
    assert lint_mart_sql(TOP_REGIONS)


@pytest.mark.parametrize(
    "wrong",
    [
        r'CAST("monthly_usd" AS DECIMAL(18, 2))',
        r'CAST(CAST("monthly_usd" AS DECIMAL(18, 2)) AS DECIMAL(18, 6))',
        r'CAST("monthly_usd" AS DOUBLE)',
    ],
)
def test_a_cast_error_is_found(
    trino: Trino, demo_lake: Lake, demo_state: LakeState, wrong: str
) -> None:
    def select(*given: Any) -> str:
        right = 'CAST("monthly_usd" AS DECIMAL(18, 6))'
        statement = mart_select(*given)
        assert statement.count(right) == 1
        return statement.replace(right, wrong)

    mart = marts()["resource_costs"]
    at = partition_of(demo_lake, mart)
    with pytest.raises(AssertionError):
        compare_mart(trino, demo_lake, demo_state, mart, at, PARAMS, select)


# -- expressions -------------------------------------------------------------------------------

BYTES = (0, 1, 8 * 2**20, 2**30 - 1, 2**30, 40 * 2**40, 2**53 + 2**23, 2**63 - 1)


def both(trino: Trino, lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    """A SELECT's rows, which are the same on both engines."""
    with DuckDBEngine(lake).session({}) as db:
        ours = rows_of(db.query(sql))
    assert list(trino.query(carry_over(sql, dialect="trino")).rows) == ours
    return list(ours)


def test_bytes_as_gb(trino: Trino, lake: Lake) -> None:
    values = " UNION ALL ".join(f"SELECT CAST({n} AS BIGINT) AS n" for n in BYTES)
    found = both(trino, lake, f"SELECT n, gb(n) AS gb FROM ({values}) AS t ORDER BY n")
    assert dict(found)[8 * 2**20] == Decimal("0.007813")  # a tie: 0.0078125
    assert dict(found)[40 * 2**40] == Decimal("40960.000000")


def test_values_that_engines_might_round_or_count_otherwise(trino: Trino, lake: Lake) -> None:
    quarters = [n / 4 for n in range(-9, 10)]
    values = " UNION ALL ".join(f"SELECT CAST({v!r} AS DOUBLE) AS v" for v in quarters)
    both(
        trino,
        lake,
        f"""SELECT v, CAST(v AS DECIMAL(18,6)) AS usd, CAST(v AS DECIMAL(18,1)) AS tenths,
          CAST(FLOOR(v) AS BIGINT) AS whole,
          CAST(CAST(v AS DECIMAL(18,6)) * CAST(0.0000005 AS DECIMAL(18,12)) AS DECIMAL(18,6)) AS t,
          GREATEST(v, NULL, 1.0) AS skips_null,
          CAST(FLOOR(date_diff('second', TIMESTAMP WITH TIME ZONE '2026-11-01T00:00:00.900+00:00',
            TIMESTAMP WITH TIME ZONE '2026-11-02T00:00:00.100+00:00') / 86400.0) AS BIGINT) AS days
        FROM ({values}) AS t ORDER BY v""",
    )


def test_texts_that_engines_might_match_otherwise(trino: Trino, lake: Lake) -> None:
    keys = ("", "a", "/", "a/b/c", "Users/ü/\n1", "x/🚀9/é", "QcO8", "/w==", "a\\b%_", "ÜSERS/1")
    values = " UNION ALL ".join(f"SELECT {sql_literal(key)} AS k" for key in keys)
    found = both(
        trino,
        lake,
        f"""SELECT k, first_match(k, '^(?:[^/]*/){{0,2}}') AS prefix, first_match(k, 'z') AS none,
          matches(k, '(?i)(?:^|/)users?/') AS users, shape(k) AS shape, length(k) AS length,
          base64_text(k) AS text, substring(k, 2, 3) AS part, text_part(k, '/', 2) AS second,
          lower(replace(k, '/', '')) AS plain, starts_with(k, 'a/') AS starts
        FROM ({values} UNION ALL SELECT NULL AS k) AS t ORDER BY k NULLS LAST""",
    )
    by_key = {row[0]: row[1:] for row in found}
    assert by_key["a/b/c"][:3] == ("a/b/", "", False)
    assert by_key["x/🚀9/é"][3] == "a/a9/a"
    assert by_key["QcO8"][5] == "Aü"
    assert by_key[None] == (None,) * 10


def test_an_absent_tag_is_null(trino: Trino, lake: Lake, registered: Register) -> None:
    found = [{"a": "1", "it's": "ü"}, {}, None]
    tagged = rows(
        "ec2_instances",
        *(
            {"snapshot_at": OLDER, "resource_id": str(i), "tags": tags}
            for i, tags in enumerate(found)
        ),
    )
    lake.replace("ec2_instances", [{"snapshot_at": OLDER}], tagged)
    sql = (
        "SELECT resource_id, tag(tags, 'a') AS a, tag(tags, 'it''s') AS b, tag(tags, 'none') AS c "
        "FROM {} ORDER BY resource_id"
    )
    with DuckDBEngine(lake).session({"ec2_instances": None}, published=False) as db:
        ours = rows_of(db.query(sql.format("ec2_instances")))
    source = f"{registered(lake).namespace}.ec2_instances"
    theirs = trino.query(carry_over(sql.format(source), dialect="trino"))
    assert theirs.rows == ours == [("0", "1", "ü", None), ("1", *[None] * 3), ("2", *[None] * 3)]
    with pytest.raises(TrinoQueryError, match="Key not present in map"):
        trino.query(f"SELECT tags['none'] FROM {source}")


# -- tables ------------------------------------------------------------------------------------


def test_partitions_of_instants(trino: Trino, lake: Lake, registered: Register) -> None:
    for at, ids in ((OLDER, ("i-1", "i-2")), (NEWER, ("i-3",))):
        lake.replace("ec2_instances", [{"snapshot_at": at}], instances(at, *ids))
    namespace = registered(lake).namespace
    sql = (
        f"SELECT snapshot_at, resource_id FROM {namespace}.ec2_instances "
        "WHERE snapshot_at = $at ORDER BY resource_id"
    )
    for at, ids in ((OLDER, ["i-1", "i-2"]), (NEWER, ["i-3"])):
        found = trino.query(carry_over(sql, {"at": at}, "trino")).rows
        assert found == [(at, resource_id) for resource_id in ids]
    partitions = f'{namespace}."ec2_instances$partitions"'
    counted = trino.query(f"SELECT partition.snapshot_at, record_count FROM {partitions}").rows
    assert sorted(counted) == [(OLDER, 2), (NEWER, 1)]


def test_an_unpublished_snapshot_stays_unseen(
    trino: Trino, lake: Lake, registered: Register
) -> None:
    seen, unseen = delivery("seen"), delivery("unseen")
    for at in (OLDER, NEWER):
        lake.replace("ec2_instances", [{"snapshot_at": at}], instances(at, "i"))
    for there in (seen, unseen):
        lake.replace("s3_usage", [there], usage(there["source_bucket"], 1))
    publish(lake, seen)
    state = registered(lake)
    for table in ("ec2_instances", "s3_usage"):
        sql = mart_select(table, f"SELECT * FROM {table}", {table: {}}, {}, state, "trino")
        with DuckDBEngine(lake).session({table: {}}) as db:
            ours = rows_of(db.query(f"SELECT * FROM {table}"))
        assert len(ours) == 1
        assert_equal(table, ours, trino.query(sql))


def test_money_of_a_million_rows(trino: Trino, lake: Lake, registered: Register) -> None:
    count = 1_000_000
    micros = "CAST(CAST(i AS BIGINT) * 7919 * 104729 % 1000000000000 AS DECIMAL(18,0))"
    with DuckDBEngine(lake).session({}) as db:
        files = db.build(
            "prices",
            f"""SELECT 's3' AS service, 'r' AS region, CAST(i AS VARCHAR) AS key, 'GB' AS unit,
              {micros} * CAST(0.000001 AS DECIMAL(6,6)) AS tier_from, NULL AS tier_to, 1 AS usd,
              'test' AS source, '2026-11' AS as_of FROM range({count}) AS t(i)""",
        )
    lake.replace("prices", [{}], files)
    sql = "SELECT COUNT(*) AS n, SUM(tier_from) AS usd FROM {}"
    with DuckDBEngine(lake).session({"prices": None}) as db:
        ours = rows_of(db.query(sql.format("prices")))
    theirs = trino.query(sql.format(f"{registered(lake).namespace}.prices")).rows
    exact = sum(i * 7919 * 104729 % 10**12 for i in range(count))
    assert theirs == ours == [(count, Decimal(exact).scaleb(-6))]


def test_time_travel(trino: Trino, lake: Lake, registered: Register) -> None:
    versions = []
    for ids in (("i-1", "i-2"), ("i-3",)):
        lake.replace("ec2_instances", [{"snapshot_at": OLDER}], instances(OLDER, *ids))
        iceberg = newest(lake, "ec2_instances")
        versions.append(iceberg.metadata.current_snapshot_id)
    source = f"{registered(lake).namespace}.ec2_instances"
    for version, ids in zip(versions, (["i-1", "i-2"], ["i-3"]), strict=True):
        sql = f"SELECT resource_id FROM {source} FOR VERSION AS OF {version} ORDER BY 1"
        assert trino.query(sql).rows == [(i,) for i in ids]
        past = iceberg.scan(snapshot_id=version).to_arrow()["resource_id"].to_pylist()
        assert sorted(past) == ids


def adopt(lake: Lake, there: Mapping[str, Any]) -> None:
    """Have a report of AWS's own writer in the lake, as ingestion does."""
    report = lake.scratch_file()
    shutil.copy(parquet_mr.REPORT, report)
    with report.open("rb") as content:
        adoption = write_tail(content, parquet_mr.FIELDS, there, lake.scratch / "tail")
    lake.evolve("s3_objects", parquet_mr.UNKNOWN)
    file = lake.adopt("s3_objects", report, adoption.footer_start, adoption.tail, "report")
    lake.replace("s3_objects", [there], [file])


def test_a_report_adopted_as_it_was_delivered(
    trino: Trino, lake: Lake, registered: Register
) -> None:
    ours, theirs = delivery("ours"), delivery("it's-ü", configuration="daily 'x'")
    lake.replace("s3_objects", [ours], rows("s3_objects", {**ours, "bucket": "b", "key": "own"}))
    adopt(lake, theirs)
    publish(lake, ours, theirs)

    state = registered(lake)
    iceberg = newest(lake, "s3_objects")
    contract = [column.name for column in tables()["s3_objects"].columns]
    for where, count in (({}, parquet_mr.ROWS + 1), (theirs, parquet_mr.ROWS), (ours, 1)):
        sql = "SELECT * FROM s3_objects"
        found = trino.query(
            mart_select("s3_objects", sql, {"s3_objects": where}, {}, state, "trino")
        )
        assert len(found.rows) == count
        with DuckDBEngine(lake).session({"s3_objects": where}) as db:
            engine = db.query(sql)
        pinned = EqualTo("source_bucket", where["source_bucket"]) if where else AlwaysTrue()
        for read in (lake.read("s3_objects", where), engine, iceberg.scan(pinned).to_arrow()):
            assert_equal("s3_objects", rows_of(read.select(contract)), found)
    [told] = [row for row in engine_rows(lake, theirs) if row["key"] == "a/ü00003"]
    assert told == dict.fromkeys(contract) | theirs | parquet_mr.listed(3) | {"object_age": "3"}


def engine_rows(lake: Lake, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    with DuckDBEngine(lake).session({"s3_objects": where}) as db:
        return list(db.query("SELECT * FROM s3_objects").to_pylist())


@pytest.mark.parametrize(
    "condition",
    [
        "key = 'a/ü00725'",
        "key >= 'a/ü00195' AND key < 'a/ü00705'",
        "last_modified_date = TIMESTAMP '2026-01-02 02:04:05.678 UTC'",
        "last_modified_date < TIMESTAMP '2026-01-01 20:00:00 UTC' AND size IS NULL",
        "lifecycle_expiration_date IS NOT NULL",
        "source_bucket = 'it''s-ü' AND delivered_on = DATE '2026-11-01'",
        "object_mood = 'glad' AND object_age = '998'",
        "object_mood IS NULL",
    ],
)
def test_an_adopted_report_is_searched_alike(
    trino: Trino, adopted: tuple[Lake, LakeState], condition: str
) -> None:
    lake, state = adopted
    sql = f"SELECT key, last_modified_date, object_mood, object_age FROM {{}} WHERE {condition}"
    with DuckDBEngine(lake).session({"s3_objects": {}}) as db:
        ours = rows_of(db.query(sql.format("s3_objects").replace("TIMESTAMP", "TIMESTAMPTZ")))
    theirs = trino.query(sql.format(f"{state.namespace}.s3_objects")).rows
    assert sorted(theirs) == sorted(ours)
    assert ours


@pytest.fixture(scope="module")
def adopted(
    registered: Register, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lake, LakeState]:
    """A lake that has nothing but an adopted report, and Trino told of it."""
    there = delivery("it's-ü")
    lake = Lake.open(str(tmp_path_factory.mktemp("adopted") / "lake"))
    adopt(lake, there)
    publish(lake, there)
    return lake, registered(lake)


def publish(lake: Lake, *deliveries: Mapping[str, Any]) -> None:
    """Show readers the snapshot OLDER, and these deliveries."""
    lake.replace("snapshots", [{}], rows("snapshots", {"snapshot_at": OLDER}))
    lake.replace(
        "s3_deliveries",
        [{"delivered_on": d["delivered_on"]} for d in deliveries],
        rows("s3_deliveries", *({**d, "status": "ingested"} for d in deliveries)),
    )


def newest(lake: Lake, table: str) -> IcebergTable:
    iceberg = load_table(sqlite_catalog(Path(lake.location)), table)
    assert iceberg is not None
    return iceberg


# -- writing -----------------------------------------------------------------------------------

BUCKET = delivery("b" * 63, configuration="c" * 64)

WRITTEN: Mapping[str, tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]] = {
    "accounts": (
        {"snapshot_at": OLDER},
        [{"account_id": "1", "regions": ["a", "b"], "tags": {"k": "v", "ü": ""}},
         {"account_id": "2", "regions": []}, {"account_id": "3"}],
    ),
    "metrics": ({"snapshot_at": OLDER}, [{"value": 0.1}, {"value": None, "datapoints": 2**53 + 1}]),
    "s3_usage": (BUCKET, [{"prefix": "a/", "objects": 2**53 + 1}, {"prefix": None}]),
    "prices": (
        {}, [{"usd": Decimal("0.000000000001"), "tier_from": Decimal("999999999999.999999")}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", WRITTEN)
def test_trino_writes_files_that_the_lake_registers(
    trino: Trino, lake: Lake, registered: Register, table: str
) -> None:
    partition, given = WRITTEN[table]
    lake.replace(table, [partition], rows(table, *({**partition, **row} for row in given)))
    publish(lake, BUCKET)
    expected = rows_of(lake.read(table))
    assert len(expected) == len(given)
    namespace = registered(lake).namespace
    iceberg = newest(lake, table)

    metadata = staging_metadata(iceberg, f"{lake.location}/staging/{table}")
    register_table(trino, f"{namespace.split('.')[1]}.staged", metadata)
    trino.query(f"INSERT INTO {namespace}.staged SELECT * FROM {namespace}.{table}")
    files = trino.query(f'SELECT file_path FROM {namespace}."staged$files"').rows
    commit = lake.replace(table, [partition], [Path(path) for (path,) in files])
    assert commit.rows == len(given)

    with DuckDBEngine(lake).session({table: partition}) as db:
        engine = db.query(f"SELECT * FROM {table}")
    for read in (lake.read(table), engine, newest(lake, table).scan().to_arrow()):
        assert sorted(rows_of(read), key=str) == sorted(expected, key=str)
    again = trino.query(f"SELECT * FROM {registered(lake).namespace}.{table}")
    assert_equal(table, expected, again)
