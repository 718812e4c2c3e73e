"""S3 Inventory: the asset that ingests deliveries of a day, the whole day's or those of a run.

Not here: which deliveries there are to ingest (`delivery_sensor`).
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from inventory_pipeline.defs.partitions import delivery_day
from inventory_pipeline.defs.presentation import (
    asset_key,
    contract_check_spec,
    materialized,
    paced,
    table_spec,
)
from inventory_pipeline.defs.resources import Clock, Inventory
from inventory_pipeline.lake import Where
from inventory_pipeline.reports import (
    Delivery,
    DeliveryResult,
    ReportError,
    find_deliveries,
    ingest,
    parse_delivery,
    read_ledger,
)
from inventory_pipeline.settings import Settings, SettingsError

TABLES = ("s3_objects", "s3_usage", "s3_deliveries")
JOB = "ingest_deliveries"
OP = "ingest_reports"

UNREADABLE = (ReportError, SettingsError)
"""Why a destination cannot be read, which keeps no other from it: what S3 says, or the settings of
the account that reads it, such as a reference to a secret that is not there."""


class IngestConfig(dg.Config):
    """The deliveries of a run, as addresses of their manifest.json; empty is all of the day.

    Of those, the ones that were erased on request come back only to `restore` them: a run may have
    been queued, or be started again, after the erasure.
    """

    manifests: list[str] = []
    restore: bool = False


def ingest_config(manifests: Sequence[str], *, restore: bool = False) -> dict[str, Any]:
    """The run config that ingests just these deliveries."""
    return {"ops": {OP: {"config": {"manifests": list(manifests), "restore": restore}}}}


def ingest_assets(days: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name=OP,
        specs=[table_spec(name, partitions_def=days, kinds={"s3"}) for name in TABLES],
        check_specs=[
            *map(contract_check_spec, TABLES),
            dg.AssetCheckSpec(
                "deliveries_sound",
                asset=asset_key("s3_deliveries"),
                description="All destinations are listed, and no delivery is quarantined.",
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
        started = time.monotonic()
        deliveries, problems = _deliveries(inventory, config.manifests, day)
        results = ingest(
            inventory.lake,
            inventory.engine,
            inventory.s3,
            deliveries,
            prefix_depth=settings.prefix_depth,
            prefix_limit=settings.prefix_limit,
            now=clock.now(),
            workers=settings.workers,
            restore=config.restore,
            progress=lambda result: log(_sentence(result)),
        )
        yield from _materialized(inventory, results, day, time.monotonic() - started)
        yield _deliveries_sound(results, problems)

    return [ingest_reports]


def _materialized(
    inventory: Inventory, results: Sequence[DeliveryResult], day: date, seconds: float
) -> Iterator[dg.MaterializeResult]:
    """The tables as the run has left them.

    Its own deliveries are looked at: the day's others have been by their runs.
    """
    told = _told(results, seconds)
    where = _written(results, day)
    with inventory.engine.session(dict.fromkeys(TABLES, where)) as db:
        for name in TABLES:
            rows = sum(file.rows for file in inventory.lake.files(name, {"delivered_on": day}))
            of_day = {"dagster/partition_row_count": rows}
            yield materialized(db, name, where, metadata={**told, **of_day})


def erasures_asset() -> dg.AssetSpec:
    """The record that the command `erase` keeps; no run makes it."""
    return table_spec("erasures")


def _deliveries(
    inventory: Inventory, manifests: Sequence[str], day: date
) -> tuple[list[Delivery], list[str]]:
    """The named deliveries, or every completed one of the day but those erased on request; and why
    a destination could not be listed."""
    if manifests:
        return _named(inventory, manifests, day), []
    ledger = read_ledger(inventory.lake, [day])
    since = datetime.combine(day, datetime.min.time(), UTC)
    found: list[Delivery] = []
    problems: list[str] = []
    for destination in inventory.settings.s3_inventory.destinations:
        try:
            found += find_deliveries(inventory.s3(destination), destination, since).deliveries
        except UNREADABLE as error:
            problems.append(str(error))
    of_day = (d for d in found if d.delivered_on == day)
    return [d for d in of_day if not ledger.is_erased(d)], problems


def _named(inventory: Inventory, manifests: Sequence[str], day: date) -> list[Delivery]:
    named: list[Delivery] = []
    for uri in manifests:
        delivery = delivery_at(inventory.settings, uri)
        if delivery is None or delivery.delivered_on != day:
            raise dg.Failure(
                f"{uri} is no manifest of {day} in a destination of the settings "
                "(s3_inventory.destinations)",
                allow_retries=False,
            )
        named.append(delivery)
    return named


def delivery_at(settings: Settings, uri: str) -> Delivery | None:
    """The delivery that an address of a manifest belongs to; None where no destination has it."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    destinations = settings.s3_inventory.destinations
    parsed = (parse_delivery(d, key) for d in destinations if d.bucket == bucket)
    return next((delivery for delivery in parsed if delivery), None)


def _written(results: Sequence[DeliveryResult], day: date) -> Where:
    """The partitions that hold what a run was about."""
    return {
        "delivered_on": day,
        "source_bucket": sorted({result.delivery.source_bucket for result in results}),
        "configuration_id": sorted({result.delivery.configuration_id for result in results}),
    }


def _told(results: Sequence[DeliveryResult], seconds: float) -> dict[str, Any]:
    """What a run did, in figures that Dagster plots."""
    ingested = [result for result in results if result.status == "ingested"]
    rows = sum(result.rows or 0 for result in ingested)
    return {
        "deliveries": len(results),
        "deliveries ingested": len(ingested),
        "deliveries quarantined": sum(r.status == "quarantined" for r in results),
        "rows ingested": rows,
        "report files": sum(result.files or 0 for result in ingested),
        "report bytes": sum(result.bytes or 0 for result in ingested),
        "rows a second": round(rows / seconds) if seconds else 0,
    }


def _deliveries_sound(
    results: Sequence[DeliveryResult], problems: Sequence[str]
) -> dg.AssetCheckResult:
    bad = [r for r in results if r.status in ("quarantined", "seen")]
    counts = Counter(str(result.status) for result in results)
    return dg.AssetCheckResult(
        asset_key=asset_key("s3_deliveries"),
        check_name="deliveries_sound",
        passed=not bad and not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join([*problems, *map(_sentence, bad[:10])]) or "all deliveries are sound",
        metadata={"deliveries": len(results), **counts},
    )


def _sentence(result: DeliveryResult) -> str:
    told = result.error or (f"{result.rows:,} rows" if result.rows is not None else "")
    notes = "".join(f" ({note})" for note in result.notes)
    return f"{result.delivery.manifest_uri}: {result.status} {told}{notes}".rstrip()


def manifests_of(run_config: Mapping[str, Any]) -> list[str]:
    """What `ingest_config` put into a run's configuration; a run of a whole day has nothing."""
    config = run_config.get("ops", {}).get(OP, {}).get("config", {})
    return list(config.get("manifests", []))
