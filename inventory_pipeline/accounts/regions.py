"""Which regions an account has, and which of them settings let us look at."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

# Every account of their partition has these; accounts have to switch on all newer ones.
ALWAYS_ENABLED = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "cn-north-1",
        "cn-northwest-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-east-1",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    }
)


@dataclass(frozen=True)
class Regions:
    """An account's regions; it has to switch on the `disabled` ones before it can use them."""

    enabled: tuple[str, ...]
    disabled: tuple[str, ...] = ()


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
    )
