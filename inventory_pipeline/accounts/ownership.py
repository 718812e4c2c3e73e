"""Who owns a thing, from its tags, however the tag keys are spelt.

Belongs here: the spellings. Not here: whose tags count first (`collect.observe`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Keys are compared without case, spaces, hyphens, underscores and the like; first spelling wins.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "department": ("department", "dept"),
    "cost_center": ("costcenter", "costcentre"),
    "environment": ("environment", "env", "stage"),
}

_PUNCTUATION = re.compile(r"[\s_.:/-]+")


@dataclass(frozen=True)
class Ownership:
    """Department, cost centre and environment; None where no tag tells."""

    department: str | None = None
    cost_center: str | None = None
    environment: str | None = None

    def over(self, other: "Ownership") -> "Ownership":
        """This ownership, with `other` where this one does not tell."""
        return Ownership(
            self.department or other.department,
            self.cost_center or other.cost_center,
            self.environment or other.environment,
        )


def ownership(tags: Mapping[str, str]) -> Ownership:
    """What tags say of the owner; blank values say nothing.

    Two keys of one spelling (`Dept`, `dept`) are settled by the order of the keys, so that the
    answer does not depend on the order in which AWS lists them.
    """
    plain: dict[str, str] = {}
    for key in sorted(tags):
        if value := tags[key].strip():
            plain.setdefault(_PUNCTUATION.sub("", key).casefold(), value)
    found = {
        name: next((plain[s] for s in spellings if s in plain), None)
        for name, spellings in SPELLINGS.items()
    }
    return Ownership(**found)
