"""What AWS Organizations tells: the accounts, where they stand in the tree, and their tags.

Who is in the organisation is asked by ListAccounts alone, so that an account which moves while the
tree is read is not missed. Belongs here: the calls and their answers. Not here: which accounts are
looked at (`roster`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Any

from inventory_pipeline.accounts.failures import Failure, classify

ACTIVE = "ACTIVE"
TAG_CALLS_AT_ONCE = 4
"""AWS allows Organizations some 10 calls a second, whoever makes them."""

UNITS = "organizational_units"
TAGS = "tags"


@dataclass(frozen=True)
class Unit:
    """A root or an organisational unit. `path` is the names of the units down to it, such as
    Workloads/Prod; the root's is its name."""

    unit_id: str
    name: str
    path: str

    @property
    def names(self) -> tuple[str, str, str]:
        """What settings may call it."""
        return (self.unit_id, self.name, self.path)


@dataclass(frozen=True)
class Member:
    """An account of the organisation. `units` are the root and all units it is in, outermost
    first; None, like `tags`, where that could not be read. `state` is AWS's word."""

    account_id: str
    name: str
    state: str
    units: tuple[Unit, ...] | None = None
    tags: Mapping[str, str] | None = None

    @property
    def is_active(self) -> bool:
        return self.state == ACTIVE


@dataclass(frozen=True)
class Organization:
    """The members and the units as read, and why units or tags could not be (wholly)."""

    members: tuple[Member, ...]
    units: tuple[Unit, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict[str, Failure])


def read_organization(
    organizations: Any, with_tags: Callable[[Member], bool] = lambda _: True
) -> Organization:
    """Members in the order of their ids; the tags of those that `with_tags` wants.

    Costs a call for each 20 accounts, one or two for each unit and one for each account's tags.
    `organizations` is a client of the service. Raises botocore's errors where not even the accounts
    are listed.
    """
    accounts = list(_all(organizations, "list_accounts", "Accounts"))
    failures: dict[str, Failure] = {}
    tree: dict[str, tuple[Unit, ...]] = {}
    places: dict[str, tuple[Unit, ...]] = {}
    try:
        tree = {chain[-1].unit_id: chain for chain in _tree(organizations)}
        places = _places(organizations, tree, accounts)
    except Exception as error:  # a denial, or whatever a call may meet: the accounts still count
        failures[UNITS] = classify(error)
    members = [_member(account, places.get(account["Id"])) for account in accounts]
    tagged, failure = _tagged(organizations, members, with_tags)
    if failure is not None:
        failures[TAGS] = failure
    return Organization(
        tuple(sorted(tagged, key=lambda member: member.account_id)),
        tuple(chain[-1] for chain in tree.values()),
        failures,
    )


def _all(client: Any, operation: str, items: str, **arguments: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(items, ())


def _member(account: Mapping[str, Any], units: tuple[Unit, ...] | None) -> Member:
    # `Status` is the older of the two, and AWS stops sending it. Without any, entering will tell.
    state = account.get("State") or account.get("Status") or ACTIVE
    return Member(account["Id"], account.get("Name") or account["Id"], state, units)


# -- the tree ----------------------------------------------------------------------------------


def _places(
    client: Any, tree: Mapping[str, tuple[Unit, ...]], accounts: Iterable[Mapping[str, Any]]
) -> dict[str, tuple[Unit, ...]]:
    """The units of each account, by its id."""
    told = {account["Id"]: _innermost(account) for account in accounts}
    if not all(unit in tree for unit in told.values()):  # not every partition tells paths
        told |= {
            account["Id"]: unit
            for unit in tree
            for account in _all(client, "list_accounts_for_parent", "Accounts", ParentId=unit)
        }
    return {account: tree[unit] for account, unit in told.items() if unit and unit in tree}


def _tree(client: Any) -> Iterator[tuple[Unit, ...]]:
    """Each root and unit, as the chain of units from the root down to it."""
    chains: list[tuple[Unit, ...]] = [
        (_unit(root, ""),) for root in _all(client, "list_roots", "Roots")
    ]
    while chains:
        chain = chains.pop()
        yield chain
        operation, parent = "list_organizational_units_for_parent", chain[-1]
        above = f"{parent.path}/" if chain[1:] else ""
        chains += (
            (*chain, _unit(unit, above))
            for unit in _all(client, operation, "OrganizationalUnits", ParentId=parent.unit_id)
        )


def _unit(answer: Mapping[str, Any], above: str) -> Unit:
    return Unit(answer["Id"], answer["Name"], above + answer["Name"])


def _innermost(account: Mapping[str, Any]) -> str | None:
    """The id of the unit that an account is in, of its path `o-1/r-1/ou-1/ou-2/111111111111/`."""
    for path in account.get("Paths") or ():
        steps = [step for step in path.split("/") if step.startswith(("r-", "ou-"))]
        if steps:
            return str(steps[-1])
    return None


# -- tags --------------------------------------------------------------------------------------


def _tagged(
    client: Any, members: list[Member], wanted: Callable[[Member], bool]
) -> tuple[list[Member], Failure | None]:
    """The members with their tags, and the first failure to read any."""

    def ask(member: Member) -> Member | Failure:
        if not wanted(member):
            return member
        try:
            pairs = _all(client, "list_tags_for_resource", "Tags", ResourceId=member.account_id)
            return replace(member, tags={pair["Key"]: pair.get("Value") or "" for pair in pairs})
        except Exception as error:  # whatever one call meets, the other accounts have tags
            return classify(error)

    # Each call in a context of its own, so that the caller's watch counts it.
    contexts = [copy_context() for _ in members]
    with ThreadPoolExecutor(TAG_CALLS_AT_ONCE, "tags") as pool:
        answers = list(pool.map(lambda c, m: c.run(ask, m), contexts, members))
    failure = next((answer for answer in answers if isinstance(answer, Failure)), None)
    return [
        member if isinstance(answer, Failure) else answer
        for member, answer in zip(members, answers, strict=True)
    ], failure
