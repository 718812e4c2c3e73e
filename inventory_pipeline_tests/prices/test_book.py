"""The bundled book: every fact it was made from, and what must hold of any right book."""

import csv
import re
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.prices import load_book
from inventory_pipeline.prices.book import BOOK

FACTS = Path(__file__).parents[2] / "../shared/reference/prices.csv"

Item = tuple[str, str, str]


@pytest.fixture(scope="module")
def book() -> list[dict[str, Any]]:
    return load_book().to_pylist()


@pytest.fixture(scope="module")
def tiers(book: list[dict[str, Any]]) -> dict[Item, list[dict[str, Any]]]:
    found: dict[Item, list[dict[str, Any]]] = defaultdict(list)
    for row in book:
        found[row["service"], row["region"], row["key"]].append(row)
    return found


def test_it_is_in_the_contract_of_prices() -> None:
    assert load_book().schema.equals(arrow_schema("prices"))


def test_it_is_small_enough_to_bundle() -> None:
    assert len(BOOK.read_bytes()) < 500_000


@pytest.mark.skipif(not FACTS.exists(), reason=f"the price facts are not at {FACTS}")
def test_every_fact_is_in_the_book_exactly_and_nothing_else(book: list[dict[str, Any]]) -> None:
    with FACTS.open(encoding="utf-8", newline="") as lines:
        facts = [
            {
                **fact,
                "tier_from": Decimal(fact["tier_from"]),
                "tier_to": Decimal(fact["tier_to"]) if fact["tier_to"] else None,
                "usd": Decimal(fact["usd"]),
            }
            for fact in csv.DictReader(lines)
        ]
    assert len(facts) > 14_000

    def order(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["service"], row["region"], row["key"], row["tier_from"]

    held = [{name: row[name] for name in facts[0]} for row in book]
    assert sorted(held, key=order) == sorted(facts, key=order)


def test_every_price_has_a_source_and_a_month(book: list[dict[str, Any]]) -> None:
    assert all(row["source"] and re.fullmatch(r"20\d\d-\d\d", row["as_of"]) for row in book)
    inferred = {row["key"] for row in book if row["source"].startswith("inferred")}
    assert inferred == {"DEEP_ARCHIVE", "DEEP_ARCHIVE:put"}


def test_tiers_cover_every_quantity_once_and_get_cheaper(
    tiers: dict[Item, list[dict[str, Any]]],
) -> None:
    for item, rows in tiers.items():
        rows.sort(key=lambda row: row["tier_from"])
        assert rows[0]["tier_from"] == 0, item
        assert rows[-1]["tier_to"] is None, item
        for lower, upper in pairwise(rows):
            assert lower["tier_to"] == upper["tier_from"], item
            assert lower["usd"] > upper["usd"], item


def test_nothing_is_free_but_bulk_retrieval(book: list[dict[str, Any]]) -> None:
    free = {(row["service"], row["key"]) for row in book if row["usd"] <= 0}
    assert free == {("s3", "GLACIER:retrieval:bulk")}


def test_gp3_is_cheaper_than_gp2_everywhere(tiers: dict[Item, list[dict[str, Any]]]) -> None:
    regions = {region for service, region, key in tiers if (service, key) == ("ebs", "gp2")}
    assert len(regions) == 20
    for region in regions:
        gp2, gp3 = (tiers["ebs", region, key][0]["usd"] for key in ("gp2", "gp3"))
        assert gp3 < gp2, region


def test_multi_az_is_about_twice_single_az(tiers: dict[Item, list[dict[str, Any]]]) -> None:
    """To within rounding of the smallest classes, and two storage prices that AWS sets apart."""
    pairs = 0
    for (service, region, key), rows in tiers.items():
        single = tiers.get((service, region, key.replace("multi-az", "single-az")))
        if "multi-az" in key and single:
            pairs += 1
            ratio = rows[0]["usd"] / single[0]["usd"]
            assert Decimal("1.8") <= ratio <= Decimal("2.25"), (region, key)
    assert pairs > 3_000


def test_colder_storage_is_cheaper(tiers: dict[Item, list[dict[str, Any]]]) -> None:
    classes = ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
    for region in {region for service, region, _ in tiers if service == "s3"}:
        usd = [tiers["s3", region, name][0]["usd"] for name in classes]
        assert usd == sorted(usd, reverse=True), region


@pytest.mark.parametrize(
    ("service", "key", "usd"),
    [
        ("ec2", "m5.large:linux", "0.096"),
        ("rds", "db.m5.large:mysql:single-az", "0.171"),
        ("rds", "db.m5.large:postgresql:single-az", "0.178"),
        ("ebs", "gp3", "0.08"),
        ("lambda", "duration:x86_64", "0.0000166667"),
        ("s3", "inventory:object", "0.0000000025"),
        ("public_ipv4", "idle", "0.005"),
    ],
)
def test_well_known_prices_of_us_east_1(
    tiers: dict[Item, list[dict[str, Any]]], service: str, key: str, usd: str
) -> None:
    assert tiers[service, "us-east-1", key][0]["usd"] == Decimal(usd)


def test_what_is_not_known_is_absent(tiers: dict[Item, list[dict[str, Any]]]) -> None:
    keys = {key for _, _, key in tiers}
    assert not any("windows" in key or "aurora" in key or "mariadb" in key for key in keys)
