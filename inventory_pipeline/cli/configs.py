"""`inventory configs`: S3 Inventory configurations as code: plan, apply, policies, lint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inventory_pipeline.cli.answer import Section
from inventory_pipeline.cli.group import PARTIAL
from inventory_pipeline.cli.output import counted, dollars, whole_file
from inventory_pipeline.cli.reading import LAKE_OPTION, SETTINGS_OPTION, Reader, reading

if TYPE_CHECKING:
    from inventory_pipeline.accounts import Clients
    from inventory_pipeline.configurations import Change, Finding, Observed, Outcome, Wanted

CONFIGURATION = (
    *("prefix", "frequency", "versions", "format", "fields", "encryption", "kms_key", "enabled"),
    *("destination", "destination_prefix", "destination_account"),
)
COLUMNS = (
    *("action", "bucket", "id", "reason", *CONFIGURATION),
    *("account_id", "account_name", "region", "seen", "result"),
)
PLANNED = ("action", "bucket", "id", "prefix", "frequency", "versions", "destination", "reason")
DONE = ("action", "bucket", "id", "result")
FINDING = (
    *("severity", "rule", "bucket", "configuration_id", "what", "why", "fix", "monthly_usd"),
    *("unpriced_reason", "account_id", "account_name", "region"),
)
FOUND = ("severity", "rule", "bucket", "configuration_id", "what", "fix")
MANY = 20
"""Buckets from which on what is kept or foreign is only counted in a table."""


@click.group()
def configs() -> None:
    """S3 Inventory configurations as code.

    Settings declare them (s3_inventory.configurations); plan shows what that takes, apply does it.

    \b
    Examples:
      inventory configs plan
      inventory configs apply --yes
      inventory configs policies --out policies
      inventory configs lint
    """


live_option = click.option(
    "--live/--no-live", default=True, show_default=True, help="Ask AWS, not only the snapshot."
)


@configs.command()
@live_option
@reading(snapshot=False)
def plan(reader: Reader, live: bool) -> None:
    """What is to be created, changed and deleted, so that buckets have what is declared.

    Buckets are those of the newest snapshot; each that is concerned is asked for its
    configurations, and where it cannot be, counts as the snapshot saw it. Only ids that begin with
    s3_inventory.configuration_prefix are ever changed. Exit code 3: a part could not be planned.

    \b
    Examples:
      inventory configs plan
      inventory configs plan --format json
    """
    work = Work(reader, live)
    _show(reader, work, work.changes)
    if _unplanned(work.changes):
        raise click.exceptions.Exit(PARTIAL)


@configs.command()
@click.option("--yes", is_flag=True, help="Make the changes; without it nothing is changed.")
@reading(snapshot=False)
def apply(reader: Reader, yes: bool) -> None:
    """Show the plan and, with --yes, make its changes, one call each.

    A change that fails keeps no other from being made; running it again makes what is left. Exit
    code 3: a change failed, or a part could not be planned.

    \b
    Examples:
      inventory configs apply
      inventory configs apply --yes
    """
    from inventory_pipeline.configurations import apply as make
    from inventory_pipeline.configurations import configurators

    work = Work(reader, live=True)
    if not yes:
        _show(reader, work, work.changes, "Nothing was changed; --yes makes these changes.")
    else:
        if reader.form == "table":
            _show(reader, work, work.changes)
        client_for = configurators(reader.settings, work.clients)
        outcomes = list(make(work.changes, client_for, work.clients.partition))
        _show_outcomes(reader, outcomes)
        if any(outcome.error for outcome in outcomes):
            raise click.exceptions.Exit(PARTIAL)
    if _unplanned(work.changes):
        raise click.exceptions.Exit(PARTIAL)


@configs.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; otherwise all is one JSON on standard output.",
)
@LAKE_OPTION
@SETTINGS_OPTION
def policies(out: Path | None, location: str | None, settings_path: Path | None) -> None:
    """Render what the destinations need: bucket policy, key policy, lifecycle rule.

    Nothing is applied. Add the statements and rules to those that the bucket or key has: putting a
    document replaces all of it.

    \b
    Examples:
      inventory configs policies --out policies
      inventory configs policies
    """
    from inventory_pipeline.configurations import documents

    work = Work(Reader(location, settings_path), live=False)
    found = documents(work.reader.settings, work.wanted, work.clients.partition)
    if out is None:
        click.echo(json.dumps(found, indent=2))
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, body in found.items():
        with whole_file(out / name) as partial:
            partial.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
        click.echo(out / name)


@configs.command()
@live_option
@reading(snapshot=False)
def lint(reader: Reader, live: bool) -> None:
    """What is wrong with the inventory configurations that buckets have, and what it costs.

    Of every bucket of the newest snapshot, whoever made the configuration. Objects listed are those
    of its newest delivery, at list price.

    \b
    Examples:
      inventory configs lint
      inventory configs lint --no-live --format json
    """
    from inventory_pipeline.configurations import lint as judge

    work = Work(reader, live)
    observed = work.asked(work.buckets)
    at = reader.snapshots[-1]
    found = judge(reader.settings, reader.lake, at, observed)
    rows = [_finding(one, in_words=reader.form == "table") for one in found]
    unread = sum(one.configurations is None for one in observed)
    reader.show(
        Section("rows", "Findings", FINDING, rows, FOUND),
        coverage=None,
        at=at,
        notes=(
            f"{counted(len(found), 'finding')} on {counted(len(observed) - unread, 'bucket')}; "
            f"the configurations of {unread:,} more could not be read",
            *work.failures(observed),
        ),
    )


def _finding(found: Finding, *, in_words: bool) -> tuple[Any, ...]:
    """A row of FINDING; a table tells the cost, where there is one, with what was found."""
    cost = ""
    if in_words and found.monthly_usd is not None:
        cost = f": {dollars(found.monthly_usd)} a month"
    elif in_words and found.unpriced_reason:
        cost = f": at a cost that is unknown ({found.unpriced_reason})"
    return (
        found.severity,
        found.rule,
        found.bucket.name,
        found.configuration_id,
        f"{found.what}{cost}",
        found.why,
        found.fix,
        found.monthly_usd,
        found.unpriced_reason,
        found.bucket.account_id,
        found.bucket.account_name,
        found.bucket.region,
    )


@dataclass
class Work:
    """The settings' wishes, the buckets they are about, and the plan."""

    reader: Reader
    live: bool

    @cached_property
    def clients(self) -> Clients:
        from inventory_pipeline.accounts import Clients

        return Clients.of(self.reader.settings)

    @cached_property
    def buckets(self) -> list[Observed]:
        from inventory_pipeline.configurations import snapshot_buckets

        return snapshot_buckets(self.reader.lake, self.reader.snapshots[-1])

    @cached_property
    def wanted(self) -> list[Wanted]:
        from inventory_pipeline.configurations import desired

        return desired(self.reader.settings, [one.bucket for one in self.buckets])

    @cached_property
    def observed(self) -> list[Observed]:
        from inventory_pipeline.configurations import concerned

        owned = self.reader.settings.s3_inventory.configuration_prefix
        return self.asked(concerned(self.buckets, owned, [one.bucket for one in self.wanted]))

    def asked(self, buckets: list[Observed]) -> list[Observed]:
        """These buckets as AWS has them now, where it is to be asked and answers."""
        from inventory_pipeline.configurations import look, readers

        if not self.live:
            return buckets
        return look(buckets, readers(self.reader.settings, self.clients))

    @cached_property
    def changes(self) -> list[Change]:
        from inventory_pipeline.configurations import plan as compare

        owned = self.reader.settings.s3_inventory.configuration_prefix
        return compare(self.wanted, self.observed, owned)

    def notes(self) -> Iterator[str]:
        from inventory_pipeline.configurations import without_buckets

        if not self.reader.settings.s3_inventory.configurations:
            yield "The settings declare no s3_inventory.configurations."
        yield from without_buckets(self.reader.settings, [one.bucket for one in self.buckets])
        asked = [one for one in self.observed if one.seen == "live"]
        yield f"{counted(len(self.observed), 'bucket')} concerned, {len(asked):,} asked live"
        yield from self.failures(self.observed)

    def failures(self, observed: Sequence[Observed]) -> Iterator[str]:
        """Which buckets could not be asked: the first ones."""
        failed = [one for one in observed if one.failure]
        for one in failed[:MANY]:
            yield f"{one.bucket.name} is as the snapshot saw it: {one.failure}"
        if len(failed) > MANY:
            yield f"and {len(failed) - MANY:,} more"


def _show(reader: Reader, work: Work, changes: Sequence[Change], *more: str) -> None:
    counts = {action: sum(c.action == action for c in changes) for action in _ACTIONS}
    told = ", ".join(f"{count:,} {action}" for action, count in counts.items())
    shown = changes
    if reader.form == "table" and len(work.observed) > MANY:
        shown = [change for change in changes if change.action not in ("keep", "foreign")]
    reader.show(
        Section("rows", "Plan", COLUMNS, [_row(change) for change in shown], PLANNED),
        coverage=None,
        at=reader.snapshots[-1],
        notes=(f"Plan: {told}", *work.notes(), *more),
        facts={"actions": counts},
    )


_ACTIONS = ("create", "update", "delete", "keep", "foreign", "invalid", "unreadable")


def _show_outcomes(reader: Reader, outcomes: Sequence[Outcome]) -> None:
    failed = sum(outcome.error is not None for outcome in outcomes)
    rows = [_row(outcome.change, outcome.error or "done") for outcome in outcomes]
    reader.show(
        Section("rows", "Changes", COLUMNS, rows, DONE),
        coverage=None,
        notes=(f"{len(outcomes) - failed:,} done, {failed:,} failed",),
    )


def _row(change: Change, outcome: str | None = None) -> tuple[Any, ...]:
    about = change.wanted or change.current
    return (
        change.action,
        change.bucket.name,
        change.id,
        change.reason,
        *(getattr(about, name, None) for name in CONFIGURATION),
        change.bucket.account_id,
        change.bucket.account_name,
        change.bucket.region,
        change.seen,
        outcome,
    )


def _unplanned(changes: Sequence[Change]) -> bool:
    return any(change.action in ("invalid", "unreadable") for change in changes)
