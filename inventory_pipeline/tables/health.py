"""Whether S3 Inventory delivers what is asked of it: a day's health, and what is overdue."""

from inventory_pipeline.columns import bigint, boolean, date, text, timestamp
from inventory_pipeline.tables.model import DELIVERY, DELIVERY_COLUMNS, Table
from inventory_pipeline.tables.storage import BUCKET_PLACE

SILENT_SINCE = date(
    "silent_since",
    "Of a missing report: day of the last delivery before it, or of the configuration's first "
    "sighting; the same for all reports missed in a row.",
)
LAST_DELIVERED_AT = timestamp("last_delivered_at", "Newest delivery ingested, by this day.")

TABLES: tuple[Table, ...] = (
    Table(
        "delivery_health",
        "storage",
        "Whether each S3 Inventory configuration delivered what was due on a day.",
        "one configuration on a delivery day",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            text(
                "configured",
                "yes, no or unknown: whether the day's snapshot has the configuration; unknown "
                "where the bucket's configurations were not read.",
                required=True,
            ),
            boolean("enabled", "The configuration delivers."),
            text("frequency", "Daily or Weekly (on Sundays, UTC)."),
            timestamp("since", "First snapshot with the configuration enabled as it is, unbroken."),
            text(
                "expected",
                "yes, no or unknown: whether a report of this day is due; unknown where the "
                "bucket's configurations were not read.",
                required=True,
            ),
            text(
                "status",
                "delivered, late (arrived after 48 hours), quarantined, seen (not ingested yet), "
                "missing, awaited (48 hours from the end of the day have not passed as far as the "
                "lake knows), not_expected or unknown.",
                required=True,
            ),
            text(
                "verdict",
                "yes, no or unknown: whether the day has what it should.",
                required=True,
            ),
            text("reason", "Why, in a sentence.", required=True),
            timestamp("delivered_at", "Instant of the day's report, from its folder."),
            timestamp("arrived_at", "When S3 had written it; NULL where that is not known."),
            LAST_DELIVERED_AT,
            bigint("missed", "Reports missed in a row, this one included.", required=True),
            SILENT_SINCE,
            text(
                "lacking_fields",
                "Fields that the configuration asks for and its newest report lacks, as a new "
                "one's will for a day; NULL for none, or where either is not known.",
            ),
        ),
        DELIVERY,
        ("delivered_on",),
    ),
    Table(
        "overdue_deliveries",
        "storage",
        "S3 Inventory reports that have not come though their time is over, and who was told.",
        "one configuration on a delivery day",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            text("frequency", "Daily or Weekly.", required=True),
            LAST_DELIVERED_AT,
            bigint("missed", "Reports missed in a row, this one included.", required=True),
            date(SILENT_SINCE.name, SILENT_SINCE.meaning, required=True),
            boolean("ended", "A later report has come.", required=True),
            timestamp("told_at", "When an alert named the streak; NULL is not yet."),
        ),
        DELIVERY,
        ("delivered_on",),
    ),
)
