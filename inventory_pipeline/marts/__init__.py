"""What the facts mean: costs, findings and usage, each a SELECT over the lake's tables.

A mart is SQL (a `.sql` file, or text generated from data such as rules and controls) that fills one
partition of one table. Marts know tables, the engine and prices; they never ask AWS.
"""

from inventory_pipeline.marts.mart import BuildResult, Mart, MartError, build_mart, marts

__all__ = ["BuildResult", "Mart", "MartError", "build_mart", "marts"]
