"""Marts' SQL is portable, and what is carried over to Trino says the same; Trino itself is asked in
`end_to_end/test_trino.py`."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from inventory_pipeline.lake.dialect import LakeState, carry_over, lint_mart_sql, mart_select
from inventory_pipeline.lake.engine import MACROS
from inventory_pipeline.marts import marts
from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.settings.model import S3InventorySettings
from inventory_pipeline.tables import tables

NOW = datetime(2026, 11, 1, 12, 0, 0, 123456, UTC)
STORAGE = S3InventorySettings.model_validate(
    {
        "tenants": [{"name": "it's", "sources": ["*-[a-z]*"], "prefix": "raw/ü'"}],
        "personal_data": {"patterns": {"member": "M[0-9]{8}'"}},
        "compliance": {"legal_hold_buckets": ["*"]},
    }
)
PARAMS = {
    "snapshot_at": NOW,
    "delivered_on": NOW.date(),
    "idle_resource_days": 30,
    "stale_resource_days": 90,
    "rules_off": ["ec2.idle"],
    "controls_off": [],
    **storage_parameters(STORAGE),
}
COLUMNS = {name: [c.name for c in table.columns] for name, table in tables().items()}


@pytest.mark.parametrize("table", marts())
def test_a_mart_is_portable(table: str) -> None:
    assert lint_mart_sql(marts()[table].sql()) == []


@pytest.mark.parametrize("table", marts())
def test_athena_and_trino_are_told_the_same(table: str) -> None:
    mart = marts()[table]
    state = LakeState(COLUMNS, [NOW])
    reads = {name: {} for name in mart.reads}
    athena, trino = (
        mart_select(table, mart.sql(), reads, PARAMS, state, dialect)
        for dialect in ("athena", "trino")
    )
    assert athena == trino


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1 LIMIT 3",
        "SELECT tags['k'] FROM t",
        "SELECT regions[1:2] FROM t",
        "SELECT s.a.b.c.d FROM t",
        "SELECT a, SUM(b) FROM t GROUP BY ALL",
        "SELECT a FROM t ORDER BY ALL",
        "SELECT * EXCLUDE (a) FROM t",
        "SELECT * REPLACE (1 AS a) FROM t",
        "SELECT COLUMNS('a.*') FROM t",
        "SELECT a FROM t ASOF JOIN u ON t.x >= u.x",
        "SELECT a FROM t POSITIONAL JOIN u",
        "SELECT a FROM t SEMI JOIN u ON t.x = u.x",
        "SELECT a FROM t UNION ALL BY NAME SELECT a FROM u",
        "SELECT a FROM t USING SAMPLE 3",
        "PIVOT t ON a USING SUM(b)",
        "SELECT a // b FROM t",
        "SELECT IF(a, b, c) FROM t",
        "SELECT CAST(a AS TIMESTAMP) FROM t",
        "SELECT CAST(a AS FLOAT) FROM t",
        "SELECT [a, b] FROM t",
        "SELECT {'a': 1} FROM t",
        "SELECT list_transform(l, x -> x + 1) FROM t",
        *(
            f"SELECT {call} FROM t"
            for call in (
                "AVG(usd)", "ANY_VALUE(a)", "FIRST(a)", "MEDIAN(a)", "MODE(a)", "ARG_MAX(a, b)",
                "QUANTILE_CONT(a, 0.5)", "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY a)",
                "APPROX_COUNT_DISTINCT(a)", "APPROX_QUANTILE(a, 0.5)", "LIST_AGGREGATE(l, 'sum')",
                "STRING_AGG(a, ',')", "STRFTIME(a, '%Y')", "NOW()", "REGEXP_EXTRACT(a, 'b')",
                "EPOCH(a)", "CURRENT_TIMESTAMP", "a ~ 'b'",
            )
        ),
        "SELECT FROM WHERE",
    ],
)  # fmt: skip
def test_what_would_break_is_rejected(sql: str) -> None:
    assert lint_mart_sql(sql)


def test_all_objections_are_told() -> None:
    found = lint_mart_sql("SELECT AVG(tags['k'] // 2) FROM t GROUP BY ALL")
    assert [why.split(":")[0] for why in found] == ["//", "GROUP BY ALL", "[...]", "avg"]


def test_macros_over_text_become_what_trino_calls_them() -> None:
    carried = carry_over(
        "SELECT matches(k, 'b+') AS a, first_match(k, 'b') AS b, shape(k) AS c, "
        "base64_text(k) AS d, text_part(k, '/', 2) AS e FROM t"
    )
    tree = sqlglot.parse_one(carried, read="trino")
    called = {node.name.lower() or node.key for node in tree.find_all(exp.Func)}
    assert not called & {"matches", "first_match", "shape", "base64_text", "text_part"}
    assert "'g'" not in carried, "Trino replaces all without a flag, and has none"
    assert "COALESCE(REGEXP_EXTRACT(" in carried, "no match is an empty text, not NULL"


def test_macros_keep_their_arguments_together() -> None:
    carried = carry_over("SELECT gb(a + gb(b)) AS gb, tag(t.tags, 'k' || x) AS tag FROM t")
    assert "GB(" not in carried
    assert "TAG(" not in carried.replace("AS tag", "")
    quotient = sqlglot.parse_one(carried, read="trino").find(exp.Mod)
    assert quotient is not None
    assert isinstance(quotient.this, exp.Paren)


@given(st.text())
def test_any_text_is_bound_as_it_is(text: str) -> None:
    carried = carry_over("SELECT $text AS a, x FROM UNNEST($texts) AS t(x)",
                         {"text": text, "texts": [text, ""]})  # fmt: skip
    literals = sqlglot.parse_one(carried, read="trino").find_all(exp.Literal)
    assert [literal.this for literal in literals] == [text, text, ""]


def test_an_instant_keeps_its_microseconds() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-3)))
    carried = carry_over("SELECT $at AS at", {"at": there})
    assert "CAST('2026-11-01 12:00:00.123456 UTC' AS TIMESTAMP(6) WITH TIME ZONE)" in carried


def test_an_unbound_parameter_is_an_error() -> None:
    with pytest.raises(KeyError, match="snapshot_at"):
        carry_over("SELECT $snapshot_at")


def test_only_published_snapshots_are_read() -> None:
    def read(where: dict[str, datetime], *published: datetime) -> str:
        state = LakeState(COLUMNS, published)
        select = "SELECT * FROM cost_by_region"
        return mart_select("cost_by_region", select, {"cost_by_region": where}, {}, state)

    earlier = NOW - timedelta(days=1)
    assert "2026-10-31 12:00:00.123456 UTC" in read({}, earlier, NOW)
    assert "2026-10-31" not in read({"snapshot_at": NOW}, earlier, NOW)
    assert "WHERE\n    FALSE" in read({"snapshot_at": NOW}, earlier)


def test_a_table_or_column_that_is_not_there_yet_is_null() -> None:
    columns = {"cost_by_region": ["snapshot_at", "region"]}
    reads = {"cost_by_region": {}, "accounts": {}}
    carried = mart_select("cost_by_region", "SELECT * FROM cost_by_region", reads, {},
                          LakeState(columns, [NOW], "glue.inventory"))  # fmt: skip
    assert 'CAST(NULL AS BIGINT) AS "resources"' in carried
    assert "glue.inventory.cost_by_region" in carried.replace('"', "")
    assert "glue.inventory.accounts" not in carried.replace('"', "")


@given(st.integers(0, 2**66))
def test_gb_are_rounded_once(size: int) -> None:
    sql = f"SELECT {MACROS['gb(n)']} FROM (SELECT CAST({size} AS HUGEINT) AS n) AS t"
    [gb] = duckdb.execute(sql).fetchone() or [None]
    assert gb == (Decimal(size) / 2**30).quantize(Decimal("0.000001"), ROUND_HALF_UP)
