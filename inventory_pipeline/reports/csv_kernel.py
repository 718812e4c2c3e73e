"""The compiled loop of `csv_fast`: bytes of AWS's CSV dialect to the buffers of Arrow columns.

Rows are `"field","field"\\n`; a field is printable ASCII without quotes, a key is percent-encoded.
All else is irregular: nothing is repaired here, since DuckDB then says what it makes of the file.
Not here: files (`csv_fast`), batches (`csv_columns`). Importing this module imports numba.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

from inventory_pipeline.reports.compiled import compiled, part

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Word = np.uint64
Int = int | np.int64

TEXT, KEY, CODE, NUMBER, TIME, FLAG = range(6)
"""Kinds of columns: text as it is, percent-encoded, of few distinct values; then by type."""

DONE, IRREGULAR, CROWDED = 0, -1, -2
"""How reading ended. Crowded: a CODE column has no room for another distinct value."""

NULL_CODE, NULL_NUMBER, NULL_FLAG = -1, np.iinfo(np.int64).min, 2

MOST_CODES = 1 << 12
VALUE_BYTES = 1 << 18
"""Room for the distinct values of a CODE column."""

TABLE_BITS = 13
"""A CODE column's hash table has room for twice MOST_CODES; -1 where it is empty."""

BEYOND = 32
"""Bytes after the last row that may be looked at, and after a text that may be written."""

QUOTE, COMMA, NEWLINE, PERCENT, PLUS = b'",\n%+'

NOTHING, ONE = Word(0), Word(1)
ONES = Word(0x0101010101010101)
HIGH_BITS = Word(0x8080808080808080)
SPACES = Word(0x2020202020202020)
QUOTES = Word(0x2222222222222222)
COMMAS = Word(0x2C2C2C2C2C2C2C2C)
SCATTER = Word(0x9E3779B97F4A7C15)


def _address(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    data = make_array(array_type)(context, builder, array).data  # type: ignore[no-untyped-call]
    return builder.bitcast(builder.gep(data, [at]), ir.IntType(64).as_pointer())


def _load_word(_: Any, array: Any, at: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, array, *arguments), align=1)

    return types.uint64(array, at), generate


def _store_word(_: Any, array: Any, at: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *place, value = arguments
        builder.store(value, _address(context, builder, array, *place), align=1)
        return context.get_dummy_value()

    return types.void(array, at, word), generate


def _count_zeros(_: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(word), generate


# Eight bytes of an array at any place, and zero bits at a word's low end: numba has neither.
_load = cast("Callable[[Bytes, Int], Word]", intrinsic(_load_word))
_store = cast("Callable[[Bytes, Int, Word], None]", intrinsic(_store_word))
_trailing_zeros = cast("Callable[[Word], np.int64]", intrinsic(_count_zeros))


class Buffers(NamedTuple):
    """Where columns go, by kind and there by slot. Text of all slots is in one buffer."""

    offsets: Ints  # [slot, row]: where a row's text starts in `text`, and where the last one ends
    text: Bytes
    codes: Ints  # [slot, row]
    numbers: Longs  # [slot, row]
    flags: Bytes  # [slot, row]: 0, 1 or NULL_FLAG
    counts: Ints  # [slot]: distinct values of a CODE column
    starts: Ints  # [slot, code]: where a value starts in `values`, and where the last one ends
    values: Bytes  # VALUE_BYTES a slot
    table: Ints  # [slot, hash]: codes


@compiled
def tokenise(
    data: Bytes, end: Int, row: Int, kinds: Ints, slots: Ints, buffers: Buffers
) -> tuple[Int, Int, Int, int]:
    """Read the rows of `data[:end]` to rows `row`, `row` + 1, ..., as long as there is room.

    `end` follows a newline; `kinds` and `slots` are those of each field. Returns where the rest
    starts, the next row, how reading ended, and at which field.
    """
    at: Int = 0
    last = kinds.size - 1
    rows = buffers.offsets.shape[1] - 1
    while at < end and row < rows:
        begin = at
        for field in range(last + 1):
            if data[at] != QUOTE:
                return begin, row, IRREGULAR, field
            at = _field(data, at + 1, row, kinds[field], slots[field], buffers)
            if at < 0:
                return begin, row, at, field
            if data[at + 1] != (COMMA if field < last else NEWLINE):
                return begin, row, IRREGULAR, field
            at += 2
        row += 1
    return at, row, DONE, 0


@part
def _field(data: Bytes, at: Int, row: Int, kind: Int, slot: Int, buffers: Buffers) -> Int:
    """Read one field; where its closing quote is, or how reading ended."""
    if kind in (KEY, TEXT):
        to = buffers.offsets[slot, row]
        if kind == KEY:
            at, to = _decode(data, at, buffers.text, to)
        else:
            at, to = _copy(data, at, buffers.text, to)
        buffers.offsets[slot, row + 1] = to
    elif kind == CODE:
        at, code = _code(data, at, slot, buffers)
        buffers.codes[slot, row] = code
    elif kind == FLAG:
        at, flag = _flag(data, at)
        buffers.flags[slot, row] = flag
    else:
        at, number = _number(data, at) if kind == NUMBER else _time(data, at)
        buffers.numbers[slot, row] = number
    return at


@part
def _copy(data: Bytes, at: Int, text: Bytes, to: Int) -> tuple[Int, Int]:
    while True:
        word = _load(data, at)
        _store(text, to, word)
        stop = _stops(word)
        if stop:
            clean = _first(stop)
            return (at + clean if data[at + clean] == QUOTE else IRREGULAR), to + clean
        at += 8
        to += 8


@part
def _decode(data: Bytes, at: Int, text: Bytes, to: Int) -> tuple[Int, Int]:
    while True:
        word = _load(data, at)
        _store(text, to, word)
        # Whatever has a meaning here is below a comma, and rare in keys.
        stop = ((word - COMMAS) & ~word | word) & HIGH_BITS
        if not stop:
            at += 8
            to += 8
            continue
        clean = _first(stop)
        at += clean
        to += clean
        byte = data[at]
        if byte == PERCENT:
            at, to = _decode_character(data, at, text, to)
            if at < 0:
                return at, to
        elif byte == QUOTE:
            return at, to
        elif byte < 0x20 or byte > 0x7F:
            return IRREGULAR, to
        else:
            text[to] = 0x20 if byte == PLUS else byte
            at += 1
            to += 1


@part
def _decode_character(data: Bytes, at: Int, text: Bytes, to: Int) -> tuple[Int, Int]:
    """One character of UTF-8: no surrogate, none longer than need be, none above U+10FFFF."""
    first = _escaped(data, at)
    follow, low, high = 0, 0x80, 0xBF
    if 0xC2 <= first <= 0xDF:
        follow = 1
    elif 0xE0 <= first <= 0xEF:
        follow = 2
        low = 0xA0 if first == 0xE0 else 0x80
        high = 0x9F if first == 0xED else 0xBF
    elif 0xF0 <= first <= 0xF4:
        follow = 3
        low = 0x90 if first == 0xF0 else 0x80
        high = 0x8F if first == 0xF4 else 0xBF
    elif first < 0 or first > 0x7F:
        return IRREGULAR, to
    text[to] = first
    for _ in range(follow):
        at += 3
        to += 1
        byte = _escaped(data, at)
        if byte < low or byte > high:
            return IRREGULAR, to
        low, high = 0x80, 0xBF
        text[to] = byte
    return at + 3, to + 1


@part
def _escaped(data: Bytes, at: Int) -> Int:
    """The byte that `%XX` stands for; below zero where there is none."""
    if data[at] != PERCENT:
        return IRREGULAR
    return _hex(data[at + 1]) * 16 + _hex(data[at + 2])


@part
def _hex(digit: Int) -> Int:
    if 0x30 <= digit <= 0x39:
        return digit - 0x30
    if 0x61 <= digit | 0x20 <= 0x66:
        return (digit | 0x20) - 0x57
    return -256


@part
def _code(data: Bytes, at: Int, slot: Int, buffers: Buffers) -> tuple[Int, Int]:
    """The number of a value among its column's; a new value gets the next number."""
    if data[at] == QUOTE:
        return at, NULL_CODE
    begin = at
    mixed = SCATTER
    stop = NOTHING
    while not stop:
        word = _load(data, at)
        stop = _stops(word)
        at += _first(stop)
        if stop:
            word &= (stop ^ (stop - ONE)) >> Word(8)  # what is before the quote
        mixed = (mixed ^ word) * SCATTER
    if data[at] != QUOTE:
        return IRREGULAR, NULL_CODE
    length = at - begin
    place = np.int64(mixed >> Word(64 - TABLE_BITS))
    while buffers.table[slot, place] >= 0:
        code = buffers.table[slot, place]
        start = buffers.starts[slot, code]
        if start + length == buffers.starts[slot, code + 1] and _same(
            buffers.values, slot * VALUE_BYTES + start, data, begin, length
        ):
            return at, code
        place = (place + 1) & ((1 << TABLE_BITS) - 1)
    code = buffers.counts[slot]
    start = buffers.starts[slot, code]
    if code == MOST_CODES or start + length > VALUE_BYTES:
        return CROWDED, NULL_CODE
    for ahead in range(length):
        buffers.values[slot * VALUE_BYTES + start + ahead] = data[begin + ahead]
    buffers.table[slot, place] = code
    buffers.starts[slot, code + 1] = start + length
    buffers.counts[slot] = code + 1
    return at, code


@part
def _same(known: Bytes, start: Int, data: Bytes, at: Int, length: Int) -> bool:
    """Whether both have the same `length` bytes."""
    for ahead in range(0, length, 8):
        differ = _load(known, start + ahead) ^ _load(data, at + ahead)
        if ahead + 8 > length:
            differ <<= Word(8 * (ahead + 8 - length))
        if differ:
            return False
    return True


@part
def _flag(data: Bytes, at: Int) -> tuple[Int, Int]:
    first = data[at]
    if first == QUOTE:
        return at, NULL_FLAG
    if first == 0x74 and data[at + 1] == 0x72 and data[at + 2] == 0x75 and data[at + 3] == 0x65:
        return (at + 4 if data[at + 4] == QUOTE else IRREGULAR), 1  # true
    if first == 0x66 and data[at + 1] == 0x61 and data[at + 2] == 0x6C and data[at + 3] == 0x73:
        found = data[at + 4] == 0x65 and data[at + 5] == QUOTE  # false
        return (at + 5 if found else IRREGULAR), 0
    return IRREGULAR, 0


@part
def _number(data: Bytes, at: Int) -> tuple[Int, Int]:
    """A number of at most 18 digits, which a BIGINT always holds."""
    if data[at] == QUOTE:
        return at, NULL_NUMBER
    negative = data[at] == 0x2D
    if negative:
        at += 1
    begin = at
    value: Int = 0
    while data[at] != QUOTE:
        digit = np.int64(data[at]) - 0x30
        if digit < 0 or digit > 9 or at - begin == 18:
            return IRREGULAR, 0
        value = value * 10 + digit
        at += 1
    return (at if at > begin else IRREGULAR), (-value if negative else value)


@part
def _time(data: Bytes, at: Int) -> tuple[Int, Int]:
    """Microseconds since 1970 of `2024-05-06T22:37:48.000Z`, or of the same without a fraction."""
    if data[at] == QUOTE:
        return at, NULL_NUMBER
    date = _date(data, at)
    hour, minute = _digits(data, at + 11, 2), _digits(data, at + 14, 2)
    second = _digits(data, at + 17, 2)
    fraction: Int = 0
    if date == NULL_NUMBER or not 0 <= hour < 24 or not 0 <= minute < 60 or not 0 <= second < 60:
        return IRREGULAR, 0
    if data[at + 10] != 0x54 or data[at + 13] != 0x3A or data[at + 16] != 0x3A:  # T : :
        return IRREGULAR, 0
    end = at + 20
    if data[at + 19] == 0x2E:  # .
        fraction = _digits(data, at + 20, 3)
        end = at + 24
    if data[end - 1] != 0x5A or data[end] != QUOTE or fraction < 0:  # Z
        return IRREGULAR, 0
    return end, (((date * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction * 1000


@part
def _date(data: Bytes, at: Int) -> Int:
    """Days since 1970 of `2024-05-06`, year 1 to 9999; NULL_NUMBER where it is none."""
    year, month, day = _digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)
    if data[at + 4] != 0x2D or data[at + 7] != 0x2D or year < 1 or not 1 <= month <= 12:
        return NULL_NUMBER
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = 30 + ((month + (month >> 3)) & 1) if month != 2 else 29 if leap else 28
    if not 1 <= day <= days:
        return NULL_NUMBER
    if month < 3:  # the year starts in March, so that it ends with the leap day
        year -= 1
        month += 12
    of_year = (153 * month - 457) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + of_year - 719468


@part
def _digits(data: Bytes, at: Int, count: Int) -> Int:
    """A number of so many digits; below zero where one is none."""
    value: Int = 0
    for place in range(at, at + count):
        digit = np.int64(data[place]) - 0x30
        value = value * 10 + digit if 0 <= digit <= 9 else -100_000
    return value


@part
def _stops(word: Word) -> Word:
    """Marks the first byte that is a quote, below a space or above ASCII, if any is."""
    quotes = word ^ QUOTES
    return ((quotes - ONES) & ~quotes | (word - SPACES) & ~word | word) & HIGH_BITS


@part
def _first(marks: Word) -> Int:
    """Bytes before the first mark: 8 if there is none."""
    return _trailing_zeros(marks) >> 3
