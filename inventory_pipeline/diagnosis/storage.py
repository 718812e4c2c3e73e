"""Where data comes from and goes to: are destinations and queue readable, is the lake writable?

Not here: what is in a delivery (`reports`), nor whether a lake is consistent (`lake`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts import Failure, classify
from inventory_pipeline.diagnosis.check import Check
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.turns import alone
from inventory_pipeline.reports import Delivery, Destination, ReportError, find_deliveries
from inventory_pipeline.reports.manifest import parse_manifest
from inventory_pipeline.reports.storage import read_object
from inventory_pipeline.settings.values import QUEUE_REGION

if TYPE_CHECKING:
    from inventory_pipeline.settings import Settings

QUESTIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sqs:ReceiveMessage": ("receive_message", {"MaxNumberOfMessages": 11}),
    "sqs:DeleteMessage": ("delete_message", {"ReceiptHandle": "none"}),
}
"""For each action on a queue, an operation with arguments that SQS does not take."""
ANSWERED = frozenset({"InvalidParameterValue", "ReceiptHandleIsInvalid"})
"""Error codes of SQS for such arguments, from someone who may ask."""
NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
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


def queue_checks(settings: Settings, make_sqs: Callable[[str | None], Any]) -> Iterator[Check]:
    """One check of the queue that tells of new reports, where there is one.

    It takes no message: SQS does not take the arguments, and says first who may not ask at all.
    `make_sqs` makes the client for a region; None is where the URL names none.
    """
    url = settings.s3_inventory.queue_url
    if url is None:
        return
    named = QUEUE_REGION.search(url)
    region = named[1] if named else None
    try:
        sqs = make_sqs(region)
        refusals = {
            action: _refusal(sqs, operation, {"QueueUrl": url, **arguments})
            for action, (operation, arguments) in QUESTIONS.items()
        }
    except Exception as error:  # no credentials, no network: the lake is looked at all the same
        refusals = {"": classify(error)}
    yield _queue_check(settings, url, region, refusals)


def _refusal(sqs: Any, operation: str, arguments: Mapping[str, Any]) -> Failure | None:
    """Why SQS does not let this be asked; None where it only finds fault with the question."""
    from botocore.exceptions import ClientError

    try:
        getattr(sqs, operation)(**arguments)
    except ClientError as error:
        failure = classify(error)
        return None if failure.code in ANSWERED else failure
    return None


def _queue_check(
    settings: Settings, url: str, region: str | None, refusals: Mapping[str, Failure | None]
) -> Check:
    refused = {action: why for action, why in refusals.items() if why}
    if not refused:
        found = "there, and neither receiving nor deleting messages is denied"
        return Check(url, "queue", "ok", found)
    account = settings.s3_inventory.queue_account
    who = f"the role of account {account}" if account else "the collector"
    denied = [action for action, why in refused.items() if why.status == "denied"]
    first = next(iter(refused.values()))
    said = f"{first.code}: {first.message}"
    if denied:
        found = f"{' and '.join(denied)} denied: {said}"
        fix = f"let {who} do {' and '.join(denied)} on the queue (`inventory infra render`)"
    elif first.code in NO_QUEUE:
        found = f"no such queue in {region or 'the home region'}, or {who} may not see it"
        fix = "correct s3_inventory.queue_url, whose host names the region, or queue_account"
    else:
        found, fix = (
            said,
            "see that s3_inventory.queue_url is right and the network lets SQS through",
        )
    return Check(url, "queue", "missing", found, f"{fix}; without, reports are found by listing")


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
        kept = _turns_are_kept(lake)
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
    found = f"{location} ({catalog}), {known} snapshots"
    if not kept:
        found = f"{found}; the store knows no writes on condition, so no process waits for another"
        return Check("lake", "writable", "warning", found, "have one ingest or erase at a time")
    return Check("lake", "writable", "ok", found)


def _turns_are_kept(lake: Lake) -> bool:
    """Whether processes wait for one another there."""
    if lake.is_local:
        return True
    with alone(lake, "doctor") as turn:
        return turn.kept
