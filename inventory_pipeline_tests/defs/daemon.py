"""A daemon that ticks the delivery sensor and starts its runs, on a simulated S3."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
import dagster as dg

from inventory_pipeline.defs.delivery_sensor import tick
from inventory_pipeline.defs.resources import Inventory
from inventory_pipeline.defs.s3_inventory import JOB, delivery_at, manifests_of
from inventory_pipeline.reports import weigh
from inventory_pipeline.reports.ledger import record_news
from inventory_pipeline.tables import DELIVERY
from inventory_pipeline_tests.defs.conftest import NOW, House
from inventory_pipeline_tests.reports.writer import BUCKET, Writer

DAY = timedelta(days=1)
T0 = datetime(2026, 1, 10, 1, tzinfo=UTC)
ROWS = [{"key": "a", "size": 1, "is_latest": True, "is_delete_marker": False}]


@dataclass
class Daemon:
    """Ticks the sensor and starts what it asks for, as Dagster's daemon does: no run key twice."""

    house: House
    s3: Any
    cursor: str | None = None
    keys: set[str] = field(default_factory=set[str])
    skipped: str | None = None
    now: datetime = T0 + 3 * DAY
    _inventory: tuple[str, Inventory] | None = None

    @cached_property
    def job(self) -> dg.JobDefinition:
        return self.house.definitions.resolve_job_def(JOB)

    @property
    def inventory(self) -> Inventory:
        """The resource by the settings as they are now."""
        told = json.dumps(self.house.content)
        if self._inventory is None or self._inventory[0] != told:
            self._inventory = told, self.house.inventory
        return self._inventory[1]

    def tick(self, seconds: float = 60) -> list[dg.RunRequest]:
        """The runs that a tick asks for, and that the daemon would start."""
        context = dg.build_sensor_context(instance=self.house.instance, cursor=self.cursor)
        result = tick(context, self.inventory, time.monotonic() + seconds, self.now)
        self.cursor = result.cursor
        self.skipped = result.skip_reason.skip_message if result.skip_reason else None
        asked = [r for r in result.run_requests or () if r.run_key not in self.keys]
        self.keys |= {r.run_key for r in asked if r.run_key}
        return asked

    def record(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        """A run of this request that stands at, or has ended with, a status."""
        return self.house.instance.create_run_for_job(
            self.job, run_config=request.run_config, tags=request.tags, status=status
        )

    def settle(self, requests: Sequence[dg.RunRequest]) -> None:
        """Have the ledger say that these deliveries are ingested, without doing it."""
        inventory = self.inventory
        ready = [
            w
            for request in requests
            for uri in manifests_of(request.run_config)
            if (d := delivery_at(inventory.settings, uri)) and (w := weigh(self.s3, d))
        ]
        record_news(
            inventory.lake,
            [
                {
                    **dict(zip(DELIVERY, w.delivery.partition, strict=True)),
                    "delivered_at": w.delivery.delivered_at,
                    "manifest_uri": w.delivery.manifest_uri,
                    "manifest_md5": w.manifest_md5,
                    "status": "ingested",
                    "recorded_at": NOW,
                }
                for w in ready
            ],
        )

    def run(self, requests: Sequence[dg.RunRequest]) -> list[dg.ExecuteInProcessResult]:
        results = [
            self.job.execute_in_process(
                instance=self.house.instance,
                partition_key=request.partition_key,
                run_config=request.run_config,
                tags=dict(request.tags),
            )
            for request in requests
        ]
        assert all(result.success for result in results)
        return results

    def run_to_rest(self, seconds: float = 60, *, really: bool = False) -> int:
        """Tick and run until a whole round of ticks asks for nothing; how many runs that took.

        Runs only settle what they are asked for, unless they are `really` run.
        """
        runs, quiet = 0, 0
        while quiet < 6:
            requests = self.tick(seconds)
            if really:
                self.run(requests)
            else:
                self.settle(requests)
            runs += len(requests)
            quiet = 0 if requests else quiet + 1
        return runs

    def place(self, name: str = "reports/inventory") -> dict[str, Any]:
        """Where the listings of a destination stand."""
        found: dict[str, Any] = json.loads(self.cursor or "{}")["places"][name]
        return found

    def ledger(self) -> dict[tuple[str, str], str]:
        """Status by source bucket and time of delivery."""
        return {
            (row["source_bucket"], f"{row['delivered_at']:%m-%dT%H}"): row["status"]
            for row in self.house.rows("s3_deliveries")
        }


def make_daemon(house: House, aws: str) -> Daemon:
    s3 = boto3.client("s3", endpoint_url=aws, region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    house.content |= {
        "aws_endpoint_url": aws,
        "collection_settings": {"retry_attempts": 0},
        "s3_inventory": {"destinations": [{"bucket": BUCKET, "prefix": "inventory"}]},
    }
    return Daemon(house, s3)


def deliver(daemon: Daemon, *sources: str, at: datetime = T0, **more: Any) -> str:
    """Write a delivery of each source bucket; the last one's folder."""
    folder = ""
    for source in sources:
        folder = Writer(daemon.s3, source=source).deliver(at, ROWS, **more)
    return folder


def sources(request: dg.RunRequest) -> list[str]:
    (op,) = request.run_config["ops"].values()
    return [uri.split("/")[4] for uri in op["config"]["manifests"]]
