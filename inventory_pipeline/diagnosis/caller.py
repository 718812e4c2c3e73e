"""The collector itself: has it credentials that AWS takes, and is its clock right?

Not here: what it may do in accounts (`accounts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from inventory_pipeline.accounts import Clients, CredentialsError, NoAccountsError, classify
from inventory_pipeline.diagnosis.check import Check

SUBJECT = "collector"
LARGEST_SKEW = timedelta(minutes=5)
"""Beyond it AWS refuses signatures."""
NOTABLE_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """Who the collector is. `principal` is what a trust policy names: a role or a user."""

    account_id: str
    arn: str

    @property
    def principal(self) -> str:
        """The ARN of the role behind a session (without its path, which AWS does not tell)."""
        head, _, session = self.arn.partition(":assumed-role/")
        if not session:
            return self.arn
        return f"{head.replace(':sts:', ':iam:')}:role/{session.partition('/')[0]}"


def examine_caller(
    clients: Clients, now: Callable[[], datetime]
) -> tuple[Caller | None, list[Check]]:
    """Who the collector is (None: nobody to AWS), and what was found."""
    try:
        clients.require_credentials()
        sts = clients.client(None, "sts", clients.home_region)
    except (CredentialsError, NoAccountsError) as error:
        return None, [Check(SUBJECT, "credentials", "missing", str(error))]
    caller, refusal, answer = None, None, None
    try:
        answer = sts.get_caller_identity()
        caller = Caller(answer["Account"], answer["Arn"])
    except Exception as error:  # whatever STS or the way to it says is what was to be found out
        answer = getattr(error, "response", None)
        refusal = classify(error)
    skew = _skew(answer, now())
    if caller is not None:
        found = f"{caller.arn} in {clients.home_region}"
        first = Check(SUBJECT, "credentials", "ok", found)
    else:
        said = f"{refusal.code}: {refusal.message}" if refusal else "no answer"
        fix = "set the clock right" if skew and abs(skew) > LARGEST_SKEW else (
            "renew the credentials that were found, and see that the network lets STS through"
        )  # fmt: skip
        first = Check(SUBJECT, "credentials", "missing", said, fix)
    return caller, [first, *_clock(skew)]


def _skew(answer: Mapping[str, Any] | None, now: datetime) -> timedelta | None:
    """How far our clock is ahead of AWS's; None where its answer has no time."""
    headers = (answer or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        return now - parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None


def _clock(skew: timedelta | None) -> Iterator[Check]:
    if skew is None:
        yield Check(SUBJECT, "clock", "warning", "AWS's answer tells no time to compare with")
        return
    seconds = abs(skew).total_seconds()
    word = "ahead of" if skew > timedelta() else "behind"
    found = f"{seconds:,.0f} s {word} AWS's"
    if abs(skew) > LARGEST_SKEW:
        fix = "switch on time synchronisation: AWS refuses signatures 5 minutes off"
        yield Check(SUBJECT, "clock", "missing", found, fix)
    elif abs(skew) > NOTABLE_SKEW:
        yield Check(SUBJECT, "clock", "warning", found, "switch on time synchronisation")
    else:
        yield Check(SUBJECT, "clock", "ok", found)
