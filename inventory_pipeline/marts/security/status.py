"""Findings by control, and what they add up to for accounts, departments and the organisation.

Generated from `controls`. Controls named in the list `$controls_off` are left out of all of it.
"""

from collections.abc import Mapping, Sequence

from inventory_pipeline.marts.mart import Rows
from inventory_pipeline.marts.security.controls import CONTROLS, SEVERITY_WEIGHTS, Control
from inventory_pipeline.marts.sql import column_list, literal, read_sql, union_all, with_relations
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline.tables import PLACE, RESOURCE, SNAPSHOT_AT


def security_findings_sql(controls: Sequence[Control] = CONTROLS) -> str:
    """The SELECT of `security_findings` for these controls."""
    relations = {
        "controls": _controls(controls),
        "verdicts": union_all(_verdicts(control) for control in controls),
    }
    return with_relations(relations, read_sql(__package__, "security_findings.sql"))


def security_findings_reads() -> Mapping[str, Rows]:
    return {resource_types()[c.resource_type].table: "snapshot" for c in CONTROLS}


def control_status_sql() -> str:
    evidence = union_all(
        f"SELECT {literal(control.id)} AS control_id, {literal(collector)} AS collector, "
        f"{str(collector == control.resource_type).upper()} AS lists_resources"
        for control in CONTROLS
        for collector in control.collectors
    )
    relations = {"controls": _controls(CONTROLS), "evidence": evidence}
    return with_relations(relations, read_sql(__package__, "control_status.sql"))


def compliance_scores_sql() -> str:
    return with_relations(
        {"controls": _controls(CONTROLS)}, read_sql(__package__, "compliance_scores.sql")
    )


def _controls(controls: Sequence[Control]) -> str:
    entries = union_all(
        f"SELECT {literal(c.id)} AS control_id, {literal(c.category)} AS category, "
        f"{literal(c.severity)} AS severity, {SEVERITY_WEIGHTS[c.severity]} AS weight"
        for c in controls
    )
    return f"""SELECT entries.* FROM (
{entries}
) AS entries
WHERE entries.control_id NOT IN (
  SELECT control_id FROM UNNEST($controls_off) AS disabled(control_id)
)"""


def _verdicts(control: Control) -> str:
    return f"""SELECT {column_list("r", (SNAPSHOT_AT, *PLACE, *RESOURCE))}, r.name,
  {literal(control.id)} AS control_id,
  CASE WHEN {control.fails} THEN 'fail' WHEN NOT ({control.fails}) THEN 'pass'
    ELSE 'unknown' END AS verdict,
  {control.reason} AS reason
FROM {resource_types()[control.resource_type].table} AS r
WHERE {control.applies}"""
