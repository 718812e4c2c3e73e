"""What resources consist of in the price list: every type's cost components as one relation.

Generated from `resource_types`; `cost_components.sql` prices it.
"""

from collections.abc import Callable

from inventory_pipeline.marts.measured import measured, measured_relations
from inventory_pipeline.marts.sql import column_list, literal, read_sql, union_all, with_relations
from inventory_pipeline.resource_types import CostComponent, ResourceType, resource_types
from inventory_pipeline.tables import PLACE, RESOURCE, SNAPSHOT_AT


def priced_types() -> tuple[ResourceType, ...]:
    """Types whose cost we can speak of: those with cost components."""
    return tuple(kind for kind in resource_types().values() if kind.costs)


def cost_components_sql() -> str:
    kinds = priced_types()
    relations = {**measured_relations(kinds), "component_lines": union_all(map(_lines, kinds))}
    return with_relations(relations, read_sql(__package__, "cost_components.sql"))


def _lines(kind: ResourceType) -> str:
    """Every component of every resource of a type.

    One look at the type, not one for each component: Athena plans each look anew, and a statement
    may have 150 stages in all.
    """
    numbered = list(enumerate(kind.costs))

    def of_each(column: Callable[[CostComponent], str]) -> str:
        cases = " ".join(f"WHEN c.number = {n} THEN {column(cost)}" for n, cost in numbered)
        return f"CASE {cases} END"

    numbers = union_all(f"SELECT {n} AS number" for n, _ in numbered)
    return f"""SELECT {column_list("r", (SNAPSHOT_AT, *PLACE, *RESOURCE))},
  {of_each(lambda c: literal(c.name))} AS component,
  {of_each(lambda c: literal(c.service))} AS price_service,
  {of_each(lambda c: f"CAST({c.key} AS VARCHAR)")} AS price_key,
  {of_each(lambda c: literal(c.unit))} AS unit,
  {of_each(lambda c: f"CAST({c.quantity} AS DECIMAL(18,6))")} AS quantity,
  {of_each(lambda c: f"CAST({c.unknown} AS VARCHAR)")} AS unknown_reason,
  {of_each(lambda c: literal(c.tiered_over))} AS tiered_over
FROM {measured(kind)} AS r
CROSS JOIN ({numbers}) AS c
WHERE {of_each(lambda c: c.applies)}"""
