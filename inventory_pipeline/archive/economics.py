"""What moving one object costs and saves, exactly.

`economics` is the formula for one object; `candidates.sql` is the same formula, step by step and
rounded at the same places, for all objects of a delivery. Both read a `Move`, made here from the
facts of the classes and the prices of a region. Not here: which objects may move (`safety`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Literal

from inventory_pipeline.prices.storage_classes import GIB, STORAGE_CLASSES, StorageClass

Route = Literal["lifecycle", "copy", "tag"]
"""How an object is moved: by a lifecycle rule on a prefix; by a Batch Operations copy in place; or
by a Batch Operations tag that a lifecycle rule looks for."""

MONTHS_PER_DAY = Decimal("0.032876712329")
"""A day in months of 730 hours: 24 / 730."""

_USD = Decimal(1).scaleb(-12)
_FINE_USD = Decimal(1).scaleb(-24)
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class UnpricedError(LookupError):
    """A move cannot be priced; the message says what is missing."""


@dataclass(frozen=True)
class Price:
    """Dollars for one unit, and the month (YYYY-MM) in which that was true."""

    usd: Decimal
    as_of: str


Prices = Mapping[str, Price]
"""The prices of S3 in one region by key; where volume tiers differ, the tier that counts."""


@dataclass(frozen=True)
class Rate:
    """What an object costs a month in a class: max(size, minimum) x usd_per_byte, and fixed_usd
    (overhead, monitoring) where it has at least fixed_from_bytes. Intelligent-Tiering archives only
    objects that it monitors, so that both start at one size."""

    usd_per_byte: Decimal
    minimum_bytes: int
    minimum_days: int
    fixed_usd: Decimal
    fixed_from_bytes: int

    def monthly_usd(self, size: int) -> Decimal:
        """Dollars a month for one object of `size` bytes, to 24 places."""
        with localcontext(_EXACT):
            stored = max(size, self.minimum_bytes) * self.usd_per_byte
            return stored + (self.fixed_usd if size >= self.fixed_from_bytes else 0)


@dataclass(frozen=True)
class Move:
    """A move between two classes: both rates, its fee, and how many months are looked ahead.

    The fee is `object_fee_usd`, and `read_usd_per_byte` where the object must be read (a copy).
    """

    now: Rate
    target: Rate
    object_fee_usd: Decimal
    read_usd_per_byte: Decimal
    horizon_months: int
    price_as_of: str


@dataclass(frozen=True)
class Economics:
    """Dollars of one object: fee once, saving a month, net saving over the horizon."""

    fee_usd: Decimal
    monthly_saving_usd: Decimal
    net_saving_usd: Decimal


def economics(size: int, days_in_class: int, days_kept: int | None, move: Move) -> Economics:
    """What `move` does for an object of `size` bytes that was last modified `days_in_class` ago.

    Leaving a class before its minimum duration costs the days that are left, at its monthly rate;
    `days_kept` is how soon a lifecycle rule deletes the object: savings end there, and the target's
    minimum duration may not. An object that a lifecycle rule moved has been in its class for less
    than `days_in_class`, which no report tells: its early deletion is then understated.
    """
    with localcontext(_EXACT):
        now, target = move.now.monthly_usd(size), move.target.monthly_usd(size)
        saving = _round(now - target)
        fee = move.object_fee_usd + _round(size * move.read_usd_per_byte)
        left = max(move.now.minimum_days - days_in_class, 0)
        early = _round(_round(now) * _round(left * MONTHS_PER_DAY))
        months = Decimal(move.horizon_months)
        if days_kept is not None:
            months = min(months, _round(days_kept * MONTHS_PER_DAY))
            unused = max(move.target.minimum_days - days_kept, 0)
            early += _round(_round(target) * _round(unused * MONTHS_PER_DAY))
        return Economics(fee, saving, _round(saving * months) - fee - early)


def move(source: str, target: str, route: Route, prices: Prices, horizon_months: int) -> Move:
    """The move of an object from one class (by price key) to another.

    Raises UnpricedError where the region has no price for a part of it, or none can be known.
    """
    if target == "INTELLIGENT_TIERING":
        raise UnpricedError("what INTELLIGENT_TIERING costs depends on reads to come")
    if source not in STORAGE_CLASSES or target not in STORAGE_CLASSES:
        raise UnpricedError(f"no such class: {source if target in STORAGE_CLASSES else target}")
    book = _Book(prices)
    with localcontext(_EXACT):
        now = _rate(STORAGE_CLASSES[source], book)
        then = _rate(STORAGE_CLASSES[target], book, tagged=route == "tag")
        fee = book.usd(f"{target}:transition")
        if route != "lifecycle":
            fee += book.usd("batch:object")
        if route == "tag":
            fee += book.usd("STANDARD:put")
        # Only infrequent-access classes have a minimum size, and charge for reading.
        reads = route == "copy" and STORAGE_CLASSES[source].minimum_bytes
        read = _per_byte(book.usd(f"{source}:retrieval")) if reads else Decimal(0)
        return Move(now, then, _round(fee), read, horizon_months, book.oldest)


class _Book:
    """Prices, remembering the oldest one used."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.oldest = "9999-12"

    def usd(self, key: str) -> Decimal:
        if key not in self._prices:
            raise UnpricedError(f"no price for s3 {key} in the bucket's region")
        self.oldest = min(self.oldest, self._prices[key].as_of)
        return self._prices[key].usd


def _rate(storage_class: StorageClass, book: _Book, *, tagged: bool = False) -> Rate:
    usd_per_gb = book.usd(storage_class.key)
    fixed = storage_class.overhead_bytes * usd_per_gb / GIB
    if storage_class.index_bytes:
        fixed += storage_class.index_bytes * book.usd("STANDARD") / GIB
    if storage_class.monitored_from_bytes is not None:
        fixed += book.usd("INTELLIGENT_TIERING:monitoring")
    if tagged:
        fixed += book.usd("tag")
    return Rate(
        _per_byte(usd_per_gb),
        storage_class.minimum_bytes,
        storage_class.minimum_days,
        fixed.quantize(_FINE_USD),
        storage_class.monitored_from_bytes or 0,
    )


def _per_byte(usd_per_gb: Decimal) -> Decimal:
    return (usd_per_gb / GIB).quantize(_FINE_USD)


def _round(usd: Decimal) -> Decimal:
    """To twelve places, in _EXACT halves go away from zero: as engines cast to DECIMAL(18,12)."""
    return usd.quantize(_USD)
