"""What buckets have several of: grants, inventory configurations and lifecycle rules, row by row.

Not here: the buckets themselves (`s3`), nor their policies' statements (`policies`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import ChildTable, Item, field

EVERYONE_GROUPS = frozenset(
    {
        "http://acs.amazonaws.com/groups/global/AllUsers",
        "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    }
)

BUCKET_GRANTS = ChildTable(
    name="bucket_grants",
    meaning="Grants of buckets' access control lists.",
    grain="one grant of a bucket",
    fields=(
        field("grantee_type", T.TEXT, "CanonicalUser, AmazonCustomerByEmail or Group.", "type"),
        field("grantee", T.TEXT, "Canonical user id, or the group's URI.", "grantee"),
        field(
            "permission", T.TEXT, "FULL_CONTROL, READ, WRITE, READ_ACP, WRITE_ACP.", "permission"
        ),
        field("is_owner", T.BOOLEAN, "The grantee is the bucket's owner.", "is_owner"),
        field(
            "public", T.BOOLEAN, "The grantee is everyone, or everyone with an account.", "public"
        ),
    ),
)


def grants(bucket: Item) -> list[dict[str, Any]] | None:
    """Rows of `bucket_grants`; None where the ACL was not read."""
    if "acl" not in bucket:
        return None
    owner = bucket["acl"].get("Owner", {}).get("ID")
    return [
        {
            "type": grantee.get("Type"),
            "grantee": grantee.get("ID") or grantee.get("URI"),
            "permission": grant.get("Permission"),
            "is_owner": owner is not None and grantee.get("ID") == owner,
            "public": grantee.get("URI") in EVERYONE_GROUPS,
        }
        for grant in bucket["acl"].get("Grants") or []
        for grantee in [grant.get("Grantee") or {}]
    ]


BUCKET_INVENTORY_CONFIGURATIONS = ChildTable(
    name="bucket_inventory_configurations",
    meaning="S3 Inventory: which lists of a bucket's objects are delivered, and where.",
    grain="one inventory configuration of a bucket",
    fields=(
        field("configuration_id", T.TEXT, "Its id within the bucket.", "Id"),
        field("enabled", T.BOOLEAN, "Lists are being delivered.", "IsEnabled"),
        field("frequency", T.TEXT, "Daily or Weekly.", "Schedule.Frequency"),
        field("format", T.TEXT, "CSV, ORC or Parquet.", "Destination.S3BucketDestination.Format"),
        field("prefix", T.TEXT, "Only objects under this prefix; empty: all.", "prefix"),
        field("included_versions", T.TEXT, "All or Current.", "IncludedObjectVersions"),
        field("fields", T.TEXT_LIST, "Optional fields, besides bucket and key.", "fields"),
        field("destination_bucket", T.TEXT, "Bucket that lists go to.", "bucket"),
        field(
            "destination_prefix",
            T.TEXT,
            "Prefix there; NULL for none.",
            "Destination.S3BucketDestination.Prefix",
        ),
        field(
            "destination_account",
            T.TEXT,
            "Owner of the destination that S3 makes sure of; NULL: any.",
            "Destination.S3BucketDestination.AccountId",
        ),
        field("encryption", T.TEXT, "Of the lists: SSE-S3, SSE-KMS or none.", "encryption"),
        field(
            "kms_key_id",
            T.TEXT,
            "Key of SSE-KMS.",
            "Destination.S3BucketDestination.Encryption.SSEKMS.KeyId",
        ),
    ),
)


def inventory_configurations(bucket: Item) -> list[dict[str, Any]] | None:
    """Rows of `bucket_inventory_configurations`; None where they were not read."""
    if "inventory" not in bucket:
        return None
    return [_inventory(configuration) for configuration in bucket["inventory"]]


def _inventory(configuration: Item) -> dict[str, Any]:
    destination = configuration.get("Destination", {}).get("S3BucketDestination", {})
    encryption = destination.get("Encryption") or {}
    return {
        **configuration,
        "prefix": configuration.get("Filter", {}).get("Prefix") or "",
        "fields": configuration.get("OptionalFields") or [],
        "bucket": bucket_name(destination.get("Bucket")),
        # An empty SSES3 is how AWS says it, so presence counts.
        "encryption": "SSE-KMS"
        if "SSEKMS" in encryption
        else "SSE-S3"
        if "SSES3" in encryption
        else "none",
    }


def bucket_name(arn: str | None) -> str | None:
    """The bucket of `arn:aws:s3:::bucket`."""
    return arn.rpartition(":")[2] if arn else None


BUCKET_LIFECYCLE_RULES = ChildTable(
    name="bucket_lifecycle_rules",
    meaning="Lifecycle rules of buckets; what a rule does not do is NULL or empty.",
    grain="one lifecycle rule of a bucket",
    fields=(
        field("rule_id", T.TEXT, "Its id within the bucket.", "ID"),
        field("enabled", T.BOOLEAN, "The rule is in force.", "enabled"),
        field("prefix", T.TEXT, "Only objects under this prefix; empty: all.", "prefix"),
        field("filter_tags", T.TAGS, "Only objects with all these tags.", "tags"),
        field(
            "size_greater_than",
            T.BIGINT,
            "Only objects of more bytes.",
            "where.ObjectSizeGreaterThan",
        ),
        field(
            "size_less_than", T.BIGINT, "Only objects of fewer bytes.", "where.ObjectSizeLessThan"
        ),
        field(
            "transitions",
            T.TEXT_LIST,
            "Storage classes that it moves objects to, each `<days or date> <class>`.",
            "transitions",
        ),
        field("expiration_days", T.BIGINT, "Age at which it deletes objects.", "Expiration.Days"),
        field("expiration_date", T.DATE, "Day from which it deletes objects.", "Expiration.Date"),
        field(
            "expires_delete_markers",
            T.BOOLEAN,
            "It removes delete markers that have no versions left.",
            "expires_delete_markers",
        ),
        field(
            "noncurrent_transitions",
            T.TEXT_LIST,
            "Storage classes that it moves noncurrent versions to, each `<days> <class>`.",
            "noncurrent_transitions",
        ),
        field(
            "noncurrent_expiration_days",
            T.BIGINT,
            "Days after which it deletes noncurrent versions.",
            "NoncurrentVersionExpiration.NoncurrentDays",
        ),
        field(
            "noncurrent_versions_kept",
            T.BIGINT,
            "Newer noncurrent versions that it keeps even so.",
            "NoncurrentVersionExpiration.NewerNoncurrentVersions",
        ),
        field(
            "abort_multipart_days",
            T.BIGINT,
            "Days after which it drops unfinished multipart uploads.",
            "AbortIncompleteMultipartUpload.DaysAfterInitiation",
        ),
    ),
)


def lifecycle_rules(bucket: Item) -> list[dict[str, Any]] | None:
    """Rows of `bucket_lifecycle_rules`; None where they were not read."""
    if "lifecycle" not in bucket:
        return None
    return [_lifecycle_rule(rule) for rule in bucket["lifecycle"].get("Rules") or []]


def _lifecycle_rule(rule: Item) -> dict[str, Any]:
    # One condition stands alone, several are under And; the oldest rules have a bare Prefix.
    alone = rule.get("Filter") or {}
    where = alone.get("And") or alone
    tags = where.get("Tags") or [where["Tag"]] if {"Tags", "Tag"} & where.keys() else []
    return {
        **rule,
        "where": where,
        "enabled": rule.get("Status") == "Enabled",
        "prefix": where.get("Prefix") or rule.get("Prefix") or "",
        "tags": tags,
        "transitions": _transitions(rule.get("Transitions")),
        "expires_delete_markers": bool(
            (rule.get("Expiration") or {}).get("ExpiredObjectDeleteMarker")
        ),
        "noncurrent_transitions": _transitions(rule.get("NoncurrentVersionTransitions")),
    }


def _transitions(transitions: Iterable[Item] | None) -> list[str]:
    return [f"{_when(each)} {each.get('StorageClass')}" for each in transitions or []]


def _when(transition: Item) -> str:
    day = transition.get("Date")
    if isinstance(day, datetime):
        return day.date().isoformat()
    return str(transition.get("Days", transition.get("NoncurrentDays", 0)))
