"""The sensor that finds deliveries and asks for runs that ingest them.

A tick looks at what the queue hints at, then lists destinations: first the deliveries of the last
days, and once a day everything older. Its cursor has only the places where listings were cut short,
however many source buckets there are: what is done with is in the ledger. Exactly-once rests on
that; the sensor may ask twice, and the second time nothing is left to do.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

import dagster as dg

from inventory_pipeline.defs.partitions import DAY_FORMAT
from inventory_pipeline.defs.processes import UNFINISHED
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.defs.s3_inventory import JOB, UNREADABLE, ingest_config, manifests_of
from inventory_pipeline.reports import (
    Delivery,
    Destination,
    Found,
    Weighed,
    find_deliveries,
    look_at,
    parse_delivery,
    plan_runs,
    unsettled,
)
from inventory_pipeline.reports.hints import Message, Place, forget, receive
from inventory_pipeline.reports.storage import S3Client

TICK_SECONDS = 40
"""A tick ends its listing here: the daemon gives up on a sensor after 60 s."""
RUNS_PER_TICK = 20
LOOKBACK = timedelta(days=7)
"""How old a delivery may be to be found by every round of listing (AWS: 48 hours or so)."""
WHOLE_ROUND = timedelta(days=1)
"""How often everything older is listed: what was replicated, restored or written anew later."""
MESSAGES_PER_TICK = 1000
ATTEMPTS = 3
"""Runs that a delivery may be in within a day; after that they fail for it alone, or it waits."""
SPLIT_RUNS_PER_TICK = 2
"""Runs of a tick for what failed before: where everything fails, a few runs are enough."""
BATCH = "inventory/batch"
"""The tag by which runs for the same deliveries know each other."""


def delivery_sensor() -> dg.SensorDefinition:
    @dg.sensor(
        name="delivery_sensor",
        job_name=JOB,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Finds new S3 Inventory deliveries and starts runs that ingest them.",
    )
    def deliveries(
        context: dg.SensorEvaluationContext, inventory: Inventory, clock: Clock
    ) -> dg.SensorResult:
        return tick(context, inventory, time.monotonic() + TICK_SECONDS, clock.now())

    return deliveries


def tick(
    context: dg.SensorEvaluationContext, inventory: Inventory, deadline: float, now: datetime
) -> dg.SensorResult:
    """Look at what the queue hints at, list destinations, and request runs for what is new.

    A listing goes on from the first source bucket with something that got no run. What cannot be
    read is not empty: the others go on, and this one keeps its place.
    """
    cursor: dict[str, Any] = json.loads(context.cursor or "{}")
    places: dict[str, Any] = cursor.get("places", {})
    asking = Asking(inventory, context.instance, now, context.log.warning)
    follow_hints(asking, time.monotonic() + (deadline - time.monotonic()) / 4)
    destinations = inventory.settings.s3_inventory.destinations
    count, begin = len(destinations), cursor.get("begin", 0)
    done = 0
    while done < count and not (done and time.monotonic() > deadline):
        destination = destinations[(begin + done) % count]
        name = f"{destination.bucket}/{destination.prefix}"
        seconds = (deadline - time.monotonic()) / (count - done)
        room = math.ceil(asking.room / (count - done))
        try:
            places[name] = list_rounds(asking, destination, places.get(name, {}), seconds, room)
        except UNREADABLE as error:
            asking.note(error)
        done += 1
    # Where time was enough for all, another one is first next time.
    begin = (begin + (done if done < count else 1)) % max(count, 1)
    return dg.SensorResult(
        run_requests=asking.requests,
        skip_reason=None if asking.requests else "; ".join(asking.problems) or "no new deliveries",
        cursor=json.dumps({"begin": begin, "places": places}),
    )


@dataclass
class Asking:
    """The runs that a tick asks for, and what it knows of earlier ones."""

    inventory: Inventory
    instance: dg.DagsterInstance
    now: datetime
    log: Callable[[str], None]
    requests: list[dg.RunRequest] = field(default_factory=list[dg.RunRequest])
    problems: list[str] = field(default_factory=list[str])
    splits: int = 0

    @cached_property
    def under_way(self) -> set[str]:
        """Manifests that queued and running runs are to ingest, and those of this tick."""
        runs = self.instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED))
        return {uri for run in runs for uri in manifests_of(run.run_config)}

    @cached_property
    def limits(self) -> dict[str, int]:
        return limits_of(self.instance, self.now - timedelta(days=1))

    @property
    def room(self) -> int:
        return RUNS_PER_TICK - len(self.requests)

    def note(self, error: Exception) -> None:
        self.problems.append(str(error))
        self.log(str(error))

    def ask(self, s3: S3Client, found: Found, room: int, late: Callable[[], bool]) -> Asked:
        """Request runs for what is to be ingested of what was found, `room` of them at most."""
        found = self._of_known_days(found)
        seen = unsettled(self.inventory.lake, s3, found, under_way=self.under_way, late=late)
        ready = [w for w in seen.ready if self.limits.get(w.delivery.manifest_uri) != 0]
        waiting = list(seen.left)
        room = min(room, self.room)
        for run in planned_runs(self.inventory, ready, self.limits):
            split = run[0].delivery.manifest_uri in self.limits
            if split and self.splits >= SPLIT_RUNS_PER_TICK:
                continue  # found again by the next round
            if room <= 0:
                waiting += [w.delivery for w in run]
                continue
            room -= 1
            self.splits += split
            self.requests.append(_request(self.instance, run))
            self.under_way.update(w.delivery.manifest_uri for w in run)
        return Asked(waiting, bool(ready or seen.under_way or seen.left))

    def _of_known_days(self, found: Found) -> Found:
        """Without those of days that have no partition: Dagster would refuse the whole tick."""
        first = self.inventory.settings.schedules.snapshots_start
        kept = [d for d in found.deliveries if first <= d.delivered_on <= self.now.date()]
        if strange := len(found.deliveries) - len(kept):
            self.log(
                f"{strange} deliveries are left out: of days before schedules.snapshots_start "
                f"({first}) or after today"
            )
        return replace(found, deliveries=tuple(kept))


@dataclass(frozen=True)
class Asked:
    """What is left of a look: deliveries without a run, and whether there were any to ingest."""

    waiting: Sequence[Delivery]
    any_unsettled: bool


def follow_hints(asking: Asking, deadline: float) -> None:
    """Look at the deliveries that the queue tells of; delete messages that have led to a run.

    So are those that tell of nothing, and of what is done with or not complete yet.
    """
    settings = asking.inventory.settings.s3_inventory
    if settings.queue_url is None:
        return
    started = time.monotonic()
    try:
        sqs = asking.inventory.sqs
        messages = receive(
            sqs,
            settings.queue_url,
            MESSAGES_PER_TICK,
            lambda: time.monotonic() > (started + deadline) / 2,
            asking.log,
        )
        open_ = {place for d in settings.destinations for place in _hinted(asking, d, messages)}
        done = [message for message in messages if open_.isdisjoint(message.places)]
        forget(sqs, settings.queue_url, done)
    except Exception as error:  # it only hints: whatever is wrong with it, listing goes on
        asking.note(error)


def _hinted(
    asking: Asking, destination: Destination, messages: Sequence[Message]
) -> Iterator[Place]:
    """Look at the hinted deliveries of a destination; gives the places still to be looked at."""
    places = {place for message in messages for place in message.places}
    hinted = {
        place: delivery
        for place in places
        if place.bucket == destination.bucket
        and (delivery := parse_delivery(destination, place.key))
    }
    if not hinted:
        return
    try:
        s3 = asking.inventory.s3(destination)
        found = look_at(s3, destination, sorted({*hinted.values()}, key=lambda d: d.prefix))
        # Half of the room is for what is listed.
        asked = asking.ask(s3, found, math.ceil(asking.room / 2), lambda: False)
    except UNREADABLE as error:
        asking.note(error)
        yield from hinted
    else:
        yield from (place for place, delivery in hinted.items() if delivery in asked.waiting)


def list_rounds(
    asking: Asking, destination: Destination, place: Mapping[str, Any], seconds: float, room: int
) -> dict[str, Any]:
    """Go on with the round of recent deliveries and, where one is due, with that of all older.

    `place` is where they were; returns where they are now. A round of all that found something is
    followed by another, and one that found nothing by a day of rest.
    """
    started = time.monotonic()
    since = asking.now - LOOKBACK
    rested = place.get("whole_at")
    due = rested is None or asking.now - datetime.fromisoformat(rested) >= WHOLE_ROUND
    here = partial(_listed, asking, destination, room=room)
    recent = here(since, None, place.get("recent"), started + (seconds / 2 if due else seconds))
    place = {**place, "recent": recent.resume}
    if not due:
        return place
    whole = here(None, since, place.get("whole"), started + seconds)
    more = place.get("more", False) or whole.any_unsettled
    if whole.resume is not None:
        return {**place, "whole": whole.resume, "more": more}
    rested = None if more else asking.now.isoformat()
    return {"recent": recent.resume, "whole_at": rested}


@dataclass(frozen=True)
class _Round:
    """Where a listing goes on, None at its end, and whether it found anything to ingest."""

    resume: str | None
    any_unsettled: bool


def _listed(
    asking: Asking,
    destination: Destination,
    since: datetime | None,
    before: datetime | None,
    resume: str | None,
    deadline: float,
    *,
    room: int,
) -> _Round:
    """List a destination and ask for what is new there, half of the time for each."""
    middle = (time.monotonic() + deadline) / 2
    s3 = asking.inventory.s3(destination)
    found = find_deliveries(
        s3, destination, since, lambda: time.monotonic() > middle, resume=resume
    )
    if before is not None:
        old = tuple(d for d in found.deliveries if d.delivered_at < before)
        found = replace(found, deliveries=old)
    asked = asking.ask(s3, found, room, lambda: time.monotonic() > deadline)
    ends = [d.bucket_folder for d in asked.waiting]
    return _Round(min([*ends, *filter(None, [found.resume])], default=None), asked.any_unsettled)


def planned_runs(
    inventory: Inventory, ready: Sequence[Weighed], limits: Mapping[str, int] | None = None
) -> list[list[Weighed]]:
    """Deliveries by run: each of one day, within the settings' budget."""
    settings = inventory.settings.s3_inventory
    return plan_runs(
        ready,
        max_deliveries=settings.max_deliveries_per_run,
        max_bytes=settings.max_bytes_per_run,
        limits=limits,
    )


def limits_of(instance: dg.DagsterInstance, since: datetime) -> dict[str, int]:
    """With how many others a delivery may be in a run, where it has been in enough of them.

    After ATTEMPTS that failed, half as many as in the smallest of those, so that what makes a run
    fail ends alone; 0 is to wait. A run that succeeded and left it did not get to read it.
    """
    ended = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    left = Counter[str]()
    for run in instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=ended, created_after=since)):
        manifests = manifests_of(run.run_config)
        if run.status == dg.DagsterRunStatus.SUCCESS:
            left.update(manifests)
        else:
            for uri in manifests:
                sizes[uri].append(len(manifests))
    limits = {uri: min(of_one) // 2 for uri, of_one in sizes.items() if len(of_one) >= ATTEMPTS}
    return limits | {uri: 0 for uri, runs in left.items() if runs >= ATTEMPTS}


def _request(instance: dg.DagsterInstance, run: Sequence[Weighed]) -> dg.RunRequest:
    """A run for these deliveries.

    The run key counts earlier runs, for Dagster starts no two runs of one key: neither what a
    person canceled nor what S3 did not let read at the time is given up.
    """
    manifests = [w.delivery.manifest_uri for w in run]
    batch = f"{manifests[0]} +{len(manifests) - 1}"
    earlier = instance.get_runs_count(dg.RunsFilter(job_name=JOB, tags={BATCH: batch}))
    return dg.RunRequest(
        run_key=f"{batch} {run[0].manifest_md5} #{earlier}",
        partition_key=f"{run[0].delivery.delivered_on:{DAY_FORMAT}}",
        run_config=ingest_config(manifests),
        tags={BATCH: batch},
    )
