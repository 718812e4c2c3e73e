"""The command against a simulated S3: plan, apply, and a plan with nothing left to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.configurations import access
from inventory_pipeline_tests.cli.planted import ESCAPE
from inventory_pipeline_tests.configurations.conftest import ACCOUNT, Estate, plant_buckets

OWNED = "inventory-pipeline-"
FOREIGN = {
    "Id": "by-hand",
    "IsEnabled": True,
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Weekly"},
    "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::reports", "Format": "CSV"}},
}
COST = {"id": "cost", "sources": ["data-*"], "pattern": "cost"}


def put(estate: Estate, bucket: str, configuration: dict[str, Any]) -> None:
    estate.s3.put_bucket_inventory_configuration(
        Bucket=bucket, Id=configuration["Id"], InventoryConfiguration=configuration
    )


def actions(rows: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {place: row["action"] for place, row in rows.items()}


def test_what_is_applied_is_what_aws_has_and_nothing_is_left(estate: Estate) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/mrk-1234"
    estate.make("data-1", "data-2", "reports")
    estate.declare(
        COST,
        {"id": "audit", "sources": ["data-1"], "pattern": "compliance", "kms_key": key,
         "destination_account": ACCOUNT, "format": "ORC"},
        {"id": "all", "sources": ["data-2"], "prefixes": ["tenant ü/", "b&<c>/"],
         "fields": [], "versions": "Current", "frequency": "Weekly", "enabled": False},
    )  # fmt: skip
    put(estate, "data-1", FOREIGN)
    planned = estate.plan()
    assert sorted(actions(planned).values()) == ["create"] * 5 + ["foreign"]
    applied = estate.run("apply", "--yes")
    assert applied.exit_code == 0, applied.output
    assert "5 done, 0 failed" in applied.stdout
    assert set(actions(estate.plan()).values()) == {"keep", "foreign"}
    again = estate.run("apply", "--yes")
    assert "0 done, 0 failed" in again.stdout
    found = estate.configurations("data-1")
    assert found["by-hand"] == FOREIGN
    audit = found[f"{OWNED}audit"]
    assert audit["IncludedObjectVersions"] == "All"
    assert "ObjectLockLegalHoldStatus" in audit["OptionalFields"]
    assert audit["Destination"]["S3BucketDestination"] == {
        "AccountId": ACCOUNT,
        "Bucket": "arn:aws:s3:::reports",
        "Format": "ORC",
        "Prefix": "inventory",
        "Encryption": {"SSEKMS": {"KeyId": key}},
    }
    assert found[f"{OWNED}cost"]["Schedule"] == {"Frequency": "Weekly"}
    by_prefix = {one["Filter"]["Prefix"]: one for one in estate.configurations("data-2").values()
                 if one["Id"].startswith(f"{OWNED}all-")}  # fmt: skip
    assert by_prefix.keys() == {"tenant ü/", "b&<c>/"}
    assert all(not one["IsEnabled"] and "OptionalFields" not in one for one in by_prefix.values())


def test_without_a_yes_nothing_is_changed(estate: Estate) -> None:
    estate.make("data-1", "reports")
    estate.declare(COST)
    result = estate.run("apply")
    assert result.exit_code == 0
    assert "1 create" in result.stdout
    assert "Nothing was changed" in result.stdout
    assert estate.configurations("data-1") == {}


def test_what_changed_is_updated_and_what_is_no_more_wanted_deleted(estate: Estate) -> None:
    estate.make("data-1", "data-2", "reports")
    estate.declare(COST, {"id": "old", "sources": ["data-2"]})
    assert estate.run("apply", "--yes").exit_code == 0
    for number in range(7):  # three pages, the tool's own among them
        put(estate, "data-2", {**FOREIGN, "Id": f"{number}-by-hand"})
        put(estate, "data-2", {**FOREIGN, "Id": f"z{number}-by-hand"})
    estate.declare({**COST, "frequency": "Daily", "fields": ["Size"]})
    planned = estate.plan()
    changed = planned["data-1", f"{OWNED}cost"]
    assert changed["action"] == "update"
    assert "frequency 'Weekly' -> 'Daily'" in changed["reason"]
    assert "-ETag" in changed["reason"]
    assert planned["data-2", f"{OWNED}old"]["action"] == "delete"
    applied = estate.run("apply", "--yes", "--format", "json")
    assert applied.exit_code == 0
    made = [(r["action"], r["bucket"], r["result"]) for r in json.loads(applied.stdout)["rows"]]
    assert made == [
        ("update", "data-1", "done"),
        ("delete", "data-2", "done"),
        ("update", "data-2", "done"),
    ]
    assert estate.configurations("data-1")[f"{OWNED}cost"]["OptionalFields"] == ["Size"]
    left = estate.configurations("data-2")
    assert len(left) == 15
    assert f"{OWNED}old" not in left
    assert set(actions(estate.plan()).values()) == {"keep", "foreign"}


def test_a_bucket_that_refuses_keeps_no_other_from_its_change(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.make("data-1", "data-2", "data-3", "reports")
    estate.declare(COST)
    estate.s3.delete_bucket(Bucket="data-2")
    planned = estate.plan()
    assert planned["data-2", f"{OWNED}cost"]["seen"] == "snapshot"
    assert planned["data-1", f"{OWNED}cost"]["seen"] == "live"
    assert "data-2 is as the snapshot saw it: NoSuchBucket" in estate.run("plan").stdout
    applied = estate.run("apply", "--yes")
    assert applied.exit_code == 3
    assert "2 done, 1 failed" in applied.stdout
    assert "NoSuchBucket" in applied.stdout
    assert f"{OWNED}cost" in estate.configurations("data-3")


def test_without_live_the_snapshot_counts(estate: Estate) -> None:
    estate.make("data-1", "reports")
    estate.declare(COST)
    assert estate.run("apply", "--yes").exit_code == 0
    assert estate.plan("--no-live")["data-1", f"{OWNED}cost"]["action"] == "create"


def test_the_setting_says_which_ids_are_the_tools_own(estate: Estate) -> None:
    estate.make("data-1", "reports")
    estate.declare(COST, configuration_prefix="ours.")
    put(estate, "data-1", {**FOREIGN, "Id": f"{OWNED}stranger"})
    assert actions(estate.plan()) == {
        ("data-1", "ours.cost"): "create",
        ("data-1", f"{OWNED}stranger"): "foreign",
    }


def test_hostile_names_do_nothing_to_the_terminal(estate: Estate) -> None:
    estate.make("data-1", "reports")
    row = {"configuration_id": f"by{ESCAPE}hand", "enabled": True, "prefix": ESCAPE, "fields": [],
           "encryption": "none"}  # fmt: skip
    plant_buckets(estate.lake, {"data-1": [row], "reports": []})
    estate.declare(COST)
    for form in ("table", "csv", "json"):
        result = estate.run("plan", "--no-live", "--format", form)
        assert result.exit_code == 0
        assert "hand" in result.output
        if form != "csv":  # CSV is for files
            assert "\x1b" not in result.output


def test_buckets_that_could_not_be_read_are_not_planned(estate: Estate) -> None:
    plant_buckets(estate.lake, {"data-1": None, "reports": []})
    estate.declare(COST, {"id": "none", "sources": ["no-such-*"]})
    result = estate.run("plan")
    assert result.exit_code == 3
    assert "1 unreadable" in result.stdout
    assert "configuration none: no bucket of the snapshot is called no-such-*" in result.stdout


@pytest.mark.parametrize("role", ["Changer", None])
def test_accounts_are_read_by_one_role_and_changed_by_another(role: str | None, aws: str) -> None:
    from inventory_pipeline.accounts import Account
    from inventory_pipeline.configurations import Bucket
    from inventory_pipeline.settings import Settings

    class Clients:
        partition = "aws"

        def client(self, account: Account | None, service: str, region: str) -> Any:
            return account and account.role_arn

    bucket = Bucket("data", ACCOUNT, None, "us-east-1")
    content: dict[str, Any] = {"s3_inventory": {"configurator_role": role}}
    own = Settings.model_validate(content)
    content["accounts"] = {"a": {"account_id": ACCOUNT, "role_name": "Reader"}}
    others = Settings.model_validate(content)
    reader, changer = (
        make(others, Clients())(bucket)  # type: ignore[arg-type]  # all that is asked of them
        for make in (access.readers, access.configurators)
    )
    assert reader == f"arn:aws:iam::{ACCOUNT}:role/Reader"
    assert changer == f"arn:aws:iam::{ACCOUNT}:role/{role or 'Reader'}"
    assert access.configurators(own, Clients())(bucket) is None  # type: ignore[arg-type]  # as above


def test_policies_are_written_and_nothing_applied(estate: Estate, tmp_path: Path) -> None:
    estate.make("data-1", "reports")
    estate.declare(COST)
    out = tmp_path / "policies"
    result = estate.run("policies", "--out", out)
    assert result.exit_code == 0, result.output
    names = {path.name for path in out.iterdir()}
    assert names == {"reports.bucket-policy.json", "reports.lifecycle.json"}
    assert json.loads(estate.run("policies").stdout).keys() == names
    assert estate.configurations("data-1") == {}
