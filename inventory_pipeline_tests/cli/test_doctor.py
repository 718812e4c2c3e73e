"""`inventory doctor`: what it shows, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from inventory_pipeline_tests.cli.conftest import Run
from inventory_pipeline_tests.simulated_aws import (
    CANARY,
    ENGINEERING,
    OPERATIONS,
)


@pytest.fixture
def settings(aws: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes the settings of two accounts; the Dagster instance is well."""
    monkeypatch.setattr("inventory_pipeline.defs.health.instance_checks", lambda _: [])

    def write(**more: Any) -> None:
        accounts = {
            "engineering": {"account_id": ENGINEERING, "external_id": CANARY},
            "operations": {"account_id": OPERATIONS},
        }
        wanted = {
            "accounts": accounts,
            "resource_types": ["ebs_volume"],
            "aws_endpoint_url": aws,
            **more,
        }
        (tmp_path / "inventory.yaml").write_text(yaml.safe_dump(wanted))

    return write


def test_all_well_is_exit_code_0(run: Run, settings: Any) -> None:
    settings()
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("all well\n")
    assert "2/2" in result.stderr
    assert CANARY not in result.output


def test_what_is_missing_is_exit_code_3_and_comes_first(run: Run, settings: Any) -> None:
    settings(s3_inventory={"destinations": [{"bucket": "no-such-bucket"}]})
    result = run("doctor", "--format", "json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert found["missing"] == 1
    first, *_ = found["rows"]
    assert first["subject"] == "s3://no-such-bucket/"
    assert first["status"] == "missing"
    assert {row["subject"] for row in found["rows"]} >= {"settings", "collector", "lake"}


def test_the_queue_is_looked_at_as_the_account_that_reads_it(run: Run, settings: Any) -> None:
    queue = f"https://sqs.eu-west-1.amazonaws.com/{OPERATIONS}/reports"
    settings(s3_inventory={"queue_url": queue, "queue_account": "operations"})
    result = run("doctor", "--format", "json")
    first, *_ = json.loads(result.stdout)["rows"]
    assert (first["subject"], first["check"], first["status"]) == (queue, "queue", "missing")
    assert "no such queue in eu-west-1, or the role of account operations" in first["found"]


def test_it_fits_a_terminal_of_80_columns(
    run: Run, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(regions=["us-esat-1"])
    monkeypatch.setenv("COLUMNS", "80")
    result = run("doctor")
    assert result.exit_code == 3
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "engineering, operations: correct regions and excluded_regions" in result.stdout


def test_settings_with_a_fault_are_all_that_is_looked_at(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text("acounts: {}\nlake: {catalog: glu}\n")
    result = run("doctor", "--format", "json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)["rows"]
    assert [row["check"] for row in found] == ["valid", "valid"]
    assert any("did you mean 'accounts'" in row["found"] for row in found)


def test_a_profile_that_is_not_there(run: Run, settings: Any) -> None:
    settings(credentials={"profile": "nowhere-to-be-found"})
    result = run("doctor", "--format", "json")
    assert result.exit_code == 3
    rows = {row["check"]: row for row in json.loads(result.stdout)["rows"]}
    assert "no profile 'nowhere-to-be-found'" in rows["credentials"]["found"]
    assert rows["writable"]["status"] == "ok"


def test_one_account_by_name_and_a_wrong_name(run: Run, settings: Any) -> None:
    settings()
    result = run("doctor", "--accounts", "operations", "--format", "json")
    subjects = {row["subject"] for row in json.loads(result.stdout)["rows"]}
    assert "operations" in subjects
    assert "engineering" not in subjects
    wrong = run("doctor", "--accounts", "operatoins")
    assert wrong.exit_code == 1
    assert "did you mean 'operations'?" in wrong.output
