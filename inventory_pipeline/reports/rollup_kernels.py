"""The loops of `rollup_fast`, compiled by numba (the extra `fast`); imported only where that is.

They keep hash tables in plain arrays: open addressing, `slots` a power of two long, -1 where empty;
and stop at the row for which there is no room, for the caller to come back with larger arrays.
"""

import numpy as np
from numpy.typing import NDArray

from inventory_pipeline.reports.compiled import compiled, part

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Int = int | np.int64

SLASH = ord("/")
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Spreads what it multiplies over 64 bits: odd, and 2^64 by the golden ratio."""

TOO_LARGE = -1
"""Returned for a row where a sum leaves 64 bits."""


@part
def _prefix_end(data: Bytes, start: int, end: int, depth: int) -> int:
    """Where the key's first `depth` folders end; all of them where it has fewer."""
    last = start
    for at in range(start, end):
        if depth == 0:
            break
        if data[at] == SLASH:
            last = at + 1
            depth -= 1
    return last


@part
def _folders(data: Bytes, start: int, length: int) -> int:
    count = 0
    for i in range(length):
        count += data[start + i] == SLASH
    return count


@part
def _same(known: Bytes, start: int, end: int, data: Bytes, at: int, length: int) -> bool:
    """Whether `known[start:end]` is the text of that length at `data[at]`."""
    if end - start != length:
        return False
    one, other = known[start:end], data[at : at + length]
    difference = np.uint8(0)
    for i in range(length):  # to the end in any case, so that many bytes are compared at once
        difference |= one[i] ^ other[i]
    return bool(difference == 0)


@part
def _hash(value: Int, more: Int) -> Int:
    mixed = (np.uint64(value) ^ np.uint64(more)) * FACTOR
    return np.int64(mixed ^ (mixed >> np.uint64(29)))


@part
def _hash_text(data: Bytes, start: int, length: int, seed: int) -> Int:
    value: Int = seed
    for i in range(length):
        value = _hash(value, data[start + i])
    return value


@compiled
def rehash_prefixes(known: Bytes, ends: Longs, count: int, seed: int, slots: Ints) -> None:
    """Fill larger, empty `slots`."""
    mask = len(slots) - 1
    for code in range(count):
        slot = _hash_text(known, ends[code], ends[code + 1] - ends[code], seed) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = code


@compiled
def code_prefixes(
    offsets: Longs, data: Bytes, depth: int, known: Bytes, ends: Longs, count: int,
    seed: int, slots: Ints, codes: Ints, row: int,
) -> tuple[int, int]:  # fmt: skip
    """Write the code of each key's prefix to `codes`, from `row` on.

    Prefix p is `known[ends[p]:ends[p + 1]]`; there are `count`. Returns the row it came to and the
    new count.
    """
    mask = len(slots) - 1
    last, whole = -1, 0  # the row before's; keys are sorted as a rule, and so are their prefixes
    for at in range(row, len(codes)):
        start, room = offsets[at], offsets[at + 1] - offsets[at]
        if whole and room >= whole and _same(known, ends[last], ends[last + 1], data, start, whole):
            codes[at] = last
            continue
        length = _prefix_end(data, start, start + room, depth) - start
        slot = _hash_text(data, start, length, seed) & mask
        last = slots[slot]
        while last >= 0 and not _same(known, ends[last], ends[last + 1], data, start, length):
            slot = (slot + 1) & mask
            last = slots[slot]
        if last < 0:
            fits = ends[count] + length <= len(known) and count + 1 < len(ends)
            if not fits or 2 * count >= mask:
                return at, count
            last = _append(known, ends, count, data, start, length)
            slots[slot] = last
            count += 1
        whole = length if _folders(data, start, length) == depth else 0
        codes[at] = last
    return len(codes), count


@part
def _append(known: Bytes, ends: Longs, code: int, data: Bytes, start: int, length: int) -> int:
    for i in range(length):
        known[ends[code] + i] = data[start + i]
    ends[code + 1] = ends[code] + length
    return code


@part
def _band(value: int, bounds: Longs) -> int:
    """How many of the bounds a value has reached."""
    band = 0
    for bound in bounds:  # to the end in any case: processors guess wrongly where to stop
        band += value >= bound
    return band


@compiled
def code_kinds(
    markers: Bytes, latest: Bytes, sizes: Longs, sized: Bytes, size_bounds: Longs,
    times: Longs, timed: Bytes, time_bounds: Longs, kinds: Ints,
) -> None:  # fmt: skip
    """Write each row's version state, age band and size band to `kinds`, as one number.

    States: 0 current, 1 noncurrent, 2 delete marker, whose size counts as 0. Bands: 0 is unknown.
    """
    for at in range(len(kinds)):
        state = 2 if markers[at] else 1 - latest[at]
        age = 1 + _band(times[at], time_bounds) if timed[at] else 0
        size = _band(sizes[at], size_bounds) if sized[at] else 0
        if state == 2:
            size = 1
        kinds[at] = (state * (len(time_bounds) + 2) + age) * (len(size_bounds) + 1) + size


@part
def _is_group(keys: Ints, group: int, codes: Ints, at: int) -> bool:
    for i in range(len(codes)):  # noqa: SIM110 - numba compiles no generator expressions
        if keys[group, i] != codes[i, at]:
            return False
    return True


@part
def _hash_group(codes: Ints, at: int) -> Int:
    value, factor = np.uint64(0), FACTOR
    for i in range(len(codes)):  # products that do not wait for one another
        value += np.uint64(codes[i, at]) * factor
        factor *= FACTOR
    return np.int64(value >> np.uint64(20))


@compiled
def rehash_groups(keys: Ints, count: int, slots: Ints) -> None:
    """Fill larger, empty `slots`."""
    mask = len(slots) - 1
    codes = keys.T
    for group in range(count):
        slot = _hash_group(codes, group) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = group


@part
def _add(sums: Longs, group: int, column: int, value: int) -> bool:
    """Add to a sum; False, and no sum, where it leaves 64 bits."""
    before = sums[group, column]
    after = before + value
    sums[group, column] = after
    return bool(((before ^ after) & (value ^ after)) >= 0)


@compiled
def count_groups(
    codes: Ints, sizes: Longs, sized: Bytes, least: Longs, keys: Ints, sums: Longs, count: int,
    slots: Ints, row: int,
) -> tuple[int, int]:  # fmt: skip
    """Count each row, from `row` on, in the group that its column of `codes` names.

    Group g has the codes `keys[g]`; there are `count`. A row that is `sized` is billed `least` of
    its second code, the storage class, at least. Returns the row it came to, or TOO_LARGE, and the
    new count.
    """
    mask = len(slots) - 1
    for at in range(row, codes.shape[1]):
        slot = _hash_group(codes, at) & mask
        group = slots[slot]
        while group >= 0 and not _is_group(keys, group, codes, at):
            slot = (slot + 1) & mask
            group = slots[slot]
        if group < 0:
            if count == len(keys) or 2 * count >= mask:
                return at, count
            for i in range(len(codes)):
                keys[count, i] = codes[i, at]
            group = slots[slot] = count
            count += 1
        sums[group, 0] += 1
        if not sized[at]:
            continue
        billed = max(sizes[at], least[codes[1, at]])
        if not (_add(sums, group, 1, sizes[at]) and _add(sums, group, 2, billed)):
            return TOO_LARGE, count
    return codes.shape[1], count
