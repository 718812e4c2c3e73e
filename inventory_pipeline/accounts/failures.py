"""What a failed call means for the ledger: a status, AWS's code and a short harmless message.

Belongs here: reading exceptions. Not here: what becomes of a cell that failed (`collect`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "ok", "denied", "throttled", "timeout", "region_disabled", "error", "not_attempted"
]

MESSAGE_LENGTH = 200

THROTTLED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_THROTTLED = re.compile(r"^(Throttl|TooManyRequests)")
_DENIED = re.compile(
    r"^(AccessDenied|UnauthorizedOperation|AuthFailure|UnauthorizedAccess|AuthorizationError"
    r"|NotAuthorized|Forbidden|403$|ExpiredToken|RequestExpired|AllAccessDisabled)"
)
# How services answer credentials in a region that the account has not switched on; elsewhere
# these refuse like any denial (keys that were deleted, an account that is suspended).
_STRANGE_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "InvalidClientTokenId",
        "InvalidToken",
        "OptInRequired",
        "RegionDisabledException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

# Keys, session tokens, encoded authorisation messages, passwords in addresses.
_SECRETS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"
    r"|[A-Za-z0-9+=_-]{60,}"
    r"|(?<=://)[^/@\s]+@"
    r"|(?i:(?<=password=)|(?<=secret=)|(?<=token=)|(?<=signature=))[^\s&\"']+"
)


class DeadlinePassedError(Exception):
    """The work's time is up; nothing more was sent."""


@dataclass(frozen=True)
class Failure:
    """Why something could not be seen: the ledger's status, AWS's code, what AWS said."""

    status: Status
    code: str | None = None
    message: str | None = None


def classify(error: BaseException, *, region_may_be_disabled: bool = False) -> Failure:
    """The ledger's words for an exception of a call.

    `region_may_be_disabled`: the region is one that accounts switch on and nobody says whether
    this one did, so refused credentials mean that it is off.
    """
    from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        code = str(details.get("Code") or "Unknown")
        message = str(details.get("Message") or "") or None
        return Failure(_status(code, region_may_be_disabled), code, shorten(message))
    timed_out = isinstance(error, ConnectTimeoutError | ReadTimeoutError | DeadlinePassedError)
    return Failure("timeout" if timed_out else "error", type(error).__name__, shorten(str(error)))


def is_throttled(code: str | None) -> bool:
    """Whether AWS's code says that calls came too fast."""
    return code is not None and (code in THROTTLED_CODES or bool(_THROTTLED.match(code)))


def _status(code: str, region_may_be_disabled: bool) -> Status:
    if region_may_be_disabled and code in _STRANGE_CREDENTIALS:
        return "region_disabled"
    if is_throttled(code):
        return "throttled"
    if code in _STRANGE_CREDENTIALS or _DENIED.match(code):
        return "denied"
    if code in ("RequestTimeout", "RequestTimeoutException"):
        return "timeout"
    return "error"


def shorten(message: str | None) -> str | None:
    """The first line of a message without anything that could be a secret, 200 characters at most.

    Only the first line: parse errors of botocore quote the answer's body below it.
    """
    if not message:
        return None
    line = _SECRETS.sub("***", message.strip().splitlines()[0]) if message.strip() else ""
    if line.startswith("<"):  # botocore takes a proxy's page, which may echo the request, for one
        return "a page came instead of an answer"
    # A lone surrogate, which JSON can smuggle in, is no Unicode text.
    line = line.encode("utf-8", "replace").decode("utf-8")
    return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 1] + "…"
