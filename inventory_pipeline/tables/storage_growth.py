"""How stored objects change from a delivery to the next, and where that leads."""

from inventory_pipeline.columns import Column, bigint, date, money, text
from inventory_pipeline.tables.model import DELIVERY, DELIVERY_COLUMNS, Table
from inventory_pipeline.tables.storage import BUCKET_PLACE


def _changes(days: int) -> tuple[Column, ...]:
    return (
        date(
            f"since_{days}d",
            f"Day of the newest delivery that is at least {days} days older, and at most a week "
            "more; NULL where there is none.",
        ),
        bigint(f"change_{days}d_objects", "Objects more than then; negative is fewer."),
        bigint(f"change_{days}d_bytes", "Bytes more than then."),
    )


def _forecast(days: int) -> tuple[Column, ...]:
    return (
        bigint(f"forecast_{days}d_bytes", f"Bytes in {days} days, if the trend goes on."),
        bigint(f"forecast_{days}d_low_bytes", "Lower end of its interval of four in five."),
        bigint(f"forecast_{days}d_high_bytes", "Upper end."),
        money(
            f"forecast_{days}d_usd",
            "Dollars a month for these bytes at the average price of those stored now; NULL is "
            "unknown.",
        ),
        money(f"forecast_{days}d_low_usd", "For the lower end."),
        money(f"forecast_{days}d_high_usd", "For the upper end."),
    )


TABLES: tuple[Table, ...] = (
    Table(
        "storage_growth",
        "storage",
        "What changed since the delivery before: object versions and bytes that came and went.",
        "one kind of change of a prefix, version state and class in a delivery",
        (
            *DELIVERY_COLUMNS,
            date(
                "previous_delivered_on",
                "Day of the delivery compared with; NULL where none is ingested.",
            ),
            bigint("days_between", "Days between the two."),
            *BUCKET_PLACE,
            text("prefix", "As in s3_usage of either day; NULL for the remainder."),
            text("version_state", "current, noncurrent or delete_marker; NULL where unknown."),
            text("storage_class", "Class in which they came or went."),
            text(
                "change",
                "created, deleted or overwritten: what became of a key's current object (in "
                "noncurrent, the versions that this moves, or that came or expired; in "
                "delete_marker, the markers set or removed); class_changed; duplicate, listed "
                "twice in one of the reports; unknown, what cannot be told, and why.",
                required=True,
            ),
            text("from_class", "Class before, where they came by class_changed."),
            text("to_class", "Class after, where they went by class_changed."),
            text("unknown_reason", "What of the whole delivery is not known, and why."),
            bigint("objects_added", "Object versions that came; NULL is unknown."),
            bigint("objects_removed", "Object versions that went; NULL is unknown."),
            bigint("objects_net", "Came less went."),
            bigint("bytes_added", "Their bytes; NULL is unknown."),
            bigint("bytes_removed", "Their bytes; NULL is unknown."),
            bigint("bytes_net", "Came less went: what s3_usage has more than before."),
        ),
        (
            *DELIVERY,
            "prefix",
            "version_state",
            "storage_class",
            "change",
            "from_class",
            "to_class",
            "unknown_reason",
        ),
        ("delivered_on",),
    ),
    Table(
        "storage_trend",
        "storage",
        "Objects and bytes of a configuration over 90 days, where they lead, and what that costs.",
        "one delivery of a configuration",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            bigint("objects", "Object versions.", required=True),
            bigint("bytes", "Bytes stored; NULL where the report does not tell sizes."),
            money("monthly_usd", "Dollars a month at list price; NULL is unknown."),
            bigint(
                "deliveries", "Deliveries of the last 90 days, this one included.", required=True
            ),
            bigint("days_covered", "Days since the oldest of them.", required=True),
            *_changes(7),
            *_changes(30),
            *_changes(90),
            bigint("daily_bytes", "Bytes more each day: slope of the least-squares line."),
            *_forecast(30),
            *_forecast(90),
            text("unknown_reason", "Why there is no trend."),
            text("unpriced_reason", "Why dollars are unknown, other than for want of a trend."),
            text("price_as_of", "Month of the price, YYYY-MM."),
        ),
        DELIVERY,
        ("delivered_on",),
    ),
)
