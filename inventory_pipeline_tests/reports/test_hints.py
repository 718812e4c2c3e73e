"""Hints: every shape in which S3 tells of an object, and a queue as moto simulates it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from inventory_pipeline.reports import ReportError
from inventory_pipeline.reports.hints import MalformedError, Place, forget, places, receive

KEY = "inventory/my photos+é/daily/2026-11-01T01-00Z/manifest.checksum"
PLACE = Place("reports", KEY)


def s3_event(name: str = "ObjectCreated:Put") -> dict[str, Any]:
    encoded = KEY.replace("+", "%2B").replace(" ", "+").replace("é", "%C3%A9")
    place = {"bucket": {"name": "reports"}, "object": {"key": encoded, "size": 33}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": name, "s3": place}]}


def eventbridge(kind: str = "Object Created") -> dict[str, Any]:
    detail = {"bucket": {"name": "reports"}, "object": {"key": KEY, "size": 33}}
    return {"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail}


def by_sns(event: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:::t", "Message": json.dumps(event)}


@pytest.mark.parametrize(
    "event",
    [
        s3_event(),
        s3_event("s3:ObjectCreated:CompleteMultipartUpload"),
        eventbridge(),
        by_sns(s3_event()),
        by_sns(eventbridge()),
        by_sns(by_sns(s3_event())),
    ],
)
def test_each_shape_tells_of_the_object(event: dict[str, Any]) -> None:
    assert places(json.dumps(event)) == (PLACE,)


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "reports"},
        by_sns({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "reports"}),
        s3_event("ObjectRemoved:Delete"),
        eventbridge("Object Deleted"),
        {"Records": []},
    ],
)
def test_what_tells_of_nothing_new_is_understood(event: dict[str, Any]) -> None:
    assert places(json.dumps(event)) == ()


@pytest.mark.parametrize(
    "body",
    [
        "", "no JSON", "[]", "7", "null", "{}", '{"Records": 7}', '{"Records": [{}]}',
        '{"Records": [{"eventName": 7}]}', '{"source": "aws.s3", "detail-type": "Object Created"}',
        '{"Type": "Notification", "TopicArn": "t", "Message": "hello"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_none_of_s3s_is_malformed(body: str) -> None:
    with pytest.raises(MalformedError, match="not an event of S3"):
        places(body)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda s: st.dictionaries(
            st.sampled_from(["Records", "s3", "bucket", "source", "detail", "Type", "Message"]), s
        ),
    )
)
def test_no_message_breaks_the_reader(body: Any) -> None:
    with contextlib.suppress(MalformedError):
        assert isinstance(places(json.dumps(body)), tuple)


@pytest.fixture
def queue() -> Iterator[tuple[Any, str]]:
    with mock_aws():
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        sqs = boto3.client("sqs", region_name="eu-west-1", **keys)
        url = sqs.create_queue(QueueName="reports", Attributes={"VisibilityTimeout": "0"})
        yield sqs, url["QueueUrl"]


def test_messages_come_until_they_are_forgotten(queue: tuple[Any, str]) -> None:
    sqs, url = queue
    for _ in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(s3_event()))
    logged: list[str] = []
    received = receive(sqs, url, 12, lambda: False, logged.append)
    assert {place for message in received for place in message.places} == {PLACE}
    forget(sqs, url, received[:1])
    assert len(receive(sqs, url, 100, lambda: True, logged.append)) == 10
    while received := receive(sqs, url, 10, lambda: False, logged.append):
        forget(sqs, url, received)
    assert logged == []


def test_a_malformed_message_is_logged_once_and_left_to_the_queue(queue: tuple[Any, str]) -> None:
    sqs, url = queue
    sent = sqs.send_message(QueueUrl=url, MessageBody="<secret>")
    logged: list[str] = []
    for _ in range(2):
        assert receive(sqs, url, 10, lambda: True, logged.append) == []
    assert len(logged) == 1
    assert sent["MessageId"] in logged[0]
    assert "secret" not in logged[0]


def test_a_queue_that_cannot_be_read_says_so(queue: tuple[Any, str]) -> None:
    sqs, url = queue
    with pytest.raises(ReportError, match=r"queue .*gone cannot be read: .*NonExistentQueue"):
        receive(sqs, f"{url}gone", 10, lambda: False, print)
