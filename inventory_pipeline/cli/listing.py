"""`inventory list`: what this build can see and say, from the data that drives it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Answer, Row, Section
from inventory_pipeline.cli.output import emit
from inventory_pipeline.cli.reading import FORMATS, OUTPUT_OPTION, chosen_format

if TYPE_CHECKING:
    from inventory_pipeline.columns import Column


@click.group()
def listing() -> None:
    """What this build can see and say.

    \b
    Examples:
      inventory list resource-types
      inventory list tables --format json
    """


def _list(
    name: str, *columns: str, shown: Sequence[str] = (), note: str = ""
) -> Callable[[Callable[[], Iterable[Row]]], Any]:
    """A subcommand that shows rows; a table has only the columns `shown`, and the note below."""

    def decorate(find: Callable[[], Iterable[Row]]) -> Any:
        example = f"\b\nExample:\n  inventory list {name}"

        @listing.command(name, help=f"{inspect.getdoc(find)}\n\n{example}")
        @click.option("--format", "form", type=click.Choice(FORMATS))
        @OUTPUT_OPTION
        def show(form: str | None, output: Path | None) -> None:
            section = Section("rows", "", columns, list(find()), shown)
            notes = (note,) if note else ()
            emit(Answer((section,), {}, notes), chosen_format(form, output, FORMATS), output)

        return show

    return decorate


@_list(
    "resource-types",
    *("group", "resource_type", "table", "scope", "price", "meaning", "iam_actions"),
    *("columns", "metrics", "relationships", "child_tables"),
    shown=("group", "resource_type", "meaning"),
    note="Settings and --resource-type take a type or a group. --format json has each type's "
    "table, IAM actions, columns, metrics, relationships, child tables, and whether it is priced.",
)
def types() -> Iterable[Row]:
    """Resource types by group, and (as JSON) all that is seen of them.

    The price of a type is listed, free, or unknown: it has no price model yet.
    """
    from inventory_pipeline.resource_types import resource_types

    for kind in sorted(resource_types().values(), key=lambda kind: (kind.group, kind.name)):
        yield (
            kind.group,
            kind.name,
            kind.table,
            kind.scope,
            "listed" if kind.costs else "free" if kind.free else "unknown",
            kind.meaning,
            list(kind.actions),
            [_column(column) for column in kind.columns],
            [{"column": m.column, "metric": m.metric, "meaning": m.meaning} for m in kind.metrics],
            [{"relation": r.relation, "target": r.target_type} for r in kind.relationships],
            [
                {
                    "table": children.table.name,
                    "meaning": children.table.meaning,
                    "columns": [_column(field.column) for field in children.table.fields],
                }
                for children in kind.children
            ],
        )


def _column(column: Column) -> dict[str, str]:
    return {"column": column.name, "type": column.type.value, "meaning": column.meaning}


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


@_list("object-rules", "rule_id", "title", "fields")
def object_rules() -> Iterable[Row]:
    """Rules that stored objects are held to, and the fields of a report that each needs."""
    from inventory_pipeline.marts.storage.compliance import RULES

    for rule in RULES:
        yield rule.id, rule.title, list(rule.needs)


@_list("key-rules", "rule_id", "title", "pattern", shown=("rule_id", "title"))
def key_rules() -> Iterable[Row]:
    """Rules by which keys look like personal data."""
    from inventory_pipeline.marts.storage.personal_data import KEY_RULES

    for rule in KEY_RULES:
        yield rule.id, rule.title, rule.pattern


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
