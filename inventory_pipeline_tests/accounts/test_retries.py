"""Which calls are repeated, and who waits."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from inventory_pipeline.accounts import Watch
from inventory_pipeline.accounts.retries import LONGEST_WAIT_SECONDS, Limit, Retries

HERE: Limit = ("role", "us-east-1", "ec2")
ELSEWHERE: Limit = ("role", "eu-west-1", "ec2")
BUSY = "RequestLimitExceeded"


@dataclass
class Time:
    now: float = 100.0
    slept: list[float] = field(default_factory=list[float])

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    monkeypatch.setattr("inventory_pipeline.accounts.retries.random.random", lambda: 0.5)
    return Time()


def retries(time: Time, attempts: int = 3) -> Retries:
    return Retries(attempts, time, time.sleep)


@pytest.mark.parametrize(
    ("code", "status", "broken"),
    [
        (BUSY, 503, False),
        ("ThrottlingException", 400, False),
        ("ThrottlingSomethingNew", 400, False),
        (None, 502, False),
        ("InternalError", 500, False),
        ("RequestTimeout", 400, False),
        (None, 200, True),
    ],
)
def test_what_passes_is_tried_again(
    time: Time, code: str | None, status: int, broken: bool
) -> None:
    pauses = [retries(time).pause(HERE, tried, code, status, broken) for tried in (1, 2, 3, 4)]
    assert pauses == [0.5, 1.0, 2.0, None]


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), (None, 200), ("NoSuch", 404)])
def test_what_will_not_pass_is_not(time: Time, code: str | None, status: int) -> None:
    assert retries(time).pause(HERE, 1, code, status, False) is None


def test_no_wait_is_endless(time: Time) -> None:
    assert retries(time, 20).pause(HERE, 19, BUSY, 503, False) == LONGEST_WAIT_SECONDS / 2


def test_a_throttled_limit_slows_down_all_its_calls_and_no_others(time: Time) -> None:
    ours = retries(time)
    ours.pause(HERE, 2, BUSY, 503, False)
    ours.before_send(ELSEWHERE)
    assert time.slept == []
    ours.before_send(HERE)
    assert time.slept == [1.0]
    ours.before_send(HERE)
    assert time.slept == [1.0], "it has passed"


def test_a_call_that_is_given_up_still_slows_down_the_others(time: Time) -> None:
    ours = retries(time, attempts=0)
    assert ours.pause(HERE, 1, BUSY, 503, False) is None
    ours.before_send(HERE)
    assert time.slept == [0.5]


def test_a_server_error_slows_down_only_its_own_call(time: Time) -> None:
    ours = retries(time)
    ours.pause(HERE, 1, "InternalError", 500, False)
    ours.before_send(HERE)
    assert time.slept == []


def test_no_retry_after_the_deadline_and_no_wait_beyond_it(time: Time) -> None:
    ours = retries(time)
    with Watch(deadline=100.4, clock=time):
        assert ours.pause(HERE, 1, BUSY, 503, False) is None
        ours.before_send(HERE)
    assert time.slept == [pytest.approx(0.4)]


@pytest.mark.parametrize("silence", [ReadTimeoutError, ConnectTimeoutError])
def test_silence_is_broken_into_once_only(time: Time, silence: type[Exception]) -> None:
    error = silence(endpoint_url="https://ec2.example")
    ours = retries(time)
    assert ours.needs_retry(HERE, None, 1, error) == 0.5
    assert ours.needs_retry(HERE, None, 2, error) is None


def test_a_broken_connection_is_tried_like_any_failure_that_passes(time: Time) -> None:
    error = EndpointConnectionError(endpoint_url="https://ec2.example")
    assert [retries(time).needs_retry(HERE, None, n, error) for n in (1, 3, 4)] == [0.5, 2.0, None]
