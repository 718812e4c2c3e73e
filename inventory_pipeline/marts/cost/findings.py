"""Waste findings: every rule asked of every resource that it speaks of, with honest savings.

Generated from `rules`; `waste_findings.sql` adds the savings. Rules named in the list `$rules_off`
are not asked.
"""

from collections.abc import Mapping, Sequence

from inventory_pipeline.marts.cost.rules import RULES, Rule
from inventory_pipeline.marts.mart import Rows
from inventory_pipeline.marts.measured import measured, measured_relations
from inventory_pipeline.marts.sql import column_list, literal, read_sql, union_all, with_relations
from inventory_pipeline.resource_types import ResourceType, resource_types
from inventory_pipeline.tables import PLACE, RESOURCE, SNAPSHOT_AT


def waste_findings_sql(rules: Sequence[Rule] = RULES) -> str:
    """The SELECT of `waste_findings` for these rules."""
    relations = {
        **measured_relations(_kinds(rules)),
        "unattached_since": read_sql(__package__, "unattached_since.sql"),
        "findings": _unless_off(union_all(_findings(rule) for rule in rules)),
        "rule_savings": union_all(_savings(rule) for rule in rules),
    }
    return with_relations(relations, read_sql(__package__, "waste_findings.sql"))


def waste_findings_reads() -> Mapping[str, Rows]:
    return {
        **{kind.table: "snapshot" for kind in _kinds(RULES)},
        # Earlier snapshots tell since when a volume has been unattached.
        "ebs_volumes": "all",
        "metrics": "snapshot",
        "coverage": "snapshot",
        "cost_components": "snapshot",
    }


def _unless_off(findings: str) -> str:
    return f"""SELECT found.* FROM (
{findings}
) AS found
WHERE found.rule_id NOT IN (SELECT rule_id FROM UNNEST($rules_off) AS disabled(rule_id))"""


def _kinds(rules: Sequence[Rule]) -> list[ResourceType]:
    return [resource_types()[name] for name in dict.fromkeys(rule.resource_type for rule in rules)]


def _findings(rule: Rule) -> str:
    return f"""SELECT {column_list("r", (SNAPSHOT_AT, *PLACE, *RESOURCE))}, r.name,
  {literal(rule.id)} AS rule_id,
  CASE WHEN {rule.wasted} THEN 'yes' WHEN NOT ({rule.wasted}) THEN 'no'
    ELSE 'unknown' END AS verdict,
  {rule.reason} AS reason,
  CAST({rule.idle_days} AS BIGINT) AS idle_days,
  {str(rule.saves_attached_volumes).upper()} AS saves_attached_volumes
FROM {measured(resource_types()[rule.resource_type])} AS r
WHERE {rule.applies}"""


def _savings(rule: Rule) -> str:
    """The rule's own components that acting saves; a rule that saves none has a NULL one."""
    return union_all(
        f"SELECT {literal(rule.id)} AS rule_id, {component} AS component"
        for component in [literal(name) for name in rule.saves] or ["CAST(NULL AS VARCHAR)"]
    )
