"""README's example of a new resource type: all that is said to follow from one module does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from inventory_pipeline_tests.simulated_aws import ENGINEERING

README = Path(__file__).parents[2] / "README.md"
CONTRIBUTED = "inventory_pipeline_tests.resource_types.contributed"
ADDED = """import sys
from inventory_pipeline import resource_types
resource_types.__path__.append(sys.argv.pop(1))
"""
REGION = "eu-west-1"

ROWS = """SELECT region, resource_id, name, state, department, tag(tags, 'env') AS env,
  metric, threshold, actions_enabled FROM cloudwatch_alarms"""
COSTS = "SELECT service, monthly_usd, unpriced_reason FROM resource_costs"
LEDGER = "SELECT region, collector, status, resources FROM coverage ORDER BY region, collector"


def readme_example() -> tuple[str, str]:
    """The name of the file that README adds, and its text."""
    section = README.read_text(encoding="utf-8").partition("### Add a resource type\n")[2]
    name = re.search(r"`(\w+\.py)`", section)
    (code,) = re.findall(r"```python\n(.*?)```", section.partition("\n### ")[0], re.DOTALL)
    assert name
    return name[1], code


@dataclass
class Build:
    """This build with README's module in it, and a house to run it in."""

    modules: Path
    house: Path

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.house, env={**os.environ, "PYTHONPATH": str(README.parent)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout

    def answers(self, *commands: Sequence[str]) -> list[str]:
        told = self.python("-m", CONTRIBUTED, str(self.modules), json.dumps(commands))
        found: list[str] = json.loads(told)
        return found


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    for name in ("INVENTORY_SETTINGS", "CONFIG_PATH", "INVENTORY_LAKE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    name, code = readme_example()
    build = Build(tmp_path / "modules", tmp_path / "house")
    build.modules.mkdir()
    build.house.mkdir()
    (build.modules / name).write_text(code, encoding="utf-8")
    return build


def settle(build: Build, **more: Any) -> None:
    account = {"account_id": ENGINEERING, "tags": {"Department": "Engineering"}}
    settings = {
        "accounts": {"engineering": account},
        "regions": [REGION, "us-east-1"],
        "resource_types": ["cloudwatch"],
    }
    (build.house / "inventory.yaml").write_text(json.dumps(settings | more), encoding="utf-8")


def plant_alarm(aws: str, account_id: str) -> None:
    role = boto3.client("sts", endpoint_url=aws, region_name=REGION).assume_role(
        RoleArn=f"arn:aws:iam::{account_id}:role/R", RoleSessionName="planting"
    )["Credentials"]
    boto3.client(
        "cloudwatch", endpoint_url=aws, region_name=REGION,
        aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    ).put_metric_alarm(
        AlarmName="errors", MetricName="Errors", Namespace="AWS/Lambda", Statistic="Sum",
        Period=60, EvaluationPeriods=1, Threshold=2.5, ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[f"arn:aws:sns:{REGION}:{account_id}:pager",
                      f"arn:aws:automate:{REGION}:ec2:reboot"],
        Tags=[{"Key": "env", "Value": "prod"}],
    )  # fmt: skip


def sql(statement: str) -> Sequence[str]:
    return ["sql", statement, "--format", "json"]


def rows(told: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(told)["rows"]
    return found


def test_it_is_collected_told_of_in_the_ledger_and_priced_as_unknown(
    aws: str, build: Build
) -> None:
    plant_alarm(aws, ENGINEERING)
    settle(build, aws_endpoint_url=aws)
    _, *told = build.answers(
        ["snapshot"],
        *map(sql, (ROWS, COSTS, LEDGER)),
        sql("SELECT resource_type, resource_id, arn FROM resources"),
        sql("SELECT relation, target_type, target_id FROM relationships"),
        ["query", "--resource-type", "cloudwatch", "--columns", "threshold", "--format", "json"],
    )
    alarms, costs, ledger, resources, edges, queried = map(rows, told)
    assert alarms == [
        {
            "region": REGION,
            "resource_id": "errors",
            "name": "errors",
            "state": alarms[0]["state"],
            "department": "Engineering",
            "env": "prod",
            "metric": "Errors",
            "threshold": 2.5,
            "actions_enabled": True,
        }
    ]
    assert alarms[0]["state"]
    reason = "no price model for cloudwatch_alarm yet"
    assert costs == [{"service": "cloudwatch", "monthly_usd": None, "unpriced_reason": reason}]
    assert [tuple(cell.values()) for cell in ledger] == [
        (REGION, "cloudwatch_alarm", "ok", 1),
        (REGION, "cloudwatch_alarm.tags", "ok", 1),
        ("us-east-1", "cloudwatch_alarm", "ok", 0),
        ("us-east-1", "cloudwatch_alarm.tags", "ok", 0),
    ]
    arn = f"arn:aws:cloudwatch:{REGION}:{ENGINEERING}:alarm:errors"
    assert resources == [{"resource_type": "cloudwatch_alarm", "resource_id": "errors", "arn": arn}]
    topic = f"arn:aws:sns:{REGION}:{ENGINEERING}:pager"
    assert edges == [{"relation": "notifies", "target_type": "sns_topic", "target_id": topic}]
    assert queried == [{"threshold": 2.5}]


def test_it_is_listed_has_an_asset_and_its_actions_are_allowed(build: Build) -> None:
    settle(build)
    told = build.answers(
        *(["list", what, "--format", "json"] for what in ("resource-types", "tables", "assets")),
        ["infra", "render", "--out", "infrastructure"],
    )
    types, tables, assets = map(rows, told[:3])
    (kind,) = (row for row in types if row["resource_type"] == "cloudwatch_alarm")
    actions = ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"]
    assert kind["iam_actions"] == actions
    assert [column["column"] for column in kind["columns"]] == [
        "metric", "threshold", "actions_enabled"]  # fmt: skip
    assert kind["price"] == "unknown"
    assert "cloudwatch_alarms" in {row["table"] for row in tables}
    assert "resources/cloudwatch_alarms" in {row["asset"] for row in assets}
    template = json.loads((build.house / "infrastructure/member-role.json").read_text())
    assert allowed(template) == {*actions, "ec2:DescribeRegions"}


def allowed(template: Mapping[str, Any]) -> set[str]:
    documents = [
        resource["Properties"]["PolicyDocument"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    ]
    return {action for d in documents for s in d["Statement"] for action in s["Action"]}


def test_its_declaration_is_tested_as_readme_says(build: Build) -> None:
    command = re.search(r"`pytest (\S+) (-k \w+)`", README.read_text(encoding="utf-8"))
    assert command
    folder, chosen = README.parent / command[1], command[2].split()
    assert folder == Path(__file__).parent
    # A narrower folder, for this test must not start itself.
    told = build.python(
        "-c", ADDED + "import pytest; sys.exit(pytest.main())", str(build.modules),
        str(folder / "test_declarations.py"), *chosen, "-n0", "-rA", "-p", "no:cacheprovider",
    )  # fmt: skip
    passed = set(re.findall(r"^PASSED .*::(\w+)\[cloudwatch_alarm\]$", told, re.MULTILINE))
    assert "test_sources_name_what_aws_answers" in passed


def test_a_name_that_is_taken_is_refused(build: Build) -> None:
    (module,) = build.modules.iterdir()
    module.write_text(module.read_text().replace('"cloudwatch_alarm"', '"sns_topic"'))
    program = (
        ADDED
        + """
try: resource_types.resource_types()
except ValueError as error: print(error)
"""
    )
    assert "there is a resource type sns_topic already" in build.python(
        "-c", program, str(build.modules)
    )
