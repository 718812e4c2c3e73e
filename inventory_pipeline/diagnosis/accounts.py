"""Each account: can it be entered, which regions has it, and which actions does it deny?

Accounts are looked at side by side, each until its own deadline, so that one that hangs holds up
nobody. Not here: why a role is refused (`refusals`), how actions are found out (`permissions`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inventory_pipeline.accounts import (
    Account,
    Clients,
    DeadlinePassedError,
    Entry,
    Roster,
    Watch,
    classify,
    enter,
)
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.accounts.watch import Clock
from inventory_pipeline.diagnosis.caller import Caller
from inventory_pipeline.diagnosis.check import Check
from inventory_pipeline.diagnosis.permissions import Permissions, probe, simulate
from inventory_pipeline.diagnosis.refusals import fix_of
from inventory_pipeline.infrastructure import enabled_types, needed_actions
from inventory_pipeline.resource_types import ResourceType

if TYPE_CHECKING:
    from inventory_pipeline.settings import Settings

NAMED = 6
"""Actions that a line names; the fix covers all."""


def organization_checks(roster: Roster) -> Iterator[Check]:
    """Whether the organisation could be read, and who of it is not looked at."""
    if roster.discovery is None:
        return
    for collector, failure in roster.discovery.failures.items():
        if failure is not None:
            fix = (
                "correct the filter, or remove it"
                if failure.code == "UnmatchedFilter"
                else f"allow it to account {roster.discovery.asked_as}, or set organization.ask_as"
            )
            yield Check("organization", collector, "missing", failure.message or "", fix)
    members = roster.discovery.members
    if members is not None:
        found = f"{len(members)} accounts, of which {len(roster.accounts)} are looked at"
        yield Check("organization", "discovery", "ok", found)


@dataclass(frozen=True)
class AccountExaminer:
    """Looks at accounts, `parallel` at a time, each for `seconds` at most."""

    settings: Settings
    clients: Clients
    caller: Caller
    seconds: float = 60
    parallel: int = 8
    clock: Clock = time.monotonic

    def examine(self, accounts: Sequence[Account]) -> Iterator[tuple[Account, list[Check]]]:
        """What was found of each account, as they are done."""
        with ThreadPoolExecutor(self.parallel, "examine") as pool:
            futures = {pool.submit(self._examine, account): account for account in accounts}
            for done in as_completed(futures):
                yield futures[done], done.result()

    def _examine(self, account: Account) -> list[Check]:
        found: list[Check] = []
        try:
            with Watch(self.clock() + self.seconds, self.clock):
                for check in self._checks(account):
                    found.append(check)
        except Exception as error:  # an account that behaves oddly must not hide the others
            found.append(self._unfinished(account, error))
        return found

    def _unfinished(self, account: Account, error: Exception) -> Check:
        if isinstance(error, DeadlinePassedError):
            said = f"no answer in {self.seconds:,.0f} seconds: the rest was not looked at"
            return Check(account.name, "deadline", "missing", said, "try again, or raise --timeout")
        failure = classify(error)
        said = f"{failure.code}: {failure.message}"
        return Check(account.name, "deadline", "missing", said, "see what AWS says")

    def _checks(self, account: Account) -> Iterator[Check]:
        entry = enter(account, self.clients)
        account = entry.account
        role = account.role_arn or "the collector's own credentials"
        if entry.failure is not None:
            said = f"{role}: {entry.failure.code}: {entry.failure.message}"
            fix = fix_of(account, entry.failure, self.caller)
            yield Check(account.name, "role", "missing", said, fix)
            return
        yield Check(account.name, "role", "ok", role)
        yield self._regions(entry)
        yield self._actions(entry)

    # -- regions -------------------------------------------------------------------------------

    @property
    def _scope(self) -> RegionScope:
        return RegionScope(tuple(self.settings.regions), tuple(self.settings.excluded_regions))

    def _regions(self, entry: Entry) -> Check:
        name, regions = entry.account.name, entry.regions
        if regions is None:
            fix = "allow ec2:DescribeRegions"
            return Check(name, "regions", "missing", entry.notice or "unknown", fix)
        covered = [region for region in regions.enabled if self._scope.covers(region)]
        excluded = len(regions.enabled) - len(covered)
        found = (
            f"{len(covered)} looked at, {excluded} left out, {len(regions.disabled)} switched off"
        )
        named = set(self._scope.named())
        strange = sorted(named - {*regions.enabled, *regions.disabled})
        if strange or not covered:
            told = f"no such region: {', '.join(strange)}" if strange else found
            return Check(name, "regions", "missing", told, "correct regions and excluded_regions")
        off = sorted(named & {*regions.disabled})
        if off:
            found = f"{found}; settings name {', '.join(off)}, which is switched off"
            return Check(name, "regions", "warning", found, "switch it on, or leave it out")
        return Check(name, "regions", "ok", found)

    # -- actions -------------------------------------------------------------------------------

    def _actions(self, entry: Entry) -> Check:
        account, needed = entry.account, needed_actions(self.settings)
        kinds = enabled_types(self.settings)
        known = self._simulated(account, needed)
        if known is None:
            known = probe(
                lambda service, region: self.clients.client(account, service, region),
                account,
                kinds,
                needed,
                self._first_region(entry),
            )
        return actions_check(account, known, kinds)

    def _simulated(self, account: Account, needed: Sequence[str]) -> Permissions | None:
        """What IAM's simulation says; None where it may not be asked."""
        principal = account.role_arn or self.caller.principal
        iam = self.clients.client(account, "iam", account.global_region)
        try:
            return simulate(iam, account, principal, needed)
        except DeadlinePassedError:
            raise
        except Exception:  # not allowed, or not understood by what stands in for AWS: probing tells
            return None

    def _first_region(self, entry: Entry) -> str:
        enabled = entry.regions.enabled if entry.regions else ()
        covered = (region for region in enabled if self._scope.covers(region))
        home = entry.account.global_region
        return home if self._scope.covers(home) else next(covered, home)


def actions_check(account: Account, known: Permissions, kinds: Sequence[ResourceType]) -> Check:
    """What is denied, and what of the inventory that takes away."""
    simulated = known.method == "simulated"
    how = "by IAM's simulation" if simulated else "by trying each listing"
    if known.denied:
        types = [kind.name for kind in kinds if not known.denied.keys().isdisjoint(kind.actions)]
        found = (
            f"{len(known.denied)} actions denied ({how}): {_some(list(known.denied))}; "
            f"not seen wholly: {_some(types)}"
        )
        reasons = "; ".join(sorted(set(known.denied.values())))
        fix = f"allow them: deploy the member role of `inventory infra render` again ({reasons})"
        return Check(account.name, "actions", "missing", found, fix, tuple(known.denied))
    found = f"{len(known.allowed)} actions allowed ({how})"
    if not known.unknown:
        return Check(account.name, "actions", "ok", found)
    left = tuple(sorted(known.unknown))
    to_know = None if simulated else "allow iam:SimulatePrincipalPolicy to have all checked"
    found = f"{found}, {len(left)} not checked"
    return Check(account.name, "actions", "warning", found, to_know, left)


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
