"""Deliveries whose reports have all fields, planted with the usage that rolls them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.marts import build_mart, marts
from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.settings.model import S3InventorySettings
from inventory_pipeline_tests.archive.planted import (
    DAY,
    DELIVERED_AT,
    SNAPSHOT,
    obj,
    open_lake,
    plant_buckets,
    plant_deliveries,
    plant_prices,
    plant_usage,
    rows,
    usage,
)

FIELDS = (
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass, "
    "IsMultipartUploaded, ReplicationStatus, EncryptionStatus, ObjectLockRetainUntilDate, "
    "ObjectLockMode, ObjectLockLegalHoldStatus, ObjectLockEventHoldStatus, "
    "IntelligentTieringAccessTier, BucketKeyStatus, ChecksumAlgorithm, ObjectAccessControlList, "
    "ObjectOwner"
)

Row = Mapping[str, Any]


class House:
    """A lake with prices and buckets, whose marts are built for one delivery day."""

    def __init__(self, folder: Path, *buckets: Row) -> None:
        self.lake, self.engine = open_lake(folder)
        self.objects: dict[tuple[str, str], list[Row]] = {}
        self.schemas: dict[tuple[str, str], str] = {}
        self.usages: list[Row] = []
        self.written = True
        plant_prices(self.lake)
        plant_buckets(self.lake, *(buckets or ({"resource_id": "data-1"},)))

    def deliver(
        self,
        *objects: Row,
        bucket: str = "data-1",
        configuration: str = "daily",
        fields: str = FIELDS,
        prefixes: Iterable[str] | None = None,
    ) -> None:
        """A delivery of these objects; `prefixes` are those that usage keeps, otherwise all."""
        self.objects[bucket, configuration] = list(objects)
        self.schemas[bucket, configuration] = fields
        kept = None if prefixes is None else set(prefixes)
        self.usages += [_usage(o, bucket, configuration, kept) for o in objects]
        self.written = False

    def roll_up(self, *usages: Row) -> None:
        """Usage as it is given, of deliveries without objects where there are none."""
        for usage_of in usages:
            delivery = (usage_of["source_bucket"], usage_of["configuration_id"])
            self.objects.setdefault(delivery, [])
            self.schemas.setdefault(delivery, FIELDS)
        self.usages = list(usages)
        self.written = False

    def write(self) -> None:
        """Put what was delivered into the lake."""
        if not self.written:
            plant_deliveries(self.lake, self.objects, schemas=self.schemas)
            if self.usages:
                plant_usage(self.lake, *self.usages)
        self.written = True

    def build(self, table: str, **settings: Any) -> list[dict[str, Any]]:
        """The mart's rows under these keys of `s3_inventory`."""
        self.write()
        chosen = S3InventorySettings.model_validate(settings)
        build_mart(self.engine, marts()[table], DAY, storage_parameters(chosen))
        with self.engine.session({table: {"delivered_on": DAY}}) as db:
            assert violations(db, table) == []
        return sorted(self.lake.read(table).to_pylist(), key=str)

    def plant(self, table: str, *given: Row) -> None:
        """Rows of a table of snapshots."""
        filled = [{"snapshot_at": SNAPSHOT, **row} for row in given]
        self.lake.replace(table, [{"snapshot_at": SNAPSHOT}], rows(table, filled))


def _usage(o: Row, bucket: str, configuration: str, kept: set[str] | None) -> Row:
    """The usage of one object; rows of equal keys stand for several groups as well as one."""
    head, slash, _ = str(o["key"]).partition("/")
    prefix = head + slash if slash else ""
    state = "current" if o.get("is_latest") is not False else "noncurrent"
    size = o.get("size") or 0
    minimum = 131072 if o.get("storage_class") in ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR") else 0
    bands = ((131072, "1 B-16 KiB"), (2**20, "128 KiB-1 MiB"))
    return usage(
        bucket,
        o.get("storage_class"),
        size,
        configuration_id=configuration,
        prefix=prefix if kept is None or prefix in kept else None,
        version_state="delete_marker" if o.get("is_delete_marker") else state,
        access_tier=o.get("intelligent_tiering_access_tier"),
        encryption_status=o.get("encryption_status"),
        size_band=next((name for bound, name in bands if size < bound), "16-128 MiB"),
        billable_bytes=0 if o.get("is_delete_marker") else max(size, minimum),
    )


def later(days: int) -> Any:
    return DELIVERED_AT + timedelta(days=days)


__all__ = ["DAY", "FIELDS", "DuckDBEngine", "House", "Lake", "later", "obj"]
