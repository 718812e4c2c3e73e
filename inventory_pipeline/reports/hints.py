"""Hints of an SQS queue: which objects S3 says it has made.

S3's own events, EventBridge's, and either of them in an SNS envelope. A hint only makes one look
sooner: the listing is the truth, and finds what no message tells. Not here: what becomes of what is
found there (`planning`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote_plus

from inventory_pipeline.reports.errors import ReportError

MESSAGES_AT_ONCE = 10
"""What SQS gives, and deletes, in one call."""
ENVELOPES = 2
"""SNS envelopes that a message may be in: EventBridge to SNS to SQS has one."""


class SqsClient(Protocol):
    """What is asked of boto3's SQS client."""

    def receive_message(self, **arguments: Any) -> Mapping[str, Any]: ...
    def delete_message_batch(self, **arguments: Any) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Place:
    """An object that S3 says it has made."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Message:
    """A message of the queue, and the objects that it tells of: none in S3's test events."""

    receipt: str
    places: tuple[Place, ...]


class MalformedError(ReportError):
    """A message is none of S3's."""


def receive(
    sqs: SqsClient, url: str, limit: int, late: Callable[[], bool], log: Callable[[str], None]
) -> list[Message]:
    """Messages that wait in the queue, until it is empty, there are `limit`, or time is up.

    It is asked once in any case. A message that is none of S3's is logged the first time that it
    comes, and left for the queue's redrive policy. Raises ReportError where it cannot be read.
    """
    received: list[Message] = []
    with _sqs_errors(url):
        while messages := _waiting(sqs, url):
            received += _understood(messages, log)
            if late() or len(received) >= limit:
                break
    return received


def _waiting(sqs: SqsClient, url: str) -> Sequence[Mapping[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=MESSAGES_AT_ONCE,
        WaitTimeSeconds=0,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    messages: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
    return messages


def forget(sqs: SqsClient, url: str, messages: Sequence[Message]) -> None:
    """Delete messages; those that SQS keeps come again. Raises ReportError."""
    with _sqs_errors(url):
        for first in range(0, len(messages), MESSAGES_AT_ONCE):
            some = messages[first : first + MESSAGES_AT_ONCE]
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt}
                for number, message in enumerate(some)
            ]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def places(body: str) -> tuple[Place, ...]:
    """The objects that a message's body tells of. Raises MalformedError."""
    try:
        return tuple(_places(_unwrapped(body)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError(f"not an event of S3 ({type(error).__name__})") from error


def _understood(
    messages: Iterable[Mapping[str, Any]], log: Callable[[str], None]
) -> Iterator[Message]:
    for message in messages:
        try:
            yield Message(message["ReceiptHandle"], places(message["Body"]))
        except MalformedError as error:
            if message.get("Attributes", {}).get("ApproximateReceiveCount", "1") == "1":
                log(f"message {message['MessageId']} of the queue is {error}; it is left there")


def _unwrapped(body: str) -> Mapping[str, Any]:
    event = json.loads(body)
    for _ in range(ENVELOPES):
        if event.get("Type") == "Notification" and "TopicArn" in event:
            event = json.loads(event["Message"])
    if not isinstance(event, dict):
        raise TypeError
    return event


def _places(event: Mapping[str, Any]) -> Iterator[Place]:
    if event.get("Event") == "s3:TestEvent":
        return
    if event.get("source") == "aws.s3":  # EventBridge, which gives keys as they are
        if event["detail-type"] == "Object Created":
            yield Place(event["detail"]["bucket"]["name"], event["detail"]["object"]["key"])
        return
    for record in event["Records"]:
        if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
            key = unquote_plus(record["s3"]["object"]["key"])
            yield Place(record["s3"]["bucket"]["name"], key)


@contextmanager
def _sqs_errors(url: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        raise ReportError(f"queue {url} cannot be read: {code}") from error
    except BotoCoreError as error:
        raise ReportError(f"queue {url} cannot be read: {type(error).__name__}") from error
