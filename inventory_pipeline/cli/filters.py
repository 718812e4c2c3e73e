"""The filters of reading commands: options, and the SQL conditions that follow from them.

Conditions name columns and parameters only; what a user typed goes in as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

UNALLOCATED = "unallocated"
"""What `--department` takes for resources that have none."""

TAGGED = """(account_id, region, resource_type, resource_id) IN
  (SELECT account_id, region, resource_type, resource_id FROM resources WHERE {condition})"""
"""Of a table without tags: the rows whose resource has them."""


@dataclass(frozen=True)
class Filters:
    """What to keep; an empty filter keeps everything."""

    account: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    resource_type: tuple[str, ...] = ()
    tag: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def where(self, *, time: str = "", tagged: bool = False) -> tuple[str, dict[str, Any]]:
        """A condition and its parameters.

        `time` is the column that `since` and `until` speak of. `tagged`: the table has the column
        `tags`; otherwise tags are those of the resource of that name in `resources`.
        """
        found = _Conditions()
        if self.account:
            names = found.listed("account", self.account)
            found.add(f"(account_id IN ({names}) OR account_name IN ({names}))")
        if self.department:
            names = found.listed("department", self.department)
            found.add(f"COALESCE(department, '{UNALLOCATED}') IN ({names})")
        for column in ("region", "resource_type"):
            if values := getattr(self, column):
                found.add(f"{column} IN ({found.listed(column, values)})")
        for key, value in self.tag:
            condition = f"tag(tags, {found.one('tag', key)}) = {found.one('tag', value)}"
            found.add(condition if tagged else TAGGED.replace("{condition}", condition))
        if time and self.since:
            found.add(f"{time} >= {found.one('since', self.since)}")
        if time and self.until:
            found.add(f"{time} < {found.one('until', self.until)}")
        return " AND ".join(found.terms) or "TRUE", found.params

    def of_cells(self) -> tuple[str, dict[str, Any]]:
        """The condition on cells of the coverage ledger."""
        condition, params = Filters(account=self.account, region=self.region).where()
        if self.resource_type:
            found = _Conditions(params)
            names = found.listed("resource_type", (*self.resource_type, "metrics"))
            condition += f" AND split_part(collector, '.', 1) IN ({names})"
        return condition, params


class _Conditions:
    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self.terms: list[str] = []
        self.params: dict[str, Any] = {} if params is None else params

    def add(self, term: str) -> None:
        self.terms.append(term)

    def one(self, name: str, value: object) -> str:
        parameter = f"{name}_{len(self.params)}"
        self.params[parameter] = value
        return f"${parameter}"

    def listed(self, name: str, values: tuple[str, ...]) -> str:
        return ", ".join(self.one(name, value) for value in values)


def _types(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Resource types by name or by group (`ec2`)."""
    if not values:
        return ()
    from inventory_pipeline.resource_types import resource_types, type_names
    from inventory_pipeline.settings import near

    kinds = resource_types().values()
    found: list[str] = []
    for value in values:
        names = [kind.name for kind in kinds if value in (kind.name, kind.group)]
        if not names:
            meant = " or ".join(near(value, type_names()))
            hint = f"did you mean {meant}?" if meant else "see `inventory list resource-types`"
            raise click.BadParameter(f"no resource type {value!r}: {hint}")
        found += names
    return tuple(dict.fromkeys(found))


def _tags(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    pairs = [value.partition("=") for value in values]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise click.BadParameter("write a tag as KEY=VALUE")
    return tuple((key, value) for key, _, value in pairs)


def _since(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    return _instant(value, end=False) if value else None


def _until(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    return _instant(value, end=True) if value else None


def _instant(value: str, *, end: bool) -> datetime:
    """A UTC instant; a bare day stands for its start or, as an end, for the next day's."""
    try:
        if len(value) <= len("2026-01-31"):
            day = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
            return day + timedelta(days=1) if end else day
        at = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a time: write 2026-01-31 or 2026-01-31T12:00"
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


OPTIONS: Mapping[str, Callable[[Any], Any]] = {
    "account": click.option("--account", multiple=True, metavar="ID|NAME", help="Account."),
    "department": click.option(
        "--department", multiple=True, help=f"Department; `{UNALLOCATED}` is none."
    ),
    "region": click.option("--region", multiple=True, help="Region."),
    "resource_type": click.option(
        "--resource-type",
        multiple=True,
        callback=_types,
        metavar="TYPE|GROUP",
        help="Resource type (ebs_volume) or group (ec2); `inventory list resource-types` has all.",
    ),
    "tag": click.option("--tag", multiple=True, callback=_tags, metavar="KEY=VALUE", help="Tag."),
    "since": click.option("--since", callback=_since, metavar="TIME", help="From this UTC time."),
    "until": click.option(
        "--until", callback=_until, metavar="TIME", help="Before this UTC time; a day counts whole."
    ),
}
