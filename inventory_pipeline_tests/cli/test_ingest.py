"""`ingest` finds what the ledger has not settled, in S3 as moto simulates it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from inventory_pipeline.defs.launch import JobOutcome
from inventory_pipeline.lake import Lake
from inventory_pipeline_tests.cli.planted import plant
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

FIRST = datetime(2026, 11, 19, 1, tzinfo=UTC)
SECOND = datetime(2026, 11, 20, 1, tzinfo=UTC)


@pytest.fixture
def writer(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        yield Writer(s3)


class Launched(list):
    def __init__(self):
        super().__init__()
        self.restored = []


@pytest.fixture
def launched(monkeypatch):
    """The days and manifests that the job was run for, and whether to restore what was erased."""
    calls = Launched()

    def run_job(job, settings_path, partition_key, run_config):
        (op,) = run_config["ops"].values()
        manifests = op["config"]["manifests"]
        calls.append((partition_key, [uri.split("/")[4] for uri in manifests]))
        calls.restored.append(op["config"]["restore"])
        return JobOutcome(success=True, partial=False, run_id="r", messages=())

    monkeypatch.setattr("inventory_pipeline.defs.launch.run_job", run_job)
    return calls


def watch(folder: Path, *buckets: str) -> None:
    """Settings that watch these destinations."""
    destinations = [{"bucket": bucket, "prefix": "inventory"} for bucket in buckets]
    watched = {"destinations": destinations, "max_deliveries_per_run": 2}
    settings = {"lake": {"location": str(folder / "lake")}, "s3_inventory": watched}
    (folder / "inventory.yaml").write_text(json.dumps(settings))


def deliver(writer: Writer, *sources: str, at: datetime) -> None:
    for source in sources:
        Writer(writer.s3, source=source).deliver(at, [{"key": "a", "size": 1}])


def test_new_deliveries_go_by_day_and_budget(run, writer, launched, tmp_path: Path):
    watch(tmp_path, BUCKET)
    deliver(writer, "a", "b", "c", at=FIRST)
    deliver(writer, "a", at=SECOND)
    result = run("ingest")
    assert result.exit_code == 0, result.output
    assert launched == [
        ("2026-11-19", ["a", "b"]), ("2026-11-19", ["c"]), ("2026-11-20", ["a"])
    ]  # fmt: skip


def test_what_is_settled_is_not_run_again(run, writer, launched, tmp_path: Path):
    watch(tmp_path, BUCKET)
    deliver(writer, "a", at=FIRST)
    manifest = next(
        item for item in writer.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
        if item["Key"].endswith("manifest.json")
    )  # fmt: skip
    settled = {
        "delivered_on": FIRST.date(),
        "source_bucket": "a",
        "configuration_id": "daily",
        "delivered_at": FIRST,
        "status": "quarantined",
        "manifest_uri": f"s3://{BUCKET}/{manifest['Key']}",
        "manifest_md5": manifest["ETag"].strip('"'),
    }
    plant(Lake.open(str(tmp_path / "lake")), "s3_deliveries", [settled])
    result = run("ingest")
    assert result.exit_code == 0
    assert "no new deliveries" in result.output
    assert launched == []
    assert run("ingest", "--retry").exit_code == 0
    assert launched == [("2026-11-19", ["a"])]


def test_a_destination_that_cannot_be_listed_does_not_stop_the_others(
    run, writer, launched, tmp_path: Path
):
    watch(tmp_path, "no-such-bucket", BUCKET)
    deliver(writer, "a", at=FIRST)
    result = run("ingest")
    assert result.exit_code == 3
    assert "no-such-bucket" in result.stderr
    assert launched == [("2026-11-19", ["a"])]


def test_a_delivery_is_named_by_the_address_of_its_manifest(run, writer, launched, tmp_path: Path):
    watch(tmp_path, BUCKET)
    deliver(writer, "a", "b", at=FIRST)
    uri = f"s3://{BUCKET}/inventory/b/daily/2026-11-19T01-00Z/manifest.json"
    result = run("ingest", "--delivery", uri, "--delivery", uri)
    assert result.exit_code == 0, result.output
    assert launched == [("2026-11-19", ["b"])]


def test_a_named_delivery_that_is_not_there_is_told(run, writer, launched, tmp_path: Path):
    watch(tmp_path, BUCKET)
    place = f"s3://{BUCKET}/inventory/b/daily"
    missing = run("ingest", "--delivery", f"{place}/2026-11-19T01-00Z/manifest.json")
    assert missing.exit_code == 3
    assert "there is no complete delivery" in missing.stderr
    strange = run("ingest", "--delivery", "s3://other/manifest.json")
    assert "is no manifest in a destination of the settings" in strange.stderr
    assert launched == []


def test_days_without_a_partition_are_left_out_and_told(run, writer, launched, tmp_path: Path):
    """The next one may be there by another's hand: S3 delivers none of it yet."""
    watch(tmp_path, BUCKET)
    deliver(writer, "a", at=datetime(2025, 11, 19, 1, tzinfo=UTC))
    deliver(writer, "a", at=datetime(2999, 1, 1, 1, tzinfo=UTC))
    day = datetime.now(UTC).replace(hour=0, minute=0)
    deliver(writer, "a", at=day)
    result = run("ingest")
    assert result.stderr == (
        "2 deliveries are left out: of days before schedules.snapshots_start (2026-01-01) or "
        "after today\n"
    )
    assert launched == [(f"{day:%Y-%m-%d}", ["a"])]


def test_what_was_erased_comes_back_only_by_name(run, writer, launched, tmp_path: Path):
    watch(tmp_path, BUCKET)
    deliver(writer, "a", at=FIRST)
    run("ingest")
    uri = f"s3://{BUCKET}/inventory/a/daily/2026-11-19T01-00Z/manifest.json"
    run("ingest", "--delivery", uri)
    assert launched.restored == [False, True]
