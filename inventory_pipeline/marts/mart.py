"""What a mart is, and building one.

Not here: the marts themselves (`cost`, `security`, `storage`), nor when they run (`defs`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from inventory_pipeline.lake import DuckDBEngine, Lake, Where

Rows = Literal["snapshot", "day", "previous", "history", "all"]
"""Which rows of a table a mart reads: the snapshot's, the delivery day's, all that are visible.

For a mart of a day, `snapshot` is the newest one taken by the end of that day, or else the first;
`previous` is the day and, of each configuration that delivered on it, the delivery before, and
`history` the day and the HISTORY_DAYS before it.
"""

HISTORY_DAYS = 97
"""A week more than the 90 days that trends look back."""

Build = Callable[["DuckDBEngine", Mapping[str, "Where"], Mapping[str, Any]], list[Path]]
"""Makes the Parquet files of a partition from the rows to read and the parameters of the SELECT."""

PARTITION_COLUMN = {"snapshot": "snapshot_at", "day": "delivered_on"}

_PARAMETER = re.compile(r"\$([a-z]\w*)")


class MartError(Exception):
    """A mart cannot be built; the message names the mart and what is missing."""


@dataclass(frozen=True)
class Mart:
    """One derived table: the SELECT that fills a partition of it, and the rows that it reads.

    `sql` may use `$name` parameters; `$snapshot_at` or `$delivered_on` is the partition's own.
    `build` gives the rows of the same SELECT with less memory than an engine needs for it.
    """

    table: str
    sql: Callable[[], str]
    reads: Mapping[str, Rows]
    partition: Literal["snapshot", "day"]
    build: Build | None = None


@dataclass(frozen=True)
class BuildResult:
    """What building a mart did: the partition it filled, and with how many rows."""

    table: str
    partition: Mapping[str, datetime | date]
    rows: int


def build_mart(
    engine: DuckDBEngine, mart: Mart, at: datetime | date, params: Mapping[str, Any]
) -> BuildResult:
    """Build one partition of a mart and commit it in place of what was there.

    `at` is the snapshot or the delivery day. Of `params`, the mart takes those its SQL names.
    Raises MartError where the snapshot is not published or a parameter is missing.
    """
    partition = {PARTITION_COLUMN[mart.partition]: at}
    sql = mart.sql()
    given = _parameters(mart, sql, {**params, **partition})
    reads = rows_read(engine.lake, mart, at)
    if mart.build:
        built = mart.build(engine, reads, given)
    else:
        with engine.session(reads) as db:
            built = db.build(mart.table, sql, given)
    commit = engine.lake.replace(mart.table, [partition], built)
    return BuildResult(mart.table, partition, commit.rows)


def rows_read(lake: Lake, mart: Mart, at: datetime | date) -> dict[str, Where]:
    """Which rows of which tables a mart sees when it is built at a snapshot or a delivery day."""
    return {table: _where(lake, mart, rows, at) for table, rows in mart.reads.items()}


def _parameters(mart: Mart, sql: str, params: Mapping[str, Any]) -> dict[str, Any]:
    names = set(_PARAMETER.findall(sql))
    if missing := sorted(names - params.keys()):
        raise MartError(f"mart {mart.table}: parameter {', '.join(missing)} is missing")
    return {name: params[name] for name in names}


def _where(lake: Lake, mart: Mart, rows: Rows, at: datetime | date) -> Where:
    if rows == "all":
        return {}
    if rows == mart.partition == "day":
        return {"delivered_on": at}
    if rows == "snapshot":
        return {"snapshot_at": _snapshot(lake, mart, at)}
    if isinstance(at, datetime):
        raise MartError(f"mart {mart.table}: a mart of a snapshot reads no single delivery day")
    if rows == "previous":
        return {"delivered_on": _days_compared(lake, at)}
    return {"delivered_on": [at - timedelta(days=n) for n in range(HISTORY_DAYS + 1)]}


def days_compared_with(lake: Lake, day: date) -> list[date]:
    """The days whose marts read this one as the `previous`: stale once it is ingested late."""
    deliveries = sorted(lake.deliveries(), reverse=True)
    sources = {delivery[1:] for delivery in deliveries if delivery[0] == day}
    # Newest first, so that of each source the oldest stays.
    after = {d[1:]: d[0] for d in deliveries if d[0] > day and d[1:] in sources}
    return sorted({*after.values()})


def _days_compared(lake: Lake, day: date) -> list[date]:
    """The day, and the day of each of its configurations' delivery before."""
    deliveries = sorted(lake.deliveries())
    sources = {delivery[1:] for delivery in deliveries if delivery[0] == day}
    # Oldest first, so that of each source the newest stays.
    before = {d[1:]: d[0] for d in deliveries if d[0] < day and d[1:] in sources}
    return sorted({day, *before.values()})


def _snapshot(lake: Lake, mart: Mart, at: datetime | date) -> datetime:
    published = lake.snapshots()
    if isinstance(at, datetime):
        if at not in published:
            raise MartError(
                f"mart {mart.table}: no published snapshot of {at.isoformat()}; collect it first"
            )
        return at
    end = datetime.combine(at + timedelta(days=1), time(), UTC)
    taken = [snapshot for snapshot in published if snapshot < end]
    # Without any snapshot the instant matches none, and the mart sees empty tables.
    return taken[-1] if taken else published[0] if published else end
