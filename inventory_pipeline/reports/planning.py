"""Which deliveries one run takes: new ones of one day, within a budget of count and bytes.

The budget needs each manifest, read once here and again, verified, by `ingest`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory_pipeline.reports.deliveries import Delivery
from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.ledger import Ledger
from inventory_pipeline.reports.manifest import parse_manifest
from inventory_pipeline.reports.storage import S3Client
from inventory_pipeline.reports.verification import read_manifest


@dataclass(frozen=True)
class Weighed:
    """A delivery and its report's bytes; 0 where the manifest cannot be read or parsed."""

    delivery: Delivery
    manifest_md5: str | None
    bytes: int


def weigh(s3: S3Client, delivery: Delivery) -> Weighed | None:
    """Read a delivery's manifest; None where it is not (or not yet wholly) delivered.

    A manifest that is wrong for good weighs nothing, so that a run takes it and records why.
    """
    try:
        content, md5 = read_manifest(s3, delivery)
    except NotReadyError:
        return None
    except ReportError:
        return Weighed(delivery, None, 0)
    try:
        return Weighed(delivery, md5, parse_manifest(content).bytes)
    except ReportError:
        return Weighed(delivery, md5, 0)


def plan_runs(
    weighed: Iterable[Weighed], ledger: Ledger, *, max_deliveries: int, max_bytes: int
) -> list[list[Weighed]]:
    """Group the deliveries that the ledger has not settled into runs, oldest first.

    A run holds deliveries of one day. One larger than `max_bytes` gets a run of its own.
    """
    runs: list[list[Weighed]] = []
    room = 0
    for item in sorted(weighed, key=lambda w: (w.delivery.delivered_at, w.delivery.prefix)):
        if ledger.is_settled(item.delivery, item.manifest_md5):
            continue
        run = runs[-1] if runs else []
        same_day = run and run[-1].delivery.delivered_on == item.delivery.delivered_on
        if same_day and len(run) < max_deliveries and item.bytes <= room:
            run.append(item)
        else:
            runs.append([item])
            room = max_bytes
        room -= item.bytes
    return runs
