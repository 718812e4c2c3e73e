"""When a call that failed is sent again, and how long everyone who meets the same limit waits.

AWS counts calls by account, region and service, so that is whom a refusal slows down: botocore's
own adaptive mode counts by client, and ours serve many accounts. Belongs here: what is worth
repeating, and the waiting. Not here: what a failure means for the ledger (`failures`).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inventory_pipeline.accounts.failures import is_throttled
from inventory_pipeline.accounts.watch import Clock, worn

LONGEST_WAIT_SECONDS = 20.0
FIRST_WAIT_SECONDS = 0.5

SILENT_RETRIES = 1
"""Repetitions of a call that nobody answered: each of them takes a minute."""

Limit = tuple[str | None, str, str]
"""What AWS counts calls by: account (its role), region and service."""

_TRANSIENT_STATUS = frozenset({500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)


@dataclass
class Retries:
    """Repeats calls up to `attempts` times after the first; full jitter, doubling, to 20 s.

    After a throttled call, its limit's other calls wait as long as it does. A call whose next try
    would come after its deadline is not repeated: its own failure is the truer answer.
    """

    attempts: int
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _resume_at: dict[Limit, float] = field(default_factory=dict[Limit, float])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def before_send(self, limit: Limit) -> None:
        """Wait until calls of this limit may be sent again, or until the caller's deadline."""
        resume_at = self._resume_at.get(limit)
        if resume_at is None:
            return
        if (pause := resume_at - self.clock()) > 0:
            self.sleep(min(pause, _time_left(pause)))
        else:
            with self._lock:
                self._resume_at.pop(limit, None)

    def pause(
        self, limit: Limit, attempts: int, code: str | None, status: int, broken: bool
    ) -> float | None:
        """Seconds until the next try after `attempts` tries; None to give up."""
        throttled = is_throttled(code)
        if not (throttled or broken or code in _TRANSIENT_CODES or status in _TRANSIENT_STATUS):
            return None
        wait: float = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempts) * random.random()  # noqa: S311 - spreads load, guards nothing
        if throttled:
            with self._lock:
                now = self.clock()
                self._resume_at[limit] = max(self._resume_at.get(limit, now), now + wait)
        if attempts > self.attempts or wait >= _time_left(float("inf")):
            return None
        return wait

    def needs_retry(
        self,
        limit: Limit,
        response: tuple[Any, dict[str, Any]] | None,
        attempts: int,
        caught_exception: Exception | None,
    ) -> float | None:
        """As botocore's event `needs-retry` asks."""
        from botocore.exceptions import ConnectionError as NoConnection
        from botocore.exceptions import ConnectTimeoutError, HTTPClientError, ReadTimeoutError

        silent = isinstance(caught_exception, ConnectTimeoutError | ReadTimeoutError)
        if silent and attempts > SILENT_RETRIES:
            return None
        code, status = None, 200
        if response is not None:
            http, parsed = response
            code, status = parsed.get("Error", {}).get("Code"), http.status_code
        broken = isinstance(caught_exception, NoConnection | HTTPClientError)
        return self.pause(limit, attempts, code, status, broken)


def _time_left(otherwise: float) -> float:
    watch = worn()
    if watch is None or watch.deadline is None:
        return otherwise
    return max(watch.deadline - watch.clock(), 0.0)
