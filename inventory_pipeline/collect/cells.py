"""Which cells there are: what a snapshot has to ask, and what it must say it could not ask.

Pure: entries (accounts as found), resource types and settings give cells. Not here: any call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inventory_pipeline.accounts.account import Account
from inventory_pipeline.accounts.entry import Entry
from inventory_pipeline.accounts.failures import Failure
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.resource_types import ResourceType

GLOBAL = "global"

CellKey = tuple[str, str, str]
"""Account id, region (`global` for a global type), resource type."""


@dataclass(frozen=True)
class Cell:
    """One account, region and resource type. With `skip` it is not asked, for that reason."""

    account: Account
    region: str
    kind: ResourceType
    skip: Failure | None = None
    may_be_disabled: bool = False

    @property
    def key(self) -> CellKey:
        return (self.account.account_id, self.region, self.kind.name)

    @property
    def call_region(self) -> str:
        return self.account.global_region if self.region == GLOBAL else self.region


@dataclass(frozen=True)
class _Place:
    region: str
    skip: Failure | None = None
    may_be_disabled: bool = False


def plan(
    entries: Sequence[Entry],
    kinds: Sequence[ResourceType],
    scope: RegionScope,
    known_regions: Callable[[str], Iterable[str]],
    only_regions: Sequence[str] = (),
) -> list[Cell]:
    """Every cell of these accounts and types.

    `known_regions` (of a partition) stand in for an account that does not tell its own.
    `only_regions` leaves out all others, and global types unless it names `global`; empty is all.
    """
    seen = sorted({r for e in entries if e.regions for r in e.regions.enabled})
    cells: list[Cell] = []
    for entry in entries:
        everywhere = _Place(GLOBAL, skip=entry.failure)
        guess = seen or list(known_regions(entry.account.partition))
        regional = [p for p in _places(entry, scope, guess) if scope.covers(p.region)]
        for kind in kinds:
            places = [everywhere] if kind.scope == "global" else regional
            cells += (
                Cell(entry.account, place.region, kind, place.skip, place.may_be_disabled)
                for place in places
                if not only_regions or place.region in only_regions
            )
    # Global cells first: they tend to be the long ones.
    return sorted(cells, key=lambda cell: cell.region != GLOBAL)


def _places(entry: Entry, scope: RegionScope, guess: Sequence[str]) -> list[_Place]:
    if entry.failure is not None:
        names = entry.regions.enabled if entry.regions else scope.named() or guess
        return [_Place(region, skip=entry.failure) for region in names]
    if entry.regions is None:
        return [_Place(region, may_be_disabled=True) for region in scope.named() or guess]
    off = Failure("region_disabled", None, "the region is not enabled in the account")
    unknown = Failure("region_disabled", None, "the account has no such region")
    listed = {*entry.regions.enabled, *entry.regions.disabled}
    return [
        *(_Place(r, may_be_disabled=r in entry.regions.opted_in) for r in entry.regions.enabled),
        *(_Place(r, skip=off) for r in entry.regions.disabled),
        *(_Place(r, skip=unknown) for r in scope.named() if r not in listed),
    ]
