"""The command as a whole: help, exit codes, errors, and the commands that need no lake."""

import json
import os
import subprocess
import sys
from decimal import Decimal

import click
import pytest

from inventory_pipeline.cli import COMMANDS, main
from inventory_pipeline.defs.launch import JobOutcome
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline.settings import load_settings


def every_command():
    def walk(command, path):
        inner = command.commands if isinstance(command, click.Group) else {}
        return [path, *(p for name, c in inner.items() for p in walk(c, [*path, name]))]

    return [p for name in COMMANDS for p in walk(main.get_command(None, name), [name])]


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_help_has_examples(run, path):
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "inventory " in result.output.split("Example")[-1]


def test_help_is_fast_since_it_imports_nothing_heavy():
    program = """
import sys
from inventory_pipeline.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
heavy = {"dagster", "duckdb", "rich", "pyarrow", "pydantic", "boto3", "moto", "pyiceberg"}
print(sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["sql"],
        ["cost", "--by", "colour"],
        ["stale", "--days", "-1"],
        ["query", "--tag", "x"],
        ["query", "--since", "x"],
        ["query", "--resource-type", "ec3"],
        ["query", "--columns", "nam"],
        ["query", "--sort", "name; DROP TABLE x"],
        ["prices", "show", "m5.large"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(read, run, arguments):
    command = run if arguments[0] in ("nonsense", "prices") else read
    assert command(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--resource-type", "ec2_instances"], "did you mean ec2_instance?"),
     (["--resource-type", "nat"], "did you mean nat_gateway?"),
     (["--resource-type", "EC2"], "did you mean ec2 or "),
     (["--resource-type", "quux"], "`inventory list resource-types`"),
     (["--columns", "nam"], "did you mean name?")],
)  # fmt: skip
def test_wrong_usage_names_the_right_word(read, arguments, told):
    assert told in read("query", *arguments).stderr


def test_an_error_is_one_line_unless_debug(run, tmp_path):
    plain = run("cost", "--lake", tmp_path / "none")
    assert plain.exception.code == 1
    assert len(plain.stderr.splitlines()) == 1
    for arguments in (["cost", "--debug"], ["--debug", "cost"]):
        assert type(run(*arguments, "--lake", tmp_path / "none").exception).__name__ == "LakeError"


def test_settings_errors_name_file_and_key(run, tmp_path):
    (tmp_path / "inventory.yaml").write_text("acounts: {}\n")
    result = run("cost")
    assert result.exit_code == 1
    assert "inventory.yaml" in result.stderr
    assert "acounts" in result.stderr


def test_init_writes_settings_once(run, tmp_path):
    assert run("init").exit_code == 0
    load_settings(tmp_path / "inventory.yaml")
    (tmp_path / "inventory.yaml").write_text("mine")
    refused = run("init")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert (tmp_path / "inventory.yaml").read_text() == "mine"
    assert run("init", "--force").exit_code == 0
    assert (tmp_path / "inventory.yaml").read_text() != "mine"
    assert run("init", "no/such/folder.yaml").exit_code == 1


@pytest.mark.parametrize(
    "what",
    ["resource-types", "tables", "rules", "controls", "object-rules", "key-rules", "assets"],
)
def test_lists_have_what_the_build_has(run, what):
    result = run("list", what, "--format", "json")
    rows = json.loads(result.stdout)["rows"]
    known = {
        "resource-types": "ebs_volume", "tables": "resource_costs", "rules": "ec2.stopped",
        "controls": "s3.public_read", "assets": "resource_costs",
        "object-rules": "public_acl", "key-rules": "people_folder",
    }[what]  # fmt: skip
    assert known in {value for row in rows for value in row.values() if isinstance(value, str)}


def test_resource_types_read_well_in_a_narrow_terminal(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("list", "resource-types").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert words >= resource_types().keys()
    assert words >= {kind.group for kind in resource_types().values()}


def test_resource_types_as_json_have_all_that_is_seen(run):
    rows = json.loads(run("list", "resource-types", "--format", "json").stdout)["rows"]
    listed = {row["resource_type"]: row for row in rows}
    for kind in resource_types().values():
        row = listed[kind.name]
        assert row["iam_actions"] == list(kind.actions)
        assert [c["column"] for c in row["columns"]] == [c.name for c in kind.columns]
        assert [m["column"] for m in row["metrics"]] == [m.column for m in kind.metrics]
        assert {r["target"] for r in row["relationships"]} == {
            r.target_type for r in kind.relationships
        }
        assert [c["table"] for c in row["child_tables"]] == [c.table.name for c in kind.children]
    assert {name: listed[name]["price"] for name in ("ebs_volume", "vpc")} == {
        "ebs_volume": "listed", "vpc": "free"}  # fmt: skip


def test_query_knows_the_columns_of_newer_types(read):
    for name in ("security_group", "iam_role"):
        own = resource_types()[name].columns[0].name
        result = read("query", "--resource-type", name, "--columns", f"resource_id,{own}")
        assert result.exit_code == 0, result.output
        assert f"no column '{own}'" in read("query", "--columns", own).stderr


def test_prices_are_exact_and_unknown_is_null(run):
    known = json.loads(run("prices", "show", "m5.large:linux", "--region", "us-east-1",
                           "--format", "json").stdout, parse_float=Decimal)["rows"]  # fmt: skip
    assert known[0]["usd"] == Decimal("0.096")
    assert "0.096" in run("prices", "show", "m5.large", "--region", "us-east-1").stdout
    for item, region in (("m5.large", "mars-1"), ("no.such", "us-east-1")):
        result = run("prices", "show", item, "--region", region, "--format", "json")
        assert result.exit_code == 0
        assert {row["usd"] for row in json.loads(result.stdout)["rows"]} == {None}
    assert "unknown" in run("prices", "show", "m5.large", "--region", "mars-1").stdout


@pytest.fixture
def launched(monkeypatch):
    """Calls of `run_job`, and the outcome it is to give."""
    calls, outcome = [], {"success": True, "partial": False}

    def run_job(*args, **kwargs):
        calls.append((args, kwargs))
        return JobOutcome(**outcome, run_id="r1", messages=("coverage: \x1b[31m91 %",))

    monkeypatch.setattr("inventory_pipeline.defs.launch.run_job", run_job)
    return calls, outcome


@pytest.mark.parametrize(
    ("outcome", "code"),
    [({"success": True, "partial": False}, 0), ({"success": True, "partial": True}, 3),
     ({"success": False, "partial": False}, 1)],
)  # fmt: skip
def test_collect_exits_by_its_outcome(run, launched, outcome, code):
    launched[1].update(outcome)
    result = run("collect")
    assert result.exit_code == code
    assert "coverage: " in result.stderr
    assert "\x1b" not in result.output


def test_collect_hands_a_subset_to_the_job(run, launched):
    run("collect", "--accounts", "payments, engineering", "--resource-types", "rds")
    ((job, _), options) = launched[0][0]
    assert job == "collect"
    assert options["run_config"] == {"ops": {"collect_resources": {"config": {
        "accounts": ["payments", "engineering"], "resource_types": ["rds"]}}}}  # fmt: skip
    assert run("collect", "--regions", ",").exit_code == 2
    run("collect", "--failed")
    config = launched[0][1][1]["run_config"]["ops"]["collect_resources"]["config"]
    assert config == {"failed": True}


def test_ingest_without_a_destination_says_what_to_set(run, launched):
    result = run("ingest")
    assert result.exit_code == 1
    assert "s3_inventory.destinations" in result.stderr


def test_a_closed_pipe_ends_quietly(lake):
    program = "from inventory_pipeline.cli import main; main()"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", program, "query", "--lake", str(lake)],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert "Traceback" not in done.stderr
