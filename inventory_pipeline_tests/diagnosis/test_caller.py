from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from inventory_pipeline.accounts import Clients
from inventory_pipeline.diagnosis import Caller, Check, examine_caller
from inventory_pipeline_tests.simulated_aws import Fault, FaultyClients, settings_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def statuses(found: list[Check]) -> dict[str, str]:
    return {check.check: check.status for check in found}


def identity(at: datetime | None) -> tuple[int, dict[str, str], bytes]:
    date = {"date": format_datetime(at, usegmt=True)} if at else {}
    body = (
        b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
        b"<Arn>arn:aws:sts::123456789012:assumed-role/Collector/i-1</Arn>"
        b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    return 200, {"content-type": "text/xml", **date}, body


def refusal(at: datetime, code: str) -> tuple[int, dict[str, str], bytes]:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    headers = {"content-type": "text/xml", "date": format_datetime(at, usegmt=True)}
    return 403, headers, body.encode()


def examined(aws: str, answer: Any) -> tuple[Caller | None, list[Check]]:
    clients = FaultyClients(settings_of(aws), Fault("GetCallerIdentity", [answer]))
    return examine_caller(clients, lambda: NOW)


def test_who_the_collector_is(aws: str) -> None:
    caller, found = examined(aws, identity(NOW))
    assert caller is not None
    assert caller.principal == "arn:aws:iam::123456789012:role/Collector"
    assert statuses(found) == {"credentials": "ok", "clock": "ok"}


def test_a_user_is_its_own_principal() -> None:
    arn = "arn:aws-cn:iam::123456789012:user/me"
    assert Caller("123456789012", arn).principal == arn


@pytest.mark.parametrize(
    ("ahead", "status", "words"),
    [
        (timedelta(seconds=2), "ok", "2 s ahead of AWS's"),
        (timedelta(minutes=-2), "warning", "120 s behind AWS's"),
        (timedelta(minutes=5, seconds=1), "missing", "301 s ahead of AWS's"),
        (timedelta(hours=-9), "missing", "32,400 s behind AWS's"),
    ],
)
def test_the_clock_is_compared_with_aws(
    aws: str, ahead: timedelta, status: str, words: str
) -> None:
    _, found = examined(aws, identity(NOW - ahead))
    clock = next(check for check in found if check.check == "clock")
    assert (clock.status, clock.found) == (status, words)


def test_a_clock_so_wrong_that_aws_refuses_is_the_reason_that_is_named(aws: str) -> None:
    caller, found = examined(aws, refusal(NOW - timedelta(minutes=20), "SignatureDoesNotMatch"))
    assert caller is None
    assert statuses(found) == {"credentials": "missing", "clock": "missing"}
    assert found[0].fix == "set the clock right"


def test_keys_that_aws_does_not_know(aws: str) -> None:
    caller, found = examined(aws, refusal(NOW, "InvalidClientTokenId"))
    assert caller is None
    assert statuses(found) == {"credentials": "missing", "clock": "ok"}
    assert "renew the credentials" in (found[0].fix or "")


def test_an_answer_without_a_time_says_nothing_of_the_clock(aws: str) -> None:
    _, found = examined(aws, identity(None))
    assert statuses(found)["clock"] == "warning"


def test_no_credentials_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    caller, [check] = examine_caller(Clients(home_region="us-east-1"), lambda: NOW)
    assert caller is None
    assert check.status == "missing"
    assert "no AWS credentials were found" in check.found
