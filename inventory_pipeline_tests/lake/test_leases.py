"""Turns on S3: one process at a time, a dead one holds nobody up, and one that lost its turn stops.

No test waits: the lease grows old because S3 says so.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.lake import Lake, LakeError, leases, turns
from inventory_pipeline.lake.leases import LEASE_SECONDS, WAIT_SECONDS, Lease
from inventory_pipeline.lake.turns import alone
from inventory_pipeline_tests.lake.stored import age, stored

BUCKET, KEY = "lake-bucket", "prod/work.lease"
ADDRESS = f"s3://{BUCKET}/{KEY}"
SECONDS = 60
"""How long a thread may take before its test fails."""


class Clock:
    """Stands still, but for waiting, which takes long; `meanwhile` is what happens then."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.now, self.waits, self._meanwhile = 0.0, 0, meanwhile

    def __call__(self) -> float:
        return self.now

    def wait(self, _: float) -> None:
        self.now += WAIT_SECONDS / 4
        self.waits += 1
        self._meanwhile()


def lease(clock: Clock | None = None) -> Lease:
    clock = clock or Clock()
    return Lease(ADDRESS, clock, clock.wait)


def grown_old(seconds: float = LEASE_SECONDS + 1) -> None:
    age(BUCKET, KEY, seconds)


def is_there() -> bool:
    return KEY in stored(BUCKET)


class Client:
    """S3's, but for what a test does to a write: `before` and `after` get its conditions."""

    def __init__(self, before: Any = None, after: Any = None) -> None:
        self._client = boto3.client("s3")
        self._before, self._after = before, after

    def put_object(self, **request: Any) -> Any:
        if self._before:
            self._before(request)
        answer = self._client.put_object(**request)
        if self._after:
            self._after(request)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[Client], None]:
    return lambda client: monkeypatch.setattr(leases, "lake_client", lambda: client)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutObject")


def test_a_turn_is_waited_for_and_let_go(s3_lake: Lake) -> None:
    waiting, taken = threading.Event(), threading.Event()
    let_go = threading.Event()

    def second() -> None:
        clock = Clock(lambda: (waiting.set(), let_go.wait(SECONDS)))
        with alone(s3_lake, "work", clock, clock.wait):
            taken.set()

    with alone(s3_lake, "work") as turn:
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(SECONDS)
        turn.check()
        assert turn.kept
        assert not taken.is_set()
    let_go.set()
    assert taken.wait(SECONDS)
    thread.join()
    assert not is_there()


def test_other_work_has_a_turn_of_its_own(s3_lake: Lake) -> None:
    clock = Clock()
    with alone(s3_lake, "work"), alone(s3_lake, "other", clock, clock.wait) as turn:
        turn.check()
    assert clock.waits == 0
    assert not [key for key in stored(BUCKET) if key.endswith(".lease")]


def test_the_lease_of_a_dead_process_runs_out(s3_lake: Lake) -> None:
    dead = lease()
    assert dead.take()
    clock = Clock(lambda: grown_old(LEASE_SECONDS / 2))
    with alone(s3_lake, "work", clock, clock.wait) as turn:
        turn.check()
        with pytest.raises(LakeError, match=r"lost to another process.*run again"):
            dead.check()
        assert is_there()
    assert clock.waits >= 2, "not taken before its time"
    assert not is_there()


def test_a_lost_turn_is_told_and_stays_the_others(s3_lake: Lake) -> None:
    other = lease()
    with ExitStack() as ours:
        turn = ours.enter_context(alone(s3_lake, "work"))
        turn.check()
        grown_old()
        assert other.take()
        with pytest.raises(LakeError, match="lost to another process"):
            turn.check()
    other.check()
    with other.renewed():
        pass
    assert not is_there()
    with pytest.raises(LakeError, match="lost to another process"):
        turn.check()
    assert not is_there(), "who lost it does not come back"


def test_a_lease_that_ran_out_and_nobody_took_is_renewed(s3_lake: Lake) -> None:
    ours = lease()
    assert ours.take()
    grown_old()
    ours.check()
    clock = Clock(ours.check)
    with pytest.raises(LakeError, match="is held by process"):
        lease(clock).take()


def test_of_two_that_find_a_dead_lease_one_gets_it(
    s3_lake: Lake, through: Callable[[Client], None]
) -> None:
    assert lease().take()
    grown_old()
    first = lease()

    def overtaken(request: Any) -> None:
        if "IfMatch" in request:
            through(Client())
            assert first.take()

    through(Client(before=overtaken))
    with pytest.raises(LakeError, match="is held by"):
        lease().take()
    first.check()


def test_waiting_ends_and_tells_who_holds_it_and_what_to_do(s3_lake: Lake) -> None:
    ours = lease()
    assert ours.take()
    content = json.loads(stored(BUCKET)[KEY].value)
    clock = Clock()
    with (
        pytest.raises(LakeError) as raised,
        alone(s3_lake, "work", clock, clock.wait),
    ):
        pytest.fail("it is held")
    assert clock.now >= WAIT_SECONDS
    assert str(raised.value) == (
        f"{ADDRESS} is held by {content['holder']} since {content['since']}: run this again after "
        f"it. If it hangs, end it: {LEASE_SECONDS} s later the lease is free"
    )
    ours.check()


def test_an_answer_that_was_lost_does_not_lose_the_lease(
    s3_lake: Lake, through: Callable[[Client], None]
) -> None:
    """S3 has written it, and botocore, which saw no answer, has sent it again."""

    def lost(_: Any) -> None:
        raise refusal("PreconditionFailed")

    ours, clock = lease(), Clock()
    through(Client(after=lost))
    assert ours.take()
    ours.check()
    with pytest.raises(LakeError, match="is held by"):
        lease(clock).take()
    through(Client())
    with ours.renewed():
        pass
    assert not is_there()


def test_it_is_renewed_while_it_is_held(
    s3_lake: Lake, through: Callable[[Client], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = threading.Event()
    failures = iter([refusal("InternalError")])

    def once_refused(request: Any) -> None:
        if "IfMatch" in request and (failure := next(failures, None)):
            raise failure

    through(Client(once_refused, lambda request: "IfMatch" in request and renewed.set()))
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    with alone(s3_lake, "work"):
        assert renewed.wait(SECONDS)
    assert not is_there()


def test_a_store_without_conditions_is_told_of_once(
    s3_lake: Lake, through: Callable[[Client], None], caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(request: Any) -> None:
        raise refusal("NotImplemented")

    through(Client(before=refuse))
    turns._say.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with alone(s3_lake, "work") as turn:
                turn.check()
                assert not turn.kept
    (record,) = caplog.records
    assert record.getMessage().startswith("s3://lake-bucket/prod: the store knows no writes on")


def test_a_refusal_of_s3_is_told(s3_lake: Lake, through: Callable[[Client], None]) -> None:
    def refuse(request: Any) -> None:
        raise refusal("AccessDenied")

    through(Client(before=refuse))
    with pytest.raises(LakeError, match=f"{ADDRESS} cannot be kept: .*AccessDenied"):
        lease().take()


def test_what_is_no_lease_is_not_taken_for_one(s3_lake: Lake) -> None:
    other = {"id": "1", "holder": "", "since": "", "seconds": "long"}
    for body in (b"", b"[]", b'{"id": 1}', b"\xff", json.dumps(other).encode()):
        boto3.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=body)
        with pytest.raises(LakeError, match="is no lease of the inventory: delete it"):
            lease().take()
