"""Alerts reach every channel that can be reached, and say nothing secret."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.outputs import Alert, send
from inventory_pipeline.settings import NotificationSettings

ALERT = Alert("inventory: collect failed\n(2026-11-20T12:00) Größe", "at publish <script> & more")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"


class Topic:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.published: list[dict[str, Any]] = []
        self.regions: list[str] = []

    def __call__(self, region: str) -> "Topic":
        self.regions.append(region)
        return self

    def publish(self, **arguments: Any) -> None:
        if self.error:
            raise self.error
        self.published.append(arguments)


@pytest.fixture
def slack() -> Iterator[tuple[str, list[dict[str, str]]]]:
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            heard.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret", heard
    server.shutdown()
    thread.join()
    server.server_close()


def settings(**values: Any) -> NotificationSettings:
    return NotificationSettings.model_validate(values)


def test_both_channels_hear(slack: tuple[str, list[dict[str, str]]]) -> None:
    url, heard = slack
    topic = Topic()
    outcome = send(ALERT, settings(sns_topic_arn=TOPIC, slack_webhook_url=url), topic)
    assert outcome == {"sns": None, "slack": None}
    assert topic.regions == ["eu-west-1"]
    (published,) = topic.published
    assert published["TopicArn"] == TOPIC
    # SNS refuses line breaks and anything but ASCII in a subject.
    assert published["Subject"] == "inventory: collect failed (2026-11-20T12:00) Gr??e"
    assert published["Message"] == ALERT.text
    assert "&lt;script&gt; &amp; more" in heard[0]["text"]


def test_one_that_is_down_does_not_keep_the_other_from_hearing(
    slack: tuple[str, list[dict[str, str]]],
) -> None:
    url, heard = slack
    both = settings(sns_topic_arn=TOPIC, slack_webhook_url=url)
    assert send(ALERT, both, Topic(PermissionError("no"))) == {
        "sns": "PermissionError",
        "slack": None,
    }
    assert len(heard) == 1


@pytest.mark.parametrize(
    "webhook", ["http://127.0.0.1:1/token-abc", "ftp://x/token-abc", "env:NOT_SET"]
)
def test_a_failure_does_not_tell_the_webhook(webhook: str) -> None:
    outcome = send(ALERT, settings(slack_webhook_url=webhook), Topic())
    assert outcome["slack"]
    assert "token" not in outcome["slack"]


def test_a_failure_says_what_to_correct() -> None:
    refused = ClientError({"Error": {"Code": "AuthorizationError"}}, "Publish")
    both = settings(sns_topic_arn=TOPIC, slack_webhook_url="env:NOT_SET")
    assert send(ALERT, both, Topic(refused)) == {
        "sns": "AuthorizationError",
        "slack": "notifications.slack_webhook_url: environment variable NOT_SET is not set",
    }


@pytest.mark.parametrize("values", [{}, {"sns_topic_arn": TOPIC, "email_on_failure": False}])
def test_nobody_is_told_who_did_not_ask(values: dict[str, Any]) -> None:
    assert send(ALERT, settings(**values), Topic(AssertionError("told"))) == {}
