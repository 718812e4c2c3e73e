"""A policy on a delivery: whether it applies, which objects it picks, and the plan's identity.

Policies come from settings. Everything is as of the delivery's instant, never the clock's, so the
same policy on the same delivery is the same plan whenever it is made. Not here: whether an object
may be moved (`safety`) or should be (`economics`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inventory_pipeline.settings import ArchivePolicy

Parameter = str | int | datetime


@dataclass(frozen=True)
class Delivery:
    """One ingested delivery: a day's newest report of a bucket's inventory configuration."""

    delivered_on: date
    source_bucket: str
    configuration_id: str
    delivered_at: datetime

    @property
    def partition(self) -> dict[str, Any]:
        return {
            "delivered_on": self.delivered_on,
            "source_bucket": self.source_bucket,
            "configuration_id": self.configuration_id,
        }


@dataclass(frozen=True)
class Clause:
    """A SQL condition and the values of its `$name` parameters."""

    sql: str
    params: Mapping[str, Parameter]


def applies_to(policy: ArchivePolicy, bucket: str) -> bool:
    """Whether one of the policy's globs names the bucket."""
    return any(fnmatchcase(bucket, glob) for glob in policy.sources)


def plan_id(policy: ArchivePolicy, delivery: Delivery) -> str:
    """32 hex digits that follow from the policy's text and the delivery."""
    identity = [
        policy.model_dump(mode="json"),
        delivery.source_bucket,
        delivery.configuration_id,
        delivery.delivered_at.isoformat(),
    ]
    text = json.dumps(identity, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def picks(policies: Sequence[ArchivePolicy], delivery: Delivery) -> Clause:
    """The objects that the last of `policies` picks: those that no earlier one has picked.

    The first policy that picks an object decides on it, whether or not it then moves it.
    """
    clauses = [_clause(policy, delivery, f"p{n}") for n, policy in enumerate(policies)]
    *earlier, own = clauses
    terms = [own.sql, *(f"NOT {clause.sql}" for clause in earlier)]
    params = {name: value for clause in clauses for name, value in clause.params.items()}
    return Clause(" AND ".join(terms), params)


def _clause(policy: ArchivePolicy, delivery: Delivery, label: str) -> Clause:
    """A policy's own condition, never NULL. Values are parameters, and a prefix is no pattern.

    A clause on what the report does not say (the size of a delete marker, a field left out) does
    not drop an object: it is picked, and judged unsafe or unpriced.
    """
    terms: list[str] = []
    params: dict[str, Parameter] = {}

    def add(column: str, comparison: str, name: str, value: Parameter) -> None:
        terms.append(f"({column} {comparison} ${label}_{name} OR {column} IS NULL)")
        params[f"{label}_{name}"] = value

    if policy.prefix:
        terms.append(f"starts_with(key, ${label}_prefix)")
        params[f"{label}_prefix"] = policy.prefix
    if policy.min_age_days:
        before = delivery.delivered_at - timedelta(days=policy.min_age_days)
        add("last_modified_date", "<=", "modified_by", before)
    if policy.min_size_bytes:
        add("size", ">=", "min_size", policy.min_size_bytes)
    if policy.max_size_bytes is not None:
        add("size", "<=", "max_size", policy.max_size_bytes)
    classes = {f"{label}_class{n}": name for n, name in enumerate(policy.storage_classes)}
    listed = ", ".join(f"${name}" for name in classes)
    terms.append(f"(storage_class IN ({listed}) OR storage_class IS NULL)")
    return Clause(f"({' AND '.join(terms)})", params | classes)
