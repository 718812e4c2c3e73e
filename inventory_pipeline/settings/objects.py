"""Keys of what is asked of stored objects: compliance, duplicates, personal data, tenants.

Not here: where reports come from and how they are ingested (`model`).
"""

import re
from functools import cache
from itertools import combinations
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from inventory_pipeline.settings.errors import shown
from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.values import Bytes, Count, Glob, Name

_NOT_PORTABLE = re.compile(r"\(\?(?!:)|\\[1-9gkpPQEGZzAbB]|[*+?}]\+|[\x00-\x1f]")


def _pattern(value: str) -> str:
    """A regular expression in the forms that every SQL engine of ours has; case is ignored."""
    if not value or _NOT_PORTABLE.search(value):
        raise ValueError(
            f"{shown(value)} is not a plain regular expression: no (?...) but (?:...), no "
            "references, no possessive quantifiers, no \\b"
        )
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{shown(value)} is not a regular expression: {error}") from None
    return value


def _printable(prefix: str) -> str:
    if not prefix.isprintable():
        raise ValueError(f"{shown(prefix)} has characters that cannot be printed")
    return prefix


Pattern = Annotated[str, AfterValidator(_pattern)]


class ComplianceSettings(Section):
    rules_off: list[Name] = []
    """Ids of rules that objects are not held to; `inventory list object-rules` has all."""
    legal_hold_buckets: list[Glob] = []
    """Patterns over names of buckets in which every object must be on legal hold."""


class DuplicateSettings(Section):
    min_bytes: Bytes = 1024 * 1024
    """Only objects of at least this size are compared, and never empty ones."""
    listed: Count = 100
    """Sets of copies listed for each bucket and over all buckets; the rest is summed up."""


class PersonalDataSettings(Section):
    rules_off: list[Name] = []
    """Ids of rules that keys are not searched by; `inventory list key-rules` has all."""
    patterns: dict[Name, Pattern] = Field(
        default={}, examples=[{"member-number": "/M[0-9]{8}[/.]"}]
    )
    """Further rules: a name and the regular expression that such keys match, ignoring case."""


class Tenant(Section):
    name: Name = Field(examples=["acme"])
    """Name of the tenant, unique; none is called unassigned."""
    sources: list[Glob] = Field(min_length=1, examples=[["*-data"]])
    """Patterns over names of buckets."""
    prefix: Annotated[str, AfterValidator(_printable)] = Field(
        default="", examples=["tenants/acme/"]
    )
    """Keys that begin so are the tenant's."""

    @field_validator("name")
    @classmethod
    def _is_no_remainder(cls, name: str) -> str:
        if name == "unassigned":
            raise ValueError("'unassigned' is what no tenant has")
        return name


def _disjoint(tenants: list[Tenant]) -> list[Tenant]:
    for one, other in combinations(tenants, 2):
        if one.name == other.name:
            raise ValueError(f"{shown(one.name)} is the name of several tenants")
        if _overlap(one, other):
            raise ValueError(f"tenants {shown(one.name)} and {shown(other.name)} overlap")
    return tenants


def _overlap(one: Tenant, other: Tenant) -> bool:
    """Whether some key of some bucket could be both tenants'."""
    nested = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return nested and any(_meet(a, b) for a in one.sources for b in other.sources)


def _meet(one: str, other: str) -> bool:
    """Whether a name matches both globs; of a set such as [abc], any character is taken to."""
    first, second = (tuple(re.sub(r"\[[^\]]+\]", "?", glob)) for glob in (one, other))

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(first) or j == len(second):
            return all(sign == "*" for sign in (*first[i:], *second[j:]))
        if first[i] == "*":
            return meet(i + 1, j) or meet(i, j + 1)
        if second[j] == "*":
            return meet(i, j + 1) or meet(i + 1, j)
        return (first[i] == second[j] or "?" in (first[i], second[j])) and meet(i + 1, j + 1)

    return meet(0, 0)


Tenants = Annotated[list[Tenant], AfterValidator(_disjoint)]
