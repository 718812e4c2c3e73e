"""What buckets store: CloudWatch's daily sizes by storage class, and what is billed for them.

Not here: the buckets themselves (`s3`), nor storage classes by object (`marts`).
"""

from inventory_pipeline.resource_types.model import CostComponent, Metric

# CloudWatch's StorageType dimension: the measured column of its size, and the price list's class
# that it is billed as. A type left out would be storage that costs nothing.
SIZES = {
    "StandardStorage": ("standard_bytes", "STANDARD"),
    "ReducedRedundancyStorage": ("reduced_redundancy_bytes", "REDUCED_REDUNDANCY"),
    "StandardIAStorage": ("standard_ia_bytes", "STANDARD_IA"),
    "OneZoneIAStorage": ("onezone_ia_bytes", "ONEZONE_IA"),
    "IntelligentTieringFAStorage": (
        "intelligent_tiering_frequent_bytes",
        "INTELLIGENT_TIERING:FREQUENT",
    ),
    "IntelligentTieringIAStorage": (
        "intelligent_tiering_infrequent_bytes",
        "INTELLIGENT_TIERING:INFREQUENT",
    ),
    "IntelligentTieringAIAStorage": (
        "intelligent_tiering_archive_instant_bytes",
        "INTELLIGENT_TIERING:ARCHIVE_INSTANT_ACCESS",
    ),
    "IntelligentTieringAAStorage": (
        "intelligent_tiering_archive_bytes",
        "INTELLIGENT_TIERING:ARCHIVE",
    ),
    "IntelligentTieringDAAStorage": (
        "intelligent_tiering_deep_archive_bytes",
        "INTELLIGENT_TIERING:DEEP_ARCHIVE",
    ),
    "GlacierInstantRetrievalStorage": ("glacier_ir_bytes", "GLACIER_IR"),
    "GlacierStorage": ("glacier_bytes", "GLACIER"),
    "DeepArchiveStorage": ("deep_archive_bytes", "DEEP_ARCHIVE"),
    # What small objects are billed above their size, up to 128 KiB each.
    "StandardIASizeOverhead": ("standard_ia_overhead_bytes", "STANDARD_IA"),
    "OneZoneIASizeOverhead": ("onezone_ia_overhead_bytes", "ONEZONE_IA"),
    "GlacierInstantRetrievalSizeOverhead": ("glacier_ir_overhead_bytes", "GLACIER_IR"),
    # What archived objects are billed besides: 32 KiB each as their class, 8 KiB as STANDARD.
    "GlacierObjectOverhead": ("glacier_overhead_bytes", "GLACIER"),
    "GlacierS3ObjectOverhead": ("glacier_index_bytes", "STANDARD"),
    "DeepArchiveObjectOverhead": ("deep_archive_overhead_bytes", "DEEP_ARCHIVE"),
    "DeepArchiveS3ObjectOverhead": ("deep_archive_index_bytes", "STANDARD"),
    "IntAAObjectOverhead": (
        "intelligent_tiering_archive_overhead_bytes",
        "INTELLIGENT_TIERING:ARCHIVE",
    ),
    "IntAAS3ObjectOverhead": ("intelligent_tiering_archive_index_bytes", "STANDARD"),
    "IntDAAObjectOverhead": (
        "intelligent_tiering_deep_archive_overhead_bytes",
        "INTELLIGENT_TIERING:DEEP_ARCHIVE",
    ),
    "IntDAAS3ObjectOverhead": ("intelligent_tiering_deep_archive_index_bytes", "STANDARD"),
}

METRICS = (
    *(
        Metric(
            column,
            f"Bytes billed as {price_class}: {kind}.",
            "AWS/S3",
            "BucketSizeBytes",
            "Average",
            "latest",
            {"BucketName": "Name", "StorageType": f"'{kind}'"},
            window_days=3,
            period_seconds=86400,
            label=kind,
        )
        for kind, (column, price_class) in SIZES.items()
    ),
    Metric(
        "object_count",
        "Objects and versions stored.",
        "AWS/S3",
        "NumberOfObjects",
        "Average",
        "latest",
        {"BucketName": "Name", "StorageType": "'AllStorageTypes'"},
        window_days=3,
        period_seconds=86400,
    ),
    # Request metrics are paid for and mostly off; under this name the console switches them on.
    *(
        Metric(
            column,
            meaning,
            "AWS/S3",
            name,
            "Sum",
            "sum",
            {"BucketName": "Name", "FilterId": "'EntireBucket'"},
            window_days=14,
            period_seconds=86400,
        )
        for column, meaning, name in (
            ("requests", "Requests in the window, where request metrics are on.", "AllRequests"),
            (
                "downloaded_bytes",
                "Bytes read in the window, where request metrics are on.",
                "BytesDownloaded",
            ),
        )
    ),
)

COSTS = (
    *(
        CostComponent(
            column.removesuffix("_bytes"),
            "s3",
            f"'{price_class}'",
            "GB-month",
            f"gb(CAST(FLOOR(r.{column}) AS BIGINT))",
            # A class without a datapoint holds nothing, if any other class has one.
            applies=f"r.{column} IS NOT NULL",
            tiered_over="account",
        )
        for column, price_class in SIZES.values()
    ),
    CostComponent(
        "storage",
        "s3",
        "'unmeasured'",
        "GB-month",
        "NULL",
        applies="COALESCE(r.object_count, 1) > 0 AND "
        + " AND ".join(f"r.{column} IS NULL" for column, _ in SIZES.values()),
        unknown="'no size metric observed'",
        tiered_over="account",
    ),
)
