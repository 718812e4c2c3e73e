"""Views of stored objects: the newest delivery's rows, totals, filters, and the audit extract."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from inventory_pipeline_tests.cli.planted import ESCAPE, FORMULA
from inventory_pipeline_tests.marts.storage.planting import House, obj


def test_waste_adds_up_kinds_and_says_what_is_not_told(read_json):
    rows = {row["kind"]: row for row in read_json("storage", "waste")["rows"]}
    old = rows["noncurrent_versions"]
    assert (old["objects"], old["bytes"], old["monthly_usd"]) == (4, 2**31, 0.023)
    assert (old["unpriced_parts"], old["reason"]) == (1, "no price")
    assert rows["delete_markers"]["objects"] is None
    assert len(read_json("storage", "waste", "--by", "prefix")["rows"]) == 3
    assert read_json("storage", "waste", "--account", "payments")["rows"] == []


def test_waste_shows_a_lower_bound_where_a_part_has_no_price(read):
    shown = read("storage", "waste").stdout
    assert "≥ $0.02" in shown
    assert "Kinds overlap" in shown


def test_duplicates_count_the_sum_of_the_rest_but_do_not_list_it(read, read_json):
    answer = read_json("storage", "duplicates")
    assert [row["copies"] for row in answer["rows"]] == [3]
    assert answer["total"] == {"sets": 8, "reclaimable_bytes": 25}
    assert read_json("storage", "duplicates", "--scope", "all")["rows"][0]["buckets"] == 2
    assert read_json("storage", "duplicates", "--confidence", "low")["rows"] == []
    assert "'=cmd" in read("storage", "duplicates", "--format", "csv").stdout


def test_compliance_adds_up_prefixes_and_keeps_unknown_apart(read, read_json):
    rows = {row["rule_id"]: row for row in read_json("storage", "compliance")["rows"]}
    assert (rows["unencrypted"]["failing_objects"], rows["unencrypted"]["passing_objects"]) == (
        3,
        1,
    )
    assert rows["public_acl"]["unknown_objects"] == 3
    assert "lacks" in rows["public_acl"]["reason"]
    only = read_json("storage", "compliance", "--by", "prefix", "--rule", "unencrypted")["rows"]
    assert [row["prefix"] for row in only] == ["a/", "b/"]
    assert "\x1b" not in read("storage", "compliance").stdout
    wrong = read("storage", "compliance", "--rule", "unencripted")
    assert wrong.exit_code == 2
    assert "unencrypted" in wrong.stderr


def test_tenants_show_known_prices_as_lower_bounds(read, read_json):
    rows = {row["tenant"]: row for row in read_json("storage", "tenants")["rows"]}
    assert (rows["acme"]["monthly_usd"], rows["acme"]["unpriced_parts"]) == (1.5, 0)
    assert rows["unassigned"]["unpriced_parts"] == 1
    assert rows["unassigned"]["monthly_usd"] is None
    assert "unknown" in read("storage", "tenants").stdout


def test_reconciliation_counts_statuses_and_lists_those_asked_for(read_json):
    answer = read_json("storage", "reconciliation", "--status", "unexplained")
    assert [row["difference"] for row in answer["rows"]] == [4]
    assert answer["counts"] == {"unexplained": 1, "unknown": 0, "explained": 0, "matches": 1}


def test_tiering_and_personal_data_list_the_newest_delivery(read_json):
    assert [row["verdict"] for row in read_json("storage", "tiering")["rows"]] == ["yes"]
    assert [row["sample"] for row in read_json("storage", "personal-data")["rows"]] == [
        "aaaaa/a@a.aa"
    ]


def test_an_unknown_view_is_wrong_usage(run):
    result = run("storage", "colours")
    assert result.exit_code == 2
    assert "colours" in result.stderr


# -- the audit extract -------------------------------------------------------------------------

KEYS = (FORMULA, ESCAPE, "../../x", "a\nb", "<script>", 'quo"te', "é" * 300)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unencrypted objects with hostile keys, one that is fine, and an older look at the bucket."""
    folder = tmp_path_factory.mktemp("audited")
    house = House(folder, {"resource_id": "data-1", "object_lock": False})
    bare = {"encryption_status": "NOT-SSE", "checksum_algorithm": "SHA256"}
    house.deliver(
        *(obj(key, 2**53 + 1, **bare) for key in KEYS),
        obj("fine", checksum_algorithm="SHA256"),
        obj("unsummed"),
    )
    house.deliver(obj("twice", **bare), configuration="partial")
    house.deliver(obj("other", **bare), bucket="stranger")
    house.write()
    return folder / "lake"


def test_an_extract_has_every_failing_object_once_for_each_rule(run, audited, tmp_path):
    result = run("storage", "compliance", "--lake", audited, "--extract", "out.parquet")
    assert result.exit_code == 0, result.output
    assert f"{len(KEYS) + 2} rows written" in result.stderr
    found = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert {(row["rule_id"], row["key"]) for row in found} == {
        *(("unencrypted", key) for key in (*KEYS, "other")),
        ("no_checksum", "unsummed"),
    }
    assert {row["size"] for row in found if row["key"] in KEYS} == {2**53 + 1}
    assert {row["account_name"] for row in found} == {"data", None}


def test_an_extract_as_csv_runs_nothing_and_loses_nothing(run, audited, tmp_path):
    result = run(
        *("storage", "compliance", "--lake", audited, "--rule", "unencrypted"),
        *("--account", "data", "--extract", "out.csv"),
    )
    assert result.exit_code == 0, result.output
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        found = [row["key"] for row in csv.DictReader(stream)]
    assert sorted(found) == sorted(f"'{key}" if key == FORMULA else key for key in KEYS)


def test_an_extract_knows_rules_off_and_other_files_not(run, audited, tmp_path):
    (tmp_path / "inventory.yaml").write_text(
        f"lake: {{location: {audited}}}\n"
        "s3_inventory: {compliance: {rules_off: [unencrypted]}}\n"
    )
    assert run("storage", "compliance", "--extract", "out.csv").stderr.startswith("1 row written")
    refused = run("storage", "compliance", "--extract", "out.xlsx")
    assert refused.exit_code == 2
    assert not (tmp_path / "out.xlsx").exists()
