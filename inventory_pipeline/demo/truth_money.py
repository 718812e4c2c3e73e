"""What a correct pipeline must find the organisation to cost and to waste.

Belongs here: facts about dollars and idle things. What a single resource costs: `truth_costs`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from inventory_pipeline.demo.estate import Database, Instance, Resource, Thing
from inventory_pipeline.demo.fact import SERVICES, Fact, Rows, Seen, places
from inventory_pipeline.demo.planted import IDLE, STOPPED, WEB
from inventory_pipeline.demo.truth_costs import (
    Line,
    cents,
    cost_lines,
    invocations,
    known,
    total,
)

LONG_STOPPED = timedelta(days=30)

REMARKABLE_SERVERS = (WEB, STOPPED, IDLE, "tuned", "batch", "ledger-ui", "builder")
REMARKABLE_IDS = (
    "orders",
    "io-heavy",
    "catalog",
    "nightly-report",
    "checkout",
    "example-analytics-models",
)
"""Resources with a story whose cost a reader can check by hand."""


def money_facts(seen: Seen) -> Iterator[Fact]:
    yield from _totals(seen)
    yield from _single_costs(seen)
    yield from _waste(seen)


def _totals(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, table: str) -> Fact:
        return Fact("cost", title, planted, sql, (table,), seen.day)

    def sums(of: Callable[[str, Resource], str]) -> Rows:
        return _sums((of(kind, r), lines) for kind, r, lines in costs)

    costs = [(kind, r, cost_lines(r)) for kind, r in seen.all()]
    in_all = sum((known(lines) for _, _, lines in costs), Decimal(0))
    unpriced = sum(total(lines) is None for _, _, lines in costs)
    yield fact(
        "dollars a month known; resources with an unknown price",
        ((cents(in_all), unpriced),),
        "SELECT CAST(ROUND(SUM(known_usd), 2) AS DECIMAL(18,2)),"
        " COUNT(*) - COUNT(monthly_usd) FROM resource_costs",
        "resource_costs",
    )
    yield fact(
        "dollars a month by service",
        sums(lambda kind, _: SERVICES[kind]),
        "SELECT service, CAST(ROUND(monthly_usd, 2) AS DECIMAL(18,2)) FROM cost_by_service",
        "cost_by_service",
    )
    yield fact(
        "dollars a month by account",
        sums(lambda _, r: r.account_id),
        "SELECT account_id, CAST(ROUND(monthly_usd, 2) AS DECIMAL(18,2)) FROM cost_by_account",
        "cost_by_account",
    )
    yield fact(
        "dollars a month by department",
        sums(lambda _, r: seen.department(r)),
        "SELECT department, CAST(ROUND(monthly_usd, 2) AS DECIMAL(18,2)) FROM cost_by_department",
        "cost_by_department",
    )
    yield fact(
        "dollars a month by region",
        sums(lambda _, r: r.region),
        "SELECT region, CAST(ROUND(monthly_usd, 2) AS DECIMAL(18,2)) FROM cost_by_region",
        "cost_by_region",
    )


def _sums(parts: Iterable[tuple[str, list[Line]]]) -> Rows:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for name, lines in parts:
        sums[name] += known(lines)
    return tuple((name, cents(usd)) for name, usd in sums.items())


def _single_costs(seen: Seen) -> Iterator[Fact]:
    for kind, resource in seen.all():
        if isinstance(resource, Thing):
            continue
        if resource.tags.get("Name") in REMARKABLE_SERVERS or resource.id in REMARKABLE_IDS:
            name = resource.tags.get("Name", resource.id)
            yield Fact(
                "cost",
                f"dollars a month of {kind} {name} in {seen.account(resource).name},"
                f" {resource.region}",
                ((total(cost_lines(resource)),),),
                "SELECT monthly_usd FROM resource_costs WHERE resource_type = $kind"
                " AND resource_id = $id AND account_id = $account AND region = $region",
                ("resource_costs",),
                seen.day,
                {
                    "kind": kind,
                    "id": resource.id,
                    "account": resource.account_id,
                    "region": resource.region,
                },
            )


@dataclass(frozen=True)
class Waste:
    """A wasted resource, and the lines of cost that acting on it saves."""

    resource: Resource
    saved: list[Line]


def _waste(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, rule: str) -> Fact:
        tables = ("waste_findings",)
        return Fact("waste", f"{rule}: {title}", planted, sql, tables, seen.day, {"rule": rule})

    for rule, wasted in _wasted(seen).items():
        yield fact(
            "found",
            places(w.resource for w in wasted),
            "SELECT account_id, region, resource_id FROM waste_findings"
            " WHERE rule_id = $rule AND verdict = 'yes'",
            rule,
        )
        savings = [total(w.saved) for w in wasted]
        sure = sum((s for s in savings if s is not None), Decimal(0))
        yield fact(
            "dollars a month saved; savings unknown",
            ((cents(sure), savings.count(None)),),
            "SELECT CAST(ROUND(COALESCE(SUM(monthly_saving_usd), 0), 2) AS DECIMAL(18,2)),"
            " COUNT(*) - COUNT(monthly_saving_usd) FROM waste_findings"
            " WHERE rule_id = $rule AND verdict = 'yes'",
            rule,
        )
    for rule, kind in (("ec2.idle", "ec2_instance"), ("rds.idle", "rds_instance")):
        yield fact(
            "cannot be known",
            places(r for r in seen.of(kind) if _unmeasured(seen, r)),
            "SELECT account_id, region, resource_id FROM waste_findings"
            " WHERE rule_id = $rule AND verdict = 'unknown'",
            rule,
        )


def _wasted(seen: Seen) -> dict[str, list[Waste]]:
    """What each rule finds. An instance that goes takes its volumes along, a stopped one saves
    these and its address only; a database that is stopped keeps its storage."""
    volumes: dict[str, list[Line]] = defaultdict(list)
    for volume in seen.world.volumes:
        volumes[volume.instance_id or ""] += cost_lines(volume)
    idle = [i for i in seen.world.instances if i.running and i.use == "idle"]
    return {
        "ec2.idle": [Waste(i, [*cost_lines(i), *volumes[i.id]]) for i in idle],
        "ec2.stopped": [
            Waste(i, [*_only("address", i), *volumes[i.id]])
            for i in seen.world.instances
            if i.stopped_at and i.stopped_at < seen.estate.now - LONG_STOPPED
        ],
        "ebs.unattached": [
            Waste(v, cost_lines(v)) for v in seen.world.volumes if v.instance_id is None
        ],
        "rds.idle": [
            Waste(d, _only("compute", d)) for d in seen.of("rds_instance") if d.use == "idle"
        ],
        "lambda.unused": [Waste(f, []) for f in seen.world.functions if not invocations(f)],
    }


def _only(component: str, resource: Resource) -> list[Line]:
    return [line for line in cost_lines(resource) if line.component == component]


def _unmeasured(seen: Seen, resource: Resource) -> bool:
    """Silent, or so new that no whole day was measured yet. What is stopped, or stands by in a
    cluster, is not judged at all."""
    if isinstance(resource, Instance) and not resource.running:
        return False
    if isinstance(resource, Database) and resource.cluster_id:
        return False
    new = resource.created_at > seen.estate.now - timedelta(days=1)
    return new or resource.use == "silent"
