from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from inventory_pipeline.diagnosis import (
    Check,
    destination_checks,
    lake_check,
    queue_checks,
    settings_checks,
)
from inventory_pipeline.lake import Lake, leases
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.reports.writer import BUCKET
from inventory_pipeline_tests.simulated_aws import refused

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/reports"
DAY = "inventory/{source}/weekly/2026-11-1{day}T01-00Z"
MANIFEST = (
    '{"sourceBucket": "logs", "destinationBucket": "arn:aws:s3:::reports", "version":'
    ' "2016-11-30", "creationTimestamp": "1763604000000", "fileFormat": "CSV",'
    ' "fileSchema": "Bucket, Key, Size", "files": []}'
)


@pytest.fixture
def s3(aws: str) -> Any:
    client = boto3.client("s3", "us-east-1", endpoint_url=aws)
    client.create_bucket(Bucket=BUCKET)
    return client


def deliver(s3: Any, source: str, day: int, *, complete: bool = True) -> None:
    folder = DAY.format(source=source, day=day)
    s3.put_object(Bucket=BUCKET, Key=f"{folder}/manifest.json", Body=MANIFEST.encode())
    if complete:
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/manifest.checksum", Body=b"x")


def looked_at(s3: Any, *buckets: str) -> list[Check]:
    destinations = [{"bucket": bucket, "prefix": "inventory"} for bucket in buckets or (BUCKET,)]
    settings = Settings.model_validate({"s3_inventory": {"destinations": destinations}})
    return list(destination_checks(settings, lambda _: s3))


class TestDestinations:
    def test_a_manifest_is_read(self, s3: Any) -> None:
        deliver(s3, "logs", 1)
        [check] = looked_at(s3)
        assert (check.subject, check.status) == (f"s3://{BUCKET}/inventory", "ok")
        assert check.found == "readable, such as logs of 2026-11-11"

    def test_sources_without_a_complete_delivery_are_passed_over(self, s3: Any) -> None:
        for number in range(5):
            deliver(s3, f"a-{number}", 1, complete=False)
        deliver(s3, "logs", 2)
        assert looked_at(s3)[0].found == "readable, such as logs of 2026-11-12"

    def test_nothing_delivered_is_no_fault(self, s3: Any) -> None:
        [check] = looked_at(s3)
        assert (check.status, check.found) == ("warning", "readable, but no delivery is there")

    def test_one_that_is_not_there_leaves_the_others(self, s3: Any) -> None:
        deliver(s3, "logs", 1)
        missing, found = looked_at(s3, "no-such-bucket", BUCKET)
        assert (missing.status, found.status) == ("missing", "ok")
        assert "s3://no-such-bucket/inventory cannot be read: NoSuchBucket" in missing.found
        assert "the collector" in (missing.fix or "")

    def test_a_manifest_that_cannot_be_got_is_missing_though_it_is_listed(self, s3: Any) -> None:
        deliver(s3, "logs", 1)

        class NoGet:
            def get_paginator(self, name: str) -> Any:
                return s3.get_paginator(name)

            def get_object(self, **_: str) -> Any:
                return s3.get_object(Bucket="another-bucket", Key="none")

        [check] = looked_at(NoGet())
        assert check.status == "missing"
        assert "manifest.json" in check.found


class Refusing:
    """A client, but for operations that it refuses with a code."""

    def __init__(self, sqs: Any, **codes: str) -> None:
        self._sqs, self._codes = sqs, codes

    def __getattr__(self, operation: str) -> Any:
        if operation not in self._codes:
            return getattr(self._sqs, operation)

        def refuse(**_: Any) -> Any:
            raise refused(self._codes[operation], f"not authorized: {operation}")

        return refuse


class TestQueue:
    @pytest.fixture
    def sqs(self, aws: str) -> Any:
        return boto3.client("sqs", "eu-west-1", endpoint_url=aws)

    def looked_at(
        self, sqs: Any, url: str | None, regions: list[str | None] | None = None
    ) -> list[Check]:
        settings = Settings.model_validate({"s3_inventory": {"queue_url": url}})

        def make_sqs(region: str | None) -> Any:
            if regions is not None:
                regions.append(region)
            return sqs

        return list(queue_checks(settings, make_sqs))

    def test_none_is_not_asked(self) -> None:
        assert self.looked_at(None, None) == []

    def test_no_message_is_taken(self, sqs: Any) -> None:
        always = {"VisibilityTimeout": "3600"}
        url = sqs.create_queue(QueueName="reports", Attributes=always)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="{}")
        [check] = self.looked_at(sqs, url)
        assert (check.subject, check.check, check.status) == (url, "queue", "ok")
        names = ["ApproximateReceiveCount"]
        [message] = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=names)["Messages"]
        assert message["Attributes"] == {"ApproximateReceiveCount": "1"}

    @pytest.mark.parametrize(
        ("url", "region", "words"),
        [
            (QUEUE, "eu-west-1", "no such queue in eu-west-1, or the collector may not see it"),
            ("http://127.0.0.1:5000/123456789012/reports", None, "no such queue in the home"),
        ],
    )
    def test_one_that_is_not_there_or_in_another_region(
        self, sqs: Any, url: str, region: str | None, words: str
    ) -> None:
        regions: list[str | None] = []
        [check] = self.looked_at(sqs, url, regions)
        assert regions == [region]
        assert check.status == "missing"
        assert check.found.startswith(words)
        assert "correct s3_inventory.queue_url, whose host names the region" in (check.fix or "")

    @pytest.mark.parametrize(
        ("denied", "words"),
        [
            (["receive_message"], "sqs:ReceiveMessage denied"),
            (["delete_message"], "sqs:DeleteMessage denied"),
            (["receive_message", "delete_message"],
             "sqs:ReceiveMessage and sqs:DeleteMessage denied"),
        ],
    )  # fmt: skip
    def test_each_action_that_is_denied_is_named(
        self, sqs: Any, denied: list[str], words: str
    ) -> None:
        url = sqs.create_queue(QueueName="reports")["QueueUrl"]
        accounts = {"payments": {"account_id": "111111111111"}}
        refusing = Refusing(sqs, **dict.fromkeys(denied, "AccessDenied"))
        settings = Settings.model_validate(
            {
                "accounts": accounts,
                "s3_inventory": {"queue_url": url, "queue_account": "payments"},
            }
        )
        [check] = queue_checks(settings, lambda _: refusing)
        assert check.status == "missing"
        assert check.found.startswith(f"{words}: AccessDenied: not authorized")
        assert f"let the role of account payments do {words.removesuffix(' denied')} on the" in (
            check.fix or ""
        )

    def test_an_endpoint_that_is_not_there_leaves_the_other_checks(self) -> None:
        def no_client(_: str | None) -> Any:
            raise EndpointConnectionError(endpoint_url="https://sqs.nowhere")

        settings = Settings.model_validate({"s3_inventory": {"queue_url": QUEUE}})
        [check] = queue_checks(settings, no_client)
        assert check.status == "missing"
        assert check.found.startswith("EndpointConnectionError")
        assert "found by listing" in (check.fix or "")


def lake_settings(folder: Path | str) -> Settings:
    return Settings.model_validate({"lake": {"location": str(folder)}})


class TestLake:
    def test_an_empty_commit_changes_nothing(self, tmp_path: Path) -> None:
        lake = Lake.open(str(tmp_path / "lake"))
        assert lake_check(lake_settings(tmp_path / "lake")).status == "ok"
        assert lake.snapshots() == []
        assert list(lake.scratch.iterdir()) == []
        assert lake_check(lake_settings(tmp_path / "lake")).found.endswith("(sqlite), 0 snapshots")

    def test_a_file_where_the_lake_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "lake").write_text("")
        check = lake_check(lake_settings(tmp_path / "lake"))
        assert check.status == "missing"
        assert "File exists" in check.found

    def test_a_catalog_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "lake").mkdir()
        (tmp_path / "lake" / "catalog.db").write_text("no database, and long enough to be read")
        check = lake_check(lake_settings(tmp_path / "lake"))
        assert check.status == "missing"
        assert "\n" not in check.found

    def test_a_store_where_no_process_waits_for_another(
        self, s3_lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = Settings.model_validate(
            {"lake": {"location": s3_lake.location, "catalog": "glue"}}
        )
        assert lake_check(settings).status == "ok"
        old = Refusing(boto3.client("s3"), put_object="NotImplemented")
        monkeypatch.setattr(leases, "lake_client", lambda: old)
        check = lake_check(settings)
        assert (check.status, check.fix) == ("warning", "have one ingest or erase at a time")
        denied = Refusing(boto3.client("s3"), put_object="AccessDenied")
        monkeypatch.setattr(leases, "lake_client", lambda: denied)
        assert "doctor.lease cannot be kept" in lake_check(settings).found

    def test_s3_needs_the_glue_catalog(self) -> None:
        check = lake_check(lake_settings("s3://bucket/lake"))
        assert check.found == "a lake at s3://bucket/lake needs the glue catalog (lake.catalog)"


class TestSettings:
    def test_names_and_secrets_that_lead_nowhere(self) -> None:
        settings = Settings.model_validate(
            {
                "resource_types": ["ec2", "ebs_volumes"],
                "accounts": {
                    "a": {"account_id": "111111111111", "external_id": "env:NONE"},
                    "b": {"account_id": "222222222222", "external_id": "literal-secret"},
                    "off": {
                        "account_id": "333333333333",
                        "external_id": "env:NONE",
                        "enabled": False,
                    },
                },
                "notifications": {"slack_webhook_url": "env:HOOK"},
            }
        )
        found = settings_checks(settings, {"HOOK": "https://hooks.slack.com/secret"})
        assert [(c.check, c.found) for c in found] == [
            ("names", "resource_types: unknown name 'ebs_volumes'; did you mean 'ebs_volume'?"),
            ("secrets", "accounts.a.external_id: environment variable NONE is not set"),
        ]
        assert "secret" not in repr([c.found for c in found])

    def test_settings_without_a_fault(self) -> None:
        [check] = settings_checks(Settings(), {})
        assert check.status == "ok"
