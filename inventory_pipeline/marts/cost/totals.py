"""Costs by resource and by service, account, department and region.

The totals add up what is known of `resource_costs`, so that each of them sums to the same cents.
"""

from inventory_pipeline.marts.sql import literal, read_sql, with_relations
from inventory_pipeline.resource_types import ResourceType, resource_types

DIMENSIONS = {
    "service": ("service", ()),
    "account": ("account_id", ("account_name",)),
    "department": ("department", ()),
    "region": ("region", ()),
}
"""What costs are added up by: its column, and those that only describe it."""


def resource_costs_sql() -> str:
    """Every resource, of whatever type; one that nobody knows how to price is unknown."""
    models = (
        f"({literal(kind.name)}, {literal(kind.group)}, {literal(_model(kind))})"
        for kind in resource_types().values()
    )
    relation = f"SELECT * FROM (VALUES {', '.join(models)}) AS t(resource_type, service, model)"
    return with_relations({"price_models": relation}, read_sql(__package__, "resource_costs.sql"))


def _model(kind: ResourceType) -> str:
    """How a type is priced: by its components, as free, or not at all yet."""
    return "components" if kind.costs else "free" if kind.free else "none"


def cost_by_sql(dimension: str) -> str:
    column, described_by = DIMENSIONS[dimension]
    descriptions = "".join(f", MAX({name}) AS {name}" for name in described_by)
    return f"""SELECT snapshot_at, {column}{descriptions},
  COUNT(*) AS resources,
  COUNT(*) - COUNT(monthly_usd) AS unpriced_resources,
  SUM(known_usd) AS monthly_usd
FROM resource_costs
GROUP BY snapshot_at, {column}"""
