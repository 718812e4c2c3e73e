"""What a correct pipeline must find in the S3 Inventory deliveries, and what it must archive.

Counts and bytes follow from the populations of `objects`; what single objects tell is in
`truth_objects`, economics in `truth_archive`. Not here: resources (`truth`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from inventory_pipeline.demo.estate import Day, Estate
from inventory_pipeline.demo.fact import Fact, Rows
from inventory_pipeline.demo.objects import (
    AWKWARD_KEYS,
    LOGS_BUCKET,
    Report,
    Totals,
    Versions,
    population,
    reports,
    totals,
)
from inventory_pipeline.demo.truth_archive import archive_facts
from inventory_pipeline.demo.truth_objects import object_facts

SECTION = "S3 Inventory"


def storage_facts(estate: Estate, days_done: Sequence[Day]) -> list[Fact]:
    found: list[Fact] = []
    for day in days_done:
        arrived = [report for report in reports(estate) if _arrives(report, day)]
        found += [
            _deliveries(estate, day),
            *_objects(estate, day),
            *object_facts(estate, day, arrived),
            *archive_facts(estate, day),
        ]
    return [*found, _churn(estate)] if 2 in days_done else found


def _arrives(report: Report, day: Day) -> bool:
    """Whether that day's delivery is whole."""
    return day == 1 or not (report.broken or report.late)


def _deliveries(estate: Estate, day: Day) -> Fact:
    status: list[tuple[str, str]] = []
    for report in reports(estate):
        if _arrives(report, day):
            status.append((report.bucket, "ingested"))
        elif report.broken:
            status.append((report.bucket, "quarantined"))
    on = estate.delivered_on(day)
    return Fact(
        SECTION,
        f"deliveries of {on} (an incomplete one is none)",
        tuple(status),
        "SELECT source_bucket, status FROM s3_deliveries WHERE delivered_on = $on",
        ("s3_deliveries",),
        params={"on": on},
    )


def _objects(estate: Estate, day: Day) -> Iterator[Fact]:
    on = estate.delivered_on(day)

    def fact(title: str, planted: Rows, sql: str, table: str, **params: object) -> Fact:
        title = f"{title}, delivered {on}"
        return Fact(SECTION, title, planted, sql, (table,), params={"on": on, **params})

    listed = {r: totals(estate, r, day) for r in reports(estate) if _arrives(r, day)}
    rows = tuple(_row(report, t) for report, t in listed.items() if t.versions)
    yield fact(
        "versions, bytes, delete markers, noncurrent versions by bucket",
        rows,
        "SELECT source_bucket, COUNT(*), CAST(SUM(COALESCE(size, 0)) AS BIGINT),"
        " COUNT(CASE WHEN is_delete_marker THEN 1 END), COUNT(CASE WHEN NOT is_latest THEN 1 END)"
        " FROM s3_objects WHERE delivered_on = $on GROUP BY source_bucket",
        "s3_objects",
    )
    yield fact(
        "versions and bytes rolled up by bucket",
        tuple(row[:3] for row in rows),
        "SELECT source_bucket, CAST(SUM(objects) AS BIGINT), CAST(SUM(bytes) AS BIGINT)"
        " FROM s3_usage WHERE delivered_on = $on GROUP BY source_bucket",
        "s3_usage",
    )
    for report in listed:
        if report.awkward:
            yield fact(
                f"awkward keys in {report.format}, to the byte",
                tuple((key,) for key in AWKWARD_KEYS),
                "SELECT key FROM s3_objects WHERE delivered_on = $on"
                " AND source_bucket = $bucket AND key NOT LIKE '%.dat'",
                "s3_objects",
                bucket=report.bucket,
            )


def _row(report: Report, t: Totals) -> tuple[str, int, int, int, int]:
    return (report.bucket, t.versions, t.bytes, t.delete_markers, t.noncurrent)


def _churn(estate: Estate) -> Fact:
    """What became of the logs between the two deliveries."""
    report = next(r for r in reports(estate) if r.bucket == LOGS_BUCKET)
    before, after = (_changing(estate, report, day) for day in (1, 2))
    slots = np.arange(report.slots)
    planted = (
        report.slots // 50,
        int((slots % 50 == 0).sum()),
        int((slots % 50 == 1).sum()),
        sum(old != new for old, new in zip(before, after, strict=True)),
    )
    return Fact(
        SECTION,
        "logs created, deleted, overwritten, moved to another class between the deliveries",
        (planted,),
        "SELECT COUNT(*) - COUNT(a.key), COUNT(*) - COUNT(b.key),"
        " COUNT(CASE WHEN a.last_modified_date <> b.last_modified_date THEN 1 END),"
        " COUNT(CASE WHEN a.storage_class <> b.storage_class"
        " AND a.last_modified_date = b.last_modified_date THEN 1 END)"
        " FROM (SELECT * FROM s3_objects WHERE source_bucket = $bucket AND delivered_on = $one)"
        " AS a FULL JOIN"
        " (SELECT * FROM s3_objects WHERE source_bucket = $bucket AND delivered_on = $two)"
        " AS b ON a.key = b.key",
        ("s3_objects",),
        params={
            "bucket": report.bucket,
            "one": estate.delivered_on(1),
            "two": estate.delivered_on(2),
        },
    )


def _changing(estate: Estate, report: Report, day: Day) -> list[str]:
    """Classes of the objects that may move to another between the days."""

    def there(part: Versions) -> Iterator[int]:
        yield from part.kinds[
            (part.slots % np.uint64(50) == 2) & (part.slots < report.slots)
        ].tolist()

    return [
        report.kinds[kind].storage_class
        for part in population(estate, report, day)
        for kind in there(part)
    ]
