"""`inventory stale`: what has provably been idle for so many days, and what acting would save."""

from __future__ import annotations

from typing import Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import counted, dollars
from inventory_pipeline.cli.reading import Reader, reading

FOUND = """
SELECT rule_id, account_id, account_name, department, region, resource_type, resource_id, name,
  idle_days, monthly_saving_usd, saving_unknown_reason, reason
FROM waste_findings
WHERE verdict = 'yes' AND {proof} AND {where}
ORDER BY COALESCE(monthly_saving_usd, 0) DESC, rule_id, account_id, region, resource_id
"""

# A resource that two rules name is acted upon once: its largest saving counts.
SAVING = """
SELECT COUNT(*) AS resources, COALESCE(SUM(saving), 0) AS monthly_usd,
  CAST(COALESCE(SUM(unknown), 0) AS BIGINT) AS unknown_savings
FROM (
  SELECT MAX(monthly_saving_usd) AS saving,
    CASE WHEN COUNT(monthly_saving_usd) < COUNT(*) THEN 1 ELSE 0 END AS unknown
  FROM waste_findings
  WHERE verdict = 'yes' AND {proof} AND {where}
  GROUP BY account_id, region, resource_type, resource_id
) AS resources
"""

UNJUDGED = "SELECT COUNT(*) AS findings FROM waste_findings WHERE verdict = 'unknown' AND {where}"

UNRIPE = """
SELECT COUNT(*) AS findings FROM waste_findings
WHERE verdict = 'no' AND idle_days >= $days AND {where}
"""

PROVED = "COALESCE(idle_days >= $days, FALSE)"
NOT_PROVED = "COALESCE(idle_days < $days, TRUE)"


@click.command()
@click.option(
    "--days",
    type=click.IntRange(0),
    help="Days of idleness; default stale_resource_days of the settings.",
)
@reading("account", "department", "region", "resource_type", "tag")
def stale(reader: Reader, days: int | None) -> None:
    """What has provably been idle for DAYS, and what acting saves.

    A second table has what is idle now, but not provably for so long. A saving that is not known
    is not counted, and a resource that several rules name counts once.

    \b
    Examples:
      inventory stale --days 90
      inventory stale --days 30 --department Engineering --format csv
    """
    if days is None:
        days = reader.settings.cost_thresholds.stale_resource_days
    at = reader.newest("waste_findings")
    with reader.session("waste_findings", at=at) as session:

        def run(sql: str, proof: str) -> Any:
            return reader.rows(session, sql.replace("{proof}", proof), {"days": days})

        proved, unproved = run(FOUND, PROVED), run(FOUND, NOT_PROVED)
        saving = run(SAVING, PROVED).to_pylist()[0]
        unjudged = reader.rows(session, UNJUDGED)["findings"][0].as_py()
        unripe = reader.rows(session, UNRIPE, {"days": days})["findings"][0].as_py()
    shown = (
        "rule_id",
        "account_name",
        "region",
        "resource_id",
        "name",
        "idle_days",
        "monthly_saving_usd",
        "reason",
    )
    notes = [saving_line(saving)]
    if unripe:
        notes.append(
            f"{unripe:,} more have been idle for that long, but are no waste by their rule yet "
            "(idle_resource_days of the settings)."
        )
    if unjudged:
        notes.append(f"{unjudged:,} more could not be judged, for want of data.")
    reader.show(
        Section.of("rows", f"Idle for {days} days or more", proved, shown),
        Section.of("not_yet_provable", f"Idle, but not provably for {days} days", unproved, shown),
        coverage=reader.snapshot_coverage(at),
        at=at,
        notes=tuple(notes),
        facts={
            "days": days,
            "could_not_be_judged": unjudged,
            "saving": {**saving, "is_lower_bound": bool(saving["unknown_savings"])},
        },
    )


def saving_line(saving: dict[str, Any]) -> str:
    """`Saving: at least $1.00 a month from 2 resources; unknown for 1 of them`."""
    unknown = saving["unknown_savings"]
    resources = counted(saving["resources"], "resource")
    if not unknown:
        return f"Saving: {dollars(saving['monthly_usd'])} a month from {resources}"
    return (
        f"Saving: at least {dollars(saving['monthly_usd'])} a month from {resources}; "
        f"not wholly known for {unknown:,} of them"
    )
