"""Asking AWS Organizations for the accounts that settings want, and what is to be said of failures.

Not here: the calls themselves (`organization`), nor how what was found joins the accounts of the
settings (`roster`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from inventory_pipeline.accounts.account import GLOBAL_REGIONS, Account
from inventory_pipeline.accounts.clients import Clients
from inventory_pipeline.accounts.failures import Failure, classify, shorten
from inventory_pipeline.accounts.organization import (
    TAGS,
    UNITS,
    Member,
    Organization,
    read_organization,
)
from inventory_pipeline.accounts.watch import Watch

if TYPE_CHECKING:
    from inventory_pipeline.settings import OrganizationSettings

ACCOUNTS = "accounts"
"""The ledger's collector of the discovery; its parts are `accounts.<part>`."""

_ACTIONS = {
    ACCOUNTS: "organizations:ListAccounts",
    UNITS: "organizations:ListRoots, ListOrganizationalUnitsForParent, ListAccountsForParent",
    TAGS: "organizations:ListTagsForResource",
}
"""What each part needs."""


class EmptyOrganizationError(Exception):
    """An organisation always has an account, so an answer without any is none."""


@dataclass(frozen=True)
class Discovery:
    """What the organisation told. `members` is None where it could not be read or not be judged.

    `asked_as` is the account on whose behalf it was asked. `failures` has each collector of the
    ledger, with None where it was read wholly.
    """

    asked_as: str
    members: tuple[Member, ...] | None
    failures: Mapping[str, Failure | None]
    watch: Watch = field(default_factory=Watch)


def discover(wanted: OrganizationSettings, clients: Clients, caller: Account) -> Discovery:
    """The organisation as `wanted.ask_as`, or else the caller, may read it."""
    asker = _asker(wanted, clients.partition)
    asked_as = asker.account_id if asker else caller.account_id
    region = GLOBAL_REGIONS.get(clients.partition, clients.home_region)
    watch = Watch()
    try:
        with watch:
            client = clients.client(asker, "organizations", region)
            found = read_organization(client, lambda member: member.is_active)
        if not found.members:
            raise EmptyOrganizationError("AWS names no account, not even the management account")
    except Exception as error:  # a denial, or whatever a call may meet: the ledger tells it
        return Discovery(asked_as, None, {ACCOUNTS: _told(ACCOUNTS, classify(error))}, watch)
    parts = {f"{ACCOUNTS}.{part}": found.failures.get(part) for part in (UNITS, TAGS)}
    failures = {name: _told(name.partition(".")[2], f) if f else None for name, f in parts.items()}
    by_unit = bool(wanted.include_ous or wanted.exclude_ous)
    if by_unit and UNITS in found.failures:
        blind = _told(UNITS, found.failures[UNITS])
        return Discovery(asked_as, None, failures | {ACCOUNTS: blind}, watch)
    return Discovery(
        asked_as, found.members, {ACCOUNTS: _unmatched(wanted, found), **failures}, watch
    )


def is_wanted(wanted: OrganizationSettings, member: Member) -> bool:
    """Whether the settings' filters let a member through; those of units only where its are known.

    A unit stands for all below it.
    """
    if not passes(wanted, member.account_id, member.name):
        return False
    if member.units is None:
        return True
    units = [name for unit in member.units for name in unit.names]
    return _passes(units, wanted.include_ous, wanted.exclude_ous)


def passes(wanted: OrganizationSettings, account_id: str, name: str) -> bool:
    """Whether the filters of accounts let an account through."""
    return _passes([account_id, name], wanted.include_accounts, wanted.exclude_accounts)


def _passes(names: Iterable[str], include: Sequence[str], exclude: Sequence[str]) -> bool:
    known = list(names)
    included = not include or any(_matches(known, pattern) for pattern in include)
    return included and not any(_matches(known, pattern) for pattern in exclude)


def _matches(names: Iterable[str], pattern: str) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for name in names)


def _asker(wanted: OrganizationSettings, partition: str) -> Account | None:
    if wanted.ask_as is None:
        return None
    return Account(
        wanted.ask_as.split(":")[4],
        "organization.ask_as",
        wanted.ask_as,
        wanted.external_id,
        partition=partition,
        external_id_setting="organization.external_id",
    )


def _told(part: str, failure: Failure) -> Failure:
    """The failure with what it concerns and what stands in."""
    message = f"{_ACTIONS[part]}: {failure.message or failure.code}"
    return replace(failure, message=shorten(f"{message}; the last snapshot's {part} stand in"))


def _unmatched(wanted: OrganizationSettings, found: Organization) -> Failure | None:
    """A filter that names nothing is a mistake, or names what is no more: never passed over."""
    accounts = {name for m in found.members for name in (m.account_id, m.name)}
    units = {name for unit in found.units for name in unit.names}
    filters = {
        "include_ous": (wanted.include_ous, units),
        "exclude_ous": (wanted.exclude_ous, units),
        "include_accounts": (wanted.include_accounts, accounts),
        "exclude_accounts": (wanted.exclude_accounts, accounts),
    }
    idle = [
        f"organization.{name}: {pattern!r} matches nothing"
        for name, (patterns, names) in filters.items()
        for pattern in patterns
        if not _matches(names, pattern)
    ]
    return Failure("error", "UnmatchedFilter", shorten("; ".join(idle))) if idle else None
