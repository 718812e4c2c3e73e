"""`inventory summary`: the whole answer on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click

from inventory_pipeline.cli import archive, cost, security, stale
from inventory_pipeline.cli.answer import Section, instant
from inventory_pipeline.cli.output import counted, size
from inventory_pipeline.cli.reading import NothingToReadError, Reader, reading
from inventory_pipeline.cli.storage.usage import stored, total_line

ESTATE = """
SELECT resource_type, COUNT(*) AS resources, COUNT(DISTINCT account_id) AS accounts,
  COUNT(DISTINCT region) AS regions
FROM resources WHERE {where}
GROUP BY resource_type ORDER BY resources DESC, resource_type
"""

ACCOUNTS = "SELECT COUNT(DISTINCT account_id) AS accounts FROM {table} WHERE {where}"

LOOKED_AT = "(SELECT * FROM accounts WHERE status IN ('ok', 'denied', 'error')) AS looked_at"

COLUMNS = ("resource_type", "resources", "accounts", "regions", "monthly_usd", "unpriced_resources")

TYPES = 15
"""Resource types that fit one screen with the rest."""

NEXT = "inventory cost, security, stale, storage, archive plan, query, sql (each has --help)"


@dataclass
class Summary:
    """What has been found so far: tables, costs by resource type, one-line parts, JSON members."""

    sections: list[Section] = field(default_factory=list)
    costs: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    lines: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


@click.command()
@reading("account", "department", "region", "resource_type", "tag")
def summary(reader: Reader) -> None:
    """The estate, what it costs and what it risks, on one screen.

    What is missing says what to run next. Storage and archive know no filters and are left out
    where there are any.

    \b
    Examples:
      inventory summary
      inventory summary --account payments
      inventory summary --format json --output summary.json
    """
    found = Summary()
    at = reader.snapshots[-1]
    with reader.session("resources", "accounts", at=at) as session:
        estate = reader.rows(session, ESTATE, tagged=True)
        unfiltered = not any(vars(reader.filters).values())
        table = LOOKED_AT if unfiltered else "resources"
        counting = ACCOUNTS.replace("{table}", table)
        accounts = reader.rows(session, counting, tagged=True)["accounts"][0].as_py()
    found.facts["accounts"] = accounts
    found.facts["resources"] = sum(estate["resources"].to_pylist())
    for title, part in (OF_RESOURCES | OF_DELIVERIES if unfiltered else OF_RESOURCES).items():
        try:
            part(reader, found)
        except NothingToReadError as empty:
            found.facts.setdefault("missing", {})[title.lower()] = str(empty)
            found.lines.append(f"{title:9} {empty}")
    found.lines.insert(
        0,
        f"{'Estate':9} {counted(accounts, 'account')}, "
        f"{counted(found.facts['resources'], 'resource')}",
    )
    found.lines.append(f"{'More':9} {NEXT}")
    rows = [[row.get(name) for name in COLUMNS] for row in _with_costs(estate.to_pylist(), found)]
    shown = COLUMNS[:5] if found.costs else COLUMNS[:4]
    reader.show(
        Section("rows", "Most numerous resources", COLUMNS, rows, shown, first=TYPES),
        *found.sections,
        coverage=reader.snapshot_coverage(at),
        at=at,
        notes=tuple(found.lines),
        facts=found.facts,
    )


def _with_costs(estate: list[dict[str, Any]], found: Summary) -> Iterator[Mapping[str, Any]]:
    for row in estate:
        yield {**row, **found.costs.get(row["resource_type"], {})}


def _of_snapshot(reader: Reader, at: datetime) -> str:
    """What to say of a part that rests on an older snapshot than the estate."""
    if at == reader.snapshots[-1]:
        return ""
    return f" (of the snapshot {instant(at)}: the newest is not computed yet)"


def _cost(reader: Reader, found: Summary) -> None:
    at = reader.newest("resource_costs")
    with reader.session("resource_costs", at=at) as session:
        by_service = reader.rows(session, cost.COSTS.replace("{by}", "service"))
        by_type = reader.rows(session, cost.COSTS.replace("{by}", "resource_type")).to_pylist()
        dearest = reader.rows(session, cost.DEAREST.replace("{top}", "5"))
    total = cost.total_of(by_service)
    found.sections.append(Section.of("top_resources", "Dearest resources", dearest, cost.SHOWN))
    found.facts |= {"cost": total, "cost_by_service": by_service.to_pylist()}
    told = cost.total_line(total).removeprefix("Total: ") + _of_snapshot(reader, at)
    found.lines.append(f"{'Cost':9} {told}")
    if at == reader.snapshots[-1]:
        priced = ("monthly_usd", "unpriced_resources")
        found.costs = {row["resource_type"]: {n: row[n] for n in priced} for row in by_type}


def _waste(reader: Reader, found: Summary) -> None:
    at = reader.newest("waste_findings")
    with reader.session("waste_findings", at=at) as session:
        saving = reader.rows(session, stale.SAVING.replace("{proof}", "TRUE")).to_pylist()[0]
        unjudged = reader.rows(session, stale.UNJUDGED)["findings"][0].as_py()
    found.facts["waste"] = {
        **saving,
        "is_lower_bound": bool(saving["unknown_savings"]),
        "could_not_be_judged": unjudged,
    }
    told = stale.saving_line(saving).removeprefix("Saving: ")
    unknown = f"; {counted(unjudged, 'finding')} without enough data" if unjudged else ""
    found.lines.append(f"{'Waste':9} {told}{unknown}{_of_snapshot(reader, at)}")


def _security(reader: Reader, found: Summary) -> None:
    at = reader.newest("security_findings")
    findings, report = security.findings_and_report(reader, at)
    failed = Counter(row["severity"] for row in findings if row["verdict"] == "fail")
    scores = {
        k: report[k] for k in ("compliance_score", "weighted_score", "judged_percent", "unknown")
    }
    found.facts["security"] = {**scores, "failed": dict(failed)}
    told = ", ".join(f"{failed[s]:,} {s}" for s in security.SEVERITIES if failed[s]) or "none"
    line = security.score_line(report).removeprefix("Score: ")
    found.lines.append(f"{'Security':9} {line}; failed: {told}{_of_snapshot(reader, at)}")


def _storage(reader: Reader, found: Summary) -> None:
    usage = stored(reader, "class")
    found.facts["storage"] = {"total": usage.total, "by_class": usage.rows.to_pylist()}
    classes = ", ".join(
        f"{row['storage_class'] or 'class unknown'} {size(row['bytes'])}"
        for row in usage.rows.to_pylist()
        if row["bytes"]
    )
    # CloudWatch's bytes of the same buckets are in the costs already.
    total = f"{total_line(usage.total)} (not on top of Cost)"
    buckets = counted(usage.deliveries["buckets"], "bucket")
    found.lines.append(f"{'Storage':9} listed in {buckets}: {total}: {classes}")


def _archive(reader: Reader, found: Summary) -> None:
    plans = archive.newest_plans(reader).to_pylist()
    found.facts["archive"] = plans
    found.lines.append(f"{'Archive':9} {archive.funnel_line(plans)}")


Part = Callable[[Reader, Summary], None]
OF_RESOURCES: dict[str, Part] = {"Cost": _cost, "Waste": _waste, "Security": _security}
OF_DELIVERIES: dict[str, Part] = {"Storage": _storage, "Archive": _archive}
