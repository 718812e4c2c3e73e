"""Resources with their utilisation: the relation `<table>_measured` of each resource type.

It has the type's columns and one for each of its metrics. A metric is NULL (unknown) where too few
datapoints came to speak for the whole window. Not here: what to conclude (`cost.rules`).
"""

from collections.abc import Iterable

from inventory_pipeline.marts.sql import literal
from inventory_pipeline.resource_types import Metric, ResourceType

# Of a window's datapoints, this many tenths must be there.
MINIMUM_TENTHS = 7


def measured_relations(kinds: Iterable[ResourceType]) -> dict[str, str]:
    """The SELECT of each type's measured relation, of the rows of `$snapshot_at`."""
    return {measured(kind): _measured_select(kind) for kind in kinds}


def measured(kind: ResourceType) -> str:
    """The name of a type's measured relation."""
    return f"{kind.table}_measured"


def _measured_select(kind: ResourceType) -> str:
    if not kind.metrics:
        return f"SELECT r.* FROM {kind.table} AS r WHERE r.snapshot_at = $snapshot_at"
    columns = ", ".join(f"m.{metric.column}" for metric in kind.metrics)
    values = ",\n    ".join(_value(metric) for metric in kind.metrics)
    return f"""SELECT r.*, {columns}
FROM {kind.table} AS r
LEFT JOIN (
  SELECT account_id, region, resource_id,
    {values}
  FROM metrics
  WHERE resource_type = {literal(kind.name)} AND snapshot_at = $snapshot_at
  GROUP BY account_id, region, resource_id
) AS m
  ON m.account_id = r.account_id AND m.region = r.region AND m.resource_id = r.resource_id
WHERE r.snapshot_at = $snapshot_at"""


def _value(metric: Metric) -> str:
    row = f"metric = {literal(metric.metric)} AND statistic = {literal(metric.statistic)}"
    # The latest datapoint speaks for itself, and silence may mean zero; all else needs the window.
    if metric.fold != "latest" and not metric.absent_is_zero:
        row += f" AND 10 * datapoints >= {MINIMUM_TENTHS} * expected_datapoints"
    return f"MAX(CASE WHEN {row} THEN value END) AS {metric.column}"
