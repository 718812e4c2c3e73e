"""SNS: topics, by their attributes; subscribers' addresses are not asked for."""

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


def topic_name(topic: Item) -> str:
    """The name in `arn:aws:sns:eu-west-1:111122223333:name`."""
    return str(topic["TopicArn"].rpartition(":")[2])


POLICY = attribute("Policy", "")

SNS_TOPIC = ResourceType(
    name="sns_topic",
    table="sns_topics",
    group="sns",
    service="sns",
    meaning="SNS topics.",
    operation="list_topics",
    items="Topics[]",
    iam_actions=("sns:ListTopics",),
    resource_id=topic_name,
    arn="TopicArn",
    name_source=topic_name,
    tags="tags.Tags",
    gone=frozenset({"NotFound", "NotFoundException", "ResourceNotFound"}),
    fields=(
        field("fifo", T.BOOLEAN, "FIFO topic.", attribute("FifoTopic", "false")),
        field(
            "kms_key_id",
            T.TEXT,
            "KMS key of its messages; empty where they are not encrypted by one.",
            attribute("KmsMasterKeyId", ""),
        ),
        field(
            "subscriptions",
            T.BIGINT,
            "Confirmed subscriptions.",
            attribute("SubscriptionsConfirmed", "0"),
        ),
        field(
            "pending_subscriptions",
            T.BIGINT,
            "Subscriptions that nobody has confirmed yet.",
            attribute("SubscriptionsPending", "0"),
        ),
        field(
            "tracing",
            T.TEXT,
            "X-Ray: Active or PassThrough.",
            attribute("TracingConfig", "PassThrough"),
        ),
        field(
            "signature_version",
            T.TEXT,
            "Signatures of its messages: 1 (SHA-1) or 2 (SHA-256).",
            attribute("SignatureVersion", "1"),
        ),
        policy_statement_count(POLICY),
    ),
    details=(
        Detail(
            "attributes", "get_topic_attributes", {"TopicArn": "TopicArn"}, "sns:GetTopicAttributes"
        ),
        Detail(
            "tags", "list_tags_for_resource", {"ResourceArn": "TopicArn"}, "sns:ListTagsForResource"
        ),
    ),
    children=(policy_children(POLICY),),
    relationships=(Relationship("encrypted_by", "kms_key", encrypting_keys),),
)

RESOURCE_TYPES = (SNS_TOPIC,)
