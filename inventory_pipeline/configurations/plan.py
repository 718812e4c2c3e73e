"""The way from the configurations that buckets have to those they are to have, and going it.

Only ids that the tool owns are ever changed. Nothing here decides what is wanted (`desired`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inventory_pipeline.configurations.desired import Wanted
from inventory_pipeline.configurations.model import MOST, Bucket, Configuration
from inventory_pipeline.configurations.observed import ClientFor, Observed

Action = Literal["delete", "update", "create", "keep", "foreign", "invalid", "unreadable"]

CHANGING: tuple[Action, ...] = ("delete", "update", "create")
"""What takes a call, in the order in which a bucket never has more than before and after."""


@dataclass(frozen=True)
class Change:
    """What is to become of one id in a bucket. `seen`: the bucket was asked live, or is as in the
    newest snapshot. `reason` says what differs, or why nothing is done."""

    action: Action
    bucket: Bucket
    id: str
    wanted: Configuration | None
    current: Configuration | None
    seen: str
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a change; `error` is None where AWS took it."""

    change: Change
    error: str | None


def plan(wanted: Iterable[Wanted], observed: Iterable[Observed], owned: str) -> list[Change]:
    """Every id of these buckets, and what is to become of it, by bucket, then in order of work."""
    by_bucket: dict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        by_bucket[one.bucket.name].append(one)
    return [
        change
        for bucket in observed
        for change in _ordered(_within_limit(_of_bucket(by_bucket, bucket, owned)))
    ]


def changing(changes: Iterable[Change]) -> list[Change]:
    return [change for change in changes if change.action in CHANGING]


def apply(changes: Iterable[Change], client_for: ClientFor, partition: str) -> Iterator[Outcome]:
    """Make the changes, one call each; one that fails keeps no other from being made."""
    from inventory_pipeline.accounts import classify

    for change in changing(changes):
        try:
            s3 = client_for(change.bucket)
            if change.wanted is None:
                s3.delete_bucket_inventory_configuration(Bucket=change.bucket.name, Id=change.id)
            else:
                s3.put_bucket_inventory_configuration(
                    Bucket=change.bucket.name,
                    Id=change.id,
                    InventoryConfiguration=change.wanted.to_aws(partition),
                )
            yield Outcome(change, None)
        except Exception as error:  # whatever it is, the other changes are made
            failure = classify(error)
            yield Outcome(change, f"{failure.code}: {failure.message}")


def _of_bucket(by_bucket: dict[str, list[Wanted]], found: Observed, owned: str) -> Iterator[Change]:
    bucket, seen = found.bucket, found.seen
    wanted = {one.configuration.id: one for one in by_bucket[bucket.name]}
    if found.configurations is None:
        why = found.failure or "the snapshot could not read them"
        for name, one in wanted.items():
            yield Change("unreadable", bucket, name, one.configuration, None, seen, why)
        return
    current = {each.id: each for each in found.configurations}
    for name, one in wanted.items():
        yield _of_wanted(one, current.get(name), seen)
    for name, each in current.items():
        if name in wanted:
            continue
        if name.startswith(owned):
            yield Change("delete", bucket, name, None, each, seen, "the settings want it no more")
        else:
            yield Change("foreign", bucket, name, None, each, seen, "not made by this tool")


def _of_wanted(one: Wanted, current: Configuration | None, seen: str) -> Change:
    wanted = one.configuration
    change = Change("create", one.bucket, wanted.id, wanted, current, seen)
    if one.problem:
        return replace(change, action="invalid", reason=one.problem)
    if current is None:
        return change
    differing = wanted.differences(current)
    if not differing:
        return replace(change, action="keep")
    return replace(change, action="update", reason=_told(current, wanted, differing))


def _told(current: Configuration, wanted: Configuration, differing: Sequence[str]) -> str:
    parts: list[str] = []
    for name in differing:
        before, after = getattr(current, name), getattr(wanted, name)
        if name == "fields":
            added, removed = sorted({*after} - {*before}), sorted({*before} - {*after})
            signs = [*(f"+{field}" for field in added), *(f"-{field}" for field in removed)]
            parts.append(f"fields {' '.join(signs)}")
        else:
            parts.append(f"{name} {before!r} -> {after!r}")
    return ", ".join(parts)


def _within_limit(changes: Iterable[Change]) -> list[Change]:
    """Creations beyond what a bucket can have are invalid."""
    listed = list(changes)
    stay = [c for c in listed if c.action == "foreign" or (c.wanted and c.current)]
    room = MOST - len(stay)
    limited: list[Change] = []
    for change in listed:
        if change.action != "create" or room > 0:
            limited.append(change)
            room -= change.action == "create"
        else:
            why = f"a bucket has at most {MOST:,} configurations"
            limited.append(replace(change, action="invalid", reason=why))
    return limited


def _ordered(changes: Iterable[Change]) -> list[Change]:
    order = {action: place for place, action in enumerate(CHANGING)}
    return sorted(changes, key=lambda change: (order.get(change.action, len(order)), change.id))
