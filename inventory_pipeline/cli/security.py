"""`inventory security`: findings of the controls, and the weekly report's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.filters import Filters
from inventory_pipeline.cli.reading import Reader, reading

Row = Mapping[str, Any]

SEVERITIES = ("critical", "high", "medium", "low")
VERDICTS = ("fail", "unknown", "pass")

COLUMNS = (
    "severity",
    "control_id",
    "category",
    "verdict",
    "account_id",
    "account_name",
    "department",
    "region",
    "resource_type",
    "resource_id",
    "name",
    "reason",
)
SHOWN = ("severity", "control_id", "verdict", "account_name", "region", "resource_id", "reason")

FINDINGS = """
SELECT severity, control_id, category, verdict, account_id, account_name, department, region,
  resource_type, resource_id, name, reason
FROM security_findings WHERE {where}
ORDER BY CASE severity WHEN 'critical' THEN 1 WHEN 'high' THEN 2 WHEN 'medium' THEN 3 ELSE 4 END,
  control_id, account_id, region, resource_id
"""

SCORE = """
SELECT control_score, weighted_score, coverage, passed, failed, unknown
FROM compliance_scores
WHERE scope = $scope
  AND ($scope = 'organization' OR COALESCE(scope_id, 'unallocated') = $value
  OR scope_id IN (SELECT account_id FROM accounts WHERE account_name = $value))
"""


@click.command()
@click.option(
    "--verdict",
    multiple=True,
    type=click.Choice([*VERDICTS, "all"]),
    default=["fail"],
    show_default=True,
    help="Verdicts to list.",
)
@click.option("--severity", multiple=True, type=click.Choice(SEVERITIES), help="Severity to list.")
@reading("account", "department", "region", "resource_type", "tag")
def security(reader: Reader, verdict: Sequence[str], severity: Sequence[str]) -> None:
    """What is unencrypted or public, and the compliance score.

    JSON has the weekly report: unencrypted_resources, public_resources, no_backup_resources,
    compliance_score, besides the listed rows. Scores exist for the organisation, and for a single
    --account or --department; with other filters they are null.

    \b
    Examples:
      inventory security
      inventory security --severity critical --account payments
      inventory security --verdict unknown --format csv
      inventory security --format json --output security.json
    """
    at = reader.newest("security_findings")
    found, report = findings_and_report(reader, at)
    wanted = VERDICTS if "all" in verdict else verdict
    listed = [
        row
        for row in found
        if row["verdict"] in wanted and row["severity"] in (severity or SEVERITIES)
    ]
    section = Section(
        "rows",
        "Security findings",
        COLUMNS,
        [[row[name] for name in COLUMNS] for row in listed],
        [name for name in SHOWN if name != "verdict" or len(wanted) > 1],
    )
    reader.show(
        section,
        coverage=reader.snapshot_coverage(at),
        at=at,
        notes=(score_line(report),),
        facts=report,
    )


def findings_and_report(reader: Reader, at: datetime) -> tuple[list[Row], dict[str, Any]]:
    """The filtered findings of a snapshot, worst first, and the weekly report of them."""
    from inventory_pipeline.marts.security.report import security_report

    with reader.session("security_findings", "compliance_scores", "accounts", at=at) as session:
        findings = reader.rows(session, FINDINGS).to_pylist()
        scope = _scope(reader.filters)
        scores = session.query(SCORE, scope).to_pylist() if scope else []
    if len(scores) > 1:
        # Accounts of one name; a score of one is none of all.
        scores = []
    # The report takes the organisation's score; here it gets that of the scope asked for.
    report = security_report(findings, [{**score, "scope": "organization"} for score in scores])
    # `coverage` is the snapshot's in every answer.
    report["judged_percent"] = report.pop("coverage")
    report["unknown"] = sum(row["verdict"] == "unknown" for row in findings)
    return findings, report


def _scope(filters: Filters) -> dict[str, str] | None:
    """The scope whose score is that of the filtered findings; None where there is none."""
    chosen = {name: value for name, value in vars(filters).items() if value}
    if not chosen:
        return {"scope": "organization", "value": ""}
    name, values = next(iter(chosen.items()))
    if len(chosen) == 1 and name in ("account", "department") and len(values) == 1:
        return {"scope": name, "value": values[0]}
    return None


def score_line(report: dict[str, Any]) -> str:
    """`Score: 71.4 % of judged controls pass, ...`; what was never seen is in the coverage."""
    score, weighted = report["compliance_score"], report["weighted_score"]
    parts = [
        "unknown" if score is None else f"{score:.1f} % of judged controls pass",
        *([] if weighted is None else [f"by severity {weighted:.1f} %"]),
        *(
            []
            if report["judged_percent"] is None
            else [f"{report['judged_percent']:.1f} % of checks on seen resources could be judged"]
        ),
        f"{report['unknown']:,} unknown",
    ]
    return "Score: " + ", ".join(parts)
