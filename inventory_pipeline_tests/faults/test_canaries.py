"""No secret reaches what the pipeline writes: canaries are planted in AWS and in the settings, the
jobs run through Dagster, and then every byte is searched."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse

from inventory_pipeline.accounts import Clients, accounts_of
from inventory_pipeline.definitions import build_defs
from inventory_pipeline.defs.launch import dagster_instance, execute
from inventory_pipeline.defs.partitions import snapshot_instant
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline_tests.faults.everything import Owner, plant
from inventory_pipeline_tests.faults.searching import disguises, found_in
from inventory_pipeline_tests.faults.troubled import Sent, TroubledClients
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS

SNAPSHOTS = ("2026-01-20T00:00", "2026-01-20T12:00")
JOBS = ("collect", "cost_analysis", "security_check", "cleanup")

CONTROL = "tame-9d3c"
"""A tag's value: it is data, and must be found wherever there is data."""


@dataclass
class Canaries:
    """Secrets by the place that holds them. All begin alike, for Iceberg keeps beginnings."""

    places: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str) -> str:
        return self.places.setdefault(place, f"Cnry7b1f0{len(self.places):03}x-{place[:30]}")

    @property
    def disguised(self) -> dict[bytes, str]:
        """What gives each away, and its place."""
        return {
            disguise: place
            for place, secret in self.places.items()
            for disguise in {*disguises(secret), secret[:13].encode()}
        }


def talkative(canary: Canaries) -> Fault:
    """AWS, and proxies before it, quote what they were told in errors."""

    def quote(sent: Sent) -> AWSResponse | None:
        if sent.takes_role_of(OPERATIONS):
            told = canary("external-id-of-the-settings")
            return sent.refused("AccessDenied", f"not with ExternalId {told}", 403)
        if sent.operation == "ListQueueTags":
            return sent.refused("InternalError", f"password={canary('error-password')} is wrong")
        if sent.operation == "DescribeRepositories":
            return sent.refused("Odd", f"https://user:{canary('error-url')}@example.org failed")
        if sent.operation == "DescribeLogGroups":
            return sent.answered(f"<html><i>{canary('page')}</i></html>".encode(), "text/html")
        if sent.operation == "DescribeFileSystems":
            page = f"<html><body>Bad gateway {canary('error-page')}</body></html>"
            return sent._answer(502, {"content-type": "text/html"}, page.encode())
        if sent.operation == "DescribeAddresses":
            return sent.answered(f"<a>{canary('broken-answer')}".encode())
        return None

    return quote


def test_no_secret_reaches_anything_that_is_written(
    aws: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    canary = Canaries()
    written = tmp_path / "written"
    settings_path = tmp_path / "inventory.yaml"  # what the user wrote, secrets included
    settings_path.write_text(json.dumps(settings(aws, written, canary)))
    monkeypatch.setenv("DAGSTER_HOME", str(written / "dagster_home"))
    inventory = Inventory(settings_path=str(settings_path))
    clients = Clients.of(inventory.settings)
    (account, _) = accounts_of(inventory.settings)
    tags = {"Name": CONTROL, "Owner": CONTROL}
    plant(
        Owner(
            ENGINEERING,
            "us-east-1",
            lambda service: clients.client(account, service, "us-east-1"),
            canary,
            tags,
        )
    )
    monkeypatch.setattr(
        Inventory,
        "clients",
        property(lambda self: TroubledClients(self.settings, talkative(canary))),
    )
    with caplog.at_level(logging.DEBUG, "inventory_pipeline"):
        run_everything(settings_path)
    told = capfd.readouterr()
    logs = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    (written / "terminal.txt").write_text(told.out + told.err + logs)

    disguised = canary.disguised
    found = {
        (str(path.relative_to(written)), disguised[hit])
        for path, hits in found_in(written, disguised).items()
        for hit in hits
    }
    assert found == set()
    assert_searches_well(written)


def settings(aws: str, written: Path, canary: Canaries) -> dict[str, object]:
    return {
        "accounts": {
            "engineering": {"account_id": ENGINEERING},
            "operations": {
                "account_id": OPERATIONS,
                "external_id": canary("external-id-of-the-settings"),
            },
        },
        "regions": ["us-east-1"],
        "collection_settings": {"retry_attempts": 0, "parallel_regions": 8},
        "notifications": {"slack_webhook_url": f"http://127.0.0.1:9/{canary('slack-webhook')}"},
        "lake": {"location": str(written / "lake")},
        "aws_endpoint_url": aws,
    }


def run_everything(settings_path: Path) -> None:
    """Two snapshots with all their marts and reports; in both the same cells fail."""
    inventory = Inventory(settings_path=str(settings_path))
    with dagster_instance(settings_path) as instance:
        for key in SNAPSHOTS:
            now = snapshot_instant(key) + timedelta(minutes=20)
            resources = {"inventory": inventory, "clock": Clock(instant=now.isoformat())}
            definitions = build_defs(resources)
            for job in JOBS:
                outcome = execute(definitions, instance, job, key)
                assert outcome.success, outcome.messages


def assert_searches_well(written: Path) -> None:
    """The control is in every kind of file, so a canary there would have been found."""
    found = {path.relative_to(written) for path in found_in(written, [CONTROL.encode()])}
    kinds = {path.suffix for path in found}
    assert {".parquet", ".duckdb", ".avro", ".db", ".json"} <= kinds, kinds
