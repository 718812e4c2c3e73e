"""The simulated organisation as data: what exists on day one and on day two.

Belongs here: the shapes of the description and the organisation's accounts and regions. Which
resources there are comes from `planted` and `things` (those with a story), `crowd` (the rest) and
`ground` (what comes by itself), what buckets hold from `objects`. Not here: how AWS words any of it
(`answers`), or what should be found (`truth`).
"""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Literal, TypeVar

Day = Literal[1, 2]
DAYS: tuple[Day, Day] = (1, 2)

Use = Literal["busy", "idle", "silent"]
"""What metrics say of a resource; a silent one has no datapoints at all."""

HOME_REGION = "us-east-1"
SECOND_REGION = "eu-west-1"
UNPRICED_REGION = "eu-central-2"
"""Zurich: opted in by every account, absent from the price book."""
DISABLED_REGION = "af-south-1"
"""Cape Town: opt-in, and no account has opted in."""
ENABLED_REGIONS = (HOME_REGION, SECOND_REGION, UNPRICED_REGION)

ROLE_NAME = "InventoryReader"
MANAGEMENT_ACCOUNT = "123456789012"
"""Whose credentials the pipeline starts with; it owns nothing."""


@dataclass(frozen=True)
class Account:
    """A member account. `denied_service`: what its role may not read; `public_access_blocked`:
    S3's account-wide public access block; `root_mfa`: its root user has a second factor."""

    account_id: str
    name: str
    department: str
    cost_center: str
    environment: str
    denied_service: str | None = None
    public_access_blocked: bool = False
    root_mfa: bool = True

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:role/{ROLE_NAME}"

    @property
    def external_id(self) -> str:
        return f"ext-{self.name}-{self.account_id[-4:]}"

    @property
    def tags(self) -> dict[str, str]:
        return {
            "Department": self.department,
            "CostCenter": self.cost_center,
            "Environment": self.environment,
        }


PLATFORM = Account("210000000011", "platform", "Engineering", "1001", "production")
ANALYTICS = Account("210000000022", "analytics", "Data", "1002", "production")
STOREFRONT = Account("210000000033", "storefront", "Web", "1003", "production")
FINANCE = Account(
    "210000000044",
    "finance",
    "Finance",
    "1004",
    "production",
    denied_service="rds",
    public_access_blocked=True,
)
RESEARCH = Account("210000000055", "research", "Research", "1005", "development", root_mfa=False)
ACCOUNTS = (PLATFORM, ANALYTICS, STOREFRONT, FINANCE, RESEARCH)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What every resource has. `tags` are its own; those of its account are added by readers."""

    account_id: str
    region: str
    id: str
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    use: Use = "busy"


@dataclass(frozen=True, kw_only=True)
class Instance(Resource):
    """An EC2 instance; `created_at` is its launch. An elastic address is an Elastic IP."""

    type: str
    architecture: str = "x86_64"
    windows: bool = False
    spot: bool = False
    stopped_at: datetime | None = None
    address: Literal["none", "public", "elastic"] = "none"
    user_data: str = ""

    @property
    def running(self) -> bool:
        return self.stopped_at is None


@dataclass(frozen=True, kw_only=True)
class Volume(Resource):
    """An EBS volume, attached to `instance_id` or to nothing."""

    type: str
    size_gb: int
    iops: int | None = None
    throughput: int | None = None
    encrypted: bool = True
    instance_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Database(Resource):
    """An RDS instance; a member of `cluster_id` has its storage and encryption there."""

    instance_class: str
    engine: str
    multi_az: bool = False
    storage_type: str = "gp3"
    storage_gb: int = 100
    iops: int | None = 3000
    encrypted: bool = True
    public: bool = False
    backup_days: int = 7
    cluster_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cluster(Resource):
    """An Aurora cluster; `volume_bytes` is what CloudWatch says it stores."""

    engine: str
    encrypted: bool = True
    backup_days: int = 7
    volume_bytes: int = 0
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Function(Resource):
    """A Lambda function. Each of the last 30 days saw `daily_invocations` of `daily_ms` in all;
    a function that was called only now and then was called on `days_called` of them. An open URL
    is one that everyone may call."""

    architecture: str = "x86_64"
    memory_mb: int = 128
    daily_invocations: int = 0
    daily_ms: int = 0
    days_called: int = 30
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    open_url: bool = False


@dataclass(frozen=True, kw_only=True)
class Bucket(Resource):
    """An S3 bucket. `bytes_by_class` is CloudWatch's size of a bucket without S3 Inventory, by
    StorageType; None has no size metric. `object_acls`: objects may have their own; `locked`: its
    settings may not be read; `tls_only`: its policy denies plain HTTP."""

    encryption: Literal["AES256", "aws:kms"] = "AES256"
    versioned: bool = False
    public_access_blocked: bool = True
    public_policy: bool = False
    public_acl: bool = False
    object_acls: bool = False
    lifecycle: bool = False
    locked: bool = False
    tls_only: bool = False
    bytes_by_class: Mapping[str, int] | None = None
    objects: int = 0


@dataclass(frozen=True, kw_only=True)
class Thing(Resource):
    """A resource of any further `type`; `about` is what there is to say of it.

    Its id is what identifies it or else its name, where AWS makes up an id of its own.
    """

    type: str
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    use: Use = "silent"


@dataclass(frozen=True)
class World:
    """Every resource there is on a day."""

    day: Day
    instances: tuple[Instance, ...]
    volumes: tuple[Volume, ...]
    databases: tuple[Database, ...]
    clusters: tuple[Cluster, ...]
    functions: tuple[Function, ...]
    buckets: tuple[Bucket, ...]
    things: tuple[Thing, ...]

    def by_type(self) -> dict[str, tuple[Resource, ...]]:
        """Resources by the pipeline's resource type."""
        further: dict[str, list[Resource]] = {}
        for thing in self.things:
            further.setdefault(thing.type, []).append(thing)
        return {
            "ec2_instance": self.instances,
            "ebs_volume": self.volumes,
            "rds_instance": self.databases,
            "rds_cluster": self.clusters,
            "lambda_function": self.functions,
            "s3_bucket": self.buckets,
            **{type: tuple(things) for type, things in further.items()},
        }


@dataclass(frozen=True)
class Scale:
    """How big the organisation is: roughly how many resources, and objects in S3 Inventory.

    What comes by itself, or with a resource, is not counted; nor are the few of further services.
    """

    name: str
    resources: int
    objects: int


SCALES = {
    scale.name: scale
    for scale in (
        Scale("tiny", 90, 3_000),
        Scale("small", 300, 200_000),
        Scale("medium", 10_000, 5_000_000),
        Scale("large", 100_000, 50_000_000),
    )
}


@dataclass(frozen=True)
class Estate:
    """The organisation that (seed, scale, now) describes; equal arguments, equal organisation.

    `now` is the instant of the second snapshot, in UTC and whole seconds. S3 Inventory is delivered
    at 01:00 UTC two days and one day before it.
    """

    seed: int
    scale: Scale
    now: datetime

    @classmethod
    def build(cls, seed: int, scale: str, now: datetime) -> "Estate":
        """Raises ValueError for an unknown scale or a naive instant."""
        if scale not in SCALES:
            raise ValueError(f"unknown scale {scale!r}; choose one of {', '.join(SCALES)}")
        if now.tzinfo is None:
            raise ValueError("the estate's now must have a time zone")
        return cls(seed, SCALES[scale], now.astimezone(UTC).replace(microsecond=0))

    @property
    def accounts(self) -> tuple[Account, ...]:
        return ACCOUNTS

    def account(self, account_id: str) -> Account:
        return next(a for a in ACCOUNTS if a.account_id == account_id)

    def dice(self, label: str) -> random.Random:
        """A generator of its own for every label, so that one addition moves nothing else."""
        return random.Random(f"{self.seed}/{label}")

    def id(self, prefix: str, label: str) -> str:
        """An identifier as EC2 words them, such as i-0123456789abcdef0."""
        return prefix + hashlib.sha256(f"{self.seed}/{label}".encode()).hexdigest()[:17]

    def ago(self, *, days: float = 0, hours: float = 0) -> datetime:
        return (self.now - timedelta(days=days, hours=hours)).replace(microsecond=0)

    def delivered_on(self, day: Day) -> date:
        return self.now.date() - timedelta(days=3 - day)

    def delivered_at(self, day: Day) -> datetime:
        return datetime.combine(self.delivered_on(day), time(1), UTC)

    def world(self, day: Day) -> World:
        return self._worlds[day]

    @cached_property
    def secret(self) -> str:
        """Planted in functions' environments; it must never reach the lake."""
        return "SECRET-" + hashlib.sha256(f"{self.seed}/secret".encode()).hexdigest()[:24]

    @cached_property
    def _worlds(self) -> dict[Day, World]:
        from inventory_pipeline.demo.crowd import crowd
        from inventory_pipeline.demo.ground import brought_along, ground
        from inventory_pipeline.demo.planted import planted
        from inventory_pipeline.demo.things import things

        def resources(day: Day) -> list[Resource]:
            made = [*planted(self, day), *things(self, day), *crowd(self, day)]
            return [*made, *brought_along(made), *ground(self)]

        return {day: _world(day, resources(day)) for day in DAYS}


R = TypeVar("R", bound=Resource)


def _world(day: Day, resources: list[Resource]) -> World:
    def of(kind: type[R]) -> tuple[R, ...]:
        return tuple(r for r in resources if isinstance(r, kind))

    return World(
        day,
        of(Instance),
        of(Volume),
        of(Database),
        of(Cluster),
        of(Function),
        of(Bucket),
        of(Thing),
    )
