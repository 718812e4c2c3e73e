"""What to archive: candidates, plans and manifests."""

from inventory_pipeline.columns import bigint, money, text, timestamp, unit_price
from inventory_pipeline.tables.model import DELIVERY, DELIVERY_COLUMNS, Table

PLAN = (
    text(
        "plan_id",
        "Plan: the same policy text on the same delivery is the same plan.",
        required=True,
    ),
    text("policy", "Policy.", required=True),
)

FUNNEL = tuple(
    column
    for step, meaning in (
        ("seen", "listed in the delivery"),
        ("matched", "picked by the policy"),
        ("safe", "that may be moved"),
        ("profitable", "whose move pays within the horizon"),
    )
    for column in (
        bigint(f"{step}_objects", f"Objects {meaning}.", required=True),
        bigint(f"{step}_bytes", f"Bytes of objects {meaning}.", required=True),
    )
)

ECONOMICS = (
    ("fee_usd", "Fee for moving."),
    ("monthly_saving_usd", "Saved a month once moved."),
    ("net_saving_usd", "Saved over the horizon, fees and minimum durations taken off."),
)

TABLES: tuple[Table, ...] = (
    Table(
        "archive_candidates",
        "archive",
        "Objects a policy picked, and what became of each.",
        "one object version in a plan",
        (
            *DELIVERY_COLUMNS,
            *PLAN,
            text("bucket", "Bucket.", required=True),
            text("key", "Object key, decoded.", required=True),
            text("version_id", "Version; NULL for the null version or an unversioned bucket."),
            bigint("size", "Size, bytes; NULL on delete markers."),
            text("storage_class", "Class now; NULL on delete markers."),
            timestamp("last_modified_date", "Creation of this version."),
            text("e_tag", "Entity tag."),
            text("target_class", "Class the policy moves to.", required=True),
            text("decision", "archive, unsafe, unprofitable or unpriced.", required=True),
            text("reason", "Why.", required=True),
            *(unit_price(name, f"{meaning} NULL is unknown.") for name, meaning in ECONOMICS),
        ),
        ("plan_id", "key", "version_id"),
        DELIVERY,
    ),
    Table(
        "archive_plans",
        "archive",
        "The funnel of each policy on each delivery.",
        "one plan",
        (
            *DELIVERY_COLUMNS,
            *PLAN,
            text("region", "Bucket's region."),
            text("target_class", "Class the policy moves to.", required=True),
            text(
                "route",
                "What the manifest is for: copy in place, or tag for a lifecycle rule "
                "(in a versioned bucket, where a copy would leave the old bytes); NULL where "
                "versioning was not seen.",
            ),
            bigint("horizon_months", "Months looked ahead.", required=True),
            *FUNNEL,
            bigint("unpriced_objects", "Safe objects whose economics are unknown.", required=True),
            *(money(name, f"{meaning} Of the profitable objects.") for name, meaning in ECONOMICS),
            money(
                "job_fee_usd",
                "Fee of one S3 Batch Operations job, whatever it moves, which "
                "net_saving_usd leaves out; NULL is unknown.",
            ),
            text("price_as_of", "Month of the prices, YYYY-MM."),
        ),
        ("plan_id",),
        DELIVERY,
    ),
    Table(
        "archive_manifests",
        "archive",
        "Manifests written for S3 Batch Operations.",
        "one manifest",
        (
            *DELIVERY_COLUMNS,
            *PLAN,
            text("bucket", "Bucket whose objects it lists.", required=True),
            text("format", "S3BatchOperations_CSV_20180820.", required=True),
            text("fields", "Columns of the manifest, by comma.", required=True),
            text("uri", "Where it was written.", required=True),
            text("etag", "ETag that the job must name.", required=True),
            text("sha256", "SHA-256 of its bytes.", required=True),
            bigint("objects", "Rows.", required=True),
            bigint("bytes", "Bytes of the objects listed.", required=True),
            timestamp("written_at", "When it was written.", required=True),
        ),
        ("plan_id",),
        DELIVERY,
    ),
)
