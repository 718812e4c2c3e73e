"""Where data comes from and goes to: are report destinations readable, is the lake writable?

Not here: what is in a delivery (`reports`), nor whether a lake is consistent (`lake`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts import classify
from inventory_pipeline.diagnosis.check import Check
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.reports import Delivery, Destination, ReportError, find_deliveries
from inventory_pipeline.reports.manifest import parse_manifest
from inventory_pipeline.reports.storage import read_object

if TYPE_CHECKING:
    from inventory_pipeline.settings import Settings

SOURCES = 20
"""Source buckets of a destination that are looked through for a delivery."""


def destination_checks(
    settings: Settings, make_s3: Callable[[Destination], Any]
) -> Iterator[Check]:
    """One check for each destination of S3 Inventory reports: list it, and read a manifest."""
    for destination in settings.s3_inventory.destinations:
        subject = f"s3://{destination.bucket}/{destination.prefix}"
        try:
            s3 = make_s3(destination)
            delivery = _any_delivery(s3, destination)
            if delivery is not None:
                parse_manifest(read_object(s3, delivery.bucket, delivery.manifest_key))
        except ReportError as error:
            who = f"account {destination.account}" if destination.account else "the collector"
            fix = f"let the role of {who} list the bucket and get its objects, KMS key included"
            yield Check(subject, "destination", "missing", str(error), fix)
        except Exception as error:  # bad credentials and the like: the other destinations count
            failure = classify(error)
            said = f"{failure.code}: {failure.message}"
            yield Check(subject, "destination", "missing", said)
        else:
            yield _found(subject, delivery)


def _any_delivery(s3: Any, destination: Destination) -> Delivery | None:
    """A complete delivery, of the first source buckets that have any."""
    resume: str | None = None
    for _ in range(SOURCES):
        found = find_deliveries(s3, destination, None, lambda: True, resume=resume)
        if found.deliveries:
            return found.deliveries[-1]
        if found.resume is None:
            break
        resume = found.resume
    return None


def _found(subject: str, delivery: Delivery | None) -> Check:
    if delivery is None:
        fix = "AWS delivers the first report within 48 hours; see that bucket and prefix are right"
        return Check(subject, "destination", "warning", "readable, but no delivery is there", fix)
    found = f"readable, such as {delivery.source_bucket} of {delivery.delivered_on}"
    return Check(subject, "destination", "ok", found)


def lake_check(settings: Settings) -> Check:
    """Write for real: a file in scratch, and a commit that leaves `snapshots` as it is."""
    location, catalog = settings.lake.location, settings.lake.catalog
    try:
        lake = Lake.open(location, catalog=catalog)
        file = lake.scratch_file()
        file.write_bytes(b"")
        file.unlink()
        lake.merge("snapshots", {}, lambda rows: rows)
        known = len(lake.snapshots())
    except LakeError as error:
        return Check("lake", "writable", "missing", str(error))
    except OSError as error:
        said = f"{location}: {error.strerror or type(error).__name__}"
        return Check("lake", "writable", "missing", said, "let the collector write there")
    except Exception as error:  # of catalogues and clouds of any kind
        failure = classify(error)
        said = f"{location}: {failure.code}: {failure.message}"
        fix = "let the collector write to the lake's prefix and to its Glue database"
        return Check("lake", "writable", "missing", said, fix if catalog == "glue" else None)
    return Check("lake", "writable", "ok", f"{location} ({catalog}), {known} snapshots")
