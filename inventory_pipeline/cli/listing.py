"""`inventory list`: what this build can see and say, from the data that drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from inventory_pipeline.cli.answer import Answer, Row, Section
from inventory_pipeline.cli.output import emit
from inventory_pipeline.cli.reading import FORMATS, OUTPUT_OPTION, chosen_format


@click.group()
def listing() -> None:
    """What this build can see and say.

    \b
    Examples:
      inventory list resource-types
      inventory list tables --format json
    """


def _list(name: str, *columns: str) -> Callable[[Callable[[], Iterable[Row]]], Any]:
    """A subcommand that shows rows."""

    def decorate(find: Callable[[], Iterable[Row]]) -> Any:
        @listing.command(name, help=f"{find.__doc__}\n\n\b\nExample:\n  inventory list {name}")
        @click.option("--format", "form", type=click.Choice(FORMATS))
        @OUTPUT_OPTION
        def show(form: str | None, output: Path | None) -> None:
            section = Section("rows", "", columns, list(find()))
            emit(Answer((section,)), chosen_format(form, output, FORMATS), output)

        return show

    return decorate


@_list("resource-types", "resource_type", "group", "table", "scope", "meaning", "iam_actions")
def types() -> Iterable[Row]:
    """Resource types, their table and the IAM actions that seeing them needs."""
    from inventory_pipeline.resource_types import resource_types

    for kind in resource_types().values():
        yield kind.name, kind.group, kind.table, kind.scope, kind.meaning, list(kind.actions)


@_list("tables", "table", "group", "columns", "grain", "meaning")
def every_table() -> Iterable[Row]:
    """Tables of the lake."""
    from inventory_pipeline.tables import tables

    for table in tables().values():
        yield table.name, table.group, len(table.columns), table.grain, table.meaning


@_list("rules", "rule_id", "resource_type", "title")
def rules() -> Iterable[Row]:
    """Waste rules."""
    from inventory_pipeline.marts.cost.rules import RULES

    for rule in RULES:
        yield rule.id, rule.resource_type, rule.title


@_list("controls", "control_id", "severity", "category", "resource_type", "title", "remediation")
def controls() -> Iterable[Row]:
    """Security controls."""
    from inventory_pipeline.marts.security.controls import CONTROLS

    for control in CONTROLS:
        yield (
            control.id,
            control.severity,
            control.category,
            control.resource_type,
            control.title,
            control.remediation,
        )


@_list("assets", "asset", "group", "description")
def assets() -> Iterable[Row]:
    """Dagster assets."""
    from inventory_pipeline.definitions import build_defs

    graph = build_defs().resolve_asset_graph()
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        if node.is_materializable:
            meaning = (node.description or "").partition("\n")[0]
            yield key.to_user_string(), node.group_name, meaning
