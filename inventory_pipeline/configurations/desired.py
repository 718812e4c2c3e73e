"""Which configurations the settings want, bucket by bucket.

Not here: what buckets have (`observed`), nor the way from one to the other (`plan`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from inventory_pipeline.configurations.model import Bucket, Configuration, known_fields
from inventory_pipeline.settings import Settings, require_known
from inventory_pipeline.settings.configurations import InventoryConfiguration
from inventory_pipeline.settings.destinations import Destination


@dataclass(frozen=True)
class Pattern:
    """What a configuration is for: how often, of which versions, with which fields."""

    frequency: str
    versions: str
    fields: tuple[str, ...] | None
    """None is all that AWS knows."""


_USAGE = (
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "IntelligentTieringAccessTier",
    "EncryptionStatus",
    "ReplicationStatus",
)

PATTERNS: Mapping[str, Pattern] = {
    "everything": Pattern("Daily", "All", None),
    "compliance": Pattern(
        "Daily",
        "All",
        (
            *_USAGE,
            "ETag",
            "BucketKeyStatus",
            "ChecksumAlgorithm",
            "ObjectAccessControlList",
            "ObjectOwner",
            "ObjectLockRetainUntilDate",
            "ObjectLockMode",
            "ObjectLockLegalHoldStatus",
            "ObjectLockEventHoldStatus",
            "ObjectLockEventHoldDuration",
        ),
    ),
    "cost": Pattern(
        "Weekly",
        "All",
        (*_USAGE, "ETag", "IsMultipartUploaded", "LifecycleExpirationDate"),
    ),
}


@dataclass(frozen=True)
class Wanted:
    """A configuration that a bucket is to have, or why it cannot."""

    bucket: Bucket
    configuration: Configuration
    problem: str | None = None


def desired(settings: Settings, buckets: Iterable[Bucket]) -> list[Wanted]:
    """What the settings want for these buckets. Raises SettingsError where a field is unknown."""
    wanted = settings.s3_inventory
    places = {one.bucket: one for one in reversed(wanted.destinations)}
    for number, entry in enumerate(wanted.configurations):
        path = f"s3_inventory.configurations[{number}].fields"
        require_known(path, entry.fields or (), known_fields())
    return [
        _wanted(bucket, configuration, places[entry.destination])
        for bucket in buckets
        for entry in wanted.configurations
        if applies_to(entry, bucket.name, is_destination=bucket.name in places)
        for configuration in configurations(
            entry, places[entry.destination], wanted.configuration_prefix
        )
    ]


def applies_to(entry: InventoryConfiguration, bucket: str, *, is_destination: bool) -> bool:
    """Whether a bucket is meant; one that receives reports only by its full name."""
    if is_destination:
        return bucket in entry.sources
    return any(fnmatchcase(bucket, glob) for glob in entry.sources)


def without_buckets(settings: Settings, buckets: Iterable[Bucket]) -> Iterator[str]:
    """That a source of the settings matches none of these buckets, a sentence for each."""
    names = [bucket.name for bucket in buckets]
    for entry in settings.s3_inventory.configurations:
        for glob in entry.sources:
            if not any(fnmatchcase(name, glob) for name in names):
                yield f"configuration {entry.id}: no bucket of the snapshot is called {glob}"


def configurations(
    entry: InventoryConfiguration, place: Destination, owned: str
) -> Iterator[Configuration]:
    """An entry's configurations: one, or one for each of its prefixes."""
    pattern = PATTERNS[entry.pattern]
    fields = entry.fields if entry.fields is not None else pattern.fields
    for prefix in entry.prefixes or [""]:
        yield Configuration(
            id=f"{owned}{entry.id}" + (f"-{_digest(prefix)}" if entry.prefixes else ""),
            enabled=entry.enabled,
            prefix=prefix,
            frequency=entry.frequency or pattern.frequency,
            versions=entry.versions or pattern.versions,
            format=entry.format,
            fields=tuple(sorted(set(known_fields() if fields is None else fields))),
            destination=entry.destination,
            # With a slash at its end AWS would write to another place than it says.
            destination_prefix=place.prefix.rstrip("/"),
            destination_account=entry.destination_account,
            encryption="SSE-KMS" if entry.kms_key else "SSE-S3",
            kms_key=entry.kms_key,
        )


def _digest(prefix: str) -> str:
    """Eight characters that tell prefixes apart where an id may not hold them."""
    return hashlib.sha256(prefix.encode()).hexdigest()[:8]


def _wanted(bucket: Bucket, configuration: Configuration, place: Destination) -> Wanted:
    problem = None
    if bucket.region != place.region:
        problem = f"the bucket is in {bucket.region}, its destination in {place.region}"
    return Wanted(bucket, configuration, problem)
