"""A report in the very bytes of AWS's writer, parquet-mr 1.12.2 (`parquet_mr.parquet`).

It was made once, by that library's ExampleParquetWriter, with the schema and options of AWS's
reports, and two fields that this build does not know. Several row groups, and a page index.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from inventory_pipeline_tests.reports.writer import Row

REPORT = Path(__file__).with_name("parquet_mr.parquet")
ROWS = 1000

UNKNOWN = ("object_mood", "object_age")
FIELDS = (
    *("bucket", "key", "version_id", "is_latest", "size", "last_modified_date", "e_tag"),
    *("storage_class", "lifecycle_expiration_date", *UNKNOWN),
)


def listed(number: int) -> Row:
    """What it says of one object."""
    at = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC) - timedelta(minutes=number)
    return {
        "bucket": "b",
        "key": f"a/ü{number:05}",
        "version_id": None if number % 3 else f"v{number}",
        "is_latest": number % 2 == 0,
        "size": None if number % 7 == 0 else 2**53 + number,
        "last_modified_date": at,
        "e_tag": f"{number:032x}",
        "storage_class": "STANDARD",
        "lifecycle_expiration_date": None if number % 5 else at + timedelta(days=9000),
        "object_mood": ["glad", None][number % 2],
        "object_age": number,
    }
