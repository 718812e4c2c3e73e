"""`inventory doctor`: would a collection work, and if not, what is to be changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Answer, Section
from inventory_pipeline.cli.group import PARTIAL
from inventory_pipeline.cli.output import counted, emit
from inventory_pipeline.cli.reading import FORMATS, OUTPUT_OPTION, SETTINGS_OPTION, chosen_format
from inventory_pipeline.cli.safe import safe

if TYPE_CHECKING:
    from inventory_pipeline.accounts import Account, Clients
    from inventory_pipeline.diagnosis import Caller, Check
    from inventory_pipeline.settings import Settings

COLUMNS = ("subject", "check", "status", "found", "fix", "details")
SHOWN = COLUMNS[:4]
SEVERITY = ("missing", "warning", "ok")
NAMED = 5
"""Subjects that a line of what to do names."""
CALL_SECONDS = 15
"""Longest wait for one answer of AWS; a collection waits longer."""


@click.command()
@click.option("--accounts", help="Only these accounts (names or ids), by comma.")
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="Seconds for each account; accounts are looked at side by side.",
)
@SETTINGS_OPTION
@click.option("--format", "form", type=click.Choice(FORMATS))
@OUTPUT_OPTION
def doctor(
    accounts: str | None,
    timeout: int,
    settings_path: Path | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Look whether a collection would work, and say what to change where it would not.

    Looks at the settings, the collector's credentials and clock, the organisation, each account's
    role, regions and IAM actions, the destinations of S3 Inventory and the queue that tells of new
    reports, the lake (by an empty commit) and the Dagster instance. Exits with 3 if something is
    missing.

    \b
    Examples:
      inventory doctor
      inventory doctor --accounts payments --format json
    """
    wanted = [part.strip() for part in (accounts or "").split(",") if part.strip()]
    found = list(_checks(settings_path, wanted, timeout))
    found.sort(key=lambda check: SEVERITY.index(check.status))
    missing = sum(check.status == "missing" for check in found)
    rows = [(c.subject, c.check, c.status, c.found, c.fix, list(c.details)) for c in found]
    told = f"{counted(missing, 'thing')} missing" if missing else "all well"
    section = Section("rows", "", COLUMNS, rows, SHOWN)
    answer = Answer((section,), {"missing": missing}, (*_to_do(found), told))
    emit(answer, chosen_format(form, output, FORMATS), output)
    if missing:
        raise click.exceptions.Exit(PARTIAL)


def _to_do(found: Iterable[Check]) -> Iterator[str]:
    """A line for each thing to do, with all those whom it concerns."""
    concerned: dict[str, list[str]] = {}
    for check in found:
        if check.fix is not None:
            concerned.setdefault(check.fix, []).append(check.subject)
    for fix, subjects in concerned.items():
        more = f" and {len(subjects) - NAMED} more" if len(subjects) > NAMED else ""
        yield f"{', '.join(subjects[:NAMED])}{more}: {fix}"


def _checks(settings_path: Path | None, wanted: list[str], timeout: int) -> Iterator[Check]:
    from inventory_pipeline.defs.health import instance_checks
    from inventory_pipeline.diagnosis import Check, lake_check, settings_checks
    from inventory_pipeline.settings import SettingsError, load_settings

    try:
        settings = load_settings(settings_path)
    except SettingsError as error:
        for line in str(error).splitlines():
            yield Check("settings", "valid", "missing", line, "correct the file")
        return
    of_settings = settings_checks(settings)
    yield from of_settings
    if not any(check.check == "names" for check in of_settings):
        yield from _aws(settings, wanted, timeout)
    yield lake_check(settings)
    yield from instance_checks(settings)


def _aws(settings: Settings, wanted: list[str], timeout: int) -> Iterator[Check]:
    from inventory_pipeline.accounts import CredentialsError, account_named
    from inventory_pipeline.diagnosis import (
        Check,
        destination_checks,
        examine_caller,
        queue_checks,
    )

    try:
        clients = _clients(settings, timeout)
    except CredentialsError as error:  # there is no such profile
        yield Check("collector", "credentials", "missing", str(error))
        return
    caller, found = examine_caller(clients, lambda: datetime.now(UTC))
    yield from found
    if caller is None:
        return
    yield from _accounts(settings, clients, caller, wanted, timeout)

    def client_of(name: str | None, service: str, region: str) -> Any:
        reader = account_named(settings, name, clients.partition) if name else None
        return clients.client(reader, service, region)

    def s3_of(destination: Any) -> Any:
        return client_of(destination.account, "s3", destination.region)

    yield from destination_checks(settings, s3_of)
    listener = settings.s3_inventory.queue_account
    yield from queue_checks(
        settings, lambda region: client_of(listener, "sqs", region or clients.home_region)
    )


def _clients(settings: Settings, timeout: int) -> Clients:
    from inventory_pipeline.accounts import Clients

    return Clients(
        settings.credentials,
        endpoint_url=settings.aws_endpoint_url,
        retry_attempts=1,
        timeout_seconds=min(CALL_SECONDS, timeout),
    )


def _accounts(
    settings: Settings, clients: Clients, caller: Caller, wanted: list[str], timeout: int
) -> Iterator[Check]:
    from inventory_pipeline.accounts import NoAccountsError, roster_of
    from inventory_pipeline.diagnosis import AccountExaminer, Check, organization_checks
    from inventory_pipeline.settings import require_known

    try:
        roster = roster_of(settings, clients, _known(settings))
    except NoAccountsError as error:
        yield Check("organization", "accounts", "missing", str(error))
        return
    yield from organization_checks(roster)
    require_known("accounts", wanted, [n for a in roster.accounts for n in (a.name, a.account_id)])
    chosen = [a for a in roster.accounts if not wanted or {a.name, a.account_id} & {*wanted}]
    examiner = AccountExaminer(settings, clients, caller, timeout)
    found: dict[Account, list[Check]] = {}
    for account, checks in examiner.examine(chosen):
        found[account] = checks
        bad = [check.check for check in checks if check.status == "missing"]
        state = f"missing: {', '.join(bad)}" if bad else "ok"
        click.echo(safe(f"{len(found)}/{len(chosen)} {account.name}: {state}"), err=True)
    for account in chosen:
        yield from found[account]


def _known(settings: Settings) -> list[dict[str, Any]]:
    """The accounts that the lake knows, which a collection would fall back on; none without one."""
    from inventory_pipeline.collect.accounts import known_accounts
    from inventory_pipeline.lake import Lake

    try:
        lake = Lake.open(settings.lake.location, catalog=settings.lake.catalog, create=False)
        return known_accounts(lake)
    except Exception:  # the lake has a check of its own that says why
        return []
