"""SQL in DuckDB's form carried over to Trino and Athena, which is Trino.

A mart is written once. What differs in spelling is carried over here; what differs in meaning and
cannot be carried over, `lint_mart_sql` rejects. Not here: running it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from inventory_pipeline.lake.catalog import NAMESPACE
from inventory_pipeline.lake.engine import MACROS
from inventory_pipeline.lake.schema import contract_select
from inventory_pipeline.lake.where import Where, quoted, sql_conditions, sql_literal, values_of
from inventory_pipeline.tables import DELIVERY, SNAPSHOT, Table, tables

if TYPE_CHECKING:
    from sqlglot import exp

Dialect = Literal["athena", "trino"]

Parameter = str | int | bool | date | datetime | Sequence[str]

# A map's absent key is NULL in DuckDB's subscript and an error in Trino's.
TRINO_MACROS = {
    **MACROS,
    "tag(tags, k)": "element_at(tags, k)",
    # Where there is nothing, Trino's answer is NULL.
    "first_match(t, pattern)": "CASE WHEN t IS NOT NULL "
    "THEN COALESCE(regexp_extract(t, pattern), '') END",
    "text_part(t, separator, n)": "CASE WHEN t IS NOT NULL "
    "THEN COALESCE(split_part(t, separator, n), '') END",
    # Trino replaces everything that matches, and has no flag to say so.
    "shape(t)": MACROS["shape(t)"].replace(", 'g'", ""),
}

PORTABLE_FUNCTIONS = {
    *("and", "or", "case", "cast", "coalesce", "nullif", "greatest", "least", "concat", "exists"),
    *("count", "max", "min", "sum", "row_number", "floor", "datediff", "unnest", "trim"),
    *("lower", "replace", "starts_with", "substring", "matches", "first_match"),
    *("abs", "length", "text_part", "sqrt", "gb", "tag", "base64_text", "shape"),
}
"""Functions that mean the same on both engines, or are carried over so that they do."""


@dataclass(frozen=True)
class LakeState:
    """What Trino is told of the lake: which tables have which columns by now, what is published.

    `namespace` is the tables' database, with its catalogue where that is not the session's.
    """

    columns: Mapping[str, Collection[str]]
    snapshots: Collection[datetime]
    namespace: str = NAMESPACE


def mart_select(
    table: str,
    sql: str,
    reads: Mapping[str, Where],
    params: Mapping[str, Parameter],
    state: LakeState,
    dialect: Dialect = "athena",
) -> str:
    """A mart's SELECT, whole: the rows it reads, its parameters, the casts to its contract.

    `reads` says which rows of which tables it sees, of those that are published.
    """
    relations = ",\n".join(
        f"{quoted(name)} AS ({_relation(tables()[name], where, state)})"
        for name, where in reads.items()
    )
    body = contract_select(table, sql)
    return carry_over(f"WITH {relations}\n{body}" if relations else body, params, dialect)


def _relation(table: Table, where: Where, state: LakeState) -> str:
    """The published rows of a table that meet `where`, in contract order."""
    known = state.columns.get(table.name, ())
    selected = ", ".join(
        quoted(c.name) if c.name in known else f"CAST(NULL AS {c.type.value}) AS {quoted(c.name)}"
        for c in table.columns
    )
    if table.grows:
        own = {column.name for column in table.columns}
        selected = ", ".join([selected, *(quoted(name) for name in known if name not in own)])
    if not known:
        return f"SELECT {selected} WHERE FALSE"
    source = f"SELECT {selected} FROM {state.namespace}.{quoted(table.name)} AS listed"
    if table.partitioned_by == SNAPSHOT and table.name != "snapshots":
        # Listed, where a join would cost stages, of which a statement may have 150.
        asked = set(values_of(where.get("snapshot_at", list(state.snapshots))))
        where = {**where, "snapshot_at": sorted(asked & set(state.snapshots))}
    if table.partitioned_by == DELIVERY:
        return f"{source}{sql_conditions(where) or ' WHERE TRUE'} AND {_ingested(state)}"
    return source + sql_conditions(where)


def _ingested(state: LakeState) -> str:
    """That a row's delivery is ingested: by a join, since a day may have too many to be listed."""
    same = " AND ".join(f"d.{column} = listed.{column}" for column in DELIVERY)
    return (
        f"EXISTS (SELECT 1 FROM {state.namespace}.s3_deliveries AS d "
        f"WHERE d.status = 'ingested' AND {same})"
    )


def carry_over(
    sql: str, params: Mapping[str, Parameter] | None = None, dialect: Dialect = "athena"
) -> str:
    """A SELECT in DuckDB's form as Trino runs it; `$name` parameters become literals."""
    import sqlglot

    tree = sqlglot.parse_one(sql, read="duckdb")
    for rewrite in (_expand_macro, functools.partial(_bind, params=params or {}), _respell):
        # From the leaves up, for what is rewritten may hold more to rewrite.
        for node in reversed(list(tree.bfs())):
            if (new := rewrite(node)) is not node:
                node.replace(new)
    return tree.sql(dialect, pretty=True)


def _expand_macro(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    macro = _macros().get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
    if macro is None:
        return node
    names, body = macro
    arguments = dict(zip(names, node.expressions, strict=True))

    def fill(part: exp.Expr) -> exp.Expr:
        given = arguments.get(part.name) if isinstance(part, exp.Column) else None
        return part if given is None else exp.paren(given.copy())

    return body.transform(fill)


@functools.cache
def _macros() -> dict[str, tuple[list[str], exp.Expr]]:
    """Each macro's parameters and body by its name."""
    import sqlglot

    signatures = {re.match(r"(\w+)\((.*)\)", s): body for s, body in TRINO_MACROS.items()}
    return {
        match[1]: (match[2].split(", "), sqlglot.parse_one(body, read="duckdb"))
        for match, body in signatures.items()
        if match
    }


def _bind(node: exp.Expr, params: Mapping[str, Parameter]) -> exp.Expr:
    import sqlglot
    from sqlglot import exp

    if not isinstance(node, exp.Placeholder):
        return node
    value = params[node.name]
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, Sequence):
        listed = exp.Array(expressions=[exp.Literal.string(text) for text in value])
        return exp.cast(listed, exp.DataType.build("VARCHAR[]", dialect="duckdb"))
    return sqlglot.parse_one(sql_literal(value), read="duckdb")


def _respell(node: exp.Expr) -> exp.Expr:
    """What sqlglot leaves as it is though Trino reads it otherwise."""
    from sqlglot import exp

    if isinstance(node, exp.DataType) and node.this == exp.DType.TIMESTAMPTZ:
        # To the microsecond; Trino's own default is milliseconds.
        return exp.DataType(
            this=node.this, expressions=[exp.DataTypeParam(this=exp.Literal.number(6))]
        )
    if isinstance(node, exp.Cast) and node.this.is_string and node.is_type(exp.DType.TIMESTAMPTZ):
        instant = datetime.fromisoformat(node.name).astimezone(UTC)
        node.this.set("this", f"{instant:%Y-%m-%d %H:%M:%S.%f} UTC")
    if isinstance(node, exp.Greatest | exp.Least):
        # DuckDB skips NULLs, Trino's answer to one is NULL.
        return _skipping_nulls(node)
    return node


def _skipping_nulls(node: exp.Greatest | exp.Least) -> exp.Expr:
    from sqlglot import exp

    found: exp.Expr = node.this
    for other in node.expressions:
        both = type(node)(this=found.copy(), expressions=[other.copy()])
        found = exp.Coalesce(this=both, expressions=[found, other])
    return found


def lint_mart_sql(sql: str) -> list[str]:
    """Why both engines would not run this SELECT alike, a sentence each; empty where they would.

    Functions are portable only if listed so; of all else, the forms known to break are rejected.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError as error:
        return [f"cannot be read: {str(error).splitlines()[0]}"]
    return sorted({why for node in tree.walk() for why in _objections(node)})


def _objections(node: exp.Expr) -> Iterator[str]:
    from sqlglot import exp

    match node:
        case exp.Qualify():
            yield "QUALIFY: a LIMIT beside it moves inside; number rows in a subquery"
        case exp.Bracket() | exp.Slice():
            yield "[...]: engines differ where nothing is there; use tag(tags, 'key')"
        case exp.Dot() | exp.Struct():
            yield "struct: Trino's rows are other than DuckDB's structs"
        case exp.IntDiv():
            yield "//: Trino has no integer division of this kind; subtract the remainder first"
        case exp.Group() if node.args.get("all"):
            yield "GROUP BY ALL: name the columns"
        case exp.Ordered() if isinstance(node.this, exp.Var):
            yield "ORDER BY ALL: name the columns"
        case exp.Star() if any(node.args.get(arg) for arg in ("except_", "replace", "rename")):
            yield "* EXCLUDE, REPLACE or RENAME: name the columns"
        case exp.Join() if node.method or node.kind in ("SEMI", "ANTI"):
            yield f"{node.method or node.kind} JOIN: Trino has none; use EXISTS or conditions"
        case exp.SetOperation() if node.args.get("by_name"):
            yield "UNION BY NAME: name the columns"
        case exp.Lateral() | exp.Pivot() | exp.TableSample() | exp.Columns():
            yield f"{node.key.upper()}: spelt or meant otherwise on Trino"
        case exp.Cast() if node.is_type(exp.DType.TIMESTAMPNTZ, exp.DType.FLOAT):
            yield f"CAST AS {node.to.sql('duckdb')}: not a type of the lake"
        case exp.Func() if (name := _function(node)) not in PORTABLE_FUNCTIONS:
            yield f"{name}: not known to be the same on both engines"


def _function(node: exp.Func) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case):
        return "case"
    return node.sql_name().lower()
