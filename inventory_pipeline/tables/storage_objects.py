"""What a look at every single object finds: compliance, duplicates, personal data in keys."""

from inventory_pipeline.columns import bigint, text
from inventory_pipeline.tables.model import DELIVERY, DELIVERY_COLUMNS, Table
from inventory_pipeline.tables.storage import BUCKET_PLACE

PREFIX = text("prefix", "First part of the key, as in storage_usage; NULL for the remainder.")

TABLES: tuple[Table, ...] = (
    Table(
        "object_compliance",
        "storage",
        "How many objects fail, pass or cannot be judged by each rule.",
        "one rule on a prefix in a delivery",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            PREFIX,
            text("rule_id", "Rule; `inventory list object-rules` has all.", required=True),
            text("verdict", "fail, unknown, pass or exempt: the first any has.", required=True),
            *(
                bigint(f"{which}_{what}", meaning, required=True)
                for which, how in (
                    ("failing", "that fail"),
                    ("unknown", "that cannot be judged"),
                    ("passing", "that pass"),
                    ("exempt", "that the rule asks nothing of"),
                )
                for what, meaning in (
                    ("objects", f"Object versions {how}."),
                    ("bytes", f"Bytes of those {how}; 0 where size is not told."),
                )
            ),
            text("unknown_reason", "Why some cannot be judged."),
            text("first_key", "The first key that fails."),
            text("last_key", "The last key that fails."),
        ),
        (*DELIVERY, "prefix", "rule_id"),
        ("delivered_on",),
    ),
    Table(
        "duplicate_candidates",
        "storage",
        "Objects with the same ETag and size, which may be copies of each other.",
        "one set of copies in a bucket or over the day's buckets, or all that are not listed",
        (
            DELIVERY_COLUMNS[0],
            text("scope", "bucket, or all_buckets: sets in several buckets.", required=True),
            text("source_bucket", "Bucket; NULL of sets in several."),
            *BUCKET_PLACE,
            bigint("place", "Its place by bytes; NULL for the sum of those that are not listed."),
            text("e_tag", "ETag; NULL for that sum."),
            bigint("size", "Bytes of each object; NULL for that sum."),
            bigint("sets", "Sets of copies: 1, or those summed up.", required=True),
            bigint("copies", "Objects, the original among them.", required=True),
            bigint("buckets", "Buckets that have them; NULL for that sum."),
            bigint("reclaimable_bytes", "Bytes of all copies but one.", required=True),
            text("confidence", "high, medium or low: that content is equal.", required=True),
            text("caveat", "What speaks against it."),
            text("first_key", "The first of their keys."),
            text("last_key", "The last of their keys."),
        ),
        ("delivered_on", "scope", "source_bucket", "place"),
        ("delivered_on",),
    ),
    Table(
        "personal_data_prefixes",
        "storage",
        "Where keys look like personal data: a guess from names, shown without their values.",
        "one rule on a prefix in a delivery",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            text(
                "prefix",
                "First part of the key, as in storage_usage, with letters as a and digits as 9 in "
                "all but a folder's name; NULL for the remainder.",
            ),
            text("rule_id", "Rule; `inventory list key-rules` has all.", required=True),
            bigint("objects", "Object versions whose key matches.", required=True),
            bigint("bytes", "Their bytes; 0 where size is not told.", required=True),
            text("sample", "The shape of a key: letters as a, digits as 9.", required=True),
            bigint("unencrypted_objects", "Those stored unencrypted; NULL if any is untold."),
            bigint("public_objects", "Those whose ACL grants to everyone; NULL if any is untold."),
            text("public_bucket", "Whether the bucket is public: yes, no, unknown.", required=True),
        ),
        (*DELIVERY, "prefix", "rule_id"),
        ("delivered_on",),
    ),
)
