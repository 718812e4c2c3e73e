"""Planning: what the policies make of a day's deliveries, committed as candidates and funnels.

Objects stream through the engine; only plans, one for each policy and delivery, are seen here.
Planning a day again replaces it, with equal rows. Not here: writing manifests (`store`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.archive.economics import MONTHS_PER_DAY, Move, UnpricedError, move
from inventory_pipeline.archive.policies import Delivery, applies_to, picks, plan_id
from inventory_pipeline.archive.rates import rates_sql
from inventory_pipeline.archive.safety import unsafe_sql
from inventory_pipeline.archive.terms import Terms, bucket_terms
from inventory_pipeline.prices.storage_classes import (
    MONITORED_FROM_BYTES,
    STORAGE_CLASSES,
    price_key_sql,
)
from inventory_pipeline.tables import DELIVERY

if TYPE_CHECKING:
    import pyarrow as pa

    from inventory_pipeline.lake import DuckDBEngine, Lake
    from inventory_pipeline.lake.engine import Session
    from inventory_pipeline.settings import ArchivePolicy


@dataclass(frozen=True)
class Plan:
    """A row of `archive_plans`: the funnel of one policy on one delivery."""

    delivered_on: date
    source_bucket: str
    configuration_id: str
    plan_id: str
    policy: str
    region: str | None
    target_class: str
    route: str | None
    horizon_months: int
    price_as_of: str | None
    job_fee_usd: Decimal | None
    seen_objects: int
    seen_bytes: int
    matched_objects: int = 0
    matched_bytes: int = 0
    safe_objects: int = 0
    safe_bytes: int = 0
    profitable_objects: int = 0
    profitable_bytes: int = 0
    unpriced_objects: int = 0
    fee_usd: Decimal | None = None
    monthly_saving_usd: Decimal | None = None
    net_saving_usd: Decimal | None = None


@dataclass(frozen=True)
class _Draft:
    """A plan before its candidates are counted: what the engine needs to find them."""

    policies: Sequence[ArchivePolicy]
    delivery: Delivery
    terms: Terms

    @property
    def policy(self) -> ArchivePolicy:
        return self.policies[-1]


def plan(
    engine: DuckDBEngine, lake: Lake, policies: Sequence[ArchivePolicy], delivered_on: date
) -> list[Plan]:
    """Plan every policy on every delivery of its sources on that day, and commit the outcome.

    Earlier policies go first: what one picks, no later one picks again. Of several reports of one
    bucket only that which lists most is planned, so that no object is planned twice.
    """
    deliveries = [
        delivery
        for delivery in _deliveries(lake, delivered_on)
        if any(applies_to(policy, delivery.source_bucket) for policy in policies)
    ]
    terms = bucket_terms(engine, lake, delivered_on, [d.source_bucket for d in deliveries])
    outlines: list[Plan] = []
    found: list[Path] = []
    for delivery in deliveries:
        with engine.session({"s3_objects": delivery.partition}) as db:
            seen = db.query(
                "SELECT COUNT(*) AS seen_objects, CAST(COALESCE(SUM(size), 0) AS BIGINT) "
                "AS seen_bytes FROM s3_objects"
            ).to_pylist()[0]
            for draft in _drafts(policies, delivery, terms[delivery.source_bucket]):
                moves = _moves(draft.policy, draft.terms)
                found += _candidates(db, draft, moves)
                outlines.append(_outline(draft, moves, seen))
    day = {"delivered_on": delivered_on}
    lake.replace("archive_candidates", [day], found)
    plans = _counted(engine, delivered_on, outlines)
    _commit(lake, plans, delivered_on)
    return plans


def _deliveries(lake: Lake, delivered_on: date) -> list[Delivery]:
    """The day's ingested deliveries, one for each bucket, in the order of its name."""
    rows = lake.read("s3_deliveries", {"delivered_on": delivered_on, "status": "ingested"})
    newest = {
        (row["source_bucket"], row["configuration_id"]): row
        for row in sorted(rows.to_pylist(), key=lambda r: r["delivered_at"])
    }
    fullest = {
        row["source_bucket"]: row
        for row in sorted(newest.values(), key=lambda r: (r["rows"] or 0, r["configuration_id"]))
    }
    return [
        Delivery(delivered_on, bucket, row["configuration_id"], row["delivered_at"])
        for bucket, row in sorted(fullest.items())
    ]


def _drafts(policies: Sequence[ArchivePolicy], delivery: Delivery, terms: Terms) -> list[_Draft]:
    own = [policy for policy in policies if applies_to(policy, delivery.source_bucket)]
    return [_Draft(own[: n + 1], delivery, terms) for n in range(len(own))]


def _moves(policy: ArchivePolicy, terms: Terms) -> dict[str, Move | str]:
    """The move out of each class, by price key, or why it cannot be priced."""
    moves: dict[str, Move | str] = {}
    for key in STORAGE_CLASSES:
        try:
            moves[key] = terms.unknown or move(
                key,
                policy.target_class,
                terms.route or "copy",
                terms.prices,
                policy.horizon_months,
            )
        except UnpricedError as error:
            moves[key] = str(error)
    return moves


def _candidates(db: Session, draft: _Draft, moves: Mapping[str, Move | str]) -> list[Path]:
    policy, delivery = draft.policy, draft.delivery
    picked = picks(draft.policies, delivery)
    sql = _sql("candidates").format(
        rates=rates_sql(moves),
        price_key=price_key_sql("storage_class", "intelligent_tiering_access_tier"),
        picks=picked.sql,
        monitored_from=MONITORED_FROM_BYTES,
        unsafe=unsafe_sql(policy.target_class, draft.terms.route),
        months_per_day=f"CAST('{MONTHS_PER_DAY}' AS DECIMAL(18,12))",
    )
    params = {
        "plan_id": plan_id(policy, delivery),
        "policy": policy.name,
        "target_class": policy.target_class,
        "delivered_at": delivery.delivered_at,
    }
    return db.build("archive_candidates", sql, {**params, **picked.params})


def _outline(draft: _Draft, moves: Mapping[str, Move | str], seen: Mapping[str, int]) -> Plan:
    policy = draft.policy
    job = draft.terms.prices.get("batch:job")
    months = [priced.price_as_of for priced in moves.values() if isinstance(priced, Move)]
    return Plan(
        **draft.delivery.partition,
        plan_id=plan_id(policy, draft.delivery),
        policy=policy.name,
        region=draft.terms.region,
        target_class=policy.target_class,
        route=draft.terms.route,
        horizon_months=policy.horizon_months,
        price_as_of=min(months, default=None),
        job_fee_usd=job.usd if job else None,
        seen_objects=seen["seen_objects"],
        seen_bytes=seen["seen_bytes"],
    )


def _counted(engine: DuckDBEngine, delivered_on: date, outlines: Sequence[Plan]) -> list[Plan]:
    """The plans with what their committed candidates add up to."""
    with engine.session({"archive_candidates": {"delivered_on": delivered_on}}) as db:
        rows = db.query(_sql("funnel")).to_pylist()
    counted = {row.pop("plan_id"): row for row in rows}
    return [replace(outline, **counted.get(outline.plan_id, {})) for outline in outlines]


def _commit(lake: Lake, plans: Sequence[Plan], delivered_on: date) -> None:
    import pyarrow as pa

    from inventory_pipeline.lake.schema import arrow_schema

    rows = pa.Table.from_pylist([asdict(p) for p in plans], schema=arrow_schema("archive_plans"))
    lake.replace("archive_plans", day_partitions(lake, "archive_plans", delivered_on, rows), rows)


def day_partitions(
    lake: Lake, table: str, delivered_on: date, rows: pa.Table
) -> list[dict[str, Any]]:
    """Every partition that the day has in a table of deliveries, or will have with `rows`."""
    kept = lake.files(table, {"delivered_on": delivered_on}, visible=False)
    partitions = [*(dict(f.partition) for f in kept), *rows.select([*DELIVERY]).to_pylist()]
    return list({tuple(p.values()): p for p in partitions}.values())


def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
