"""What AWS needs besides a configuration, as documents to be reviewed and put by hand.

S3 must be allowed to write to the destination and to use its key; reports should not stay for
ever. Nothing here is ever applied: each would replace what a bucket or key has.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from inventory_pipeline.configurations.desired import Wanted
from inventory_pipeline.infrastructure.policies import literal
from inventory_pipeline.settings import Settings
from inventory_pipeline.settings.configurations import InventoryConfiguration

VERSION = "2012-10-17"
UNFINISHED_DAYS = 7
"""Days after which what is left of an upload that broke off is removed."""

Document = dict[str, Any]


def documents(settings: Settings, wanted: Sequence[Wanted], partition: str) -> dict[str, Document]:
    """Each document by the name of its file."""
    found: dict[str, Document] = {}
    for bucket, entries in _entries(settings, lambda entry: entry.destination).items():
        of_bucket = [one for one in wanted if one.configuration.destination == bucket]
        if statements := _bucket_statements(settings, entries, of_bucket, partition):
            found[f"{bucket}.bucket-policy.json"] = _document(statements)
        if folders := _report_folders(settings, bucket, of_bucket):
            found[f"{bucket}.lifecycle.json"] = _lifecycle(settings, folders)
    for key, entries in _entries(settings, lambda entry: entry.kms_key).items():
        of_key = [one for one in wanted if one.configuration.kms_key == key]
        if statements := _key_statements(entries, of_key, partition):
            found[f"{_key_name(key)}.key-policy.json"] = _document(statements)
    return found


def _entries(settings: Settings, of: Any) -> dict[str, list[InventoryConfiguration]]:
    """The settings' entries by destination or by key."""
    grouped: dict[str, list[InventoryConfiguration]] = defaultdict(list)
    for entry in settings.s3_inventory.configurations:
        if (value := of(entry)) is not None:
            grouped[value].append(entry)
    return grouped


def _document(statements: Iterable[Document]) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}


def _bucket_statements(
    settings: Settings,
    entries: Sequence[InventoryConfiguration],
    wanted: Sequence[Wanted],
    partition: str,
) -> list[Document]:
    """One for each account whose buckets deliver there."""
    bucket = entries[0].destination
    below = [f"{literal(prefix)}/*" if prefix else "*" for prefix in _prefixes(settings, bucket)]
    places = [f"arn:{partition}:s3:::{bucket}/{pattern}" for pattern in below]
    return [
        {
            "Sid": f"S3InventoryOf{account}",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": places,
            "Condition": {
                "ArnLike": {"aws:SourceArn": _sources(entries, partition)},
                "StringEquals": {
                    "aws:SourceAccount": account,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
            },
        }
        for account in _accounts(wanted)
    ]


def _key_statements(
    entries: Sequence[InventoryConfiguration], wanted: Sequence[Wanted], partition: str
) -> list[Document]:
    """One for each account whose reports the key encrypts. In a key's policy `*` is the key."""
    return [
        {
            "Sid": f"S3InventoryOf{account}",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "kms:GenerateDataKey",
            "Resource": "*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": _sources(entries, partition)},
                "StringEquals": {"aws:SourceAccount": account},
            },
        }
        for account in _accounts(wanted)
    ]


def _key_name(arn: str) -> str:
    """A key's account, region and id: a multi-Region key has one id everywhere."""
    *_, region, account, resource = arn.split(":")
    return f"{account}.{region}.{resource.rpartition('/')[2]}"


def _prefixes(settings: Settings, bucket: str) -> list[str]:
    """The prefixes in a destination that reports are delivered to; "" is all of it."""
    places = settings.s3_inventory.destinations
    return sorted({one.prefix.rstrip("/") for one in places if one.bucket == bucket})


def _accounts(wanted: Iterable[Wanted]) -> list[str]:
    return sorted({one.bucket.account_id for one in wanted if not one.problem})


def _sources(entries: Iterable[InventoryConfiguration], partition: str) -> list[str]:
    """ARNs of the settings' patterns; a set of characters, which IAM does not know, is any one."""
    globs = {re.sub(r"\[[^\]]+\]", "?", glob) for entry in entries for glob in entry.sources}
    return [f"arn:{partition}:s3:::{glob}" for glob in sorted(globs)]


def _report_folders(settings: Settings, bucket: str, wanted: Iterable[Wanted]) -> list[str]:
    """Folders of a destination that hold reports and, as far as can be told, nothing else.

    Where reports are delivered to its root they are those of the source buckets: all else that a
    bucket has must not expire with its reports.
    """
    sources = {one.bucket.name for one in wanted if not one.problem}
    places = {prefix: {prefix} if prefix else sources for prefix in _prefixes(settings, bucket)}
    return sorted(f"{folder}/" for folders in places.values() for folder in folders)


def _lifecycle(settings: Settings, folders: Sequence[str]) -> Document:
    """Rules for the destination's reports, to be added to those that it has."""
    return {
        "Rules": [
            {
                "ID": f"s3-inventory-reports-{number}",
                "Status": "Enabled",
                "Filter": {"Prefix": folder},
                "Expiration": {"Days": settings.s3_inventory.report_days},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
            }
            for number, folder in enumerate(folders, start=1)
        ]
    }
