"""What a check found. Not here: any check."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "missing"]
"""`missing`: it will not work, or not wholly. `warning`: it works, with something to know."""


@dataclass(frozen=True)
class Check:
    """One thing looked at: whose it is, what was found, and what to do. Never has a secret.

    `details` are names that `found` only counts, such as every denied action.
    """

    subject: str
    check: str
    status: Status
    found: str
    fix: str | None = None
    details: tuple[str, ...] = ()
