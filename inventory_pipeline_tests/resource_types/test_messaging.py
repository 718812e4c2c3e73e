"""Topics and queues: attributes that are all text, and a simulated SNS and SQS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_pipeline.resource_types import sqs
from inventory_pipeline.resource_types.text_attributes import attribute, encrypting_keys
from inventory_pipeline_tests.resource_types.collected import (
    children_of,
    client_of,
    collected,
    edges_of,
    row_of,
)

PUBLIC = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}


def test_attributes_not_read_are_unknown_and_those_not_set_are_off() -> None:
    assert attribute("KmsMasterKeyId", "")({}) is None
    assert attribute("KmsMasterKeyId", "")({"attributes": {}}) == ""
    assert attribute("X", "false")({"attributes": {"Attributes": {"X": "true"}}}) == "true"
    assert sqs.created_at({}) is None
    assert (sqs.dead_letter_arn({}), sqs.dead_letter_arn({"attributes": {}})) == (None, "")


@pytest.mark.parametrize(
    ("attributes", "encryption"),
    [
        ({}, "none"),
        ({"SqsManagedSseEnabled": "false"}, "none"),
        ({"SqsManagedSseEnabled": "true"}, "SSE-SQS"),
        ({"SqsManagedSseEnabled": "false", "KmsMasterKeyId": "alias/aws/sqs"}, "SSE-KMS"),
    ],
)
def test_a_queue_is_encrypted_in_one_of_two_ways(
    attributes: dict[str, str], encryption: str
) -> None:
    assert sqs.encryption({"attributes": {"Attributes": attributes}}) == encryption
    assert sqs.encryption({}) is None


def test_only_a_key_itself_is_related_to() -> None:
    def item(key: str) -> dict[str, Any]:
        return {"attributes": {"Attributes": {"KmsMasterKeyId": key}}}

    arn = "arn:aws:kms:us-east-1:111111111111:key/k"
    assert encrypting_keys(item(arn)) == [arn]
    assert encrypting_keys(item("alias/aws/sqs")) == encrypting_keys({}) == []


def test_seconds_since_1970_are_text() -> None:
    queue = {"attributes": {"Attributes": {"CreatedTimestamp": "1767312000"}}}
    assert sqs.created_at(queue) == datetime(2026, 1, 2, tzinfo=UTC)


def test_topics(aws: str) -> None:
    client = client_of(aws, "sns")
    arn = client.create_topic(
        Name="alarms",
        Attributes={"KmsMasterKeyId": "alias/k", "Policy": json.dumps(PUBLIC)},
        Tags=[{"Key": "team", "Value": "x"}],
    )["TopicArn"]
    client.create_topic(Name="plain")
    result = collected(aws, "sns_topic")
    row = row_of(result, "alarms")
    assert row["arn"] == arn == "arn:aws:sns:us-east-1:111111111111:alarms"
    assert (row["kms_key_id"], row["fifo"], row["subscriptions"]) == ("alias/k", False, 0)
    assert row["tags"]["team"] == "x"
    assert row_of(result, "plain")["kms_key_id"] == ""
    (statement,) = children_of(result, "policy_statements", "alarms")
    assert statement["public"] is True
    # AWS's own first policy names everyone, but only of the owner's account.
    (default,) = children_of(result, "policy_statements", "plain")
    assert (default["public"], default["accounts"]) == (False, ["111111111111"])


def test_queues(aws: str) -> None:
    client = client_of(aws, "sqs")
    client.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})
    dead = "arn:aws:sqs:us-east-1:111111111111:dead.fifo"
    client.create_queue(
        QueueName="work.fifo",
        Attributes={
            "FifoQueue": "true",
            "MessageRetentionPeriod": "1209600",
            "Policy": json.dumps(PUBLIC),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3}),
        },
        tags={"team": "x"},
    )
    result = collected(aws, "sqs_queue")
    row = row_of(result, "work.fifo")
    assert row["arn"] == "arn:aws:sqs:us-east-1:111111111111:work.fifo"
    assert (row["fifo"], row["retention_seconds"], row["dead_letter_arn"]) == (True, 1209600, dead)
    assert (row["policy_statements"], row["tags"]["team"]) == (1, "x")
    assert row["created_at"].tzinfo is not None
    (statement,) = children_of(result, "policy_statements", "work.fifo")
    assert statement["public"] is True
    bare = row_of(result, "dead.fifo")
    assert (bare["policy_statements"], bare["tags"], bare["dead_letter_arn"]) == (0, {}, "")
    assert edges_of(result, "work.fifo") == {("dead_letters_to", "sqs_queue", dead)}
