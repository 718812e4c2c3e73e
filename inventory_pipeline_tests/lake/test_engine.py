"""SQL in, SQL out: exact numbers through Parquet and Iceberg, and the macros."""

from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline_tests.lake.planted import (
    DAY,
    NEWER,
    delivery,
    ingest,
    publish,
    rows,
    usage,
)

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")
# A thousand of them still fit DECIMAL(18,6).
MONEY = st.decimals(min_value=-(10**8), max_value=10**8, places=6)
BIGINT_MAX = 2**63 - 1

TOTALS = """
SELECT $at AS snapshot_at, department, COUNT(*) AS resources, 0 AS unpriced_resources,
  SUM(monthly_usd) AS monthly_usd
FROM resource_costs GROUP BY department
"""


def plant_costs(lake: Lake, amounts: list[Decimal]) -> None:
    costs = rows(
        "resource_costs",
        *(
            {"snapshot_at": NEWER, "resource_id": f"i-{i}", "department": "a", "monthly_usd": usd}
            for i, usd in enumerate(amounts)
        ),
    )
    lake.replace("resource_costs", [{"snapshot_at": NEWER}], costs)


def total_by_department(engine: DuckDBEngine) -> Decimal:
    """SUM in SQL → Parquet → Iceberg → SUM in SQL again."""
    with engine.session({"resource_costs": {"snapshot_at": NEWER}}) as db:
        built = db.build("cost_by_department", TOTALS, {"at": NEWER})
    engine.lake.replace("cost_by_department", [{"snapshot_at": NEWER}], built)
    with engine.session({"cost_by_department": None}) as db:
        (row,) = db.query("SELECT SUM(monthly_usd) AS usd FROM cost_by_department").to_pylist()
    (stored,) = engine.lake.read("cost_by_department")["monthly_usd"].to_pylist()
    assert stored == row["usd"]
    return stored


@settings(max_examples=20)
@given(amounts=st.lists(MONEY, min_size=1, max_size=50))
def test_money_stays_exact_through_sql_and_files(tmp_path_factory, amounts: list[Decimal]):
    lake = Lake.open(str(tmp_path_factory.getbasetemp() / "money"))
    if not lake.snapshots():
        publish(lake, NEWER)
    plant_costs(lake, amounts)
    assert total_by_department(DuckDBEngine(lake)) == sum(amounts)


def test_a_hundred_thousand_cents_are_a_thousand_dollars(lake: Lake):
    publish(lake, NEWER)
    plant_costs(lake, [CENT] * 100_000)
    assert total_by_department(DuckDBEngine(lake)) == Decimal(1000)


def test_money_beyond_doubles_keeps_its_last_digit(lake: Lake):
    publish(lake, NEWER)
    plant_costs(lake, [Decimal("99999999999.999999"), Decimal("900000000000.000000"), -MICRO])
    assert total_by_department(DuckDBEngine(lake)) == Decimal("999999999999.999998")


def test_money_that_does_not_fit_fails(lake: Lake):
    publish(lake, NEWER)
    plant_costs(lake, [Decimal("999999999999.99"), CENT])
    engine = DuckDBEngine(lake)
    reads = {"resource_costs": {"snapshot_at": NEWER}}
    with engine.session(reads) as db, pytest.raises(duckdb.Error, match="DECIMAL"):
        db.build("cost_by_department", TOTALS, {"at": NEWER})
    assert not lake.files("cost_by_department")


USAGE = """
SELECT delivered_on, source_bucket, configuration_id, account_id, account_name, department, region,
  prefix, storage_class, access_tier, version_state, age_band, objects, bytes, billable_bytes
FROM (
  SELECT delivered_on, source_bucket, configuration_id, NULL AS account_id, NULL AS account_name,
    NULL AS department, NULL AS region, NULL AS prefix, NULL AS storage_class,
    NULL AS access_tier, 'current' AS version_state, 'x' AS age_band, SUM(objects) AS objects,
    SUM(bytes) AS bytes, SUM(billable_bytes) AS billable_bytes
  FROM s3_usage GROUP BY delivered_on, source_bucket, configuration_id
) AS summed
"""


@pytest.mark.parametrize(
    "parts", [[2**53, 1], [2**53 + 1, 2**53 + 3, 2**60 + 1], [BIGINT_MAX - 1, 1]]
)
def test_sums_above_two_to_the_53_are_exact(lake: Lake, parts: list[int]):
    lake.replace("s3_usage", [delivery("a")], usage("a", *parts))
    ingest(lake, [delivery("a")])
    engine = DuckDBEngine(lake)
    with engine.session({"s3_usage": {"delivered_on": DAY}}) as db:
        built = db.build("storage_usage", USAGE)
    lake.replace("storage_usage", [{"delivered_on": DAY}], built)
    assert lake.read("storage_usage")["objects"].to_pylist() == [sum(parts)]
    with engine.session({"storage_usage": None}) as db:
        found = db.query("SELECT objects FROM storage_usage WHERE objects = $n", {"n": sum(parts)})
    assert found["objects"].to_pylist() == [sum(parts)]


def test_a_sum_beyond_bigint_fails(lake: Lake):
    lake.replace("s3_usage", [delivery("a")], usage("a", BIGINT_MAX, 1))
    ingest(lake, [delivery("a")])
    with (
        DuckDBEngine(lake).session({"s3_usage": None}) as db,
        pytest.raises(duckdb.Error, match="INT64"),
    ):
        db.build("storage_usage", USAGE)


@settings(max_examples=200)
@given(n=st.integers(min_value=0, max_value=BIGINT_MAX))
def test_gb_is_exact_to_a_millionth_for_any_bigint(macros, n: int):
    (found,) = macros.execute("SELECT gb(CAST($n AS BIGINT))", {"n": n}).fetchone()
    exact = Fraction(n, 2**30)
    assert abs(Fraction(found) - exact) <= Fraction(1, 2 * 10**6)


def test_macros_of_nothing_are_null(macros):
    assert macros.execute("SELECT gb(NULL), tag(MAP {'a': 'b'}, 'c'), tag(NULL, 'a')").fetchone() \
        == (None, None, None)  # fmt: skip


def test_tag_is_the_value_of_one_key(macros):
    found = macros.execute("SELECT tag(MAP {'Name': 'x''y', 'team': NULL}, 'Name')").fetchone()
    assert found == ("x'y",)


@pytest.fixture(scope="module")
def macros(tmp_path_factory):
    lake = Lake.open(str(tmp_path_factory.mktemp("macros")))
    with DuckDBEngine(lake).session({}) as db:
        yield db.connection


def test_a_session_keeps_to_its_memory_and_spills(lake: Lake):
    engine = DuckDBEngine(lake, memory_limit="100MB", threads=1)
    with engine.session({}) as db:
        (folder,) = db.connection.execute("SELECT current_setting('temp_directory')").fetchone()
        (rows_sorted,) = db.connection.execute(
            "SELECT count(*) FROM (SELECT range AS i, md5(CAST(range AS VARCHAR)) AS k "
            "FROM range(3000000) ORDER BY k OFFSET 1) AS sorted"
        ).fetchone()
    assert rows_sorted == 2_999_999
    assert folder.startswith(str(lake.scratch))
    assert not list(lake.scratch.iterdir()), "the spill folder goes with the session"
