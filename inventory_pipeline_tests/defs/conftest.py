"""A Dagster instance, and a house to run jobs in: settings in a file, a lake, a simulated AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from inventory_pipeline.definitions import build_defs
from inventory_pipeline.defs.launch import JobOutcome, execute
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS

NOON = "2026-01-20T12:00"
NOW = datetime(2026, 1, 20, 12, 20, tzinfo=UTC)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dataclass
class House:
    """Settings in a file, the lake that they name, and jobs run on them at `now`."""

    folder: Path
    instance: dg.DagsterInstance
    content: dict[str, Any]
    now: datetime = NOW

    @property
    def settings_path(self) -> Path:
        return self.folder / "inventory.yaml"

    @property
    def inventory(self) -> Inventory:
        """The resource, as a new process would have it."""
        self.settings_path.write_text(json.dumps(self.content), encoding="utf-8")
        return Inventory(settings_path=str(self.settings_path))

    @property
    def definitions(self) -> dg.Definitions:
        clock = Clock(instant=self.now.isoformat())
        return build_defs({"inventory": self.inventory, "clock": clock})

    def run(
        self, job: str, partition: str | None = NOON, config: Mapping[str, Any] | None = None
    ) -> JobOutcome:
        return execute(self.definitions, self.instance, job, partition, config)

    def build(
        self, *assets: dg.AssetKey | str, partition: str | None = NOON, **options: Any
    ) -> dg.ExecuteInProcessResult:
        """Materialise assets; a failure is in the result."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey(a) if isinstance(a, str) else a for a in assets],
            raise_on_error=False,
            **options,
        )

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        return self.inventory.lake.read(table, where).to_pylist()


@pytest.fixture
def house(tmp_path: Path, instance: dg.DagsterInstance) -> House:
    return House(tmp_path, instance, {"lake": {"location": str(tmp_path / "lake")}})


@pytest.fixture
def collecting_house(house: House, aws: str) -> House:
    """Two accounts in two regions, with what `aws` shows of them."""
    house.content |= {
        "accounts": {
            "engineering": {"account_id": ENGINEERING, "tags": {"Department": "Engineering"}},
            "operations": {"account_id": OPERATIONS},
        },
        "regions": ["us-east-1", "eu-west-1"],
        "resource_types": ["ebs_volume"],
        "collection_settings": {"retry_attempts": 0, "parallel_regions": 4},
        "aws_endpoint_url": aws,
    }
    return house


@pytest.fixture
def failures() -> Callable[[dg.ExecuteInProcessResult], list[str]]:
    """The messages of failed steps, causes included."""

    def messages(result: dg.ExecuteInProcessResult) -> list[str]:
        errors = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
        return [error.to_string() for error in errors if error]

    return messages
