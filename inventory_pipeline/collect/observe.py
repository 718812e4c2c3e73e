"""From an element of AWS's answer to a row: pure, and distrustful of what AWS sends.

Belongs here: reading sources, types, tags, ownership, ARNs and edges. Not here: calls (`runner`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from inventory_pipeline.accounts.account import Account
from inventory_pipeline.accounts.ownership import Ownership, ownership
from inventory_pipeline.collect.cells import GLOBAL
from inventory_pipeline.collect.sources import find
from inventory_pipeline.columns import ColumnType
from inventory_pipeline.resource_types import ResourceType
from inventory_pipeline.resource_types.model import Item, Source

# The region of a resource whose type has one, where AWS would not tell it.
UNKNOWN_REGION = "unknown"

_CHILD_KEY = ("snapshot_at", "account_id", "region", "resource_type", "resource_id")

_PLACEHOLDER = re.compile(r"\{(partition|region|account_id|resource_id)\}")
_DIGITS = 18
"""Digits of an amount in all, before and after its point."""

_BIGINT = range(-(2**63), 2**63)


class UnexpectedAnswerError(Exception):
    """An answer does not have the shape that the resource type expects; shows no value."""


@dataclass(frozen=True)
class Sighting:
    """Where and when an item was seen. `region` is the cell's, `global` for a global type."""

    account: Account
    region: str
    snapshot_at: datetime
    observed_at: datetime


@dataclass(frozen=True)
class Observation:
    """A row of the type's table, its rows of `relationships` and of child tables by their name.

    `problems` are columns whose values made no sense.
    """

    row: dict[str, Any]
    edges: list[dict[str, Any]]
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, Any])
    problems: list[str] = field(default_factory=list[str])


def own_region(kind: ResourceType, item: Item) -> str | None:
    """The region of a global type's resource; None where it has none or it is not known."""
    return find(kind.region, item) if kind.region is not None else None


@dataclass(frozen=True)
class _Reader:
    """Reads an item's values; what does not fit its type is None and a problem."""

    item: Item
    problems: list[str] = field(default_factory=list[str])

    def elements(self, name: str, source: Source) -> list[Item]:
        try:
            return list(find(source, self.item) or [])
        except Exception as error:  # as for a column
            self.problems.append(f"{name}: {type(error).__name__}")
            return []

    def read(self, name: str, kind: ColumnType, source: Source | None) -> Any:
        if source is None:
            return None
        try:
            return coerce(kind, find(source, self.item))
        except Exception as error:  # hostile or new shapes: any source may trip over them
            # The kind of error alone: its text may quote a value, and that may be a secret.
            known = isinstance(error, UnexpectedAnswerError)
            self.problems.append(f"{name}: {error if known else type(error).__name__}")
            return None


def observe(kind: ResourceType, item: Item, sighting: Sighting) -> Observation:
    """The row and the edges of an item.

    A column whose value does not fit is NULL and named in `problems`. Raises UnexpectedAnswerError
    where there is no identifier.
    """
    reader = _Reader(item)
    resource_id = reader.read("resource_id", ColumnType.TEXT, kind.resource_id)
    # Two that differ in what is no Unicode text would become one.
    if not resource_id or ("?" in resource_id and find(kind.resource_id, item) != resource_id):
        raise UnexpectedAnswerError(f"an element of {kind.operation} has no identifier")
    row = _common(kind, reader, sighting, resource_id)
    row |= {f.column.name: reader.read(f.column.name, f.column.type, f.source) for f in kind.fields}
    edges, children = _edges(kind, reader, row), _children(kind, reader, row)
    return Observation(row, edges, children, reader.problems)


def _common(
    kind: ResourceType, reader: _Reader, sighting: Sighting, resource_id: str
) -> dict[str, Any]:
    """The columns that every resource has."""
    account = sighting.account
    region = _region(kind, reader, sighting)
    tags = reader.read("tags", ColumnType.TAGS, kind.tags) if kind.tags else {}
    owner = ownership(tags or {}).over(_owner(account))
    return {
        "snapshot_at": sighting.snapshot_at,
        "observed_at": sighting.observed_at,
        "account_id": account.account_id,
        "account_name": account.name,
        "department": owner.department,
        "cost_center": owner.cost_center,
        "environment": owner.environment,
        "region": region,
        "resource_type": kind.name,
        "resource_id": resource_id,
        "arn": reader.read("arn", ColumnType.TEXT, _arn(kind, account, region, resource_id)),
        "name": reader.read("name", ColumnType.TEXT, kind.name_source),
        "state": reader.read("state", ColumnType.TEXT, kind.state),
        "created_at": reader.read("created_at", ColumnType.TIMESTAMP, kind.created_at),
        # Tags that could not be read are unknown, not merely the account's.
        "tags": None if tags is None else {**account.tags, **tags},
    }


def _owner(account: Account) -> Ownership:
    return Ownership(account.department, account.cost_center, account.environment)


def _region(kind: ResourceType, reader: _Reader, sighting: Sighting) -> str:
    if kind.region is None:
        return sighting.region
    return reader.read("region", ColumnType.TEXT, kind.region) or UNKNOWN_REGION


def _arn(kind: ResourceType, account: Account, region: str, resource_id: str) -> Source:
    """A source for the ARN; a template is filled in one pass, so that no value is read as one."""
    if not (isinstance(kind.arn, str) and kind.arn.startswith("arn:")):
        return kind.arn
    values = {
        "partition": account.partition,
        "region": "" if region == GLOBAL else region,
        "account_id": account.account_id,
        "resource_id": resource_id,
    }
    arn = _PLACEHOLDER.sub(lambda match: values[match[1]], kind.arn)
    return lambda _: arn


def _children(
    kind: ResourceType, reader: _Reader, row: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """The elements of each child table; none where they were not read."""
    found: dict[str, list[dict[str, Any]]] = {}
    for children in kind.children:
        table = children.table
        rows = found.setdefault(table.name, [])
        for element in reader.elements(table.name, children.elements):
            inner = _Reader(element, reader.problems)
            rows.append(
                {name: row[name] for name in _CHILD_KEY}
                | {"position": len(rows)}
                | {
                    f.column.name: inner.read(f.column.name, f.column.type, f.source)
                    for f in table.fields
                }
            )
    return found


def _edges(kind: ResourceType, reader: _Reader, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    edges: dict[tuple[str, str, str], dict[str, Any]] = {}
    for relationship in kind.relationships:
        relation, target_type = relationship.relation, relationship.target_type
        targets = reader.read(relation, ColumnType.TEXT_LIST, relationship.targets) or []
        for target in filter(None, targets):
            edges[relation, target_type, target] = {
                "snapshot_at": row["snapshot_at"],
                "account_id": row["account_id"],
                "region": row["region"],
                "source_type": kind.name,
                "source_id": row["resource_id"],
                "relation": relation,
                "target_type": target_type,
                "target_id": target,
            }
    return list(edges.values())


def coerce(kind: ColumnType, value: Any) -> Any:
    """A value of an answer as the contract's type; raises UnexpectedAnswerError if it cannot be."""
    return None if value is None else _COERCIONS[kind](value)


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise _unexpected("text", value)
    # A lone surrogate, which JSON can smuggle in, is no Unicode text.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise _unexpected("true or false", value)


def _bigint(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _unexpected("a whole number", value)
    try:
        whole = int(value)
    except (ValueError, OverflowError):
        raise _unexpected("a whole number", value) from None
    if whole not in _BIGINT or (isinstance(value, float) and whole != value):
        raise _unexpected("a whole number of 64 bits", value)
    return whole


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _unexpected("a number", value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _unexpected("a number", value) from None
    if not math.isfinite(number):
        raise _unexpected("a number", value)
    return number


def _timestamp(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise _unexpected("a time", value) from None
    if not isinstance(moment, datetime):
        raise _unexpected("a time", value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text_list(value: Any) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _unexpected("a list", value)
    return [_text(element) for element in value if element is not None]


def _tags(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {_text(key): _text(text) for key, text in value.items()}
    if not isinstance(value, list | tuple):
        raise _unexpected("tags", value)
    return {_text(pair["Key"]): _text(pair.get("Value") or "") for pair in value}


def _unexpected(wanted: str, value: Any) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(f"{type(value).__name__} instead of {wanted}")


def _date(value: Any) -> date:
    return _timestamp(value).date()


def _decimal(places: int, value: Any) -> Decimal:
    """An exact amount; one with more digits than the column holds is rounded."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise _unexpected("an amount", value)
    try:
        amount = Decimal(str(value)).quantize(Decimal(1).scaleb(-places))
        fits = abs(amount) < Decimal(10) ** (_DIGITS - places)
    except InvalidOperation:
        fits = False
    if not fits:
        raise _unexpected("an amount", value)
    return amount


_COERCIONS: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TEXT: _text,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.BIGINT: _bigint,
    ColumnType.DOUBLE: _double,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
    ColumnType.TEXT_LIST: _text_list,
    ColumnType.TAGS: _tags,
    ColumnType.MONEY: partial(_decimal, 6),
    ColumnType.UNIT_PRICE: partial(_decimal, 12),
}
