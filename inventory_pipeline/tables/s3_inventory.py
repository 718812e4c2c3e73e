"""What S3 Inventory delivers: the ledger of deliveries, the objects, and their rollup."""

from inventory_pipeline.columns import bigint, boolean, text, timestamp
from inventory_pipeline.tables.model import DELIVERY, DELIVERY_COLUMNS, USAGE_COLUMNS, Table

S3_OBJECT_COLUMNS = (
    text("bucket", "Bucket."),
    text("key", "Object key, decoded."),
    text("version_id", "Version; NULL for the null version or an unversioned bucket."),
    boolean("is_latest", "Current version."),
    boolean("is_delete_marker", "Delete marker."),
    bigint("size", "Size, bytes; NULL on delete markers."),
    timestamp("last_modified_date", "Creation of this version."),
    text("e_tag", "Entity tag."),
    text("storage_class", "Storage class."),
    boolean("is_multipart_uploaded", "Uploaded in parts."),
    text("replication_status", "PENDING, COMPLETED, FAILED or REPLICA."),
    text("encryption_status", "SSE-S3, SSE-KMS, DSSE-KMS, SSE-C or NOT-SSE."),
    timestamp("object_lock_retain_until_date", "Locked until."),
    text("object_lock_mode", "GOVERNANCE or COMPLIANCE."),
    text("object_lock_legal_hold_status", "On or Off."),
    text("intelligent_tiering_access_tier", "Intelligent-Tiering access tier."),
    text("bucket_key_status", "ENABLED or DISABLED."),
    text("checksum_algorithm", "Checksum algorithm."),
    text("object_access_control_list", "Base64 of the ACL's JSON."),
    text("object_owner", "Owner's canonical id."),
    timestamp("lifecycle_expiration_date", "When a lifecycle rule will expire it."),
)

TABLES: tuple[Table, ...] = (
    Table(
        "s3_deliveries",
        "s3_inventory",
        "Ledger of S3 Inventory deliveries; readers see only objects of ingested ones.",
        "one manifest of a delivery: a delivery changed later has one row for each",
        (
            *DELIVERY_COLUMNS,
            timestamp("delivered_at", "The delivery's instant, from its folder.", required=True),
            text("manifest_uri", "s3:// address of manifest.json.", required=True),
            text("manifest_md5", "MD5 of manifest.json."),
            text("format", "CSV, ORC or Parquet."),
            text("schema", "fileSchema of the manifest."),
            bigint("files", "Files of the report."),
            bigint("rows", "Object versions listed."),
            bigint("bytes", "Bytes of the report's files."),
            text(
                "status",
                "seen (to be tried again), ingested (fills its day's partition), "
                "superseded (by a later manifest or delivery of the day) or quarantined.",
                required=True,
            ),
            text("error", "Why it is not ingested."),
            timestamp("recorded_at", "When the ledger learnt this.", required=True),
        ),
        ("source_bucket", "configuration_id", "delivered_at", "manifest_md5"),
        ("delivered_on",),
    ),
    Table(
        "s3_objects",
        "s3_inventory",
        "Object versions, as S3 Inventory lists them.",
        "one object version in a day's newest delivery of a configuration",
        (*DELIVERY_COLUMNS, *S3_OBJECT_COLUMNS),
        (*DELIVERY, "key", "version_id"),
        DELIVERY,
    ),
    Table(
        "s3_usage",
        "s3_inventory",
        "Objects and bytes of a delivery, rolled up.",
        "one combination of the grouping columns in a delivery",
        (
            *DELIVERY_COLUMNS,
            *USAGE_COLUMNS,
            text("size_band", "Size band; `unknown` where the report has no Size.", required=True),
            text("encryption_status", "Encryption; NULL where the report does not say."),
            text("replication_status", "Replication; NULL for none."),
            bigint("objects", "Object versions.", required=True),
            bigint("bytes", "Bytes stored; 0 where size is not told.", required=True),
            bigint(
                "billable_bytes",
                "Bytes billed: at least 128 KiB an object in STANDARD_IA, "
                "ONEZONE_IA and GLACIER_IR.",
                required=True,
            ),
        ),
        (
            *DELIVERY,
            "prefix",
            "storage_class",
            "access_tier",
            "version_state",
            "age_band",
            "size_band",
            "encryption_status",
            "replication_status",
        ),
        DELIVERY,
    ),
)
