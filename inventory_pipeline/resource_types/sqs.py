"""SQS: queues, by their attributes; messages are never received."""

import json
from datetime import UTC, datetime

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Detail,
    Item,
    Relationship,
    ResourceType,
    field,
)
from inventory_pipeline.resource_types.policies import policy_children, policy_statement_count
from inventory_pipeline.resource_types.text_attributes import attribute, encrypting_keys


def queue_name(queue: Item) -> str:
    """The name in `https://sqs.eu-west-1.amazonaws.com/111122223333/name`."""
    return str(queue["QueueUrl"].rpartition("/")[2])


def created_at(queue: Item) -> datetime | None:
    """AWS gives seconds since 1970, as text."""
    seconds = attribute("CreatedTimestamp", None)(queue)
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)


def dead_letter_arn(queue: Item) -> str | None:
    """Where messages go that nobody could process; an empty text where nowhere."""
    policy = attribute("RedrivePolicy", "{}")(queue)
    return None if policy is None else str(json.loads(policy).get("deadLetterTargetArn", ""))


def encryption(queue: Item) -> str | None:
    """SSE-KMS, SSE-SQS or none."""
    if "attributes" not in queue:
        return None
    if attribute("KmsMasterKeyId", "")(queue):
        return "SSE-KMS"
    return "SSE-SQS" if attribute("SqsManagedSseEnabled", "false")(queue) == "true" else "none"


POLICY = attribute("Policy", "")

_QUEUE = {"QueueUrl": "QueueUrl"}

SQS_QUEUE = ResourceType(
    name="sqs_queue",
    table="sqs_queues",
    group="sqs",
    service="sqs",
    meaning="SQS queues.",
    operation="list_queues",
    # SQS answers the first 1,000 alone where no size of a page is given.
    arguments={"MaxResults": 1000},
    items="QueueUrls[].{QueueUrl: @}",
    iam_actions=("sqs:ListQueues",),
    resource_id=queue_name,
    arn="arn:{partition}:sqs:{region}:{account_id}:{resource_id}",
    name_source=queue_name,
    created_at=created_at,
    tags=lambda queue: queue["tags"].get("Tags") or {} if "tags" in queue else None,
    gone=frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}),
    fields=(
        field("fifo", T.BOOLEAN, "FIFO queue.", attribute("FifoQueue", "false")),
        field("encryption", T.TEXT, "Of messages at rest: SSE-KMS, SSE-SQS or none.", encryption),
        field(
            "kms_key_id",
            T.TEXT,
            "KMS key of its messages; empty where none.",
            attribute("KmsMasterKeyId", ""),
        ),
        field(
            "retention_seconds",
            T.BIGINT,
            "How long messages are kept.",
            attribute("MessageRetentionPeriod", None),
        ),
        field(
            "visibility_timeout_seconds",
            T.BIGINT,
            "How long a received message is hidden.",
            attribute("VisibilityTimeout", None),
        ),
        field(
            "messages",
            T.BIGINT,
            "Messages waiting, as SQS estimates.",
            attribute("ApproximateNumberOfMessages", None),
        ),
        field(
            "dead_letter_arn",
            T.TEXT,
            "Queue for messages that could not be processed; empty where none.",
            dead_letter_arn,
        ),
        policy_statement_count(POLICY),
    ),
    volatile=frozenset({"messages"}),
    details=(
        Detail(
            "attributes",
            "get_queue_attributes",
            {**_QUEUE, "AttributeNames": ["All"]},
            "sqs:GetQueueAttributes",
        ),
        Detail("tags", "list_queue_tags", _QUEUE, "sqs:ListQueueTags"),
    ),
    children=(policy_children(POLICY),),
    relationships=(
        Relationship("encrypted_by", "kms_key", encrypting_keys),
        Relationship("dead_letters_to", "sqs_queue", lambda q: [dead_letter_arn(q)]),
    ),
)

RESOURCE_TYPES = (SQS_QUEUE,)
