"""What resources cost and waste: components, totals, and findings by rule."""

from collections.abc import Mapping
from functools import partial

from inventory_pipeline.marts.cost.components import cost_components_sql, priced_types
from inventory_pipeline.marts.cost.findings import waste_findings_reads, waste_findings_sql
from inventory_pipeline.marts.cost.totals import DIMENSIONS, cost_by_sql, resource_costs_sql
from inventory_pipeline.marts.mart import Mart, Rows

_RESOURCES: Mapping[str, Rows] = {kind.table: "snapshot" for kind in priced_types()}

MARTS: tuple[Mart, ...] = (
    Mart(
        "cost_components",
        cost_components_sql,
        {**_RESOURCES, "metrics": "snapshot", "prices": "all"},
        "snapshot",
    ),
    Mart(
        "resource_costs",
        resource_costs_sql,
        {"resources": "snapshot", "cost_components": "snapshot"},
        "snapshot",
    ),
    *(
        Mart(
            f"cost_by_{dimension}",
            partial(cost_by_sql, dimension),
            {"resource_costs": "snapshot"},
            "snapshot",
        )
        for dimension in DIMENSIONS
    ),
    Mart("waste_findings", waste_findings_sql, waste_findings_reads(), "snapshot"),
)
