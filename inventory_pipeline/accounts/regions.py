"""Which regions an account has, and which of them settings let us look at."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Regions:
    """An account's regions. `opted_in` are the enabled ones that accounts have to switch on."""

    enabled: tuple[str, ...]
    disabled: tuple[str, ...] = ()
    opted_in: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RegionScope:
    """Regions that settings want: all that match a pattern of `only` (or all) and no `excluded`."""

    only: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def covers(self, region: str) -> bool:
        wanted = not self.only or any(fnmatchcase(region, p) for p in self.only)
        return wanted and not any(fnmatchcase(region, p) for p in self.excluded)

    def named(self) -> tuple[str, ...]:
        """Regions that `only` names outright, without a pattern."""
        names = (p for p in self.only if not any(c in p for c in "*?["))
        return tuple(n for n in names if self.covers(n))


def enabled_regions(ec2: Any) -> Regions:
    """The account's regions by opt-in status; `ec2` is a client of any enabled region."""
    answer = ec2.describe_regions(AllRegions=True)["Regions"]
    statuses = {r["RegionName"]: r.get("OptInStatus", "opt-in-not-required") for r in answer}
    return Regions(
        enabled=tuple(sorted(r for r, s in statuses.items() if s != "not-opted-in")),
        disabled=tuple(sorted(r for r, s in statuses.items() if s == "not-opted-in")),
        opted_in=frozenset(r for r, s in statuses.items() if s == "opted-in"),
    )
