"""S3 Inventory: the sensor that finds deliveries, and the asset that ingests a day's worth.

Exactly-once rests on the ledger `s3_deliveries`. The sensor may ask twice; the second time the
ledger has nothing left to do.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from inventory_pipeline.defs.partitions import DAY_FORMAT, delivery_day
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    paced,
    table_spec,
)
from inventory_pipeline.defs.processes import UNFINISHED
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.reports import (
    Delivery,
    DeliveryResult,
    Destination,
    Found,
    Ledger,
    ReportError,
    Weighed,
    find_deliveries,
    ingest,
    parse_delivery,
    plan_runs,
    read_ledger,
    weigh,
)
from inventory_pipeline.reports.storage import S3Client

TABLES = ("s3_objects", "s3_usage", "s3_deliveries")
JOB = "ingest_deliveries"
OP = "ingest_reports"
TICK_SECONDS = 40
"""A tick ends its listing here: the daemon gives up on a sensor after 60 s."""
RUNS_PER_TICK = 20
ATTEMPTS = 3
"""Runs of one batch in a day; then the sensor waits. Bad deliveries never fail a run."""
WEIGHERS = 8
"""Manifests read at once in a tick."""
BATCH = "inventory/batch"
"""The tag by which runs for the same deliveries know each other."""
ATTEMPTED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS)
"""How a run ended that counts as an attempt: a success that leaves its deliveries unsettled did
not get to read them."""


class IngestConfig(dg.Config):
    """The deliveries of a run, as addresses of their manifest.json; empty is all of the day."""

    manifests: list[str] = []


def ingest_config(manifests: Sequence[str]) -> dict[str, Any]:
    """The run config that ingests just these deliveries."""
    return {"ops": {OP: {"config": {"manifests": list(manifests)}}}}


def ingest_assets(days: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name=OP,
        specs=[table_spec(name, partitions_def=days, kinds={"s3"}) for name in TABLES],
        check_specs=[
            *map(contract_check_spec, TABLES),
            dg.AssetCheckSpec(
                "deliveries_sound",
                asset=asset_key("s3_deliveries"),
                description="No delivery of the day is quarantined.",
            ),
        ],
        pool="ingest",
    )
    def ingest_reports(
        context: dg.AssetExecutionContext,
        config: IngestConfig,
        inventory: Inventory,
        clock: Clock,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Verify, decode and roll up deliveries; commit them together, the ledger last."""
        day = delivery_day(context.partition_key)
        settings = inventory.settings.s3_inventory
        log = paced(context.log.info)
        results = ingest(
            inventory.lake,
            inventory.engine,
            inventory.s3,
            _deliveries(inventory, config.manifests, day),
            prefix_depth=settings.prefix_depth,
            prefix_limit=settings.prefix_limit,
            now=clock.now(),
            progress=lambda result: log(_sentence(result)),
        )
        where = {"delivered_on": day}
        with inventory.engine.session(dict.fromkeys(TABLES, where)) as db:
            for name in TABLES:
                yield materialized(db, name, where)
        yield _deliveries_sound(results)

    return [ingest_reports]


def _deliveries(inventory: Inventory, manifests: Sequence[str], day: date) -> list[Delivery]:
    """The named deliveries, or every completed one of the day."""
    destinations = inventory.settings.s3_inventory.destinations
    if not manifests:
        found = [find_deliveries(inventory.s3(d), d, {}).deliveries for d in destinations]
        return [d for some in found for d in some if d.delivered_on == day]
    named = []
    for uri in manifests:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        parsed = (parse_delivery(d, key) for d in destinations if d.bucket == bucket)
        delivery = next((d for d in parsed if d), None)
        if delivery is None or delivery.delivered_on != day:
            raise dg.Failure(
                f"{uri} is no manifest of {day} in a destination of the settings "
                "(s3_inventory.destinations)",
                allow_retries=False,
            )
        named.append(delivery)
    return named


def _deliveries_sound(results: Sequence[DeliveryResult]) -> dg.AssetCheckResult:
    bad = [r for r in results if r.status in ("quarantined", "seen")]
    counts = Counter(str(result.status) for result in results)
    return dg.AssetCheckResult(
        asset_key=asset_key("s3_deliveries"),
        check_name="deliveries_sound",
        passed=not bad,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(map(_sentence, bad[:10])) or "all deliveries are sound",
        metadata={"deliveries": len(results), **counts},
    )


def _sentence(result: DeliveryResult) -> str:
    told = result.error or (f"{result.rows:,} rows" if result.rows is not None else "")
    notes = "".join(f" ({note})" for note in result.notes)
    return f"{result.delivery.manifest_uri}: {result.status} {told}{notes}".rstrip()


def delivery_sensor() -> dg.SensorDefinition:
    @dg.sensor(
        name="delivery_sensor",
        job_name=JOB,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Finds new S3 Inventory deliveries and starts runs that ingest them.",
    )
    def deliveries(context: dg.SensorEvaluationContext, inventory: Inventory) -> dg.SensorResult:
        return tick(context, inventory, time.monotonic() + TICK_SECONDS)

    return deliveries


def tick(
    context: dg.SensorEvaluationContext, inventory: Inventory, deadline: float
) -> dg.SensorResult:
    """List every destination from its cursor on and request runs for what is new.

    A cursor moves past a delivery only once the ledger has settled it, so nothing found is lost
    when a tick is cut short or a run fails.
    """
    cursor: dict[str, Any] = json.loads(context.cursor or "{}")
    requests: list[dg.RunRequest] = []
    problems: list[str] = []
    taken = _under_way(context.instance)
    destinations = inventory.settings.s3_inventory.destinations
    for index, destination in enumerate(destinations):
        name = f"{destination.bucket}/{destination.prefix}"
        share = (deadline - time.monotonic()) / (len(destinations) - index)
        try:
            seen = _look(inventory, destination, cursor.get(name, {}), taken, share)
        except ReportError as error:
            # What cannot be listed is not empty: the others go on, this one keeps its cursor.
            problems.append(str(error))
            context.log.warning(str(error))
            continue
        planned = planned_runs(inventory, seen.new)
        requests += filter(None, (_request(context.instance, run) for run in planned))
        cursor[name] = {"after": seen.cursors, "resume": seen.resume}
    return dg.SensorResult(
        run_requests=requests[:RUNS_PER_TICK],
        skip_reason=None if requests else "; ".join(problems) or "no new deliveries",
        cursor=json.dumps(cursor),
    )


@dataclass(frozen=True)
class Look:
    """What a tick saw of a destination: deliveries to ingest, and where to look from next time."""

    new: list[Weighed]
    cursors: Mapping[str, str]
    resume: str | None


def _look(
    inventory: Inventory,
    destination: Destination,
    state: Mapping[str, Any],
    taken: Set[str],
    seconds: float,
) -> Look:
    """List a destination and weigh what is new there, half of the time for each."""
    started = time.monotonic()
    s3 = inventory.s3(destination)
    before: dict[str, str] = state.get("after", {})
    found = find_deliveries(
        s3,
        destination,
        before,
        lambda: time.monotonic() > started + seconds / 2,
        resume=state.get("resume"),
    )
    unknown = _unknown(inventory, found)
    free = [d for d in unknown if d.manifest_uri not in taken]
    weighed = _weigh(s3, free, lambda: time.monotonic() > started + seconds)
    new = _unsettled(inventory, weighed)
    settled = {w.delivery for w in weighed if w} - {w.delivery for w in new}
    left = free[len(weighed) :]
    return Look(
        new,
        _held_cursors(before, found, [d for d in unknown if d not in settled]),
        left[0].source_prefix if left else found.resume,
    )


def unsettled_deliveries(
    inventory: Inventory, s3: S3Client, found: Found, *, retry: bool = False
) -> list[Weighed]:
    """The deliveries found that are not ingested, nor quarantined unless to `retry` those."""
    weighed = _weigh(s3, _unknown(inventory, found, retry=retry))
    return _unsettled(inventory, weighed, retry=retry)


def _unknown(inventory: Inventory, found: Found, *, retry: bool = False) -> list[Delivery]:
    """What the ledger has not settled, as far as the listing tells."""
    days = {d.delivered_on for d in found.deliveries}
    ledger = read_ledger(inventory.lake, days, retry=retry)
    return [d for d in found.deliveries if not ledger.is_settled(d, d.manifest_etag)]


def _weigh(
    s3: S3Client, deliveries: Sequence[Delivery], late: Callable[[], bool] = lambda: False
) -> list[Weighed | None]:
    """The manifests of these deliveries, or of the first ones (some at least) when time is up."""
    weighed: list[Weighed | None] = []
    with ThreadPoolExecutor(WEIGHERS, "weigh") as pool:
        while len(weighed) < len(deliveries) and not (weighed and late()):
            some = deliveries[len(weighed) : len(weighed) + 4 * WEIGHERS]
            weighed += pool.map(lambda delivery: weigh(s3, delivery), some)
    return weighed


def _unsettled(
    inventory: Inventory, weighed: Iterable[Weighed | None], *, retry: bool = False
) -> list[Weighed]:
    """Those that are there and that the ledger does not know: KMS hides their MD5 in a listing."""
    ready = [w for w in weighed if w]
    ledger = read_ledger(inventory.lake, {w.delivery.delivered_on for w in ready}, retry=retry)
    return [w for w in ready if not ledger.is_settled(w.delivery, w.manifest_md5)]


def _held_cursors(
    before: Mapping[str, str], found: Found, unsettled: Iterable[Delivery]
) -> dict[str, str]:
    """Each source's cursor, held at its first delivery that is still to be ingested."""
    cursors = {**before, **found.cursors}
    for delivery in unsettled:
        source, folder = delivery.source_prefix, delivery.folder
        cursors[source] = min(cursors.get(source, folder), folder)
    return cursors


def planned_runs(inventory: Inventory, unsettled: Sequence[Weighed]) -> list[list[Weighed]]:
    """Deliveries by run: each of one day, within the settings' budget."""
    settings = inventory.settings.s3_inventory
    return plan_runs(
        unsettled,
        Ledger.of(()),  # it has been asked
        max_deliveries=settings.max_deliveries_per_run,
        max_bytes=settings.max_bytes_per_run,
    )


def _request(instance: dg.DagsterInstance, run: Sequence[Weighed]) -> dg.RunRequest | None:
    """A run for these deliveries, unless enough runs for them have failed today.

    The run key counts earlier runs, for Dagster starts no two runs of one key: neither what a
    person canceled nor what S3 did not let read at the time is given up.
    """
    manifests = [w.delivery.manifest_uri for w in run]
    batch = f"{manifests[0]} +{len(manifests) - 1}"
    earlier = instance.get_run_records(dg.RunsFilter(job_name=JOB, tags={BATCH: batch}))
    since = datetime.now(UTC) - timedelta(days=1)
    tried = [r for r in earlier if r.dagster_run.status in ATTEMPTED and r.create_timestamp > since]
    if len(tried) >= ATTEMPTS:
        return None
    return dg.RunRequest(
        run_key=f"{batch} {run[0].manifest_md5} #{len(earlier)}",
        partition_key=f"{run[0].delivery.delivered_on:{DAY_FORMAT}}",
        run_config=ingest_config(manifests),
        tags={BATCH: batch},
    )


def _under_way(instance: dg.DagsterInstance) -> set[str]:
    """Manifests that queued and running runs are to ingest."""
    runs = instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED))
    return {uri for run in runs for uri in _manifests_of(run.run_config)}


def _manifests_of(run_config: Mapping[str, Any]) -> list[str]:
    """What `ingest_config` put into a run's configuration; a run of a whole day has nothing."""
    config = run_config.get("ops", {}).get(OP, {}).get("config", {})
    return list(config.get("manifests", []))
