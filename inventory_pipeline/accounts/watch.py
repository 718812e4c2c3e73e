"""Counts the calls that a piece of work makes to AWS, and stops them at its deadline.

A `Watch` is worn by a thread while it works (`with watch:`); hooks that `attach` leaves on a
session find it there. So shared clients still count for whoever uses them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts.failures import DeadlinePassedError, is_throttled

if TYPE_CHECKING:
    from botocore.session import Session

Clock = Callable[[], float]
"""A clock that only moves forward, in seconds, such as `time.monotonic`."""


@dataclass
class Watch:
    """Calls sent, repeated and throttled while worn; refuses to send after `deadline`."""

    deadline: float | None = None
    clock: Clock = time.monotonic
    calls: int = 0
    retries: int = 0
    throttles: int = 0
    seconds: float = 0.0
    _started: float = field(default=0.0, repr=False)
    _token: Token[Watch | None] | None = field(default=None, repr=False)

    def __enter__(self) -> Watch:
        self._started = self.clock()
        self._token = _worn.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _worn.reset(self._token)
        self.seconds += self.clock() - self._started

    def sending(self) -> None:
        if self.deadline is not None and self.clock() >= self.deadline:
            raise DeadlinePassedError(
                "the time for it was up; if it is merely large, raise "
                "collection_settings.timeout_seconds"
            )
        self.calls += 1

    def answered(self, attempt: int, code: str | None) -> None:
        self.retries += attempt > 1
        self.throttles += is_throttled(code)


_worn: ContextVar[Watch | None] = ContextVar("watch", default=None)


def worn() -> Watch | None:
    """The watch of the calling thread."""
    return _worn.get()


def attach(session: Session) -> None:
    """Let every client made of `session` from now on report to the watch of the calling thread."""
    events = session.get_component("event_emitter")
    # First: botocore's own handlers here sleep for their rate limit.
    events.register_first("before-send", _before_send)
    events.register("response-received", _response_received)


def _before_send(**_: Any) -> None:
    if watch := _worn.get():
        watch.sending()


def _response_received(
    context: dict[str, Any], parsed_response: dict[str, Any] | None, **_: Any
) -> None:
    if watch := _worn.get():
        attempt = context.get("retries", {}).get("attempt", 1)
        watch.answered(attempt, (parsed_response or {}).get("Error", {}).get("Code"))
