"""Buckets in a simulated AWS, a snapshot of them, and settings that declare configurations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from inventory_pipeline.cli import main
from inventory_pipeline.lake import Lake
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.cli.planted import plant
from inventory_pipeline_tests.configurations.moto_gaps import fill_inventory_gaps

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ACCOUNT = "123456789012"
REPORTS = {"bucket": "reports", "prefix": "inventory/", "region": "us-east-1"}


def settings_of(*configurations: Mapping[str, Any], **more: Any) -> Settings:
    """Settings that declare these; a configuration delivers to `reports`."""
    declared = [{"destination": "reports", **one} for one in configurations]
    inventory = {"destinations": [REPORTS], "configurations": declared, **more}
    return Settings.model_validate({"s3_inventory": inventory})


def plant_buckets(
    lake: Lake, buckets: Mapping[str, list[dict[str, Any]] | None], **more: Any
) -> None:
    """A snapshot of buckets and what it saw of their configurations; None is not read."""
    common = {"snapshot_at": NOW, "resource_type": "s3_bucket", "account_id": ACCOUNT,
              "account_name": "data", "region": "us-east-1"}  # fmt: skip
    plant(
        lake,
        "s3_buckets",
        [
            {**common, **more, "resource_id": name,
             "inventories": None if found is None else len(found)}
            for name, found in buckets.items()
        ],
    )  # fmt: skip
    rows = [
        {**common, **more, "resource_id": name, "position": place, **one}
        for name, found in buckets.items()
        for place, one in enumerate(found or ())
    ]
    if rows:
        plant(lake, "bucket_inventory_configurations", rows)
    plant(lake, "snapshots", [{"snapshot_at": NOW, "status": "complete"}])


@dataclass
class Estate:
    """A lake, settings in a file, and an S3 whose buckets can be made and looked at."""

    folder: Path
    endpoint: str
    content: dict[str, Any] = field(default_factory=dict[str, Any])

    @cached_property
    def s3(self) -> Any:
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")

    @cached_property
    def lake(self) -> Lake:
        return Lake.open(str(self.folder / "lake"))

    def make(self, *buckets: str) -> None:
        for bucket in buckets:
            self.s3.create_bucket(Bucket=bucket)
        plant_buckets(self.lake, {bucket: [] for bucket in buckets})

    def declare(self, *configurations: Mapping[str, Any], **more: Any) -> None:
        declared = [{"destination": "reports", **one} for one in configurations]
        self.content = {
            "lake": {"location": str(self.folder / "lake")},
            "aws_endpoint_url": self.endpoint,
            "collection_settings": {"retry_attempts": 0},
            "s3_inventory": {"destinations": [REPORTS], "configurations": declared, **more},
        }

    def run(self, *arguments: object) -> Result:
        path = self.folder / "inventory.yaml"
        path.write_text(json.dumps(self.content), encoding="utf-8")
        return CliRunner().invoke(main, ["configs", *map(str, arguments), "--settings", str(path)])

    def plan(self, *arguments: object) -> dict[tuple[str, str], dict[str, Any]]:
        """The plan's rows by bucket and id."""
        result = self.run("plan", "--format", "json", *arguments)
        assert result.exit_code in (0, 3), result.output
        rows = json.loads(result.stdout)["rows"]
        return {(row["bucket"], row["id"]): row for row in rows}

    def configurations(self, bucket: str) -> dict[str, dict[str, Any]]:
        """What S3 has, by id."""
        found: dict[str, dict[str, Any]] = {}
        token: dict[str, str] = {}
        while True:
            page = self.s3.list_bucket_inventory_configurations(Bucket=bucket, **token)
            found |= {one["Id"]: one for one in page.get("InventoryConfigurationList", [])}
            if not page["IsTruncated"]:
                return found
            token = {"ContinuationToken": page["NextContinuationToken"]}


@pytest.fixture
def estate(tmp_path: Path, aws: str, monkeypatch: pytest.MonkeyPatch) -> Estate:
    fill_inventory_gaps(monkeypatch)
    return Estate(tmp_path, aws)
