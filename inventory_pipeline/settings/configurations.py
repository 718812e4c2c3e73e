"""Keys of the S3 Inventory configurations that buckets are to have.

Not here: names of fields, which AWS decides, nor what the keys become (`configurations`).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from inventory_pipeline.settings.destinations import Destination
from inventory_pipeline.settings.errors import nearest, shown
from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.values import (
    EMPTY_IS_NONE,
    AccountId,
    Bucket,
    ConfigurationId,
    Flag,
    Glob,
    KeyArn,
    Name,
)

LONGEST_PREFIX = 1024
"""Bytes of UTF-8 that a key may have."""


def _prefix(value: str) -> str:
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_PREFIX:
        raise ValueError(f"{shown(value)} has more than {LONGEST_PREFIX} bytes; no key is so long")
    if not value.isprintable():
        # AWS's answers are XML, which cannot hold them.
        raise ValueError(f"{shown(value)} has characters that cannot be printed")
    return value


KeyPrefix = Annotated[str, AfterValidator(_prefix)]
ReportDays = Annotated[int, Field(strict=True, ge=1, le=36_500)]


class InventoryConfiguration(Section):
    id: ConfigurationId = Field(examples=["everything"])
    """Its id in each bucket, behind configuration_prefix; unique."""
    sources: list[Glob] = Field(min_length=1, examples=[["*-logs"]])
    """Patterns over names of buckets in the destination's region. A bucket that reports are
    delivered to must be named in full."""
    prefixes: list[KeyPrefix] = []
    """One configuration for each of these prefixes of keys: of tenants, or the segments of a huge
    bucket; none means one for the whole bucket."""
    pattern: Literal["everything", "compliance", "cost"] = "everything"
    """What it is for. everything: all fields and versions, daily. compliance: encryption, locks,
    access and replication of all versions, daily. cost: sizes, ages and classes of all versions,
    weekly. The three keys below overrule it."""
    frequency: Literal["Daily", "Weekly"] | None = None
    """Daily, or Weekly on Sundays; null as the pattern has it."""
    versions: Literal["All", "Current"] | None = None
    """All versions, or only current ones; null as the pattern has it."""
    fields: list[Name] | None = None
    """Fields besides bucket and key, as AWS names them (Size, ETag); null as the pattern has it."""
    destination: Bucket = Field(examples=["example-inventory-reports"])
    """Bucket that the reports go to: one of the destinations, whose prefix and region hold."""
    destination_account: Annotated[AccountId | None, EMPTY_IS_NONE] = None
    """Account that must own the destination, or S3 delivers nothing; null does not check."""
    format: Literal["Parquet", "ORC", "CSV"] = "Parquet"
    """Format of the reports; Parquet is brought into the lake without being rewritten."""
    kms_key: Annotated[KeyArn | None, EMPTY_IS_NONE] = None
    """ARN of the KMS key that encrypts the reports; null leaves that to S3's own key."""
    enabled: Flag = True
    """false keeps the configurations without reports."""

    @model_validator(mode="after")
    def _prefixes_do_not_overlap(self) -> Self:
        ordered = sorted(self.prefixes)
        for one, other in pairwise(ordered):
            if other.startswith(one):
                raise ValueError(
                    f"prefixes: {shown(other)} lies in {shown(one)}: objects would be listed twice"
                )
        return self


def require_sound(
    wanted: Sequence[InventoryConfiguration], destinations: Sequence[Destination]
) -> None:
    """Raises ValueError where ids repeat, or a destination is not read or its key is elsewhere."""
    places = {one.bucket: one for one in reversed(destinations)}
    ids = [one.id for one in wanted]
    for one in wanted:
        if ids.count(one.id) > 1:
            raise ValueError(f"configurations: {shown(one.id)} is the id of several")
        place = places.get(one.destination)
        if place is None:
            raise ValueError(
                f"configurations: {shown(one.id)} delivers to {shown(one.destination)}, which is "
                f"none of the destinations{nearest(one.destination, places)}"
            )
        if one.kms_key and one.kms_key.split(":")[3] != place.region:
            raise ValueError(
                f"configurations: the kms_key of {shown(one.id)} is not in {place.region}, the "
                "region of its destination"
            )
