"""Partitions: snapshots by their instant, deliveries by their day. Both stay few.

Accounts and regions are rows, and deliveries of a day share its partition.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg

SNAPSHOT_FORMAT = "%Y-%m-%dT%H:%M"
DAY_FORMAT = "%Y-%m-%d"


def snapshot_partitions(start: date) -> dg.TimeWindowPartitionsDefinition:
    """Every 12 hours UTC; the key is the instant at which the snapshot's window opens."""
    return dg.TimeWindowPartitionsDefinition(
        start=datetime(start.year, start.month, start.day, tzinfo=UTC),
        cron_schedule="0 */12 * * *",
        fmt=SNAPSHOT_FORMAT,
        timezone="UTC",
        end_offset=1,
    )


def delivery_partitions(start: date) -> dg.TimeWindowPartitionsDefinition:
    """One partition a UTC day, today's included."""
    return dg.DailyPartitionsDefinition(
        start_date=datetime(start.year, start.month, start.day, tzinfo=UTC),
        fmt=DAY_FORMAT,
        timezone="UTC",
        end_offset=1,
    )


def snapshot_key(instant: datetime) -> str:
    """The partition whose 12 hours hold `instant`."""
    utc = instant.astimezone(UTC)
    return utc.replace(hour=utc.hour // 12 * 12, minute=0).strftime(SNAPSHOT_FORMAT)


def snapshot_instant(key: str) -> datetime:
    return datetime.strptime(key, SNAPSHOT_FORMAT).replace(tzinfo=UTC)


def delivery_day(key: str) -> date:
    return date.fromisoformat(key)
