"""What a configuration should be, as rules. To add one, add an entry to `RULES`.

Not here: where what is judged comes from (`lint`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from inventory_pipeline.configurations.model import MOST, Bucket, Configuration
from inventory_pipeline.configurations.needs import USAGE, Need

MONTHLY = {"Daily": Decimal(365) / 12, "Weekly": Decimal(365) / 7 / 12}
"""Deliveries in a month."""

WEEK = timedelta(days=7)
HARDLY = Decimal("0.01")
"""The part of a bucket's objects by which one that hardly changes grows or shrinks in a week."""


@dataclass(frozen=True)
class Listed:
    """Objects of a configuration's newest delivery, and of one at least a week before it."""

    on: date
    objects: int
    before_on: date | None = None
    objects_before: int | None = None

    @classmethod
    def of(cls, by_day: Mapping[date, int]) -> Listed:
        newest = max(by_day)
        earlier = [day for day in by_day if day <= newest - WEEK]
        if not earlier:
            return cls(newest, by_day[newest])
        before = max(earlier)
        return cls(newest, by_day[newest], before, by_day[before])


@dataclass(frozen=True)
class Subject:
    """A configuration, the others of its bucket, and what the lake knows of their reports."""

    bucket: Bucket
    configuration: Configuration
    others: tuple[Configuration, ...] = ()
    versioning: str | None = None
    listed: Mapping[str, Listed] = field(default_factory=dict[str, Listed])


@dataclass(frozen=True)
class Place:
    """What a configuration is judged by: the destinations (bucket, prefix) that are read, regions
    of buckets, who reads its reports, and what an object listed costs there."""

    read: frozenset[tuple[str, str]] = frozenset()
    regions: Mapping[str, str] = field(default_factory=dict[str, str])
    needs: tuple[Need, ...] = ()
    usd_per_object: Decimal | None = None


@dataclass(frozen=True)
class Cost:
    """Dollars a month; None is unknown, for a reason."""

    monthly_usd: Decimal | None
    unpriced_reason: str | None = None


@dataclass(frozen=True)
class Hit:
    """What a rule found, and what it costs, where that is the point."""

    what: str
    cost: Cost | None = None


@dataclass(frozen=True)
class Rule:
    id: str
    severity: Literal["high", "medium", "low"]
    why: str
    fix: str
    find: Callable[[Subject, Place], Iterator[Hit]]
    of_disabled: bool = False
    """It holds of configurations that deliver nothing as well."""


def monthly_cost(subject: Subject, place: Place, deliveries: Decimal | None) -> Cost:
    """What listing the configuration's objects so often in a month costs."""
    listed = subject.listed.get(subject.configuration.id)
    if listed is None:
        return Cost(None, "no delivery of it tells how many objects it lists")
    if place.usd_per_object is None:
        return Cost(None, f"no price for s3 inventory:object in {subject.bucket.region}")
    if deliveries is None:
        return Cost(None, "the configuration does not say how often it delivers")
    usd = listed.objects * place.usd_per_object * deliveries
    return Cost(usd.quantize(Decimal("0.000001")))


def _disabled(subject: Subject, _place: Place) -> Iterator[Hit]:
    if subject.configuration.enabled is False:
        yield Hit("it is disabled")


def _unread(subject: Subject, place: Place) -> Iterator[Hit]:
    to = subject.configuration
    if to.destination and (to.destination, to.destination_prefix.rstrip("/")) not in place.read:
        cost = monthly_cost(subject, place, MONTHLY.get(to.frequency or ""))
        where = "/".join(filter(None, (to.destination, to.destination_prefix)))
        yield Hit(f"it delivers to {where}, which is no destination of the settings", cost)


def _other_region(subject: Subject, place: Place) -> Iterator[Hit]:
    region = place.regions.get(subject.configuration.destination or "")
    if region and region != subject.bucket.region:
        yield Hit(f"its destination is in {region}, the bucket in {subject.bucket.region}")


def _into_source(subject: Subject, _place: Place) -> Iterator[Hit]:
    if subject.configuration.destination == subject.bucket.name:
        yield Hit("it delivers into the bucket that it lists")


def _unencrypted(subject: Subject, _place: Place) -> Iterator[Hit]:
    if subject.configuration.encryption == "none":
        yield Hit("it names no encryption of its reports")


def _lacking(subject: Subject, place: Place, *, basic: bool) -> Iterator[Hit]:
    """Fields that the rollup reads (`basic`), or that others read besides."""
    has = {*subject.configuration.fields}
    of_usage = {name for need in place.needs if need.reader == USAGE for name in need.fields}
    readers: dict[str, list[str]] = defaultdict(list)
    for need in place.needs:
        for name in need.fields - has:
            if (name in of_usage) == basic:
                readers[name].append(need.reader)
    if readers:
        told = (f"{name} ({', '.join(sorted(of))})" for name, of in sorted(readers.items()))
        yield Hit(f"it lacks {'; '.join(told)}")


def _current_only(subject: Subject, place: Place) -> Iterator[Hit]:
    is_versioned = subject.versioning in ("Enabled", "Suspended")
    if subject.configuration.versions == "Current" and is_versioned:
        covered = any(
            other.versions == "All"
            and other.enabled
            and subject.configuration.prefix.startswith(other.prefix)
            for other in subject.others
        )
        if not covered:
            readers = ", ".join(need.reader for need in place.needs if need.all_versions)
            yield Hit(f"it lists current versions of a versioned bucket; {readers} count old ones")


def _daily(subject: Subject, place: Place) -> Iterator[Hit]:
    listed = subject.listed.get(subject.configuration.id)
    if subject.configuration.frequency != "Daily" or listed is None:
        return
    if listed.objects_before is None or listed.before_on is None:
        return
    changed = abs(listed.objects - listed.objects_before)
    if changed <= HARDLY * max(listed.objects, listed.objects_before):
        days = (listed.on - listed.before_on).days
        cost = monthly_cost(subject, place, MONTHLY["Daily"] - MONTHLY["Weekly"])
        yield Hit(
            f"it is daily, and its number of objects ({listed.objects:,}) changed by {changed:,} "
            f"in {days} days",
            cost,
        )


def _overlapping(subject: Subject, place: Place) -> Iterator[Hit]:
    """Told of the narrower of two, or of two equal ones the later by id."""
    own = subject.configuration
    wider = [
        other.id
        for other in subject.others
        if other.enabled
        and own.prefix.startswith(other.prefix)
        and (own.prefix != other.prefix or own.id > other.id)
    ]
    if wider:
        cost = monthly_cost(subject, place, MONTHLY.get(own.frequency or ""))
        yield Hit(f"its objects are listed by {', '.join(sorted(wider))} as well", cost)


def _not_parquet(subject: Subject, _place: Place) -> Iterator[Hit]:
    if subject.configuration.format in ("CSV", "ORC"):
        yield Hit(f"its reports are {subject.configuration.format}")


def _full(subject: Subject, _place: Place) -> Iterator[Hit]:
    first = min([subject.configuration, *subject.others], key=lambda one: one.id)
    count = 1 + len(subject.others)
    if count >= MOST and subject.configuration is first:
        yield Hit(f"its bucket has {count:,} configurations")


RULES: tuple[Rule, ...] = (
    Rule(
        "other_region",
        "high",
        "S3 delivers only within a region.",
        "Deliver to a bucket in the source's region.",
        _other_region,
    ),
    Rule(
        "reports_unread",
        "high",
        "Nobody reads these reports, and each is paid for.",
        "Add the destination to s3_inventory.destinations, or delete the configuration.",
        _unread,
    ),
    Rule(
        "lacks_basic_fields",
        "high",
        "Usage and costs are rolled up from these fields: without them they are unknown.",
        "Add the fields.",
        lambda subject, place: _lacking(subject, place, basic=True),
    ),
    Rule(
        "unencrypted_reports",
        "medium",
        "Reports tell every key; who must prove how they are encrypted cannot by the bucket's "
        "default, which may change.",
        "Set encryption: SSE-KMS with a key of your own, or SSE-S3.",
        _unencrypted,
    ),
    Rule(
        "into_source",
        "medium",
        "Every report lists the reports before it, and grows by them.",
        "Deliver to another bucket.",
        _into_source,
    ),
    Rule(
        "current_only",
        "medium",
        "Old versions are paid for and kept, and neither waste nor compliance sees them.",
        "Include all versions.",
        _current_only,
    ),
    Rule(
        "overlapping",
        "medium",
        "Objects that several configurations list are paid for several times.",
        "Keep the widest with the fields of all, or exclude each other by prefix.",
        _overlapping,
    ),
    Rule(
        "full_bucket",
        "medium",
        f"A bucket has at most {MOST:,} configurations: no other can be added.",
        "Merge those of neighbouring prefixes.",
        _full,
        of_disabled=True,
    ),
    Rule(
        "lacks_fields",
        "low",
        "What is read from these fields stays unknown.",
        "Add the fields; they cost nothing more.",
        lambda subject, place: _lacking(subject, place, basic=False),
    ),
    Rule(
        "daily",
        "low",
        "No mart or policy needs a report a day where little is created or deleted. Overwritten "
        "objects do not show in their number.",
        "Deliver weekly.",
        _daily,
    ),
    Rule(
        "not_parquet",
        "low",
        "CSV and ORC reports are decoded and written anew; Parquet is taken over as it is.",
        "Set the format to Parquet.",
        _not_parquet,
    ),
    Rule(
        "disabled",
        "low",
        "It delivers nothing and counts among the bucket's configurations.",
        "Enable or delete it.",
        _disabled,
        of_disabled=True,
    ),
)
