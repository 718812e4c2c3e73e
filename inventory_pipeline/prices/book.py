"""The bundled price book: reading `book.csv` into the contract of the table `prices`.

The file is wide, a line for each tier of a priced item and a column for each region, so that it
stays small and a refresh can be reviewed as a diff. An empty cell is a price nobody has told us.
`build` writes it.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    import pyarrow as pa

BOOK = files(__package__) / "book.csv"

ITEM_COLUMNS = ("service", "key", "unit", "tier_from", "tier_to", "source", "as_of")
"""Columns of a line before those of the regions."""


def load_book() -> pa.Table:
    """Every price of the book, as rows of the table `prices`, dollars exact."""
    import pyarrow as pa

    from inventory_pipeline.lake.schema import arrow_schema

    return pa.Table.from_pylist(list(read_book(BOOK)), schema=arrow_schema("prices"))


def read_book(book: Traversable) -> Iterator[dict[str, str | Decimal | None]]:
    """The prices in a book's file, as rows of the table `prices`."""
    for line in csv.DictReader(io.StringIO(book.read_text(encoding="utf-8"), newline="")):
        item = {name: line.pop(name) for name in ITEM_COLUMNS}
        tier = {
            "tier_from": Decimal(item["tier_from"]),
            "tier_to": Decimal(item["tier_to"]) if item["tier_to"] else None,
        }
        for region, usd in line.items():
            if usd:
                yield {**item, **tier, "region": region, "usd": Decimal(usd)}
