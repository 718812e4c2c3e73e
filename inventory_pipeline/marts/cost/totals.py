"""Costs by resource and by service, account, department and region.

The totals add up what is known of `resource_costs`, so that each of them sums to the same cents.
"""

from inventory_pipeline.marts.cost.components import priced_types
from inventory_pipeline.marts.sql import column_list, literal, read_sql, union_all, with_relations
from inventory_pipeline.tables import PLACE, RESOURCE, SNAPSHOT_AT

DIMENSIONS = {
    "service": ("service", ()),
    "account": ("account_id", ("account_name",)),
    "department": ("department", ()),
    "region": ("region", ()),
}
"""What costs are added up by: its column, and those that only describe it."""


def resource_costs_sql() -> str:
    resources = union_all(
        f"SELECT {column_list('r', (SNAPSHOT_AT, *PLACE, *RESOURCE))}, r.name, "
        f"{literal(kind.service)} AS service FROM {kind.table} AS r"
        for kind in priced_types()
    )
    return with_relations(
        {"priced_resources": resources}, read_sql(__package__, "resource_costs.sql")
    )


def cost_by_sql(dimension: str) -> str:
    column, described_by = DIMENSIONS[dimension]
    descriptions = "".join(f", MAX({name}) AS {name}" for name in described_by)
    return f"""SELECT snapshot_at, {column}{descriptions},
  COUNT(*) AS resources,
  COUNT(*) - COUNT(monthly_usd) AS unpriced_resources,
  SUM(known_usd) AS monthly_usd
FROM resource_costs
GROUP BY snapshot_at, {column}"""
