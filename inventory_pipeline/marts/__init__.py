"""What the facts mean: costs, findings and usage, each a SELECT over the lake's tables.

A mart is SQL (a `.sql` file, or text generated from data such as rules and controls) that fills one
partition of one table. Marts know tables, the engine and prices; they never ask AWS.
"""

from functools import cache

from inventory_pipeline.marts import cost, security, storage
from inventory_pipeline.marts.mart import (
    BuildResult,
    Mart,
    MartError,
    build_mart,
    days_compared_with,
    rows_read,
)

__all__ = [
    "BuildResult",
    "Mart",
    "MartError",
    "build_mart",
    "days_compared_with",
    "marts",
    "rows_read",
]


@cache
def marts() -> dict[str, Mart]:
    """Every mart by its table, in build order: a mart reads only what stands before it."""
    return {mart.table: mart for stage in (cost, security, storage) for mart in stage.MARTS}
