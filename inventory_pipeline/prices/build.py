"""Making the bundled book from price facts: `python -m inventory_pipeline.prices.build FACTS.csv`.

Facts are one line for each tier of a price: `service,region,key,unit,tier_from,tier_to,usd,as_of`.
Every line is checked before a byte is written, so that a book on disk is a valid one, and the same
facts always give the same bytes.
"""

import argparse
import csv
import io
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from inventory_pipeline.prices.book import BOOK, ITEM_COLUMNS

FACT_COLUMNS = ("service", "region", "key", "unit", "tier_from", "tier_to", "usd", "as_of")

SOURCE = "AWS public on-demand price list"

# Equal wherever both figures are known, but not themselves in the list we read.
INFERRED_SOURCES = {
    ("s3", "DEEP_ARCHIVE"): "inferred: equal to INTELLIGENT_TIERING:DEEP_ARCHIVE",
    ("s3", "DEEP_ARCHIVE:put"): "inferred: equal to DEEP_ARCHIVE:transition",
}

FREE = frozenset({("s3", "GLACIER:retrieval:bulk")})
"""What AWS really gives for nothing; any other zero is a hole in the facts."""

_NUMBER = re.compile(r"\d{1,12}(\.\d+)?")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class PriceFactsError(Exception):
    """The facts do not make a book; the message names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Fact:
    """One tier of a price, and the line it is from."""

    line: int
    service: str
    region: str
    key: str
    unit: str
    tier_from: Decimal
    tier_to: Decimal | None
    usd: Decimal
    as_of: str

    @property
    def item(self) -> tuple[str, str, str]:
        return self.service, self.region, self.key

    @property
    def source(self) -> str:
        return INFERRED_SOURCES.get((self.service, self.key), SOURCE)


def build_book(facts: Path, target: Path) -> int:
    """Write the book of these facts to `target`, at once; returns how many prices it holds."""
    known = read_facts(facts)
    written = target.with_suffix(".new")
    written.write_text(_book_text(known), encoding="utf-8", newline="")
    os.replace(written, target)
    return len(known)


def read_facts(path: Path) -> list[Fact]:
    """The facts of a file, checked. Raises PriceFactsError at the first that cannot be right."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            facts = list(_parse(path, lines))
    except (OSError, UnicodeDecodeError) as error:
        raise PriceFactsError(f"{path}: cannot be read: {error}") from error
    if not facts:
        raise PriceFactsError(f"{path}: no prices; expected lines of {','.join(FACT_COLUMNS)}")
    _check_tiers(path, facts)
    return facts


def _parse(path: Path, lines: io.TextIOBase) -> Iterator[Fact]:
    reader = csv.reader(lines)
    if tuple(next(reader, ())) != FACT_COLUMNS:
        raise PriceFactsError(f"{path}:1: expected the columns {','.join(FACT_COLUMNS)}")
    for values in reader:
        try:
            yield _fact(reader.line_num, values)
        except ValueError as error:
            raise PriceFactsError(f"{path}:{reader.line_num}: {error}") from None


def _fact(line: int, values: list[str]) -> Fact:
    if len(values) != len(FACT_COLUMNS):
        raise ValueError(f"{len(values)} values; expected {len(FACT_COLUMNS)}")
    row = dict(zip(FACT_COLUMNS, values, strict=True))
    for column in ("service", "key", "unit"):
        if not row[column]:
            raise ValueError(f"{column} is empty")
    if not _REGION.fullmatch(row["region"]):
        raise ValueError(f"region {row['region']!r} is not a region's code")
    if not _MONTH.fullmatch(row["as_of"]):
        raise ValueError(f"as_of {row['as_of']!r} is not a month such as 2025-11")
    fact = Fact(
        line=line,
        service=row["service"],
        region=row["region"],
        key=row["key"],
        unit=row["unit"],
        tier_from=_decimal(row, "tier_from", places=6),
        tier_to=_decimal(row, "tier_to", places=6) if row["tier_to"] else None,
        usd=_decimal(row, "usd", places=12),
        as_of=row["as_of"],
    )
    if fact.usd == 0 and (fact.service, fact.key) not in FREE:
        raise ValueError(f"{fact.service} {fact.key} costs 0; leave out what is not known")
    return fact


def _decimal(row: dict[str, str], column: str, *, places: int) -> Decimal:
    text = row[column]
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{column} {text!r} is not a plain number such as 0.023")
    if len(text.partition(".")[2]) > places:
        raise ValueError(f"{column} {text} has more than {places} decimals")
    return Decimal(text)


def _check_tiers(path: Path, facts: Sequence[Fact]) -> None:
    """Tiers of a price start at 0, meet without gap or overlap and end open, in one unit."""
    by_item: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        by_item[fact.item].append(fact)
    for tiers in by_item.values():
        tiers.sort(key=lambda fact: (fact.tier_from, fact.line))
        expected: Decimal | None = Decimal(0)
        for fact in tiers:
            if problem := _tier_problem(fact, expected, tiers[0]):
                raise PriceFactsError(f"{path}:{fact.line}: {' '.join(fact.item)}: {problem}")
            expected = fact.tier_to
        if expected is not None:
            last = tiers[-1]
            raise PriceFactsError(
                f"{path}:{last.line}: {' '.join(last.item)}: no tier from {expected} on"
            )


def _tier_problem(fact: Fact, expected: Decimal | None, first: Fact) -> str | None:
    if fact is not first and (expected is None or fact.tier_from < expected):
        return f"tier from {fact.tier_from} given twice or overlapping"
    if fact.tier_from != expected:
        return f"tier from {fact.tier_from}; expected one from {expected}"
    if fact.tier_to is not None and fact.tier_to <= fact.tier_from:
        return f"tier ends at {fact.tier_to}, before it starts"
    if fact.unit != first.unit:
        return f"unit {fact.unit!r}; its first tier has {first.unit!r}"
    return None


def _book_text(facts: Sequence[Fact]) -> str:
    """The wide file: a line for each tier of an item, a column for each region."""
    lines: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(dict)
    for fact in facts:
        tier_to = "" if fact.tier_to is None else str(fact.tier_to)
        tier = (fact.service, fact.key, fact.unit, str(fact.tier_from), tier_to)
        lines[*tier, fact.source, fact.as_of][fact.region] = fact.usd
    regions = sorted({fact.region for fact in facts})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*ITEM_COLUMNS, *regions))
    for line in sorted(lines, key=lambda line: (*line[:3], Decimal(line[3]), *line[4:])):
        usd = lines[line]
        writer.writerow((*line, *(f"{usd[r]:f}" if r in usd else "" for r in regions)))
    return text.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the bundled price book from price facts.")
    parser.add_argument("facts", type=Path, help=f"CSV file of {','.join(FACT_COLUMNS)}")
    parser.add_argument("--output", type=Path, default=Path(str(BOOK)), help="default: the book")
    options = parser.parse_args(arguments)
    try:
        prices = build_book(options.facts, options.output)
    except PriceFactsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{prices} prices written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
