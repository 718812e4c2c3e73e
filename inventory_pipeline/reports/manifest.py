"""A delivery's manifest.json: its report files, and which lake column each field of a row is.

Belongs here: text to `Manifest`, and the proof that it is the text AWS wrote. Not here: fetching it
(`storage`), nor the report files (`formats`).
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, get_args

from inventory_pipeline.reports.errors import NotReadyError, ReportError
from inventory_pipeline.reports.unknown_fields import new_columns
from inventory_pipeline.tables import DELIVERY, tables

Format = Literal["CSV", "ORC", "Parquet"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MD5 = re.compile(r"[0-9a-f]{32}")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MOST_BYTES = 2**63 - 1
"""The lake's largest number."""


@dataclass(frozen=True)
class ReportFile:
    """A report file: its key, stored (compressed) bytes, and the MD5 of those, in hex."""

    key: str
    size: int
    md5: str


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest. `fields` are the file's fields in order, by lake name; `md5` its own."""

    source_bucket: str
    destination_bucket: str
    created_at: datetime
    format: Format
    fields: tuple[str, ...]
    files: tuple[ReportFile, ...]
    schema_text: str
    md5: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields that `s3_objects` has a column for."""
        return tuple(name for name in self.fields if name in object_columns())

    @property
    def unknown_fields(self) -> tuple[str, ...]:
        """Fields newer than this build, which become columns of text."""
        return new_columns(self.fields, (c.name for c in tables()["s3_objects"].columns))

    @property
    def unread_fields(self) -> tuple[str, ...]:
        """Fields that are not read: their names are no columns', or another's of the table."""
        read = {*self.columns, *self.unknown_fields}
        return tuple(name for name in self.fields if name not in read)

    @property
    def bytes(self) -> int:
        """Bytes of all report files, as stored."""
        return sum(file.size for file in self.files)


@cache
def object_columns() -> frozenset[str]:
    """Columns of `s3_objects` that a report can fill."""
    return frozenset(c.name for c in tables()["s3_objects"].columns) - set(DELIVERY)


def verify_checksum(manifest: bytes, checksum: bytes) -> str:
    """The manifest's MD5, proved by the content of manifest.checksum (hex and a newline).

    Raises NotReadyError: while AWS replaces a delivery, the two files disagree for a moment.
    """
    md5 = md5_of(manifest)
    if checksum.strip().lower() != md5.encode():
        stated = checksum[:40].decode("ascii", "replace").strip()
        raise NotReadyError(f"manifest.checksum says {stated!r}, but manifest.json has MD5 {md5}")
    return md5


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def parse_manifest(content: bytes) -> Manifest:
    """Parse manifest.json. Raises ReportError naming the part that is wrong."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"manifest.json is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ReportError("manifest.json is not a JSON object")
    schema_text = _text(document, "fileSchema")
    format_ = _format(_text(document, "fileFormat"))
    files = tuple(_files(document))
    if sum(file.size for file in files) > MOST_BYTES:
        raise ReportError(f"manifest.json: its files have more than {MOST_BYTES} bytes")
    return Manifest(
        source_bucket=_text(document, "sourceBucket"),
        destination_bucket=_text(document, "destinationBucket").rpartition(":::")[2],
        created_at=_instant(document),
        format=format_,
        fields=_fields(format_, schema_text),
        files=files,
        schema_text=schema_text,
        md5=md5_of(content),
    )


def _text(document: dict[str, Any], name: str) -> str:
    if name not in document:
        raise ReportError(f"manifest.json has no {name}")
    value = document[name]
    if not isinstance(value, str) or not value:
        raise ReportError(f"manifest.json: {name} is not text: {_shown(value)}")
    if UNPRINTABLE.search(" ".join(value.split())):
        raise ReportError(f"manifest.json: {name} has unprintable text: {_shown(value)}")
    return value


def _format(name: str) -> Format:
    known: tuple[Format, ...] = get_args(Format)
    for format_ in known:
        if name.lower() == format_.lower():
            return format_
    raise ReportError(
        f"manifest.json: unknown fileFormat {_shown(name)}; known are {', '.join(known)}"
    )


def _instant(document: dict[str, Any]) -> datetime:
    """creationTimestamp: milliseconds since 1970, written as a string."""
    if "creationTimestamp" not in document:
        raise ReportError("manifest.json has no creationTimestamp")
    value = document["creationTimestamp"]
    try:
        return EPOCH + timedelta(milliseconds=int(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ReportError(
            f"manifest.json: creationTimestamp is not milliseconds: {_shown(value)}"
        ) from error


def _files(document: dict[str, Any]) -> Iterator[ReportFile]:
    entries = document.get("files")
    if not isinstance(entries, list):
        raise ReportError("manifest.json has no list of files")
    for number, entry in enumerate(entries):
        where = f"manifest.json: files[{number}]"
        if not isinstance(entry, dict):
            raise ReportError(f"{where} is not an object")
        key, size, md5 = (entry.get(name) for name in ("key", "size", "MD5checksum"))
        if not isinstance(key, str) or not key:
            raise ReportError(f"{where} has no key")
        if UNPRINTABLE.search(key):
            raise ReportError(f"{where}: key has unprintable text: {_shown(key)}")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ReportError(f"{where}: size is not a number of bytes: {_shown(size)}")
        if not isinstance(md5, str) or not MD5.fullmatch(md5.lower()):
            raise ReportError(f"{where}: MD5checksum is not an MD5: {_shown(md5)}")
        yield ReportFile(key, size, md5.lower())


def _fields(format_: Format, schema_text: str) -> tuple[str, ...]:
    readers = {"CSV": _csv_fields, "ORC": _orc_fields, "Parquet": _parquet_fields}
    fields = tuple(readers[format_](schema_text))
    for name in ("bucket", "key"):
        if name not in fields:
            raise ReportError(f"manifest.json: fileSchema has no {name}: {_shown(schema_text)}")
    if twice := sorted({name for name in fields if fields.count(name) > 1}):
        raise ReportError(f"manifest.json: fileSchema names {_shown(twice[0])} twice")
    return fields


def _csv_fields(text: str) -> list[str]:
    """`Bucket, Key, VersionId, ...`; ETag is e_tag, as in AWS's other formats."""
    return [_snake_case(name.strip()) for name in text.split(",")]


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _parquet_fields(text: str) -> list[str]:
    """`message s3.inventory { required binary bucket (STRING); ...}`; either spelling of types."""
    body = re.fullmatch(r"\s*message\s+\S+\s*\{(.*)\}\s*", text, re.DOTALL)
    if not body:
        raise ReportError(f"manifest.json: fileSchema is not a Parquet message: {_shown(text)}")
    flat = body[1]
    while (inner := re.sub(r"\{[^{}]*\}", ";", flat)) != flat:
        flat = inner  # fields of a group are not columns
    declared = re.findall(r"\b(?:required|optional|repeated)\s+\S+\s+([^\s;()]+)", flat)
    return [name.lower() for name in declared]


def _orc_fields(text: str) -> list[str]:
    """`struct<bucket:string,key:string,...>`."""
    body = re.fullmatch(r"\s*struct<(.*)>\s*", text, re.DOTALL)
    if not body:
        raise ReportError(f"manifest.json: fileSchema is not an ORC struct: {_shown(text)}")
    flat = body[1]
    while (inner := re.sub(r"[<(][^<>()]*[>)]", "", flat)) != flat:
        flat = inner  # a nested type's own fields are not columns
    return [field.partition(":")[0].strip().lower() for field in flat.split(",")]


def _shown(value: object) -> str:
    """Foreign text, shortened, safe to print."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
