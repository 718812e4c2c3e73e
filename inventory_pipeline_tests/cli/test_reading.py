"""Reading commands on a planted lake: rows, filters, totals, coverage."""

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from inventory_pipeline.cli.answer import Answer, Section
from inventory_pipeline.cli.archive import funnel_line
from inventory_pipeline.cli.output import write_tables
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.cli.planted import (
    DAY,
    ESCAPE,
    FORMULA,
    MARKUP,
    NEWEST,
    OLDER,
    plant,
    plant_archive,
    plant_costs,
    plant_deliveries,
    plant_security,
    plant_snapshots,
    volume,
)

READING = (
    ("summary",), ("cost",), ("security",), ("stale",), ("storage",), ("archive", "plan"),
    ("storage", "waste"), ("storage", "duplicates"), ("storage", "tiering"),
    ("storage", "compliance"), ("storage", "tenants"), ("storage", "personal-data"),
    ("storage", "reconciliation"),
    ("archive", "manifest"), ("query",), ("export", "resource_costs"), ("sql", "SELECT 1 AS one"),
)  # fmt: skip


def ids(answer: dict) -> list[str]:
    return [row["resource_id"] for row in answer["rows"]]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_json_is_stable(read_json, command):
    answer = read_json(*command)
    assert next(iter(answer)) == "rows"
    assert {"rows", "coverage", "snapshot_at"} <= answer.keys()
    assert answer["rows"]


@pytest.mark.parametrize("command", [c for c in READING if "sql" not in c], ids=" ".join)
def test_coverage_is_told_beside_tables_and_csv(read, command):
    for form in ("json", "csv") if "export" in command else ("table", "json", "csv"):
        result = read(*command, "--format", form)
        assert result.exit_code == 0
        assert ("coverage" in result.stdout) == (form != "csv")
        assert ("coverage" in result.stderr) == (form == "csv")


def test_summary_is_one_screen(read):
    shown = read("summary").stdout
    for part in (
        "2 accounts, 6 resources",
        "at least $81.83 a month",
        "1.0 EiB",
        "33.3 %",
        "seen 100",
        "coverage 60.0 % — 2 cells denied (rds_instance in payments)",
    ):
        assert part in shown
    assert len(shown.splitlines()) <= 40


def test_summary_fits_a_terminal_and_keeps_texts_under_their_labels(read, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = read("summary").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 40
    folded = lines[next(n for n, line in enumerate(lines) if line.startswith("Archive")) + 1]
    assert folded.startswith(" " * 10)


def test_summary_shows_the_first_types_of_many_and_says_so(read, read_json, monkeypatch):
    types = [row["resource_type"] for row in read_json("summary")["rows"]]
    monkeypatch.setattr("inventory_pipeline.cli.summary.TYPES", 1)
    shown = read("summary").stdout
    assert types[0] in shown
    assert types[-1] not in shown.split("Dearest")[0]
    assert "The first 1 rows; --format csv or json has all." in shown


def test_summary_counts_the_accounts_of_the_resources_asked_for(read_json):
    payments = read_json("summary", "--account", "payments")
    assert (payments["accounts"], payments["resources"]) == (1, 2)
    assert read_json("summary", "--tag", "env=prod")["accounts"] == 1
    assert read_json("summary")["accounts"] == 2


def test_summary_prices_types_and_says_where_that_is_of_an_older_snapshot(run, tmp_path):
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder))
    plant_snapshots(lake)
    plant_costs(lake)

    def volumes(*command: str) -> dict:
        answer = json.loads(run("summary", "--lake", folder, "--format", "json", *command).stdout)
        return {row["resource_type"]: row["monthly_usd"] for row in answer["rows"]}

    assert volumes() == {"ec2_instance": 73.83, "s3_bucket": None, "ebs_volume": 8}
    later = OLDER.replace(day=21)
    known = [{"snapshot_at": at} for at in (*lake.snapshots(), later)]
    plant(lake, "snapshots", [{**row, "status": "complete"} for row in known])
    plant(lake, "resources", [{**volume("vol-2"), "snapshot_at": later}])
    assert volumes() == {"ebs_volume": None}
    shown = run("summary", "--lake", folder).stdout
    told = "(of the snapshot 2026-11-20 00:00 UTC: the newest is not computed yet)"
    assert [line.split()[0] for line in shown.splitlines() if told in line] == ["Cost", "Waste"]


def test_summary_of_a_fresh_snapshot_says_what_to_run_next(run, tmp_path):
    plant_snapshots(Lake.open(str(tmp_path / "fresh")))
    result = run("summary", "--lake", tmp_path / "fresh", "--format", "json")
    missing = json.loads(result.stdout)["missing"]
    assert result.exit_code == 0
    assert missing.keys() == {"cost", "waste", "security", "storage", "archive"}
    assert "`cost_analysis`" in missing["cost"]


def test_cost_groups_add_up_and_unknown_is_not_zero(read, read_json):
    answer = read_json("cost", "--by", "department")
    assert [(row["department"], row["monthly_usd"]) for row in answer["rows"]] == [
        ("Engineering", 70.18), (None, 11.65),
    ]  # fmt: skip
    assert answer["total"] == {"resources": 4, "unpriced_resources": 1, "monthly_usd": 81.83,
                               "is_lower_bound": True}  # fmt: skip
    assert answer["unpriced"] == [
        {"unpriced_reason": "no list price for spot instances", "resources": 1}
    ]
    dear = {row["resource_id"]: row["monthly_usd"] for row in answer["top_resources"]}
    assert dear["i-3"] is None
    table = read("cost").stdout
    assert "≥ $3.65" in table
    assert "≥ $81.83" in table
    assert "Total: at least $81.83 a month; 1 of 4 resources" in table


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"monthly_usd": Decimal(2), "unpriced_parts": 0}, "$2.00"),
        ({"monthly_usd": Decimal(2), "unpriced_parts": 1}, "≥ $2.00"),
        ({"monthly_usd": Decimal(0), "unpriced_resources": 3}, "unknown"),
        ({"monthly_usd": None, "unpriced_parts": 1}, "unknown"),
        ({"monthly_usd": None, "known_usd": Decimal("3.65")}, "≥ $3.65"),
        ({"monthly_usd": None, "known_usd": Decimal(0)}, "unknown"),
        ({"monthly_usd": Decimal(0), "known_usd": Decimal(0)}, "$0.00"),
    ],
)
def test_dollars_of_which_a_part_is_unknown_are_a_lower_bound(row, shown):
    section = Section("rows", "", tuple(row), [tuple(row.values())], ("monthly_usd",))
    stream = io.StringIO()
    write_tables(Answer((section,)), stream)
    assert stream.getvalue().splitlines()[-2].strip() == shown


def test_a_total_without_gaps_is_not_at_least(read):
    assert "Total: $70.18 a month" in read("cost", "--account", "engineering").stdout


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--account", "payments"], {"i-3", "vol-1"}),
        (["--account", "222222222222", "--account", "engineering", "--resource-type", "ec2"],
         {"i-1", "i-2", "i-3", "vol-1"}),
        (["--department", "unallocated"], {"i-3", "vol-1"}),
        (["--region", "us-east-1", "--resource-type", "ec2_instance"], {"i-1", "i-2"}),
        (["--tag", "env=prod"], {"i-1"}),
        (["--tag", "it's=x' OR '1'='1"], {"i-3"}),
        (["--tag", "env=prod", "--tag", "env=test"], set()),
        (["--since", "2026-02-01"], {"i-2"}),
        (["--until", "2026-06-30"], {"i-1", "i-2"}),
        (["--until", "2026-06-30T23:00"], {"i-1"}),
        (["--account", "' OR '1'='1"], set()),
        (["--region", "x'; DROP TABLE resources; --"], set()),
        (["--name", "I-1"], {"i-1"}),
        (["--name", "%"], set()),
        (["--state", "stopped"], {"i-2"}),
    ],
)  # fmt: skip
def test_filters(read_json, filters, expected):
    assert set(ids(read_json("query", *filters))) == expected


@pytest.mark.parametrize(
    ("command", "section"),
    [("cost", "top_resources"), ("stale", "not_yet_provable"), ("export resource_costs", "rows")],
)
def test_tags_filter_tables_that_have_none(read_json, command, section):
    answer = read_json(*command.split(), "--tag", "env=prod")
    assert [row["resource_id"] for row in answer[section]] == ["i-1"]


def test_coverage_follows_the_filters(read_json):
    percent = {
        name: read_json("query", *filters)["coverage"]["percent"]
        for name, filters in {
            "all": [], "good": ["--account", "engineering"], "bad": ["--account", "payments"],
            "type": ["--resource-type", "rds"], "none": ["--account", "nobody"],
        }.items()
    }  # fmt: skip
    assert percent == {"all": 60, "good": 100, "bad": 33.3, "type": 0, "none": None}


def test_a_gap_never_rounds_to_full_coverage():
    from inventory_pipeline.cli.coverage import percent

    assert str(percent(999_999, 1_000_000)) == "99.9"
    assert percent(7, 7) == 100


def test_query_shows_a_types_own_columns_sorted(read_json):
    answer = read_json("query", "--resource-type", "ec2_instance", "--sort", "-created_at",
                       "--columns", "resource_id,instance_type,tags")  # fmt: skip
    assert answer["rows"] == [
        {"resource_id": "i-2", "instance_type": None, "tags": {"env": "test"}},
        {"resource_id": "i-1", "instance_type": "m5.large", "tags": {"env": "prod"}},
        {"resource_id": "i-3", "instance_type": None, "tags": {"it's": "x' OR '1'='1"}},
    ]


def test_query_tells_how_many_a_limit_left_out(read):
    assert "2 of 6 resources" in read("query", "--limit", "2").stdout


def test_stale_separates_what_is_proved(read, read_json):
    answer = read_json("stale", "--days", "90")
    assert [(r["rule_id"], r["resource_id"]) for r in answer["rows"]] == [
        ("ebs.unattached", "vol-1"), ("ebs.other", "vol-1"), ("ec2.stopped", "i-2"),
        ("ec2.stopped", "i-5"),
    ]  # fmt: skip
    assert {r["resource_id"] for r in answer["not_yet_provable"]} == {"i-1", "i-4"}
    # The volume counts once, the unknown saving not at all.
    assert answer["saving"] == {"resources": 3, "monthly_usd": 11.65, "unknown_savings": 1,
                                "is_lower_bound": True}  # fmt: skip
    assert answer["could_not_be_judged"] == 1
    assert "at least $11.65 a month from 3 resources" in read("stale").stdout


def test_stale_says_what_its_rules_do_not_call_waste_yet(run, tmp_path):
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder))
    plant_snapshots(lake)
    stopped = {**volume("vol-1"), "rule_id": "ec2.stopped", "verdict": "no", "idle_days": 15}
    plant(lake, "waste_findings", [stopped])
    assert (
        "1 more have been idle for that long" in run("stale", "--days", 10, "--lake", folder).stdout
    )
    assert "idle for that long" not in run("stale", "--days", 16, "--lake", folder).stdout


def test_stale_takes_its_days_from_the_settings(read_json, tmp_path):
    (tmp_path / "inventory.yaml").write_text("cost_thresholds: {stale_resource_days: 150}\n")
    answer = read_json("stale")
    assert answer["days"] == 150
    assert ids(answer) == ["i-2"]


def test_security_json_is_the_weekly_report(read_json):
    answer = read_json("security")
    assert [entry["id"] for entry in answer["unencrypted_resources"]] == ["vol-1"]
    assert [entry["risk"] for entry in answer["public_resources"]] == ["critical"]
    assert answer["compliance_score"] == 33.3
    assert [row["severity"] for row in answer["rows"]] == ["critical", "high"]


@pytest.mark.parametrize(
    ("filters", "score"),
    [(["--account", "payments"], 0.0), (["--account", "222222222222"], 0.0),
     (["--region", "eu-west-1"], None)],
)  # fmt: skip
def test_a_filtered_score_is_never_that_of_everything(read_json, filters, score):
    assert read_json("security", *filters)["compliance_score"] == score


def test_resources_without_a_department_have_a_score_and_namesakes_none(run, tmp_path):
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder))
    plant_snapshots(lake)
    plant_security(lake)
    account = {"snapshot_at": NEWEST, "account_name": "twin", "status": "ok"}
    plant(lake, "accounts", [{**account, "account_id": n} for n in ("1", "2")])
    score = {"snapshot_at": NEWEST, "control_score": 50.0, "weighted_score": 50.0, "coverage": 9.0}
    scopes = [("department", None), ("account", "1"), ("account", "2")]
    plant(
        lake, "compliance_scores", [{**score, "scope": s, "scope_id": name} for s, name in scopes]
    )

    def scored(*filters: str) -> float | None:
        result = run("security", *filters, "--lake", folder, "--format", "json")
        return json.loads(result.stdout)["compliance_score"]

    assert scored("--department", "unallocated") == 50
    assert scored("--account", "2") == 50
    assert scored("--account", "twin") is None


def test_security_lists_other_verdicts_on_request(read_json):
    assert len(read_json("security", "--verdict", "all")["rows"]) == 4
    assert len(read_json("security", "--verdict", "unknown")["rows"]) == 1
    assert len(read_json("security", "--severity", "critical")["rows"]) == 1


def test_storage_counts_each_bucket_once_at_its_newest_delivery(read_json):
    answer = read_json("storage")
    assert {row["storage_class"]: (row["objects"], row["bytes"], row["monthly_usd"])
            for row in answer["rows"]} == {
        "STANDARD": (10, 2**40, 23.552), "GLACIER": (5, 2**60, None),
    }  # fmt: skip
    assert answer["total"]["is_lower_bound"]
    assert answer["coverage"]["buckets_with_delivery"] == 1
    assert "differs" in answer["coverage"]["deliveries_quarantined"][0]["error"]
    assert read_json("storage", "--until", "2026-11-18")["total"]["objects"] == 999


def test_storage_tells_of_reports_that_it_does_not_add(run, tmp_path):
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder))
    plant_snapshots(lake)
    plant_deliveries(lake)
    rows = [row for row in lake.read("storage_usage").to_pylist() if row["delivered_on"] == DAY]
    plant(lake, "storage_usage", [*rows, {**rows[0], "configuration_id": "part", "objects": 1}])
    [delivery] = [
        d
        for d in lake.read("s3_deliveries").to_pylist()
        if d["delivered_on"] == DAY and d["status"] == "ingested"
    ]
    part = {**delivery, "configuration_id": "part", "rows": 1}
    plant(lake, "s3_deliveries", [{**delivery, "rows": 15}, part])
    result = run("storage", "--lake", folder)
    assert "15 objects" in result.stdout
    assert "1 further report of these buckets" in result.stdout


@pytest.mark.parametrize(
    "by", ["class", "prefix", "age", "bucket", "version", "account", "department", "region"]
)
def test_storage_by_any_dimension_has_the_same_total(read_json, by):
    answer = read_json("storage", "--by", by)
    assert sum(row["objects"] for row in answer["rows"]) == 15


def test_archive_shows_the_newest_plan_and_the_etag(read, read_json):
    plan = read_json("archive", "plan")["rows"]
    assert [(p["plan_id"], p["seen_objects"], p["net_saving_usd"]) for p in plan] == [
        ("p2", 100, 145.5)
    ]
    assert read_json("archive", "plan", "--policy", "other")["rows"] == []
    assert plan[0]["net_after_job_usd"] == 145.25
    assert "d41d8cd98f00b204e9800998ecf8427e" in read("archive", "manifest").stdout
    manifest = read_json("archive", "manifest")["rows"][0]
    assert manifest["target_class"] == "DEEP_ARCHIVE"


def test_no_object_counts_in_two_plans(run, tmp_path):
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder))
    plant_snapshots(lake)
    plant_deliveries(lake)
    plant_archive(lake)
    newest = next(
        row for row in lake.read("archive_plans").to_pylist() if row["delivered_on"] == DAY
    )
    # On the next day another report is the bucket's fullest, and the policies have other names.
    later = {**newest, "delivered_on": date(2026, 11, 20), "configuration_id": "weekly"}
    plans = [{**later, "policy": name, "plan_id": name} for name in ("hot", "cold")]
    names = ("source_bucket", "configuration_id", "delivered_on")
    plant(lake, "s3_deliveries", [{**{n: later[n] for n in names}, "status": "ingested"}])
    plant(lake, "archive_plans", plans)
    answer = json.loads(run("archive", "plan", "--lake", folder, "--format", "json").stdout)
    assert [row["plan_id"] for row in answer["rows"]] == ["cold", "hot"]
    line = funnel_line(plans)
    assert line.startswith("seen 100 (1.0 GiB) → matched 100 ")
    assert line.endswith("saves at least $24.50 a month for $3.50 of fees")
    old = run("archive", "plan", "--lake", folder, "--format", "json", "--policy", "old-logs")
    assert [row["plan_id"] for row in json.loads(old.stdout)["rows"]] == ["p2"]


def test_the_job_is_part_of_what_archiving_costs(run, tmp_path):
    folder = tmp_path / "lake"
    lake = Lake.open(str(folder))
    plant_snapshots(lake)
    plant_deliveries(lake)
    plant_archive(lake)
    plan = lake.read("archive_plans").to_pylist()[0]
    plant(lake, "archive_plans", [{**plan, "net_saving_usd": Decimal("0.25")}])
    result = run("archive", "plan", "--lake", folder)
    assert "the job costs more than it saves" in result.stdout
    nothing = {**plan, "profitable_objects": 0, "unpriced_objects": 0, "fee_usd": None}
    assert funnel_line([nothing]).endswith("no move would pay")


def test_snapshots_can_be_chosen(read, read_json):
    older = read_json("query", "--snapshot", "2026-11-19 12:00")
    assert [row["name"] for row in older["rows"]] == ["before"]
    assert older["snapshot_at"] == OLDER.isoformat().replace("+00:00", "Z")
    unknown = read("query", "--snapshot", "2020")
    assert unknown.exit_code == 1
    assert "2026-11-20 00:00" in unknown.stderr


def test_costs_of_an_older_snapshot_say_so(run, tmp_path):
    lake = Lake.open(str(tmp_path / "lake"))
    plant_snapshots(lake)
    plant_costs(lake)
    later = OLDER.replace(day=21)
    known = [{"snapshot_at": at} for at in (*lake.snapshots(), later)]
    plant(lake, "snapshots", [{**row, "status": "complete"} for row in known])
    result = run("cost", "--lake", tmp_path / "lake")
    assert "2026-11-21 12:00 UTC is newer" in result.stdout
    assert "$81.83" in result.stdout


def test_hostile_names_do_nothing_to_a_terminal(read):
    shown = read("query").stdout
    assert ESCAPE not in shown
    assert "\x1b" not in shown
    for text in (FORMULA, r"\x1b[31mred\x1b[0m", MARKUP):
        assert text in shown
    assert "\x1b" not in read("archive", "plan").output


def test_hostile_names_are_exact_in_json_and_no_formula_in_csv(read, read_json):
    assert {FORMULA, ESCAPE, MARKUP} <= {row["name"] for row in read_json("query")["rows"]}
    lines = read("query", "--format", "csv", "--columns", "name").stdout.splitlines()
    assert f"'{FORMULA}" in lines
    assert FORMULA not in lines


def test_output_goes_to_the_file_in_the_format_of_its_ending(read, tmp_path):
    file = tmp_path / "costs.json"
    result = read("cost", "--output", file)
    assert result.output == ""
    assert json.loads(file.read_text())["total"]["monthly_usd"] == 81.83
    assert [p.name for p in tmp_path.iterdir()] == ["costs.json"]


def test_a_lake_named_by_the_environment_is_read(run, lake, monkeypatch):
    monkeypatch.setenv("INVENTORY_LAKE", str(lake))
    assert run("cost").exit_code == 0


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_missing_lake_is_an_error_and_stays_missing(run, tmp_path: Path, command):
    result = run(*command, "--lake", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "no lake at" in result.stderr
    assert "inventory collect" in result.stderr
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_lake_says_what_fills_it(run, tmp_path):
    Lake.open(str(tmp_path / "empty"))
    for command, hint in (("cost", "`inventory collect`"), ("storage", "`storage_analysis`")):
        result = run(command, "--lake", tmp_path / "empty")
        assert result.exit_code == 1
        assert hint in result.stderr


def test_a_long_table_is_cut_and_says_so_but_files_are_whole(run, tmp_path):
    lake = Lake.open(str(tmp_path / "lake"))
    plant_snapshots(lake)
    plant(lake, "resources", [volume(f"vol-{n}") for n in range(300)])
    shown = run("query", "--limit", "0", "--lake", tmp_path / "lake").stdout
    assert "The first 200 rows" in shown
    assert len(shown.splitlines()) < 210
    whole = run("query", "--format", "csv", "--lake", tmp_path / "lake").stdout
    assert len(whole.splitlines()) == 301


def test_tables_fit_the_terminal_with_ids_whole(read, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = read("query", "--resource-type", "ec2").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "us-east-1" in shown
    assert "ec2_instance" in shown


def test_a_table_too_wide_to_fit_is_folded_not_cut(read, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = read("archive", "manifest").stdout
    assert "uri" in shown
    assert "s3://" in shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_any_terminals_encoding_will_do(encoding):
    raw = io.BytesIO()
    notes = ("seen 1 → 2, ≥ $1 — 5", "日本")
    section = Section("rows", "Names", ("name",), [("é日本",)])
    stream = io.TextIOWrapper(raw, encoding)
    write_tables(Answer((section,), notes=notes), stream)
    stream.flush()
    shown = raw.getvalue().decode(encoding)
    assert ("seen 1 → 2, ≥ $1 — 5" if encoding == "utf-8" else "seen 1 -> 2, >= $1") in shown
    assert ("日本" if encoding == "utf-8" else r"\u65e5\u672c") in shown


def test_colour_needs_a_terminal(read):
    assert "\x1b" not in read("summary").output
