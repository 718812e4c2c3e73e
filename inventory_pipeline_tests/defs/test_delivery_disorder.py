"""Deliveries come late, twice and out of order, ticks are cut short, runs fail: none is lost.

The thousand of the full tier take some 100 seconds of CPU.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg
import pytest

from inventory_pipeline.defs.s3_inventory import delivery_at, manifests_of
from inventory_pipeline.reports import Delivery, ingest
from inventory_pipeline_tests.defs.conftest import NOW, House
from inventory_pipeline_tests.defs.daemon import DAY, ROWS, T0, Daemon, make_daemon
from inventory_pipeline_tests.reports.writer import Writer

COPY = "copies/"
"""A destination that a tenth of the reports are replicated to."""

Expected = tuple[str, datetime]


@dataclass
class Disorder:
    """What happens between two ticks, by dice."""

    daemon: Daemon
    dice: random.Random
    waiting: list[dg.RunRequest] = field(default_factory=list[dg.RunRequest])
    incomplete: list[tuple[Writer, str]] = field(default_factory=list[tuple[Writer, str]])
    ingested: Counter[Expected] = field(default_factory=Counter[Expected])

    def deliver(self, source: str, at: datetime) -> None:
        """A report: now and then begun and not completed yet, written twice, or elsewhere too."""
        fate = self.dice.random()
        writer = Writer(self.daemon.s3, source=source)
        folder = writer.deliver(at, ROWS, complete=fate > 0.2)
        if fate <= 0.2:
            self.incomplete.append((writer, folder))
        elif fate < 0.3:
            writer.deliver_manifest(at, self.manifest(folder))
        elif fate < 0.4:
            copy = Writer(self.daemon.s3, root=COPY, source=source)
            copy.deliver_manifest(at, self.manifest(folder))

    def manifest(self, folder: str) -> bytes:
        key = f"{folder}manifest.json"
        content: bytes = self.daemon.s3.get_object(Bucket="reports", Key=key)["Body"].read()
        return content

    def complete(self, share: float) -> None:
        self.dice.shuffle(self.incomplete)
        for _ in range(int(len(self.incomplete) * share)):
            writer, folder = self.incomplete.pop()
            writer.complete(folder)

    def tick(self) -> None:
        """Runs that were asked for start at once or later, or end before they have done a thing."""
        self.waiting += self.daemon.tick(seconds=self.dice.choice([0, 0, 0.05, 60]))
        later: list[dg.RunRequest] = []
        for request in self.waiting:
            fate = self.dice.random()
            if fate < 0.1:
                later.append(request)
            elif fate < 0.2:
                ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
                self.daemon.record(request, self.dice.choice(ended))
            else:
                self.ingest(request)
        self.waiting = later

    def ingest(self, request: dg.RunRequest) -> None:
        inventory = self.daemon.inventory
        found = [delivery_at(inventory.settings, uri) for uri in manifests_of(request.run_config)]
        named: list[Delivery] = [delivery for delivery in found if delivery]
        results = ingest(
            inventory.lake,
            inventory.engine,
            inventory.s3,
            named,
            prefix_depth=1,
            prefix_limit=10,
            now=NOW,
        )
        for result in results:
            if result.status == "ingested":
                self.ingested[result.delivery.source_bucket, result.delivery.delivered_at] += 1


@pytest.mark.parametrize(
    ("buckets", "days", "at_once"), [(3, 4, 3), pytest.param(125, 8, 150, marks=pytest.mark.full)]
)
def test_each_is_ingested_once_and_none_is_lost(
    house: House, aws: str, buckets: int, days: int, at_once: int
) -> None:
    daemon = make_daemon(house, aws)
    destinations = house.content["s3_inventory"]["destinations"]
    destinations.append({"bucket": "reports", "prefix": COPY.rstrip("/")})
    house.content["s3_inventory"] |= {"max_deliveries_per_run": 40}
    dice = random.Random(11)
    disorder = Disorder(daemon, dice)
    expected = {(f"bucket{n}", T0 + day * DAY) for n in range(buckets) for day in range(days)}
    arrivals = iter(dice.sample(sorted(expected), len(expected)))
    daemon.now = T0 + days * DAY
    for some in _portions(arrivals, at_once):
        for source, at in some:
            disorder.deliver(source, at)
        disorder.tick()
        disorder.complete(0.3)
        daemon.now += timedelta(hours=5)
    disorder.complete(1)
    quiet = 0
    while quiet < 2 + buckets // 16:
        before = disorder.ingested.total()
        disorder.tick()
        daemon.now += timedelta(hours=5)
        quiet = 0 if disorder.waiting or disorder.ingested.total() > before else quiet + 1
    assert disorder.ingested == Counter(expected)
    ledger = {
        (r["source_bucket"], r["delivered_at"]): r["status"] for r in house.rows("s3_deliveries")
    }
    assert ledger == dict.fromkeys(expected, "ingested")
    assert len(house.rows("s3_objects")) == len(expected)


def _portions(items: Iterator[Expected], size: int) -> Iterator[list[Expected]]:
    while some := list(itertools.islice(items, size)):
        yield some
