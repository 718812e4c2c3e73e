"""An S3 Inventory configuration as a value: from AWS, from a snapshot, and to AWS.

Not here: which configurations are wanted (`desired`) or there are (`observed`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from inventory_pipeline.resource_types.s3_bucket_elements import (
    BUCKET_INVENTORY_CONFIGURATIONS,
    inventory_configurations,
)

MOST = 1000
"""Configurations that a bucket can have."""


@dataclass(frozen=True)
class Bucket:
    """A bucket, and where it is."""

    name: str
    account_id: str
    account_name: str | None
    region: str


@dataclass(frozen=True)
class Configuration:
    """A configuration of a bucket. `fields` are sorted, since AWS knows no order of them."""

    id: str
    enabled: bool | None
    prefix: str
    frequency: str | None
    versions: str | None
    format: str | None
    fields: tuple[str, ...]
    destination: str | None
    destination_prefix: str
    destination_account: str | None
    encryption: str
    kms_key: str | None = None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Configuration:
        """From a row of `bucket_inventory_configurations`."""
        return cls(
            id=row["configuration_id"],
            enabled=row["enabled"],
            prefix=row["prefix"],
            frequency=row["frequency"],
            versions=row["included_versions"],
            format=row["format"],
            fields=tuple(sorted(row["fields"] or ())),
            destination=row["destination_bucket"],
            destination_prefix=row["destination_prefix"] or "",
            destination_account=row["destination_account"],
            encryption=row["encryption"],
            kms_key=row["kms_key_id"],
        )

    def differences(self, other: Configuration) -> tuple[str, ...]:
        """Names of what is not the same in both."""
        names = (field.name for field in fields(self))
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))

    def to_aws(self, partition: str) -> dict[str, Any]:
        """As PutBucketInventoryConfiguration takes it."""
        encryption: dict[str, Any] = {}
        if self.encryption != "none":
            with_kms = self.encryption == "SSE-KMS"
            encryption = {"SSEKMS": {"KeyId": self.kms_key}} if with_kms else {"SSES3": {}}
        destination = {
            "AccountId": self.destination_account,
            "Bucket": f"arn:{partition}:s3:::{self.destination}",
            "Format": self.format,
            "Prefix": self.destination_prefix,
            "Encryption": encryption,
        }
        return {
            "Id": self.id,
            "IsEnabled": self.enabled,
            "IncludedObjectVersions": self.versions,
            "Schedule": {"Frequency": self.frequency},
            "Destination": {"S3BucketDestination": {k: v for k, v in destination.items() if v}},
            **({"Filter": {"Prefix": self.prefix}} if self.prefix else {}),
            **({"OptionalFields": list(self.fields)} if self.fields else {}),
        }


def of_aws(configurations: list[dict[str, Any]]) -> tuple[Configuration, ...]:
    """From the answers of ListBucketInventoryConfigurations, read as a collection reads them."""
    import jmespath

    def value(item: Mapping[str, Any], source: Any) -> Any:
        return source(item) if callable(source) else jmespath.search(source, item)

    rows = inventory_configurations({"inventory": configurations}) or []
    fields_of = BUCKET_INVENTORY_CONFIGURATIONS.fields
    return tuple(
        Configuration.of_row({field.column.name: value(row, field.source) for field in fields_of})
        for row in rows
    )


@cache
def known_fields() -> tuple[str, ...]:
    """The optional fields of reports, by AWS's own model of S3."""
    from botocore.loaders import Loader

    model = Loader().load_service_model("s3", "service-2")
    return tuple(sorted(model["shapes"]["InventoryOptionalField"]["enum"]))
