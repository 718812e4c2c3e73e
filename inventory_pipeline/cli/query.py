"""`inventory query`: the resources themselves, filtered."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.output import TABLE_ROWS, counted
from inventory_pipeline.cli.reading import Reader, reading

LISTED = """
SELECT {columns} FROM {table} WHERE {where} AND {named}
ORDER BY {sort} LIMIT {limit}
"""

COUNTED = "SELECT COUNT(*) AS resources FROM {table} WHERE {where} AND {named}"

BY_PLACE = "account_id, region, resource_type, resource_id"
SHOWN = ("account_name", "region", "resource_type", "resource_id", "name", "state", "created_at")
NO_LIMIT = 2**62


@click.command()
@click.option("--name", help="Name or id contains this text, in any case.")
@click.option("--state", help="State, as AWS words it.")
@click.option("--columns", help="Columns, by comma; one --resource-type adds its own.")
@click.option("--sort", help="Column to sort by; `-created_at` is descending.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    help=f"Rows; 0 is all. Default {TABLE_ROWS} as a table, otherwise all.",
)
@reading("account", "department", "region", "resource_type", "tag", "since", "until")
def query(
    reader: Reader,
    name: str | None,
    state: str | None,
    columns: str | None,
    sort: str | None,
    limit: int | None,
) -> None:
    """List resources, by any filter. --since and --until are about their creation.

    \b
    Examples:
      inventory query --resource-type ec2 --tag env=prod
      inventory query --resource-type ebs_volume --columns resource_id,size_gb,encrypted
      inventory query --department Engineering --until 2024-12-31 --format csv -o old.csv
    """
    table, known = _table(reader.filters.resource_type)
    chosen = _columns(columns, known)
    limit = limit if limit is not None else TABLE_ROWS if reader.form == "table" else 0
    named, params = _named(name, state)
    parts = {
        "{table}": table,
        "{columns}": ", ".join(chosen),
        "{named}": named,
        "{sort}": _sort(sort, known),
        "{limit}": str(limit or NO_LIMIT),
    }
    at = reader.snapshots[-1]
    with reader.session(table, at=at) as session:
        found, count = (
            reader.rows(session, _filled(sql, parts), params, time="created_at", tagged=True)
            for sql in (LISTED, COUNTED)
        )
    total = count["resources"][0].as_py()
    shown = chosen if columns else SHOWN
    note = (
        counted(total, "resource")
        if found.num_rows == total
        else f"{found.num_rows:,} of {total:,} resources; --limit 0 shows all"
    )
    reader.show(
        Section.of("rows", "", found, shown),
        coverage=reader.snapshot_coverage(at),
        at=at,
        notes=(note,),
        facts={"total": total},
    )


def _table(types: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The table to read, and its columns: a single type's own one, otherwise `resources`."""
    from inventory_pipeline.resource_types import resource_types
    from inventory_pipeline.tables import tables

    table = resource_types()[types[0]].table if len(types) == 1 else "resources"
    return table, [c.name for c in tables()[table].columns]


def _columns(wanted: str | None, known: Sequence[str]) -> Sequence[str]:
    if not wanted:
        return known
    return [_known(name.strip(), known) for name in wanted.split(",")]


def _sort(wanted: str | None, known: Sequence[str]) -> str:
    if not wanted:
        return BY_PLACE
    column = _known(wanted.removeprefix("-"), known)
    return f"{column} {'DESC' if wanted.startswith('-') else 'ASC'} NULLS LAST, {BY_PLACE}"


def _known(name: str, known: Sequence[str]) -> str:
    """A column of the contract, which alone may stand in SQL."""
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise click.UsageError(f"no column {name!r}: {hint}")


def _named(name: str | None, state: str | None) -> tuple[str, dict[str, str]]:
    terms, params = ["TRUE"], {}
    if name:
        terms.append("strpos(lower(resource_id || ' ' || COALESCE(name, '')), lower($name)) > 0")
        params["name"] = name
    if state:
        terms.append("state = $state")
        params["state"] = state
    return " AND ".join(terms), params


def _filled(sql: str, parts: dict[str, str]) -> str:
    for name, part in parts.items():
        sql = sql.replace(name, part)
    return sql
