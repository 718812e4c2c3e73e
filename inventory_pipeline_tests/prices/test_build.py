"""Making a book from facts: the same bytes every time, and one-line errors that say where."""

import csv
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.prices.book import BOOK, read_book
from inventory_pipeline.prices.build import (
    FACT_COLUMNS,
    PriceFactsError,
    build_book,
    main,
    read_facts,
)

HEADER = ",".join(FACT_COLUMNS)
GOOD = "ebs,us-east-1,gp2,GB-month,0,,0.1,2024-07"
LOW = "s3,us-east-1,STANDARD,GB-month,0,50,0.023,2025-11"
HIGH = "s3,us-east-1,STANDARD,GB-month,50,,0.022,2025-11"


def facts_file(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "facts.csv"
    path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
    return path


BAD = {
    "usd 'free'": ((GOOD, "ebs,us-east-1,gp3,GB-month,0,,free,2024-07"), 3),
    "usd '1e-3'": (("ebs,us-east-1,gp3,GB-month,0,,1e-3,2024-07",), 2),
    "usd '-1'": (("ebs,us-east-1,gp3,GB-month,0,,-1,2024-07",), 2),
    "more than 12 decimals": (("ebs,us-east-1,gp3,GB-month,0,,0.0000000000001,2024-07",), 2),
    "ebs gp3 costs 0": (("ebs,us-east-1,gp3,GB-month,0,,0.00,2024-07",), 2),
    "as_of '2024-13'": (("ebs,us-east-1,gp3,GB-month,0,,1,2024-13",), 2),
    "region 'Virginia'": (("ebs,Virginia,gp3,GB-month,0,,1,2024-07",), 2),
    "unit is empty": (("ebs,us-east-1,gp3,,0,,1,2024-07",), 2),
    "7 values; expected 8": (("ebs,us-east-1,gp3,GB-month,0,,1",), 2),
    "given twice or overlapping": ((GOOD, LOW, HIGH, GOOD), 5),
    "tier from 40 given twice or overlapping": ((LOW, HIGH.replace(",50,", ",40,")), 3),
    "tier from 60; expected one from 50": ((LOW, HIGH.replace(",50,", ",60,")), 3),
    "tier from 50; expected one from 0": ((HIGH,), 2),
    "no tier from 50 on": ((LOW,), 2),
    "tier ends at 0": ((LOW.replace(",50,", ",0,"),), 2),
    "unit 'TB-month'": ((LOW, HIGH.replace("GB-", "TB-")), 3),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_wrong_line_is_named(tmp_path: Path, problem: str) -> None:
    lines, number = BAD[problem]
    path = facts_file(tmp_path, *lines)
    with pytest.raises(PriceFactsError) as error:
        read_facts(path)
    assert str(error.value).startswith(f"{path}:{number}: ")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_header_a_missing_and_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(PriceFactsError, match=r"facts.csv:1: expected the columns service,region"):
        read_facts(facts_file(tmp_path, GOOD, header="service,usd"))
    with pytest.raises(PriceFactsError, match="no prices"):
        read_facts(facts_file(tmp_path))
    with pytest.raises(PriceFactsError, match="cannot be read"):
        read_facts(tmp_path / "absent.csv")


def test_bulk_retrieval_may_be_free(tmp_path: Path) -> None:
    free = "s3,us-east-1,GLACIER:retrieval:bulk,GB,0,,0,2025-11"
    [fact] = read_facts(facts_file(tmp_path, free))
    assert fact.usd == 0


def test_a_refused_book_leaves_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = tmp_path / "book.csv"
    assert main([str(facts_file(tmp_path, GOOD)), "--output", str(book)]) == 0
    before = book.read_bytes()
    assert main([str(facts_file(tmp_path, GOOD, GOOD)), "--output", str(book)]) == 1
    assert book.read_bytes() == before
    assert "facts.csv:3: ebs us-east-1 gp2: " in capsys.readouterr().err


def test_the_same_facts_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    books = []
    for n, lines in enumerate(((GOOD, LOW, HIGH), (HIGH, GOOD, LOW))):
        book = tmp_path / f"{n}.csv"
        build_book(facts_file(tmp_path, *lines), book)
        books.append(book.read_bytes())
    assert books[0] == books[1]


def test_the_bundled_book_is_what_its_own_prices_give(tmp_path: Path) -> None:
    """Nobody edited `book.csv` by hand: unfolded into facts and built again, it is the same."""
    rows = [
        {**row, "tier_to": "" if row["tier_to"] is None else row["tier_to"]}
        for row in read_book(BOOK)
    ]
    path = tmp_path / "facts.csv"
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, FACT_COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({name: _plain(row[name]) for name in FACT_COLUMNS} for row in rows)
    build_book(path, tmp_path / "book.csv")
    assert (tmp_path / "book.csv").read_bytes() == BOOK.read_bytes()


def _plain(value: str | Decimal | None) -> str | None:
    return f"{value:f}" if isinstance(value, Decimal) else value


@given(
    prices=st.dictionaries(
        st.tuples(
            st.sampled_from(["us-east-1", "eu-west-1", "ap-southeast-2"]),
            st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
        ),
        st.decimals(Decimal("0.000000000001"), 10**5, places=12),
        min_size=1,
    )
)
def test_prices_come_back_exactly_whatever_their_key(
    prices: dict[tuple[str, str], Decimal],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "facts.csv"
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(FACT_COLUMNS)
            for (region, key), usd in prices.items():
                writer.writerow(["s", region, key, "u", "0", "", f"{usd:f}", "2025-01"])
        build_book(path, Path(folder) / "book.csv")
        held = list(read_book(Path(folder) / "book.csv"))
    assert {(row["region"], row["key"]): row["usd"] for row in held} == prices
