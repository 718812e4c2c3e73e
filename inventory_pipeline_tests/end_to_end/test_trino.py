"""What DuckDB and pyiceberg write, a real Trino reads, computes and writes alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.table import Table as IcebergTable

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.catalog import load_table, sqlite_catalog
from inventory_pipeline.lake.dialect import LakeState, carry_over, lint_mart_sql, mart_select
from inventory_pipeline.lake.staging import staging_metadata
from inventory_pipeline.marts import marts
from inventory_pipeline.marts.mart import Mart, rows_read
from inventory_pipeline_tests.end_to_end.adopted import adopt, write_report
from inventory_pipeline_tests.end_to_end.comparison import (
    assert_equal,
    compare_mart,
    register_table,
    rows_of,
)
from inventory_pipeline_tests.end_to_end.trino import Trino, TrinoQueryError
from inventory_pipeline_tests.lake.planted import delivery, instances, rows, usage

pytestmark = pytest.mark.full

PARAMS: Mapping[str, Any] = {
    "idle_resource_days": 30,
    "stale_resource_days": 90,
    "rules_off": ["lambda.unused"],
    "controls_off": [],
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


def test_a_report_adopted_as_it_was_delivered(
    trino: Trino, lake: Lake, registered: Register, tmp_path: Path
) -> None:
    ours, theirs = delivery("ours"), delivery("theirs", configuration="it's-daily")
    listed = {"bucket": "b", "key": "a/ü", "size": 2**53 + 1, "storage_class": "STANDARD"}
    lake.replace("s3_objects", [ours], rows("s3_objects", {**ours, **listed}))
    report = tmp_path / "report.parquet"
    write_report(report, [listed, {**listed, "key": "b", "is_latest": True}])
    adopt(lake, report, theirs)
    publish(lake, ours, theirs)

    state = registered(lake)
    iceberg = newest(lake, "s3_objects")
    for where, count in (({}, 3), (theirs, 2), (ours, 1)):
        sql = "SELECT * FROM s3_objects"
        found = trino.query(
            mart_select("s3_objects", sql, {"s3_objects": where}, {}, state, "trino")
        )
        assert len(found.rows) == count
        with DuckDBEngine(lake).session({"s3_objects": where}) as db:
            engine = db.query(sql)
        pinned = f"source_bucket = '{where['source_bucket']}'" if where else "key IS NOT NULL"
        for read in (lake.read("s3_objects", where), engine, iceberg.scan(pinned).to_arrow()):
            assert_equal("s3_objects", rows_of(read), found)


def test_a_report_with_instants_cannot_be_adopted(
    trino: Trino, lake: Lake, registered: Register, tmp_path: Path
) -> None:
    # Reports have milliseconds, Iceberg's instants microseconds: hence all reports are rewritten.
    there, at = delivery("there"), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    report = tmp_path / "report.parquet"
    write_report(report, [{"bucket": "b", "key": "a", "last_modified_date": at}], instants=True)
    adopt(lake, report, there)
    publish(lake, there)
    assert lake.read("s3_objects")["last_modified_date"].to_pylist() == [at]
    with pytest.raises(TrinoQueryError, match="Unsupported Trino column type"):
        trino.query(f"SELECT last_modified_date FROM {registered(lake).namespace}.s3_objects")


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
