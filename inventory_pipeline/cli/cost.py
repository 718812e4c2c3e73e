"""`inventory cost`: list prices by dimension, and the dearest resources."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import dollars
from inventory_pipeline.cli.reading import Reader, reading

if TYPE_CHECKING:
    import pyarrow as pa

DIMENSIONS = {
    "service": "service",
    "account": "account_id, account_name",
    "department": "department",
    "region": "region",
}

SHOWN = (
    "account_name",
    "region",
    "resource_type",
    "resource_id",
    "name",
    "monthly_usd",
)

COSTS = """
SELECT {by}, COUNT(*) AS resources,
  CAST(SUM(CASE WHEN monthly_usd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unpriced_resources,
  SUM(known_usd) AS monthly_usd
FROM resource_costs WHERE {where}
GROUP BY {by} ORDER BY monthly_usd DESC, {by}
"""

DEAREST = """
SELECT account_id, account_name, department, region, resource_type, resource_id, name,
  monthly_usd, known_usd, unpriced_reason
FROM resource_costs WHERE {where}
ORDER BY known_usd DESC, account_id, region, resource_type, resource_id LIMIT {top}
"""

UNPRICED = """
SELECT unpriced_reason, COUNT(*) AS resources
FROM resource_costs WHERE {where} AND monthly_usd IS NULL
GROUP BY unpriced_reason ORDER BY resources DESC, unpriced_reason LIMIT {top}
"""


@click.command()
@click.option("--by", type=click.Choice(list(DIMENSIONS)), default="service", show_default=True)
@click.option(
    "--top",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="How many of the dearest resources to list, and of the reasons for unknown prices.",
)
@reading("account", "department", "region", "resource_type", "tag")
def cost(reader: Reader, by: str, top: int) -> None:
    """Monthly list price, in all and of the dearest resources.

    A month has 730 hours. Where a part of a resource has no known price, the sums are lower
    bounds and say so. Data transfer, requests to S3 and discounts are in none of them. CSV has the
    first table only.

    \b
    Examples:
      inventory cost --by department
      inventory cost --by region --account payments --tag team=core
      inventory cost --top 50 --format json --output cost.json
    """
    at = reader.newest("resource_costs")
    with reader.session("resource_costs", at=at) as session:
        costs = reader.rows(session, COSTS.replace("{by}", DIMENSIONS[by]))
        dearest, unpriced = (
            reader.rows(session, sql.replace("{top}", str(top))) for sql in (DEAREST, UNPRICED)
        )
    total = total_of(costs)
    sections = [Section.of("rows", f"Monthly list price by {by}", costs)]
    if top:
        sections.append(Section.of("top_resources", "Dearest resources", dearest, SHOWN))
    if unpriced.num_rows:
        sections.append(Section.of("unpriced", "Why prices are unknown", unpriced))
    reader.show(
        *sections,
        coverage=reader.snapshot_coverage(at),
        at=at,
        notes=(total_line(total),),
        facts={"by": by, "total": total},
    )


def total_of(costs: pa.Table) -> dict[str, Any]:
    """The groups' sum; a lower bound where a resource has a part without a known price."""
    groups = costs.to_pylist()
    unpriced = sum(group["unpriced_resources"] for group in groups)
    return {
        "resources": sum(group["resources"] for group in groups),
        "unpriced_resources": unpriced,
        "monthly_usd": sum((group["monthly_usd"] for group in groups), Decimal(0)),
        "is_lower_bound": unpriced > 0,
    }


def total_line(total: Mapping[str, Any]) -> str:
    """`Total: at least $1.00 a month; 3 of 9 resources have a part without a known price`."""
    unpriced = total["unpriced_resources"]
    if not unpriced:
        return f"Total: {dollars(total['monthly_usd'])} a month"
    return (
        f"Total: at least {dollars(total['monthly_usd'])} a month; {unpriced:,} of "
        f"{total['resources']:,} resources have a part without a known price"
    )
