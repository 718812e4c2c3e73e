"""`sql` and `export`: any SELECT, nothing but SELECTs, exact files."""

import csv
import json
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from inventory_pipeline_tests.cli.planted import ESCAPE, FORMULA, NEWEST


def select(read_json, statement, *options):
    return read_json("sql", statement, *options)["rows"]


def test_tables_show_the_newest_snapshot_or_all(read_json):
    count = "SELECT COUNT(*) AS n FROM ec2_instances"
    assert select(read_json, count) == [{"n": 3}]
    assert select(read_json, count, "--snapshot", "all") == [{"n": 4}]
    assert select(read_json, count, "--snapshot", "2026-11-19") == [{"n": 1}]


def test_tables_can_be_joined(read_json):
    statement = """
      WITH dear AS (SELECT resource_id, known_usd FROM Resource_Costs WHERE known_usd > 5)
      SELECT r.resource_id, tag(r.tags, 'env') AS env, d.known_usd
      FROM resources AS r JOIN dear AS d ON d.resource_id = r.resource_id
      JOIN ec2_instances AS i ON i.resource_id = r.resource_id
    """
    assert select(read_json, statement) == [
        {"resource_id": "i-1", "env": "prod", "known_usd": 70.08}
    ]


def test_sums_beyond_doubles_and_doubled_names_are_exact(read_json):
    statement = "SELECT SUM(size) AS s, MAX(size) AS s, gb(1073741824) AS gb FROM s3_objects"
    assert select(read_json, statement) == [{"s": 2**54 + 2, "s_2": 2**53 + 1, "gb": 1}]


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '{lake}/tables/out.csv'",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "INSERT INTO snapshots SELECT * FROM snapshots",
        "DELETE FROM snapshots",
        "CREATE TABLE t (a INT)",
        "DROP VIEW ec2_instances",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "EXPORT DATABASE '{folder}/all'",
        "SELECT 1; SELECT 2",
        "",
        "SELECT * FROM read_text('{folder}/secret.txt')",
        "SELECT * FROM read_csv('{folder}/secret.txt')",
        "SELECT * FROM '{folder}/secret.txt'",
        "SELECT * FROM read_blob('{lake}/catalog.db')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_text('{lake}/tables/../../secret.txt')",
        "SELECT * FROM read_text('{lake}/tables/../catalog.db')",
        "SELECT * FROM query_table('{folder}/secret.txt')",
        "SELECT * FROM sniff_csv('{folder}/secret.txt')",
        "SELECT * FROM enable_logging(storage = 'file', storage_path = '{folder}/log')",
        "SELECT getenv('HOME')",
        "SELECT * FROM query('COPY (SELECT 1) TO ''{folder}/out.csv''')",
        "WITH x AS (INSERT INTO snapshots SELECT 1 RETURNING *) SELECT * FROM x",
        "SELECT * FROM reader",
        "SELECT nonsense FROM resources",
        "SELECT * FROM ec2_instance",
        "SELEC 1",
        "SELECT $x",
    ],
)
def test_nothing_is_written_or_read_beside_the_lake(read, lake, tmp_path, statement):
    (tmp_path / "secret.txt").write_text("secret")
    before = sorted(lake.rglob("*.parquet"))
    result = read("sql", statement.format(folder=tmp_path, lake=lake))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert "secret" not in result.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["secret.txt"]
    assert sorted(lake.rglob("*.parquet")) == before


def test_a_file_beside_the_lake_is_not_even_looked_for(read, tmp_path):
    result = read("sql", f"SELECT * FROM parquet_metadata('{tmp_path}/none.parquet')")
    assert "disabled by configuration" in result.stderr


def test_a_misspelt_table_is_told_the_right_one(read):
    assert "did you mean ec2_instances?" in read("sql", "SELECT * FROM ec2_instance").stderr


def test_a_long_table_says_that_it_is_cut(read):
    shown = read("sql", "SELECT i FROM range(201) AS t(i)").stdout
    assert "The first 200 rows" in shown
    assert "The first" not in read("sql", "SELECT i FROM range(200) AS t(i)").stdout


def test_export_csv_has_all_rows_and_no_formula(read, tmp_path):
    file = tmp_path / "objects.csv"
    result = read("export", "s3_objects", "--output", file)
    assert "coverage" in result.stderr
    with file.open(newline="") as lines:
        keys = [row["key"] for row in csv.DictReader(lines)]
    assert keys == [ESCAPE, f"'{FORMULA}"]


def test_export_parquet_is_exact(read, tmp_path):
    file = tmp_path / "costs.parquet"
    assert read("export", "resource_costs", "-o", file).exit_code == 0
    rows = {row["resource_id"]: row for row in pq.read_table(file).to_pylist()}
    assert rows["i-1"]["name"] == FORMULA
    assert rows["i-1"]["monthly_usd"] == Decimal("70.080000")
    assert rows["i-3"]["monthly_usd"] is None
    assert rows["i-1"]["snapshot_at"] == NEWEST


def test_export_of_a_select(read, tmp_path):
    file = tmp_path / "waste.json"
    statement = "SELECT resource_id FROM waste_findings WHERE verdict = 'unknown'"
    assert read("export", "--query", statement, "-o", file).exit_code == 0
    assert json.loads(file.read_text())["rows"] == [{"resource_id": "i-3"}]


def test_a_failed_export_leaves_the_old_file(read, tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("old")
    statement = "SELECT CASE WHEN i = 200000 THEN error('late') ELSE i END FROM range(300000) t(i)"
    result = read("export", "--query", statement, "-o", file)
    assert result.exit_code == 1
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["old.csv"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name a table"),
        (["resource_costs", "--query", "SELECT 1"], "name a table"),
        (["resource_cost"], "did you mean resource_costs?"),
        (["x; DROP TABLE resources"], "no table"),
        (["prices", "--account", "a"], "leave out --account"),
        (["resource_costs", "--format", "parquet"], "--output"),
        (["--query", "SELECT 1", "--region", "x"], "into the SELECT"),
    ],
)
def test_export_used_wrongly(read, arguments, told):
    result = read("export", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
