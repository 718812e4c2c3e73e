"""Leases: an object on S3 that says who may do a work, for as long as its holder renews it.

Writes on condition, which S3 decides, let one of several have it. How old it is says S3 as well, so
no process's clock counts. Not here: what work that is (`turns`).
"""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from inventory_pipeline.lake.adopting import lake_client
from inventory_pipeline.lake.errors import LakeError

LEASE_SECONDS = 120
"""A lease that was not renewed for so long is anybody's: its holder is dead, or cut off from S3."""
RENEW_SECONDS = 30
WAIT_SECONDS = 1800
"""Longest wait for a lease: an erasure of many objects holds it for minutes."""
PAUSE_SECONDS = 2
"""Until somebody else's lease is looked at again."""

UNMET = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""Error codes of S3 by which a condition was not met; nothing is changed then."""


class _NoLeasesError(LakeError):
    """The store knows no writes on condition."""


@dataclass(frozen=True)
class _There:
    """The lease that S3 has, and how long ago it was written, by S3's own clock."""

    etag: str
    age: timedelta
    id: str
    holder: str
    since: str
    seconds: float

    @property
    def ran_out(self) -> bool:
        return self.age.total_seconds() > self.seconds


class Lease:
    """A lease at `address` (`s3://bucket/key`), to be taken, held and let go once.

    `clock` and `wait` are those of waiting for it. Raises LakeError where S3 does not let it be
    written.
    """

    def __init__(
        self, address: str, clock: Callable[[], float], wait: Callable[[float], object]
    ) -> None:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        self._address, self._place = address, {"Bucket": bucket, "Key": key}
        self._clock, self._wait = clock, wait
        self._id = str(uuid.uuid4())
        self._since = datetime.now(UTC)
        self._writes = 0
        self._etag = ""
        self._writing = threading.Lock()

    def take(self) -> bool:
        """Wait until the lease is ours; False where the store knows no writes on condition.

        Raises LakeError where somebody else holds it for too long.
        """
        deadline = self._clock() + WAIT_SECONDS
        try:
            while not self._taken():
                if self._clock() >= deadline:
                    raise LakeError(self._busy())
                self._wait(PAUSE_SECONDS)
        except _NoLeasesError:
            return False
        return True

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease now and then, and let it go in the end; if that fails, it runs out."""
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended,), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            with suppress(LakeError), self._said():
                lake_client().delete_object(**self._place, IfMatch=self._etag)

    def check(self) -> None:
        """Renew the lease. Raises LakeError where it is not ours any more."""
        with self._writing:
            if self._write(IfMatch=self._etag):
                return
            there = self._look()
            if there is None or not self._is_ours(there):
                raise LakeError(
                    f"{self._address} was lost to another process, for it was not renewed in "
                    f"{LEASE_SECONDS} s: run again what is cut short by this"
                )

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(RENEW_SECONDS):
            with suppress(LakeError):  # whoever commits asks, and is told
                self.check()

    def _taken(self) -> bool:
        self._since = datetime.now(UTC)
        if self._write(IfNoneMatch="*"):
            return True
        there = self._look()
        if there is None:
            return False
        return self._is_ours(there) or (there.ran_out and self._write(IfMatch=there.etag))

    def _busy(self) -> str:
        there = self._look()
        who = f"{there.holder} since {there.since}" if there else "one process after another"
        return (
            f"{self._address} is held by {who}: run this again after it. If it hangs, end it: "
            f"{LEASE_SECONDS} s later the lease is free"
        )

    def _is_ours(self, there: _There) -> bool:
        """Whether we wrote what is there, though S3's answer to that was lost."""
        if there.id != self._id:
            return False
        self._etag = there.etag
        return True

    def _write(self, **condition: str) -> bool:
        """Write the lease if S3 finds it so; each time another content, hence another ETag."""
        from botocore.exceptions import ClientError

        self._writes += 1
        content = {
            "id": self._id,
            "holder": f"process {os.getpid()} on {socket.gethostname()}",
            "since": f"{self._since:%Y-%m-%d %H:%M:%S} UTC",
            "seconds": LEASE_SECONDS,
            "writes": self._writes,
        }
        body = json.dumps(content).encode()
        with self._said():
            try:
                answer = lake_client().put_object(**self._place, Body=body, **condition)
            except ClientError as error:
                if error.response["Error"]["Code"] in UNMET:
                    return False
                raise
        self._etag = answer["ETag"]
        return True

    def _look(self) -> _There | None:
        """The lease that is there; None where it has just been let go."""
        from botocore.exceptions import ClientError

        with self._said():
            try:
                answer = lake_client().get_object(**self._place)
            except ClientError as error:
                # Who may list only below a prefix is denied what is not there.
                if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):
                    return None
                raise
            body = answer["Body"].read()
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        try:
            content = json.loads(body)
            id_, holder, since = (str(content[name]) for name in ("id", "holder", "since"))
            age, seconds = now - answer["LastModified"], float(content["seconds"])
            return _There(answer["ETag"], age, id_, holder, since, seconds)
        except (ValueError, KeyError, TypeError) as error:
            raise LakeError(f"{self._address} is no lease of the inventory: delete it") from error

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What S3 says against the lease as LakeError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] == "NotImplemented":
                raise _NoLeasesError(f"{self._address}: {error}") from error
            raise LakeError(f"{self._address} cannot be kept: {error}") from error
        except BotoCoreError as error:
            raise LakeError(f"{self._address} cannot be kept: {error}") from error
