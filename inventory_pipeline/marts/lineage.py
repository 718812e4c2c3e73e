"""From which columns of which tables each column of a mart is computed, read off its SQL.

Columns that only decide which rows there are (joins, filters, grouping) are not its sources. Not
here: what a mart computes, nor how lineage is shown (`defs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from inventory_pipeline.marts.mart import Mart
from inventory_pipeline.tables import tables

if TYPE_CHECKING:
    from sqlglot.lineage import Node

Source = tuple[str, str]
"""A table and one of its columns."""


def column_lineage(mart: Mart) -> Mapping[str, frozenset[Source]]:
    """Each column of a mart -> the columns that its values are computed from.

    Constants and counts of rows have none.
    """
    from sqlglot.lineage import lineage

    schema: dict[str, Any] = {
        name: {c.name: c.type.value for c in tables()[name].columns} for name in mart.reads
    }
    # None asks for all columns at once, which share what they have in common.
    nodes: Any = lineage(None, mart.sql(), schema, dialect="duckdb", trim_selects=False)
    return {c.name: _sources(nodes[c.name]) for c in tables()[mart.table].columns}


def _sources(node: Node) -> frozenset[Source]:
    from sqlglot import exp

    found: set[Source] = set()
    seen: dict[int, Node] = {}
    left = [node]
    while left:
        node = left.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            left += node.downstream
            if isinstance(node.source, exp.Table):
                found.add((node.source.name, node.name.rpartition(".")[2].strip('"')))
    return frozenset(found)
