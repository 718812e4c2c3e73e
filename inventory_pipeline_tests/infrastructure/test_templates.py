"""The files: valid CloudFormation, the same in both forms, the same each time, without a secret."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from inventory_pipeline.cli import main
from inventory_pipeline.infrastructure import Template, templates, write_templates
from inventory_pipeline.infrastructure import template as writing
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.infrastructure.test_collector import FULL, settings_of

CANARY = "external-id-canary-7b1f"

# As full and as sparse as settings can be.
SETTINGS: dict[str, Settings] = {
    "none": Settings(),
    "full": FULL,
    "chain": settings_of(
        credentials={
            "role_chain": [
                {"role_arn": "arn:aws:iam::999999999999:role/Hub"},
                {"role_arn": "arn:aws:iam::999999999999:role/Collector", "external_id": CANARY},
            ]
        },
        organization={
            "discover": True,
            "ask_as": "arn:aws:iam::888888888888:role/svc/Reader",
            "external_id": CANARY,
        },
        s3_inventory={
            "destinations": [{"bucket": "reports", "prefix": "a*b?${x}"}],
            "configurations": [{"id": "a", "sources": ["b-*", "${x}"], "destination": "reports"}],
        },
    ),
}
each = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def lint(text: str) -> list[str]:
    from cfnlint.api import lint as lint_text
    from cfnlint.config import ManualArgs

    found = lint_text(text, config=ManualArgs(include_checks=["W"]))
    return [f"{match.rule.id} {match.message}" for match in found]


@each
def test_cfn_lint_has_nothing_to_say(settings: Settings) -> None:
    """Of the YAML form; the JSON form says the same."""
    for template in templates(settings):
        assert lint(template.files[f"{template.name}.yaml"]) == [], template.name


def test_cfn_lint_would_find_an_action_that_aws_has_not() -> None:
    [*_, member] = templates(Settings())
    broken = member.files["member-role.json"].replace("ec2:DescribeRegions", "ec2:DescribeRegion")
    assert [line for line in lint(broken) if line.startswith("W3037")]


@each
def test_yaml_and_json_say_the_same(settings: Settings) -> None:
    for template in templates(settings):
        as_yaml, as_json = template.files.values()
        assert yaml.safe_load(as_yaml) == json.loads(as_json) == template.body
        assert "&id" not in as_yaml


@each
def test_the_same_settings_give_the_same_bytes(settings: Settings) -> None:
    again = Settings.model_validate(settings.model_dump())
    first = [template.files for template in templates(settings)]
    assert [template.files for template in templates(again)] == first


@each
def test_no_secret_is_written(settings: Settings) -> None:
    for template in templates(settings):
        assert CANARY not in "".join(template.files.values())


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path, _] = write_templates([Template("one", {"A": 1})], tmp_path)
    before = path.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(writing.os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_templates([Template("one", {"A": 2})], tmp_path)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["one.json", "one.yaml"]


# -- the command -------------------------------------------------------------------------------


def run(tmp_path: Path, text: str, *options: str) -> Any:
    settings = tmp_path / "inventory.yaml"
    settings.write_text(text)
    command = ["infra", "render", "--settings", str(settings), "--out", str(tmp_path / "out")]
    return CliRunner().invoke(main, [*command, *options])


FORMS = ("yaml", "json")
ACCOUNT = "accounts: {a: {account_id: '222222222222', external_id: x-1}}\nresource_types: [sns]\n"


def test_render_writes_the_templates(tmp_path: Path) -> None:
    result = run(tmp_path, ACCOUNT)
    assert result.exit_code == 0, result.output
    written = {f"{name}.{form}" for name in ("collector-role", "member-role") for form in FORMS}
    assert {path.name for path in (tmp_path / "out").iterdir()} == written
    assert "the member role allows 4 actions" in result.output
    body = json.loads((tmp_path / "out" / "member-role.json").read_text())
    assert {"CollectorRoleArn", "ExternalId", "OrganizationId", "RoleName"} == {*body["Parameters"]}


def test_render_without_an_organisation(tmp_path: Path) -> None:
    assert run(tmp_path, ACCOUNT, "--no-organization").exit_code == 0
    body = json.loads((tmp_path / "out" / "member-role.json").read_text())
    assert "OrganizationId" not in body["Parameters"]


def test_what_earlier_settings_left_is_named(tmp_path: Path) -> None:
    reports = "s3_inventory: {destinations: [{bucket: reports, account: a}]}\n"
    assert "earlier settings" not in run(tmp_path, ACCOUNT + reports).output
    assert "report-reader-222222222222.yaml is of earlier settings" in run(tmp_path, ACCOUNT).output
    declared = "configurations: [{id: a, sources: [b], destination: reports}]"
    run(tmp_path, f"s3_inventory: {{destinations: [{{bucket: reports}}], {declared}}}\n")
    assert "configurator-role.json is of earlier settings" in run(tmp_path, ACCOUNT).output


def test_an_unknown_type_is_told_and_nothing_written(tmp_path: Path) -> None:
    result = run(tmp_path, "resource_types: [sns_topik]\n")
    assert result.exit_code == 1
    assert "resource_types" in result.output
    assert "did you mean 'sns_topic'" in result.output
    assert not (tmp_path / "out").exists()
