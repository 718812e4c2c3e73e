"""`inventory prices`: what the price book says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from inventory_pipeline.cli.answer import Answer, Section
from inventory_pipeline.cli.output import emit
from inventory_pipeline.cli.reading import FORMATS, OUTPUT_OPTION, chosen_format

Price = Mapping[str, Any]

COLUMNS = ("service", "key", "region", "unit", "tier_from", "tier_to", "usd", "source", "as_of")


@click.group()
def prices() -> None:
    """What things cost: list prices with source and month.

    \b
    Example:
      inventory prices show m5.large --region us-east-1
    """


@prices.command()
@click.argument("item")
@click.option("--region", required=True, help="Region.")
@click.option("--format", "form", type=click.Choice(FORMATS))
@OUTPUT_OPTION
def show(item: str, region: str, form: str | None, output: Path | None) -> None:
    """Prices of ITEM in a region; usd is unknown where the book has none.

    ITEM is a key (m5.large:linux), the start of one (m5.large), or a service (ebs).

    \b
    Examples:
      inventory prices show m5.large --region us-east-1
      inventory prices show s3 --region eu-west-1 --format json
    """
    from inventory_pipeline.prices import load_book

    found = list(_prices(load_book().to_pylist(), item, region))
    notes = ("usd is dollars per unit.",)
    if not found:
        found = [{"key": item, "region": region}]
        notes = (f"The book has no {item} in any region.",)
    rows = [[price.get(column) for column in COLUMNS] for price in found]
    answer = Answer((Section("rows", "", COLUMNS, rows),), notes=notes)
    emit(answer, chosen_format(form, output, FORMATS), output)


def _prices(book: Iterable[Price], item: str, region: str) -> Iterable[Price]:
    """The region's tiers of each matching item; without usd where only other regions have one."""
    items: dict[tuple[str, str], Price] = {}
    here: set[tuple[str, str]] = set()
    found: list[Price] = []
    for price in book:
        named = (price["service"], price["key"])
        if item in named or price["key"].startswith(f"{item}:"):
            items[named] = price
            if price["region"] == region:
                here.add(named)
                found.append(price)
    for named in items.keys() - here:
        found.append(
            {"service": named[0], "key": named[1], "region": region, "unit": items[named]["unit"]}
        )
    return sorted(found, key=lambda p: (p["service"], p["key"], p.get("tier_from", 0)))
