"""Cutting keys into ranges, each small enough to be joined in memory.

Files of a report are usually sorted by key and disjoint, and even where they are not, row groups
know their least and greatest key. That is used for planning only: which rows a range has, the
engine decides by the keys themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_READ_TWICE = 1.0
"""Above this share of rows in row groups that several ranges need, ranges are not worth it."""


@dataclass(frozen=True)
class RowGroup:
    """Rows of one file whose keys lie from `least` to `greatest`, both included.

    `side` is the delivery that the file is of, `file` its path.
    """

    side: str
    file: str
    least: str
    greatest: str
    rows: int


@dataclass(frozen=True)
class KeyRange:
    """Keys from `low` (None: from the first) up to but not `high` (None: to the last).

    `files` has, for each side, those that may hold such keys.
    """

    low: str | None
    high: str | None
    files: Mapping[str, Sequence[str]]


def cut(groups: Sequence[RowGroup], most_rows: int) -> list[KeyRange]:
    """Ranges of some `most_rows` rows, of all sides together, that cover every key.

    A range is as large as it must be where row groups are larger or overlap. Returns no ranges
    where they overlap so much that most would be read several times.
    """
    cuts = _cuts(groups, most_rows)
    files: list[defaultdict[str, dict[str, None]]] = [
        defaultdict(dict) for _ in range(len(cuts) + 1)
    ]
    read = 0
    for group in groups:
        first, last = bisect_right(cuts, group.least), bisect_right(cuts, group.greatest)
        read += group.rows * (last - first + 1)
        for at in range(first, last + 1):
            files[at][group.side][group.file] = None
    rows = sum(group.rows for group in groups)
    if read - rows > rows * MOST_READ_TWICE:
        return []
    return [
        KeyRange(low, high, {side: list(names) for side, names in theirs.items()})
        for low, high, theirs in zip([None, *cuts], [*cuts, None], files, strict=True)
    ]


def _cuts(groups: Sequence[RowGroup], most_rows: int) -> list[str]:
    """The keys at which ranges begin, each the least of a row group."""
    cuts: list[str] = []
    gathered, last = 0, None
    for group in sorted(groups, key=lambda g: g.least):
        if gathered and gathered + group.rows > most_rows and group.least != last:
            cuts.append(group.least)
            gathered = 0
        gathered += group.rows
        last = group.least
    return cuts
