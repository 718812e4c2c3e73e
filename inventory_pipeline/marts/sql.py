"""How marts' SQL is put together: files, named relations, literals and a few exact expressions.

Everything here gives text that DuckDB and Trino both run. Not here: what any mart computes.
"""

from collections.abc import Iterable, Mapping
from importlib.resources import files

from inventory_pipeline.columns import Column


def read_sql(package: str, name: str) -> str:
    """The SELECT in a package's `.sql` file."""
    return (files(package) / name).read_text(encoding="utf-8")


def with_relations(relations: Mapping[str, str], select: str) -> str:
    """`select` with these SELECTs in reach by name; later ones may use earlier ones."""
    named = ",\n".join(f"{name} AS (\n{sql}\n)" for name, sql in relations.items())
    return f"WITH {named}\nSELECT * FROM (\n{select}\n) AS result"


def union_all(selects: Iterable[str]) -> str:
    return "\nUNION ALL\n".join(selects)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def column_list(alias: str, columns: Iterable[Column]) -> str:
    return ", ".join(f"{alias}.{column.name}" for column in columns)


def days_between(start: str, end: str) -> str:
    """Whole days of 24 hours; `date_diff('day', ...)` counts midnights on one engine only."""
    return f"CAST(FLOOR(date_diff('second', {start}, {end}) / 86400.0) AS BIGINT)"


def number(value: str, decimals: int = 1) -> str:
    """A number as text, for reasons."""
    return f"CAST(CAST({value} AS DECIMAL(18,{decimals})) AS VARCHAR)"
