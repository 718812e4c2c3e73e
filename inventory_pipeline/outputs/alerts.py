"""Alerts: telling an SNS topic and a Slack channel what happened.

A channel that cannot be reached never keeps another from hearing. Not here: what is worth an alert
(`defs.alerts`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from inventory_pipeline.settings import NotificationSettings

SLACK_SECONDS = 10
SUBJECT_CHARACTERS = 100
"""SNS takes no longer subject."""


class SnsClient(Protocol):
    """What is used of boto3's SNS client."""

    def publish(self, **arguments: Any) -> Any: ...


@dataclass(frozen=True)
class Alert:
    """What happened, in one line and in full. No secrets: it leaves the house."""

    subject: str
    text: str


def send(
    alert: Alert, settings: NotificationSettings, sns: Callable[[str], SnsClient]
) -> dict[str, str | None]:
    """Tell every channel of the settings; gives each one's failure, None where it was told.

    `sns` makes the client for a region. Failures name the kind of error, or the setting that is to
    be corrected, and nothing else: a webhook's address is a secret.
    """
    outcome: dict[str, str | None] = {}
    if settings.sns_topic_arn and settings.email_on_failure:
        topic = settings.sns_topic_arn
        outcome["sns"] = _failure(lambda: _publish(alert, topic, sns))
    if settings.slack_webhook_url:
        webhook = settings.slack_webhook_url
        outcome["slack"] = _failure(
            lambda: _post(alert, webhook.resolve("notifications.slack_webhook_url"))
        )
    return outcome


def _failure(tell: Callable[[], None]) -> str | None:
    from inventory_pipeline.settings import SettingsError

    try:
        tell()
    except SettingsError as error:
        return str(error)
    except Exception as error:  # whatever it is, the other channel is still to be told
        return _code(error) or type(error).__name__
    return None


def _code(error: Exception) -> str | None:
    """AWS's code for a refusal, such as AuthorizationError."""
    from botocore.exceptions import ClientError

    return error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None


def _publish(alert: Alert, topic: str, sns: Callable[[str], SnsClient]) -> None:
    subject = " ".join(alert.subject.split())[:SUBJECT_CHARACTERS]
    printable = "".join(c if 32 <= ord(c) < 127 else "?" for c in subject)
    region = topic.split(":")[3]
    sns(region).publish(TopicArn=topic, Subject=printable, Message=alert.text)


def _post(alert: Alert, webhook: str) -> None:
    from urllib.request import Request, urlopen

    if not webhook.startswith(("https://", "http://127.0.0.1")):
        raise ValueError("a webhook is an https address")
    # Slack reads &, < and > as markup.
    text = f"*{alert.subject}*\n{alert.text}"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    body = json.dumps({"text": text}).encode()
    request = Request(webhook, body, {"Content-Type": "application/json"})  # noqa: S310 - checked
    with urlopen(request, timeout=SLACK_SECONDS):  # noqa: S310 - checked above
        pass
