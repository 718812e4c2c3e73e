import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.accounts import DeadlinePassedError, classify
from inventory_pipeline.accounts.failures import MESSAGE_LENGTH, shorten


def refusal(code: str, message: str = "said AWS") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeInstances")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", "denied"),
        ("AccessDeniedException", "denied"),
        ("UnauthorizedOperation", "denied"),
        ("AuthFailure", "denied"),
        ("InvalidClientTokenId", "denied"),
        ("ExpiredToken", "denied"),
        ("RequestExpired", "denied"),
        ("Throttling", "throttled"),
        ("ThrottlingException", "throttled"),
        ("TooManyRequestsException", "throttled"),
        ("RequestLimitExceeded", "throttled"),
        ("SlowDown", "throttled"),
        ("OptInRequired", "denied"),
        ("RegionDisabledException", "denied"),
        ("RequestTimeout", "timeout"),
        ("InternalError", "error"),
        ("500", "error"),
        ("NoSuchBucket", "error"),
    ],
)
def test_codes_of_aws(code: str, status: str) -> None:
    failure = classify(refusal(code))
    assert (failure.status, failure.code, failure.message) == (status, code, "said AWS")


@pytest.mark.parametrize(
    "code",
    ["InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "OptInRequired"],
)
def test_strange_credentials_in_a_region_that_may_be_off(code: str) -> None:
    assert classify(refusal(code), region_may_be_disabled=True).status == "region_disabled"
    assert classify(refusal(code)).status == "denied"


def test_a_denial_stays_one_in_a_region_that_may_be_off() -> None:
    assert classify(refusal("AccessDenied"), region_may_be_disabled=True).status == "denied"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ReadTimeoutError(endpoint_url="https://x"), "timeout"),
        (ConnectTimeoutError(endpoint_url="https://x"), "timeout"),
        (DeadlinePassedError("up"), "timeout"),
        (EndpointConnectionError(endpoint_url="https://x"), "error"),
        (ValueError("odd"), "error"),
    ],
)
def test_failures_without_a_code_carry_their_kind(error: Exception, status: str) -> None:
    failure = classify(error)
    assert (failure.status, failure.code) == (status, type(error).__name__)


def test_a_message_is_text_that_can_be_stored() -> None:
    assert classify(refusal("InternalError", "odd \ud800 text")).message == "odd ? text"


def test_a_parse_error_does_not_quote_the_answer() -> None:
    error = ResponseParserError("Unable to parse response, invalid XML:\nb'<html>hunter2</html>'")
    assert classify(error).message == "Unable to parse response, invalid XML:"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ASIATHPL2AOHGCCFCNZP",
        "encoded" + "Zm9v" * 40,
        "https://user:hunter2@example.com",
        "https://s3/x?X-Amz-Signature=hunter2",
        "password=hunter2",
    ],
)
def test_messages_lose_what_could_be_a_secret(secret: str) -> None:
    message = shorten(f"denied for {secret} here") or ""
    assert "***" in message
    assert "hunter2" not in message
    assert secret not in message


def test_a_page_is_no_message() -> None:
    """botocore takes a proxy's page for a JSON service's message; it may echo what was sent."""
    assert shorten("<!DOCTYPE html><p>You sent X-Key: hunter2</p>") == (
        "a page came instead of an answer"
    )


def test_messages_keep_arns() -> None:
    arn = "arn:aws:sts::123456789012:assumed-role/AWSInventoryRole/inventory_pipeline"
    assert arn in (
        shorten(f"User: {arn} is not authorized to perform: ec2:DescribeInstances") or ""
    )


@given(st.text())
def test_messages_are_one_short_line(text: str) -> None:
    message = shorten(text) or ""
    assert len(message) <= MESSAGE_LENGTH
    assert "\n" not in message
