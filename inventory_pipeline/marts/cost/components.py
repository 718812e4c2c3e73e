"""What resources consist of in the price list: every type's cost components as one relation.

Generated from `resource_types`; `cost_components.sql` prices it.
"""

from inventory_pipeline.marts.measured import measured, measured_relations
from inventory_pipeline.marts.sql import column_list, literal, read_sql, union_all, with_relations
from inventory_pipeline.resource_types import CostComponent, ResourceType, resource_types
from inventory_pipeline.tables import PLACE, RESOURCE, SNAPSHOT_AT


def priced_types() -> tuple[ResourceType, ...]:
    """Types whose cost we can speak of: those with cost components."""
    return tuple(kind for kind in resource_types().values() if kind.costs)


def cost_components_sql() -> str:
    kinds = priced_types()
    lines = union_all(_line(kind, component) for kind in kinds for component in kind.costs)
    relations = {**measured_relations(kinds), "component_lines": lines}
    return with_relations(relations, read_sql(__package__, "cost_components.sql"))


def _line(kind: ResourceType, component: CostComponent) -> str:
    return f"""SELECT {column_list("r", (SNAPSHOT_AT, *PLACE, *RESOURCE))},
  {literal(component.name)} AS component,
  {literal(component.service)} AS price_service,
  CAST({component.key} AS VARCHAR) AS price_key,
  {literal(component.unit)} AS unit,
  CAST({component.quantity} AS DECIMAL(18,6)) AS quantity,
  CAST({component.unknown} AS VARCHAR) AS unknown_reason,
  {literal(component.tiered_over)} AS tiered_over
FROM {measured(kind)} AS r
WHERE {component.applies}"""
