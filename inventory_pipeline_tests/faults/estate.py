"""A small organisation whose snapshots are taken one after the other, while it goes on changing.

It knows what there is, so it can tell whether a snapshot is honest: cells that are `ok` show all of
it, others nothing else, and changes are told where the cell was seen and nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from inventory_pipeline.accounts import Clients, accounts_of
from inventory_pipeline.collect import collect, publish_snapshot
from inventory_pipeline.collect.changes import build_changes
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.faults.troubled import Fault, TroubledClients
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS, settings_of

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNTS = (ENGINEERING, OPERATIONS)
REGIONS = ("us-east-1", "eu-west-1")

TYPES = (
    "ebs_volume",  # EC2's own protocol
    "sns_topic",  # query
    "dynamodb_table",  # JSON
    "efs_file_system",  # JSON over REST
    "s3_bucket",  # XML over REST, and global
)
"""A type of each protocol, of which the simulation knows every part."""

PARALLEL = 4
"""Cells looked at side by side."""

CellKey = tuple[str, str, str]
"""Account, region and resource type."""

Change = tuple[str, str]
"""Resource, and added, removed or reappeared."""

PartKey = tuple[str, str, str]
"""Account, region and collector, as in the ledger."""


def instant(number: int) -> datetime:
    """When snapshot `number` is."""
    return START + number * timedelta(hours=12)


@dataclass(frozen=True)
class Taken:
    """A published snapshot as readers see it."""

    status: str
    ledger: dict[PartKey, dict[str, Any]]
    resources: dict[CellKey, set[str]]
    changes: set[Change]
    altered: set[str]

    @property
    def gaps(self) -> dict[PartKey, tuple[str, str | None]]:
        """Status and code of what was not seen; a region that is off is none."""
        return {
            key: (row["status"], row["error_code"])
            for key, row in self.ledger.items()
            if row["status"] not in ("ok", "region_disabled")
        }

    @property
    def cells(self) -> dict[CellKey, str]:
        """The status of each cell."""
        return {key: row["status"] for key, row in self.ledger.items() if "." not in key[2]}

    def total(self, column: str) -> int:
        return sum(row[column] for row in self.ledger.values())


@dataclass
class Estate:
    aws: str
    lake: Lake
    types: tuple[str, ...] = TYPES
    truth: dict[CellKey, set[str]] = field(default_factory=lambda: defaultdict(set))
    _changed: dict[CellKey, set[Change]] = field(default_factory=lambda: defaultdict(set))

    # -- what there is -------------------------------------------------------------------------

    @cached_property
    def _owners(self) -> Clients:
        return Clients.of(self.settings())

    def client(self, account_id: str, service: str, region: str) -> Any:
        """A client of whoever owns an account."""
        account = next(a for a in accounts_of(self.settings()) if a.account_id == account_id)
        return self._owners.client(account, service, region)

    def plant(self) -> None:
        for account_id in ACCOUNTS:
            for region in REGIONS:
                self._plant(account_id, region)

    def _plant(self, account_id: str, region: str) -> None:
        def make(service: str) -> Any:
            return self.client(account_id, service, region)

        for _ in range(2):
            self.add_volume(account_id, region)
        name = "namesake"
        make("sns").create_topic(Name=name)
        make("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        files = make("efs").create_file_system(CreationToken=name)["FileSystemId"]
        self.add_bucket(account_id, region, f"{account_id}-{region}")
        self._is_there((account_id, region, "sns_topic"), name)
        self._is_there((account_id, region, "dynamodb_table"), name)
        self._is_there((account_id, region, "efs_file_system"), files)

    def add_volume(self, account_id: str, region: str) -> None:
        ec2 = self.client(account_id, "ec2", region)
        made = ec2.create_volume(AvailabilityZone=f"{region}a", Size=8)
        self._is_there((account_id, region, "ebs_volume"), made["VolumeId"])

    def add_bucket(self, account_id: str, region: str, name: str) -> None:
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.client(account_id, "s3", region).create_bucket(
            Bucket=name, **({} if region == "us-east-1" else where)
        )
        self._is_there((account_id, "global", "s3_bucket"), name)

    def live_on(self) -> None:
        """In each place, a volume comes and another goes."""
        for account_id in ACCOUNTS:
            for region in REGIONS:
                cell = (account_id, region, "ebs_volume")
                old = min(self.truth[cell])
                self.client(account_id, "ec2", region).delete_volume(VolumeId=old)
                self.truth[cell].remove(old)
                if (old, "added") in self._changed[cell]:  # nobody ever saw it
                    self._changed[cell].remove((old, "added"))
                else:
                    self._changed[cell].add((old, "removed"))
                self.add_volume(account_id, region)

    def _is_there(self, cell: CellKey, resource_id: str) -> None:
        self.truth[cell].add(resource_id)
        self._changed[cell].add((resource_id, "added"))

    # -- what is seen of it --------------------------------------------------------------------

    def settings(self, **collection: Any) -> Settings:
        return settings_of(
            self.aws,
            resource_types=list(self.types),
            collection_settings={"retry_attempts": 0, "parallel_regions": PARALLEL} | collection,
        )

    def take(self, number: int, fault: Fault | None = None, **collection: Any) -> Taken:
        """Collect and publish snapshot `number`, and hold it against what there is."""
        self.collect(number, fault, **collection)
        return self.publish(number)

    def collect(self, number: int, fault: Fault | None = None, **collection: Any) -> None:
        settings = self.settings(**collection)
        clients = TroubledClients(settings, fault or (lambda _: None))
        collect(settings, self.lake, instant(number), soon_after(number), clients=clients)

    def publish(self, number: int) -> Taken:
        at = instant(number)
        if not self.lake.snapshots():  # the first one has nothing to be compared with
            self._changed.clear()
        row = publish_snapshot(self.lake, at)
        build_changes(DuckDBEngine(self.lake, "200MB"), at)
        taken = self._taken(at, row["status"])
        self._assert_honest(taken)
        return taken

    def _taken(self, at: datetime, status: str) -> Taken:
        def rows(table: str) -> list[dict[str, Any]]:
            return self.lake.read(table, {"snapshot_at": at}).to_pylist()

        resources: dict[CellKey, set[str]] = defaultdict(set)
        for row in rows("resources"):
            region = "global" if row["resource_type"] == "s3_bucket" else row["region"]
            resources[row["account_id"], region, row["resource_type"]].add(row["resource_id"])
        ledger = {(r["account_id"], r["region"], r["collector"]): r for r in rows("coverage")}
        told = {(r["resource_id"], r["change"]) for r in rows("resource_changes")}
        altered = {name for name, change in told if change == "changed"}
        changes = {change for change in told if change[1] != "changed"}
        return Taken(status, ledger, resources, changes, altered)

    def _assert_honest(self, taken: Taken) -> None:
        told: set[Change] = set()
        for cell, status in taken.cells.items():
            seen, changed = taken.resources.get(cell, set()), self._changed[cell]
            if status == "ok":
                assert seen == self.truth[cell], cell
                sure = set(changed)
            else:
                assert seen <= self.truth[cell], cell
                sure = {c for c in changed if c[1] == "added" and c[0] in seen}
            told |= sure
            changed -= sure
        assert taken.changes == told, taken.changes ^ told
        assert (taken.status == "complete") is not bool(taken.gaps)


def soon_after(number: int) -> Callable[[], datetime]:
    return lambda: instant(number) + timedelta(hours=1)
