"""Collections under faults: each completes, says exactly what it missed, and invents nothing.

`Estate.take` holds every snapshot against what there is; here stands what the ledger must say.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse

from inventory_pipeline.accounts import clients
from inventory_pipeline.collect.details import SILENT_CALLS
from inventory_pipeline.collect.dispatch import SILENT_CELLS_OF_REGION
from inventory_pipeline.collect.publication import ledger
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.faults.estate import (
    ACCOUNTS,
    PARALLEL,
    TYPES,
    CellKey,
    Estate,
    PartKey,
    Taken,
    instant,
)
from inventory_pipeline_tests.faults.processes import CELLS, collect_until_killed
from inventory_pipeline_tests.faults.troubled import Sent
from inventory_pipeline_tests.lake.processes import SECONDS, SPAWN
from inventory_pipeline_tests.simulated_aws import ENGINEERING, OPERATIONS

BAD = "eu-west-1"


# -- throttling storms ---------------------------------------------------------------------------


@dataclass
class Storm:
    """Three calls in ten are throttled, which ones depends on nothing but their order."""

    spares: frozenset[str] = frozenset()
    calls: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    hits: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, sent: Sent) -> AWSResponse | None:
        if sent.operation in self.spares:
            return None
        place = (sent.account_id, sent.region, sent.operation)
        with self._lock:
            self.calls[place] += 1
            if crc32(repr((place, self.calls[place])).encode()) % 10 >= 3:
                return None
            self.hits[sent.account_id, sent.operation] += 1
        code = "RequestLimitExceeded" if sent.service == "ec2" else "ThrottlingException"
        return sent.refused(code, status=503 if sent.service == "ec2" else 400)

    @property
    def share(self) -> float:
        return self.hits.total() / self.calls.total()


ENTERING = frozenset({"AssumeRole", "GetCallerIdentity", "DescribeRegions"})
"""What takes an account in; refused, none of its cells is asked."""


def collectors(operations: Counter[tuple[str | None, str]]) -> set[tuple[str | None, str]]:
    """Account and collector of cells' calls."""
    kinds = [resource_types()[name] for name in TYPES]
    asked = {(kind.operation, kind.name) for kind in kinds}
    asked |= {(d.operation, f"{kind.name}.{d.name}") for kind in kinds for d in kind.details}
    asked.add(("get_metric_data", "metrics"))
    return {
        (account_id, collector)
        for account_id, name in operations
        for operation, collector in asked
        if operation == xform_name(name)
    }


def cell_of(part: PartKey) -> CellKey:
    return (*part[:2], part[2].partition(".")[0])


def assert_follows(after: Taken, failed: set[PartKey]) -> None:
    """All else that was not seen was not attempted, in cells of which something failed."""
    others = after.gaps.keys() - failed
    assert {after.gaps[key] for key in others} <= {("not_attempted", None)}
    assert set(map(cell_of, others)) <= set(map(cell_of, failed))


def of_any_type(part: str) -> str:
    """A collector, but for metrics: all types' are asked by the same operation."""
    return "metrics" if part.endswith(".metrics") else part


@pytest.mark.usefixtures("at_once")
def test_a_throttling_storm_delays_or_is_in_the_ledger(estate: Estate) -> None:
    estate.take(0)
    estate.live_on()
    after = estate.take(1, storm := Storm(), retry_attempts=8)
    assert 0.2 < storm.share < 0.4
    assert after.status == "complete"
    in_cells = {key: n for key, n in storm.hits.items() if key[1] not in ENTERING}
    assert after.total("throttles") == after.total("retries") == sum(in_cells.values()) > 30

    estate.live_on()
    after = estate.take(2, storm := Storm(ENTERING), retry_attempts=0)
    throttled = {key for key, gap in after.gaps.items() if gap[0] == "throttled"}
    assert {(key[0], of_any_type(key[2])) for key in throttled} == collectors(storm.hits)
    # What else was not seen could not be asked for want of what was throttled.
    assert_follows(after, throttled)
    assert "ok" in after.cells.values()
    assert estate.take(3).status == "complete"


NOT_THERE = ("ecr_repository", "ecs_cluster", "elastic_ip", "kms_key", "log_group", "nat_gateway")
"""More types, of which there is none."""


# -- a region that hangs -------------------------------------------------------------------------


@dataclass
class Trap:
    """Calls to the region go to an address that does not answer."""

    address: str
    calls: Counter[str] = field(default_factory=Counter)

    def __call__(self, sent: Sent) -> None:
        if sent.region == BAD:
            self.calls[sent.service] += 1
            sent.request.url = self.address


@contextmanager
def mute_server(*, accepts: bool) -> Iterator[str]:
    """An address that takes connections and never answers, or never even takes them."""
    with socket.create_server(("127.0.0.1", 0), backlog=100 if accepts else 0) as server:
        crowd = [] if accepts else [socket.socket() for _ in range(4)]
        for visitor in crowd:  # the system's queue is full: whoever comes next waits
            visitor.setblocking(False)
            visitor.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        for visitor in crowd:
            visitor.close()


def test_a_region_that_hangs_is_given_up_and_the_others_complete(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", 1)
    estate.types = (*TYPES, *NOT_THERE)
    for number in range(2 * PARALLEL):  # listed before all others, and more than calls at a time
        estate.add_bucket(ENGINEERING, BAD, f"0-in-{BAD}-{number}")
    estate.take(0)
    for number, accepts in ((1, True), (2, False)):
        estate.live_on()
        with mute_server(accepts=accepts) as address:
            after = estate.take(number, trap := Trap(address))
        assert_given_up(after, trap.calls, f"{'Read' if accepts else 'Connect'}TimeoutError")
    assert estate.take(3).status == "complete"


def assert_given_up(after: Taken, calls: Counter[str], code: str) -> None:
    silence = {("timeout", code), ("not_attempted", "Silent")}
    there = {cell: after.gaps[cell] for cell in after.cells if cell[1] == BAD}
    assert set(there.values()) == silence
    asked = [gap for gap in there.values() if gap[0] == "timeout"]
    of_buckets = calls["s3"] + calls["cloudwatch"]
    assert calls.total() - of_buckets == len(asked)
    # What was under way while the region fell silent was still asked.
    assert len(asked) < SILENT_CELLS_OF_REGION + PARALLEL
    assert of_buckets < 2 * len(ACCOUNTS) * (SILENT_CALLS + PARALLEL)
    # A global type's resources there are known, but for what only the region itself would tell.
    elsewhere = {key: gap for key, gap in after.gaps.items() if key[1] != BAD}
    assert set(map(cell_of, elsewhere)) == {(a, "global", "s3_bucket") for a in ACCOUNTS}
    assert set(elsewhere.values()) == silence
    assert not elsewhere.keys() & after.cells.keys()


# -- credentials that end ------------------------------------------------------------------------


@dataclass
class Expiry:
    """All keys of an account end at its fifth call; `renewed`, it is given new ones."""

    renewed: bool
    calls: Counter[str] = field(default_factory=Counter)
    ended: set[str] = field(default_factory=set)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, sent: Sent) -> AWSResponse | None:
        with self._lock:
            if sent.account_id is None:
                late = bool(self.ended) and not self.renewed
                return sent.refused("ExpiredToken", status=403) if late else None
            self.calls[sent.account_id] += 1
            if self.calls[sent.account_id] == 5:
                self.ended.add(sent.access_key)
            if sent.access_key not in self.ended:
                return None
            self.refused += 1
            return sent.refused("ExpiredTokenException", status=403)


def test_credentials_that_end_in_mid_run_are_renewed_or_in_the_ledger(estate: Estate) -> None:
    estate.take(0)
    estate.live_on()
    after = estate.take(1, expiry := Expiry(renewed=True))
    assert expiry.refused >= len(ACCOUNTS)
    assert after.status == "complete"

    estate.live_on()
    after = estate.take(2, Expiry(renewed=False))
    denied = {key for key, gap in after.gaps.items() if gap[0] == "denied"}
    codes = {after.gaps[key][1] for key in denied}
    assert codes <= {"ExpiredToken", "ExpiredTokenException"}
    assert_follows(after, denied)
    assert "ok" in after.cells.values()
    assert estate.take(3).status == "complete"


# -- an account that is denied -------------------------------------------------------------------


def test_an_account_that_may_not_be_entered_keeps_nothing_from_the_others(estate: Estate) -> None:
    before = estate.take(0)
    estate.live_on()

    def deny(sent: Sent) -> AWSResponse | None:
        return sent.refused("AccessDenied", status=403) if sent.takes_role_of(OPERATIONS) else None

    after = estate.take(1, deny)
    theirs = {key for key in before.ledger if key[0] == OPERATIONS}
    off = {key for key in theirs if before.ledger[key]["status"] == "region_disabled"}
    assert theirs - off < after.gaps.keys()
    assert {key[0] for key in after.gaps} == {OPERATIONS}
    assert set(after.gaps.values()) == {("denied", "AccessDenied")}
    assert {account_id for account_id, _, _ in after.resources} == {ENGINEERING}


# -- a process that is killed --------------------------------------------------------------------


def test_a_killed_run_is_carried_on_with(estate: Estate) -> None:
    estate.take(0)
    estate.live_on()
    reader, writer = SPAWN.Pipe(duplex=False)
    arguments = (estate.aws, estate.lake.location, 1, writer)
    child = SPAWN.Process(target=collect_until_killed, args=arguments)
    child.start()
    assert reader.poll(SECONDS), "the run never got half-way"
    child.kill()
    child.join(SECONDS)
    with ledger(estate.lake, instant(1)) as db:
        rows = db.query("SELECT * FROM coverage").to_pylist()
    kept = {(r["account_id"], r["region"], r["collector"]): r["observed_at"] for r in rows}
    assert instant(1) not in estate.lake.snapshots()
    asked: set[tuple[str | None, str, str]] = set()

    def listen(sent: Sent) -> None:
        asked.add((sent.account_id, sent.region, xform_name(sent.operation)))

    after = estate.take(1, listen)
    assert after.status == "complete"
    assert {key: after.ledger[key]["observed_at"] for key in kept} == kept
    cells = {key for key in kept if "." not in key[2]}
    assert CELLS - 2 <= len(cells) < len(after.cells) - 2
    listings = {(*key[:2], resource_types()[key[2]].operation) for key in cells}
    assert listings.isdisjoint(asked)
