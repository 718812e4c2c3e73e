"""Writing an answer as tables, JSON or CSV.

Tables fit the terminal and show units; JSON is exact, one row a line; CSV has the first section
only, with cells that no spreadsheet takes for a formula.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import click

from inventory_pipeline.cli.answer import Answer, Row, Section, instant
from inventory_pipeline.cli.safe import IN_ASCII, cell, safe

if TYPE_CHECKING:
    from rich.console import Console

Format = Literal["table", "json", "csv", "parquet"]

WIDE = 1000
"""Columns of a table that goes to a file or a pipe: nothing is cut there."""

TABLE_ROWS = 200
"""Rows that a table shows of a section."""

FOLDED = 24
"""Characters from which a cell may be folded; GAP is between columns."""
GAP = 3

DISPENSABLE = (
    "grain",
    "horizon_months",
    "forecast_90d_low_usd",
    "forecast_90d_high_usd",
    "forecast_90d_low_bytes",
    "forecast_90d_high_bytes",
    "change_7d_bytes",
    "forecast_30d_bytes",
    "created_at",
    "state",
    "configuration_id",
    "profitable_bytes",
    "unpriced_objects",
    "target_class",
    "delivered_on",
    "resource_type",
    "name",
    "region",
    "reason",
)
"""Columns that a narrow terminal goes without, first the least missed."""

UNPRICED = ("unpriced_resources", "unpriced_parts")
"""Columns that count what is missing in `monthly_usd`, where it is a sum."""

NULL_TEXT = {
    "usd": "unknown",
    "department": "unallocated",
    "prefix": "(other prefixes)",
    "storage_class": "(none)",
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def emit(answer: Answer, form: Format, output: Path | None = None) -> None:
    """Write to `output`, or to standard output; what does not belong in CSV goes to stderr."""
    with _stream(output) as stream:
        match form:
            case "json":
                _write_json(answer, stream)
            case "csv":
                write_csv(answer.sections[0], stream)
                tell(answer)
            case _:
                write_tables(answer, stream)


def tell(answer: Answer) -> None:
    """Write to stderr what a reader must know about the rows."""
    for line in answer.lines():
        click.echo(safe(line), err=True)


@contextlib.contextmanager
def _stream(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with (
        whole_file(output) as partial,
        partial.open("w", encoding="utf-8", newline="") as stream,
    ):
        yield stream


@contextlib.contextmanager
def whole_file(output: Path) -> Iterator[Path]:
    """A path beside `output` to write to, which takes its name once all is written."""
    partial = output.with_name(f".{output.name}.partial")
    try:
        yield partial
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


# -- JSON --------------------------------------------------------------------------------------


def _write_json(answer: Answer, stream: TextIO) -> None:
    first, *others = answer.sections
    stream.write('{"rows": ')
    _write_rows(first, stream)
    for section in others:
        stream.write(f",\n {json.dumps(section.name)}: ")
        _write_rows(section, stream)
    coverage = answer.coverage.facts if answer.coverage else None
    about = {**answer.facts, "coverage": coverage, "snapshot_at": answer.snapshot_at}
    for name, value in about.items():
        stream.write(f",\n {json.dumps(name)}: {to_json(value)}")
    stream.write("}\n")


def _write_rows(section: Section, stream: TextIO) -> None:
    stream.write("[")
    for number, row in enumerate(section.rows):
        record = dict(zip(section.columns, row, strict=True))
        stream.write(",\n  " if number else "\n  ")
        stream.write(to_json(record))
    stream.write("]")


def to_json(value: object) -> str:
    """`value` as JSON in ASCII. Decimals are numbers with all their digits; times end in Z."""
    match value:
        case None | bool() | int() | str():
            return json.dumps(value)
        case Decimal():
            return plain(value) if value.is_finite() else "null"
        case float():
            return json.dumps(value) if math.isfinite(value) else "null"
        case dict():
            members = (f"{json.dumps(str(k))}: {to_json(v)}" for k, v in value.items())
            return "{" + ", ".join(members) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(to_json, value)) + "]"
        case _:
            return json.dumps(_text(value))


def plain(value: Decimal) -> str:
    """All digits of a decimal, without an exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# -- CSV ---------------------------------------------------------------------------------------


def write_csv(section: Section, stream: TextIO) -> None:
    """Header and rows; on a terminal, control characters are shown as escapes."""
    harmless = (lambda text: cell(safe(text))) if stream.isatty() else cell
    writer = csv.writer(stream, lineterminator="\n")
    # By itself it leaves a carriage return bare, which readers take for the end of a row.
    quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([harmless(name) for name in section.columns])
    for row in section.rows:
        cells = [_csv_value(value, harmless) for value in row]
        (quoting if any("\r" in str(one) for one in cells) else writer).writerow(cells)


def _csv_value(value: object, harmless: Callable[[str], str]) -> object:
    match value:
        case str():
            return harmless(value)
        case None | int() if not isinstance(value, bool):
            return value
        case bool() | float() | Decimal():
            return to_json(value).replace("null", "")
        case datetime() | date():
            return _text(value)
        case dict() | list() | tuple():
            return harmless(to_json(value))
        case _:
            return harmless(_text(value))


def _text(value: object) -> str:
    match value:
        case datetime():
            utc = value.astimezone(UTC) if value.tzinfo else value
            return utc.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return str(value)


# -- tables ------------------------------------------------------------------------------------


def write_tables(answer: Answer, stream: TextIO) -> None:
    from rich.text import Text

    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors=IN_ASCII)
    console = terminal(stream)
    for section in answer.sections:
        _print_section(section, console)
    for line in answer.lines():
        console.print(Text(_hanging(safe(line), console.width), style="dim"))


def _hanging(line: str, width: int) -> str:
    """A line folded to the width; under a label (`Cost  at least ...`) its text stays aligned."""
    label = re.match(r"\w+ {2,}", line)
    indent = " " * (label.end() if label else 0)
    return textwrap.fill(line, width, subsequent_indent=indent, break_on_hyphens=False)


def terminal(stream: TextIO | None = None) -> Console:
    """A console as wide as the terminal; colourless and wide where there is none."""
    from rich.console import Console

    stream = stream or sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)


def _print_section(section: Section, console: Console) -> None:
    from rich.text import Text

    rows = iter(section.rows)
    most = section.first or TABLE_ROWS
    listed = list(islice(rows, most))
    if section.title:
        console.print(Text(safe(section.title), style="bold"))
    if listed:
        _print_rows(section, listed, console)
    else:
        console.print(Text("  nothing to show"))
    if next(rows, None) is not None:
        console.print(Text(f"  The first {most} rows; --format csv or json has all."))
    console.print()


def _print_rows(section: Section, rows: list[Row], console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    render = _verbatim if section.verbatim else show
    places = {name: place for place, name in enumerate(section.columns)}
    cells = {
        name: [render(name, row[places[name]]) for row in rows]
        for name in section.shown or section.columns
    }
    if "monthly_usd" in cells and not section.verbatim:
        cells["monthly_usd"] = [
            _monthly(dict(zip(section.columns, row, strict=True))) for row in rows
        ]
    needed = {name: _needed(name, values) for name, values in cells.items()}
    left_out = _left_out(needed, console.width)
    kept = [name for name in cells if name not in left_out]
    tight = _natural(cells) > console.width
    fits = sum(needed[name] + GAP for name in kept) - GAP <= console.width
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in kept:
        number = _is_number([row[places[name]] for row in rows])
        table.add_column(
            Text(_header(name)),
            justify="right" if number else "left",
            overflow="fold",
            # Short columns fold their header rather than squeeze the long ones.
            min_width=needed[name] if tight and fits else None,
            max_width=needed[name] if tight and needed[name] < FOLDED else None,
        )
    for line in zip(*(cells[name] for name in kept), strict=True):
        table.add_row(*map(Text, line))
    console.print(table)
    if left_out:
        names = ", ".join(map(_header, left_out))
        console.print(Text(f"  No room for: {names}; --format json has them.", style="dim"))


def _header(column: str) -> str:
    return safe(column.replace("_", " "))


def _needed(column: str, values: Sequence[str]) -> int:
    """The width in which a column reads well."""
    return min(FOLDED, max(map(len, [*_header(column).split(), *values])))


def _natural(cells: Mapping[str, Sequence[str]]) -> int:
    """The width of a table in which nothing is folded."""
    widths = [max(map(len, [_header(name), *values])) for name, values in cells.items()]
    return sum(widths) + GAP * (len(widths) - 1)


def _left_out(needed: Mapping[str, int], width: int) -> list[str]:
    """Columns to leave out, so that what remains has the width it needs."""
    left_out: list[str] = []
    room = width + GAP - sum(need + GAP for need in needed.values())
    for name in (name for name in DISPENSABLE if name in needed):
        if room >= 0:
            break
        room += needed[name] + GAP
        left_out.append(name)
    return left_out


def _is_number(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    numbers = (isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in known)
    return bool(known) and all(numbers)


def _verbatim(_column: str, value: object) -> str:
    return safe(value if isinstance(value, str) else to_json(value).strip('"'))


def show(column: str, value: object) -> str:
    """A value as a reader wants it; the column's name tells its unit."""
    money = column.endswith("_usd")
    match value:
        case None:
            return NULL_TEXT.get(column, "unknown" if money else "–")
        case Decimal() if not money:
            return plain(value)
        case bool():
            return "yes" if value else "no"
        case Decimal() | int() | float() if money:
            return dollars(value)
        case int() if column.endswith("bytes") or column == "size":
            return size(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}"
        case datetime():
            return instant(value)
        case dict():
            return safe(", ".join(f"{k}={v}" for k, v in value.items()))
        case list():
            return safe(", ".join(map(str, value)))
        case _:
            return safe(_text(value))


def _monthly(row: Mapping[str, object]) -> str:
    """Dollars a month; where only a part of them is known, as `≥` that part."""
    usd = row["monthly_usd"]
    known = row.get("known_usd") if usd is None else usd
    if usd is not None and not any(row.get(name) for name in UNPRICED):
        return show("monthly_usd", usd)
    return f"≥ {dollars(known)}" if isinstance(known, Decimal) and known else "unknown"


def dollars(value: Decimal | float | None) -> str:
    """`$1,234.50`; what would round to nothing keeps its digits; None is `unknown`."""
    if value is None:
        return "unknown"
    value = Decimal(value)
    if value and abs(value) < Decimal("0.01"):
        return f"${plain(value)}"
    return f"${value:,.2f}"


def size(count: int) -> str:
    """Bytes in binary units, as S3 bills them."""
    amount = Decimal(count)
    for unit in _UNITS:
        if abs(amount) < 1024 or unit == _UNITS[-1]:
            return f"{count} B" if unit == "B" else f"{amount:,.1f} {unit}"
        amount /= 1024
    raise AssertionError


def counted(count: int, noun: str) -> str:
    """`1 bucket`, `2,000 buckets`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
