"""A Parquet file's footer as values: read, changed and written again without loss.

Parquet's metadata is Thrift in its compact protocol. A struct is a dict from field id to kind and
value, so that fields newer than this build survive. Not here: what the fields mean (`adoption`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import IntEnum
from typing import BinaryIO, TypeAlias

MAGIC = b"PAR1"
ENDING = 8
"""Bytes after the metadata: its length and the magic."""

LARGEST = 64 * 1024 * 1024
"""Bytes of metadata that are read; reports have some kilobytes."""

DEEPEST = 32
"""Structs and lists within one another; Parquet's metadata has fewer than ten."""


class FooterError(ValueError):
    """These bytes are no footer of a Parquet file; the message says why."""


class Kind(IntEnum):
    """Types on the wire. A field's boolean has its value in its kind: TRUE or FALSE."""

    TRUE = 1
    FALSE = 2
    I8 = 3
    I16 = 4
    I32 = 5
    I64 = 6
    DOUBLE = 7
    BINARY = 8
    LIST = 9
    STRUCT = 12


INTEGERS = frozenset({Kind.I16, Kind.I32, Kind.I64})


@dataclass
class ThriftList:
    """Values of one kind. Booleans are the bytes they were; doubles their eight bytes."""

    kind: Kind
    values: list[Value] = field(default_factory=list)

    def structs(self) -> list[Struct]:
        """The structs it holds; raises FooterError where it holds anything else."""
        found = [value for value in self.values if isinstance(value, Struct)]
        if len(found) != len(self.values):
            raise FooterError("a list of its metadata holds no structs")
        return found


class Struct(dict[int, "Field"]):
    """Fields by their ids. Fields asked for with the wrong kind raise FooterError."""

    def number(self, field_id: int) -> int | None:
        value = self.get(field_id, (None, None))[1]
        if value is None or isinstance(value, int):
            return value
        raise FooterError(f"field {field_id} of its metadata is not a number")

    def required(self, field_id: int) -> int:
        """A number that must be there."""
        value = self.number(field_id)
        if value is None:
            raise FooterError(f"field {field_id} of its metadata is missing")
        return value

    def text(self, field_id: int) -> str:
        value = self.get(field_id, (None, None))[1]
        if not isinstance(value, bytes):
            raise FooterError(f"field {field_id} of its metadata is not text")
        return value.decode("utf-8", "replace")

    def struct(self, field_id: int) -> Struct:
        value = self.get(field_id, (None, None))[1]
        if not isinstance(value, Struct):
            raise FooterError(f"field {field_id} of its metadata is not a struct")
        return value

    def elements(self, field_id: int) -> ThriftList:
        """A list; an absent one is empty."""
        value = self.get(field_id, (Kind.LIST, ThriftList(Kind.STRUCT)))[1]
        if not isinstance(value, ThriftList):
            raise FooterError(f"field {field_id} of its metadata is not a list")
        return value

    def set_structs(self, field_id: int, structs: list[Struct]) -> None:
        self[field_id] = (Kind.LIST, ThriftList(Kind.STRUCT, list(structs)))


Value: TypeAlias = int | bytes | ThriftList | Struct
Field: TypeAlias = tuple[Kind, Value]


def read_footer(file: BinaryIO) -> tuple[int, Struct]:
    """Where a Parquet file's metadata starts, and the metadata. Raises FooterError."""
    size = file.seek(0, os.SEEK_END)
    if size < len(MAGIC) + ENDING:
        raise FooterError(f"it has {size} bytes, and a Parquet file at least 12")
    file.seek(size - ENDING)
    ending = file.read(ENDING)
    if ending[4:] != MAGIC:
        raise FooterError("it does not end as an unencrypted Parquet file does")
    length = int.from_bytes(ending[:4], "little")
    start = size - ENDING - length
    if start < len(MAGIC) or length > LARGEST:
        raise FooterError(f"its metadata cannot have {length} bytes")
    file.seek(start)
    return start, parse(file.read(length))


def footer_bytes(metadata: Struct) -> bytes:
    """What stands after a Parquet file's last page."""
    content = serialise(metadata)
    return content + len(content).to_bytes(4, "little") + MAGIC


def parse(content: bytes) -> Struct:
    """A struct that is all of `content`. Raises FooterError."""
    reader = _Reader(content)
    try:
        found = reader.struct(0)
    except (IndexError, ValueError) as error:
        raise FooterError(f"its metadata cannot be read: {error}") from error
    if reader.at != len(content):
        raise FooterError(f"its metadata ends {len(content) - reader.at} bytes early")
    return found


def serialise(struct: Struct) -> bytes:
    """The struct in bytes, fields by their ids, as every writer of Parquet has them."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def bytes(self, count: int) -> bytes:
        start, self.at = self.at, self.at + count
        if self.at > len(self.content):
            raise FooterError("it is cut short")
        return self.content[start : self.at]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise FooterError("a number has too many bytes")
        if value >= 2**64:
            raise FooterError("a number of more than 64 bits")
        return value

    def integer(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def value(self, kind: Kind, depth: int) -> Value:
        if depth > DEEPEST:
            raise FooterError(f"it is nested more than {DEEPEST} deep")
        if kind in INTEGERS:
            return self.integer()
        match kind:
            case Kind.BINARY:
                return self.bytes(self.varint())
            case Kind.STRUCT:
                return self.struct(depth)
            case Kind.LIST:
                return self.list(depth)
            case Kind.DOUBLE:
                return self.bytes(8)
            case _:
                return self.byte()

    def struct(self, depth: int) -> Struct:
        found = Struct()
        field_id = 0
        while head := self.byte():
            kind = Kind(head & 0x0F)
            field_id = field_id + (head >> 4) if head >> 4 else self.integer()
            if field_id in found:
                raise FooterError(f"field {field_id} stands twice")
            is_flag = kind in (Kind.TRUE, Kind.FALSE)
            found[field_id] = (kind, 0 if is_flag else self.value(kind, depth + 1))
        return found

    def list(self, depth: int) -> ThriftList:
        head = self.byte()
        count = head >> 4
        if count == 15:
            count = self.varint()
        if count > len(self.content) - self.at:
            raise FooterError("a list is longer than the metadata")
        kind = Kind(head & 0x0F)
        return ThriftList(kind, [self.value(kind, depth + 1) for _ in range(count)])


def _write_struct(out: bytearray, struct: Struct) -> None:
    earlier = 0
    for field_id in sorted(struct):
        kind, value = struct[field_id]
        if 0 < field_id - earlier <= 15:
            out.append((field_id - earlier) << 4 | kind)
        else:
            out.append(kind)
            _write_integer(out, field_id)
        earlier = field_id
        if kind not in (Kind.TRUE, Kind.FALSE):
            _write(out, kind, value)
    out.append(0)


def _write(out: bytearray, kind: Kind, value: Value) -> None:
    if isinstance(value, Struct):
        _write_struct(out, value)
    elif isinstance(value, ThriftList):
        _write_list(out, value)
    elif isinstance(value, bytes):
        if kind == Kind.BINARY:
            out += varint(len(value))
        out += value
    elif kind in INTEGERS:
        _write_integer(out, value)
    else:
        out.append(value)


def _write_list(out: bytearray, values: ThriftList) -> None:
    count = len(values.values)
    out.append(min(count, 15) << 4 | values.kind)
    if count >= 15:
        out += varint(count)
    for value in values.values:
        _write(out, values.kind, value)


def _write_integer(out: bytearray, value: int) -> None:
    out += varint(value << 1 if value >= 0 else (-value << 1) - 1)


def varint(value: int) -> bytes:
    """A number that is not negative, seven bits to a byte."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
