"""The simulated buckets, put into moto's own S3 with the settings the description gives them.

Belongs here: what moto's S3 holds. Not here: deliveries' contents (`deliveries`).
"""

import json

from inventory_pipeline.demo.deliveries import PREFIX
from inventory_pipeline.demo.estate import Bucket, Estate, World
from inventory_pipeline.demo.objects import reports
from inventory_pipeline.demo.report_columns import ALWAYS, columns

LOCKED_SETTINGS = frozenset(
    {
        "acl",
        "encryption",
        "inventory",
        "lifecycle",
        "logging",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "tagging",
        "versioning",
    }
)
"""Query parameters that ask for a bucket's settings."""


def forget_buckets() -> None:
    """Empties moto's S3, so that a simulation starts from nothing."""
    from moto.s3.models import s3_backends
    from moto.s3control.models import s3control_backends

    for backends in (s3_backends, s3control_backends):
        backends.reset()


def show_buckets(estate: Estate, world: World) -> None:
    """Makes moto's S3 have the world's buckets; those already there stay as they are."""
    from moto.s3.models import s3_backends
    from moto.s3control.models import s3control_backends

    for bucket in world.buckets:
        if bucket.id not in s3_backends[bucket.account_id]["aws"].buckets:
            _create(bucket)
    for account in estate.accounts:
        if account.public_access_blocked:
            s3control_backends[account.account_id]["aws"].put_public_access_block(
                account.account_id, dict.fromkeys(_FLAGS, True)
            )


def show_inventories(estate: Estate) -> None:
    """Gives the buckets that have reports the S3 Inventory configurations which deliver them.

    moto calls all of them configurations of all versions.
    """
    from moto.s3.models import FakeBucketInventoryConfiguration, s3_backends

    for report in reports(estate):
        bucket = s3_backends[report.account.account_id]["aws"].buckets[report.bucket]
        destination = {
            "Bucket": f"arn:aws:s3:::{report.destination}",
            "Format": report.format,
            "Prefix": PREFIX,
            "Encryption": {"SSES3": {}},
        }
        bucket.inventory_configs[report.configuration_id] = FakeBucketInventoryConfiguration(
            report.configuration_id,
            {"S3BucketDestination": destination},
            is_enabled=True,
            schedule={"Frequency": "Daily"},
            optional_fields=[c.csv for c in columns(report) if c.csv not in ALWAYS],
        )


_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _create(bucket: Bucket) -> None:
    from moto.s3.models import PublicAccessBlock, get_canned_acl, s3_backends

    backend = s3_backends[bucket.account_id]["aws"]
    made = backend.create_bucket(bucket.id, bucket.region)
    made.creation_date = bucket.created_at
    made.encryption = {
        "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": bucket.encryption}}
    }
    made.versioning_status = "Enabled" if bucket.versioned else None
    has_acls = bucket.public_acl or bucket.object_acls
    ownership = "ObjectWriter" if has_acls else "BucketOwnerEnforced"
    # moto keeps the rule's name, whatever its annotation says.
    backend.put_bucket_ownership_controls(bucket.id, ownership)  # type: ignore[arg-type]
    if bucket.public_access_blocked:
        made.public_access_block = PublicAccessBlock(True, True, True, True)
    if bucket.public_policy or bucket.tls_only:
        policy = _open_to_all(bucket) if bucket.public_policy else _closed_to_plain_http(bucket)
        made.policy = json.dumps(policy).encode()
    if bucket.public_acl:
        made.acl = get_canned_acl("public-read")
    if bucket.lifecycle:
        made.set_lifecycle(
            [
                {
                    "ID": "tidy",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "tmp/"},
                    "Expiration": {"Days": "30"},
                }
            ]
        )
    if bucket.tags:
        tags = [{"Key": k, "Value": v} for k, v in bucket.tags.items()]
        backend.tagger.tag_resource(f"arn:aws:s3:::{bucket.id}", tags)


def _open_to_all(bucket: Bucket) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "PublicRead",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket.id}/*",
            }
        ],
    }


def _closed_to_plain_http(bucket: Bucket) -> dict[str, object]:
    arn = f"arn:aws:s3:::{bucket.id}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NoPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
