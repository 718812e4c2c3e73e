"""Which accounts are looked at: those of the settings and those of the organisation, as one list.

An organisation that cannot be read never gets smaller by that: the accounts that the last snapshot
looked at stand in for it, and the ledger says so. Whoever is no longer looked at is named, with
the reason. Not here: asking Organizations (`discovery`), entering accounts (`entry`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts.account import (
    Account,
    NoAccountsError,
    account_with_tags,
    accounts_of,
    of_organization,
)
from inventory_pipeline.accounts.clients import Clients
from inventory_pipeline.accounts.discovery import ACCOUNTS, Discovery, discover, is_wanted, passes
from inventory_pipeline.accounts.entry import own_account
from inventory_pipeline.accounts.organization import Member

if TYPE_CHECKING:
    from inventory_pipeline.settings import Settings

LOOKED_AT = frozenset({"ok", "denied", "error"})
"""Statuses, in the table `accounts`, of accounts that were looked at, or were to be."""


@dataclass(frozen=True)
class Absence:
    """An account that is not looked at. `status`: `left`, `excluded`, or its state at AWS in
    lower case: `suspended`, `pending_closure`, `closed`, `pending_activation`."""

    account: Account
    status: str
    message: str


@dataclass(frozen=True)
class Roster:
    """The accounts to look at, those that are not (any more), and how they were found."""

    accounts: tuple[Account, ...]
    absences: tuple[Absence, ...] = ()
    discovery: Discovery | None = None


def roster_of(
    settings: Settings, clients: Clients, known: Iterable[Mapping[str, Any]] = ()
) -> Roster:
    """The accounts of the settings and, where they say so, of the organisation.

    `known` are the rows of `accounts` of the newest snapshot. Settings win over what AWS tells of
    an account. Without any it is the caller's own. Raises NoAccountsError where none is left, and
    CredentialsError where the caller has no credentials.
    """
    clients.require_credentials()
    named = accounts_of(settings, clients.partition)
    before = {
        row["account_id"]: _remembered(settings, row, clients.partition)
        for row in known
        if row["status"] in LOOKED_AT
    }
    if not settings.organization.discover:
        return _roster(settings, named or [own_account(clients)], (), before, None)
    caller = own_account(clients)
    discovery = discover(settings.organization, clients, caller)
    members = discovery.members
    if members is None:
        members = ()
        found = _standing_in(settings, before, discovery, caller)
    else:
        active = [m for m in members if m.is_active and is_wanted(settings.organization, m)]
        found = [_found(settings, m, before.get(m.account_id), caller) for m in active]
    return _roster(settings, _joined(settings, named, found, members), members, before, discovery)


def _standing_in(
    settings: Settings, before: Mapping[str, Account], discovery: Discovery, caller: Account
) -> list[Account]:
    """What the last snapshot looked at. Raises NoAccountsError where there was none."""
    failure = discovery.failures[ACCOUNTS]
    if not before and not settings.accounts:
        raise NoAccountsError(
            "the organisation cannot be read and no snapshot knows its accounts: "
            f"{failure.message if failure else 'no answer'}; allow it to account "
            f"{discovery.asked_as}, or set organization.ask_as to a role that may"
        )
    wanted = settings.organization
    return [
        replace(account, or_caller=account.account_id == caller.account_id)
        for account in before.values()
        if passes(wanted, account.account_id, account.name)
    ]


def _roster(
    settings: Settings,
    chosen: list[Account],
    members: Iterable[Member],
    before: Mapping[str, Account],
    discovery: Discovery | None,
) -> Roster:
    if not chosen:
        raise NoAccountsError(
            "organization: no active account is left; correct include_ous, exclude_ous, "
            "include_accounts and exclude_accounts"
        )
    listed = {one.account_id for one in settings.accounts.values()}
    # Of an organisation that was not read nobody has left.
    unread = before if discovery and discovery.members is None else ()
    absences = _absences(chosen, members, before, {*listed, *unread})
    return Roster(tuple(chosen), tuple(absences), discovery)


def _joined(
    settings: Settings, named: list[Account], found: list[Account], members: Iterable[Member]
) -> list[Account]:
    """The settings' accounts, told more of by the organisation, then the others it has."""
    by_id = {account.account_id: account for account in found}
    inactive = {member.account_id for member in members if not member.is_active}
    listed = {one.account_id for one in settings.accounts.values()}
    return [
        *(
            _over(settings, account, by_id.get(account.account_id))
            for account in named
            if account.account_id not in inactive
        ),
        *(account for account in found if account.account_id not in listed),
    ]


def _over(settings: Settings, named: Account, found: Account | None) -> Account:
    """An account of the settings with what it leaves open from the organisation."""
    if found is None:
        return named
    account = replace(named, organizational_unit=found.organizational_unit)
    if "role_name" not in settings.accounts[named.name].model_fields_set:
        account = replace(account, role_arn=found.role_arn, or_caller=found.or_caller)
    if named.external_id is None:
        setting = found.external_id_setting
        account = replace(account, external_id=found.external_id, external_id_setting=setting)
    return replace(
        account,
        tags={**found.tags, **named.tags},
        department=named.department or found.department,
        cost_center=named.cost_center or found.cost_center,
        environment=named.environment or found.environment,
    )


def _found(settings: Settings, member: Member, before: Account | None, caller: Account) -> Account:
    """An account of the organisation; what could not be read is as the last snapshot had it."""
    account = of_organization(
        settings.organization, member.account_id, member.name, caller.partition
    )
    remembered = before.organizational_unit if before else None
    account = replace(
        account,
        organizational_unit=member.units[-1].path if member.units else remembered,
        # The organisation's role may not be there: Control Tower makes none in its own account.
        or_caller=member.account_id == caller.account_id,
    )
    tags = member.tags if member.tags is not None else before.tags if before else {}
    return account_with_tags(account, tags)


def _remembered(settings: Settings, row: Mapping[str, Any], partition: str) -> Account:
    """An account as the last snapshot had it."""
    account_id, name = row["account_id"], row["account_name"] or row["account_id"]
    account = of_organization(settings.organization, account_id, name, partition)
    account = replace(account, organizational_unit=row.get("organizational_unit"))
    return account_with_tags(account, dict(row["tags"] or ()))


def _absences(
    chosen: Iterable[Account],
    members: Iterable[Member],
    before: Mapping[str, Account],
    listed: Collection[str],
) -> Iterator[Absence]:
    """Who is not active, and who was looked at in the last snapshot and is not now.

    `listed` are accounts that are still there as far as is known.
    """
    looked_at = {account.account_id for account in chosen}
    inactive = {member.account_id: member for member in members if not member.is_active}
    for member in inactive.values():
        account = before.get(member.account_id) or Account(member.account_id, member.name)
        yield Absence(account, member.state.lower(), f"AWS Organizations: {member.state}")
    there = {*listed, *(member.account_id for member in members)}
    for account in before.values():
        if account.account_id in looked_at or account.account_id in inactive:
            continue
        if account.account_id in there:
            yield Absence(account, "excluded", "the settings leave it out")
        else:
            yield Absence(account, "left", "neither in the settings nor in the organisation")
