"""The weekly security report as JSON: what is unencrypted, public or without backup, and scores.

A pure function of rows; where it is sent or printed is the caller's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

SECTIONS = {
    "encryption": "unencrypted_resources",
    "public": "public_resources",
    "backup": "no_backup_resources",
}
"""The report's list for each category of controls."""


def security_report(findings: Iterable[Row], scores: Iterable[Row]) -> dict[str, Any]:
    """The report of one snapshot, from its rows of `security_findings` and `compliance_scores`.

    Each list has an entry for every failed control of a resource, worst `risk` (the control's
    severity) first. `compliance_score` and `coverage` are percent, None where nothing was judged;
    `unknown` counts what could not be.
    """
    report: dict[str, Any] = {section: [] for section in SECTIONS.values()}
    failed = sorted((row for row in findings if row["verdict"] == "fail"), key=_worst_first)
    for row in failed:
        report[SECTIONS[row["category"]]].append(_entry(row))
    total: Row = next((row for row in scores if row["scope"] == "organization"), {})
    return report | {
        "compliance_score": total.get("control_score"),
        "weighted_score": total.get("weighted_score"),
        "coverage": total.get("coverage"),
        "unknown": total.get("unknown", 0),
    }


def _worst_first(row: Row) -> tuple[int, str, str, str, str]:
    risk = ("critical", "high", "medium", "low").index(row["severity"])
    return risk, row["account_id"], row["region"], row["resource_id"], row["control_id"]


def _entry(row: Row) -> dict[str, str | None]:
    return {
        "type": row["resource_type"],
        "id": row["resource_id"],
        "account": row["account_id"],
        "region": row["region"],
        "risk": row["severity"],
        "control": row["control_id"],
        "reason": row["reason"],
    }
