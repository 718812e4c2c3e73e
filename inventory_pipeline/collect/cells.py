"""Which cells there are: what a snapshot has to ask, and what it must say it could not ask.

Pure: entries (accounts as found), resource types and settings give cells. Not here: any call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from inventory_pipeline.accounts.account import Account
from inventory_pipeline.accounts.entry import Entry
from inventory_pipeline.accounts.failures import Failure
from inventory_pipeline.accounts.regions import ALWAYS_ENABLED, RegionScope
from inventory_pipeline.resource_types import ResourceType

GLOBAL = "global"

CellKey = tuple[str, str, str]
"""Account id, region (`global` for a global type), resource type."""


@dataclass(frozen=True)
class Cell:
    """One account, region and resource type. With `skip` it is not asked, for that reason.

    `may_be_missing`: the region is not known to have the service, so silence means that it has not.
    """

    account: Account
    region: str
    kind: ResourceType
    skip: Failure | None = None
    may_be_disabled: bool = False
    may_be_missing: bool = False

    @property
    def key(self) -> CellKey:
        return (self.account.account_id, self.region, self.kind.name)

    @property
    def call_region(self) -> str:
        if self.region != GLOBAL:
            return self.region
        asked_in = self.kind.asked_in or {}
        return asked_in.get(self.account.partition, self.account.global_region)

    @property
    def place(self) -> dict[str, str]:
        """The cell's place as resource types know it; its region is where calls are made."""
        return {
            "account_id": self.account.account_id,
            "partition": self.account.partition,
            "region": self.call_region,
        }


@dataclass(frozen=True)
class _Place:
    region: str
    skip: Failure | None = None
    may_be_disabled: bool = False


def plan(
    entries: Sequence[Entry],
    kinds: Sequence[ResourceType],
    scope: RegionScope,
    known_regions: Callable[[str, str], Iterable[str]],
) -> list[Cell]:
    """Every cell of these accounts and types.

    `known_regions` (of a partition, that have a service) stand in for an account that does not tell
    its own; they also tell where a service may be missing.
    """
    seen = sorted({r for e in entries if e.regions for r in e.regions.enabled})
    known_regions = cache(known_regions)
    cells: list[Cell] = []
    for entry in entries:
        everywhere = _Place(GLOBAL, skip=entry.failure)
        partition = entry.account.partition
        known = known_regions(partition, "ec2")
        regional = [p for p in _places(entry, scope, seen, known) if scope.covers(p.region)]
        for kind in kinds:
            if kind.asked_in is not None and partition not in kind.asked_in:
                continue
            places = [everywhere] if kind.scope == "global" else regional
            offered = set(known_regions(partition, kind.service))
            cells += (
                Cell(
                    entry.account,
                    place.region,
                    kind,
                    place.skip,
                    place.may_be_disabled,
                    may_be_missing=bool(offered) and place.region not in {GLOBAL, *offered},
                )
                for place in places
            )
    # Global cells first: they tend to be the long ones. Then a region's service in all accounts
    # before the next one, so that few clients are in use at a time.
    return sorted(cells, key=lambda c: (c.region != GLOBAL, c.region, c.kind.service))


def _places(
    entry: Entry, scope: RegionScope, seen: Sequence[str], known: Iterable[str]
) -> list[_Place]:
    """The account's regions. `seen` are those that other accounts have enabled."""
    if entry.failure is not None:
        guess = sorted({*scope.named(), *(seen or known)})
        return [_Place(r, skip=entry.failure) for r in guess]
    if entry.regions is None:
        # All of them: it may have switched on what no other account has.
        guess = sorted({*scope.named(), *seen, *known})
        return [_Place(r, may_be_disabled=r not in ALWAYS_ENABLED) for r in guess]
    off = Failure("region_disabled", None, "the region is not enabled in the account")
    unknown = Failure(
        "error", "NoSuchRegion", "the account has no such region: correct `regions` in the settings"
    )
    listed = {*entry.regions.enabled, *entry.regions.disabled}
    return [
        *(_Place(r) for r in entry.regions.enabled),
        *(_Place(r, skip=off) for r in entry.regions.disabled),
        *(_Place(r, skip=unknown) for r in scope.named() if r not in listed),
    ]
