"""No secret reaches what the pipeline writes: canaries are planted in AWS and in the settings, the
jobs run through Dagster, and then every byte is searched."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
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
from inventory_pipeline.defs.snapshots import collect_config
from inventory_pipeline_tests.faults.everything import plant
from inventory_pipeline_tests.faults.owner import NAME, Owner
from inventory_pipeline_tests.faults.searching import Needles, found_in
from inventory_pipeline_tests.faults.troubled import Fault, Sent, TroubledClients
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS

FIRST, SECOND = "2026-01-20T00:00", "2026-01-20T12:00"
JOBS = ("collect", "cost_analysis", "security_check", "cleanup")

TAG = "tame-9d3c"
"""A tag's value: it is data, and must be found wherever there is data."""

IN_THE_OPEN = {
    ".parquet": TAG,
    ".duckdb": TAG,
    "index.db": TAG,  # Dagster's events, which have a preview of each table
    ".json": NAME,
    ".avro": ".parquet",
    ".txt": "has not been implemented",  # what moto complains of on the terminal
}
"""What each kind of file must be found to say."""


BEGINNING = "Cnry7b1f0"


@dataclass
class Canaries:
    """Secrets by the place that holds them. All begin alike, for some tools keep beginnings."""

    places: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str) -> str:
        return self.places.setdefault(place, f"{BEGINNING}{len(self.places):03}-{place}")


def talkative(canary: Canaries) -> Fault:
    """AWS, and proxies before it, quote what they were told; what STS gives is a secret as well."""
    quotes: dict[str, Callable[[Sent], AWSResponse]] = {
        "ListQueueTags": lambda sent: sent.refused(
            "InternalError", f"password={canary('error-password')} is wrong"
        ),
        "DescribeRepositories": lambda sent: sent.refused(
            "Odd", f"https://user:{canary('error-url')}@example.org failed"
        ),
        "DescribeLogGroups": lambda sent: sent.answered(
            f"<html><i>{canary('page')}</i></html>".encode(), "text/html"
        ),
        "DescribeFileSystems": lambda sent: sent.answered(
            f"<html>You sent {canary('error-page')}</html>".encode(), "text/html", 407
        ),
        "DescribeAddresses": lambda sent: sent.answered(f"<a>{canary('broken')}".encode()),
    }

    def quote(sent: Sent) -> AWSResponse | None:
        if sent.takes_role_of(OPERATIONS):
            told = canary("external-id-of-the-settings")
            return sent.refused("AccessDenied", f"not with ExternalId {told}", 403)
        if sent.operation == "AssumeRole":
            secret, token = canary("session-key"), canary("session-token")
            given = re.sub(rb"(?<=<SecretAccessKey>)[^<]*", secret.encode(), sent.real_answer())
            return sent.answered(re.sub(rb"(?<=<SessionToken>)[^<]*", token.encode(), given))
        return quotes[sent.operation](sent) if sent.operation in quotes else None

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
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", canary("own-key"))
    monkeypatch.setenv("AWS_SESSION_TOKEN", canary("own-token"))
    inventory = Inventory(settings_path=str(settings_path))
    clients = Clients.of(inventory.settings)
    (account, _) = accounts_of(inventory.settings)
    tags = {"Name": TAG, "Owner": TAG}
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

    assert found_in(written, Needles.of(BEGINNING, canary.places.values())) == {}
    assert_searches_well(written)
    assert found_in(written, Needles(frozenset({b"slack was not told: URLError"})))


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
    """A snapshot with all its marts and reports, and part of another: what failed fails again."""
    inventory = Inventory(settings_path=str(settings_path))
    again = collect_config(resource_types=["log_group", "ecr_repository", "elastic_ip"])
    runs = [*((FIRST, job, {}) for job in JOBS), (SECOND, "collect", again)]
    with dagster_instance(settings_path) as instance:
        for key, job, config in runs:
            now = snapshot_instant(key) + timedelta(minutes=20)
            resources = {"inventory": inventory, "clock": Clock(instant=now.isoformat())}
            outcome = execute(build_defs(resources), instance, job, key, config)
            assert outcome.success, outcome.messages


def assert_searches_well(written: Path) -> None:
    """What is no secret is found in every kind of file, so a canary would have been."""
    for suffix, text in IN_THE_OPEN.items():
        found = found_in(written, Needles(frozenset({text.encode()})))
        assert any(path.endswith(suffix) for path in found), suffix
