"""Which configurations buckets have: as the newest snapshot saw them, or asked live.

Not here: what they should have (`desired`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from inventory_pipeline.configurations.model import Bucket, Configuration, of_aws

if TYPE_CHECKING:
    from inventory_pipeline.lake import Lake

ASKERS = 8
"""Buckets asked at once."""


class S3Client(Protocol):
    """What is asked of boto3's S3 client."""

    def list_bucket_inventory_configurations(self, **arguments: Any) -> dict[str, Any]: ...
    def put_bucket_inventory_configuration(self, **arguments: Any) -> Any: ...
    def delete_bucket_inventory_configuration(self, **arguments: Any) -> Any: ...


ClientFor = Callable[[Bucket], S3Client]


@dataclass(frozen=True)
class Observed:
    """A bucket and its configurations; None where nobody could read them.

    `seen`: live, or in the snapshot; `failure` is why not live, where that was tried.
    """

    bucket: Bucket
    configurations: tuple[Configuration, ...] | None
    seen: Literal["live", "snapshot"] = "snapshot"
    failure: str | None = None


def snapshot_buckets(lake: Lake, at: datetime) -> list[Observed]:
    """The buckets of a snapshot, by name, with what it saw of their configurations."""
    where = {"snapshot_at": at}
    of_bucket: dict[tuple[str, str], list[Configuration]] = defaultdict(list)
    for row in lake.read("bucket_inventory_configurations", where).to_pylist():
        of_bucket[row["account_id"], row["resource_id"]].append(Configuration.of_row(row))
    columns = ["resource_id", "account_id", "account_name", "region", "inventories"]
    found = [
        Observed(
            Bucket(row["resource_id"], row["account_id"], row["account_name"], row["region"]),
            tuple(of_bucket[row["account_id"], row["resource_id"]])
            if row["inventories"] is not None
            else None,
        )
        for row in lake.read("s3_buckets", where, columns).to_pylist()
    ]
    return sorted(found, key=lambda one: one.bucket.name)


def look(buckets: Iterable[Observed], client_for: ClientFor) -> list[Observed]:
    """Ask each bucket; one that cannot be asked stays as it was seen before."""

    def asked(one: Observed) -> Observed:
        from inventory_pipeline.accounts import classify

        try:
            listed = _listed(client_for(one.bucket), one.bucket.name)
        except Exception as error:  # whatever it is, the other buckets are asked
            failure = classify(error)
            return replace(one, failure=f"{failure.code}: {failure.message}")
        return Observed(one.bucket, of_aws(listed), "live")

    with ThreadPoolExecutor(ASKERS, "configurations") as pool:
        return list(pool.map(asked, buckets))


def concerned(buckets: Sequence[Observed], owned: str, wanted: Iterable[Bucket]) -> list[Observed]:
    """Those that are to have a configuration, or have one of the tool's own."""
    meant = {bucket.name for bucket in wanted}
    return [
        one
        for one in buckets
        if one.bucket.name in meant
        or any(each.id.startswith(owned) for each in one.configurations or ())
    ]


def _listed(s3: S3Client, bucket: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = s3.list_bucket_inventory_configurations(Bucket=bucket, **token)
        found += page.get("InventoryConfigurationList") or []
        if not page.get("IsTruncated"):
            return found
        token = {"ContinuationToken": page["NextContinuationToken"]}
