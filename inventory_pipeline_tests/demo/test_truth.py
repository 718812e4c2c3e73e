from collections import Counter
from decimal import Decimal

import pytest

from inventory_pipeline.demo import Estate, Fact, facts
from inventory_pipeline.demo.estate import DAYS, Instance, Resource, Volume
from inventory_pipeline.demo.truth_archive import Move
from inventory_pipeline.demo.truth_costs import cost_lines, total
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.demo.conftest import NOW

Rows = tuple[tuple[object, ...], ...]


def find(estate: Estate, title: str, day: int = 1) -> Fact:
    return next(
        f for f in facts(estate, DAYS) if f.title.startswith(title) and f.day in (day, None)
    )


def test_facts_are_the_same_when_told_again(estate: Estate) -> None:
    assert facts(estate, DAYS) == facts(Estate.build(7, "tiny", NOW), DAYS)


def test_a_day_that_is_not_done_has_no_facts(estate: Estate) -> None:
    assert {f.day for f in facts(estate, [1])} == {1, None}
    assert facts(estate, []) == []
    titles = Counter((f.title, f.day) for f in facts(estate, DAYS))
    assert max(titles.values()) == 1, "no two facts read alike"


def test_facts_name_tables_of_the_lake(estate: Estate) -> None:
    for fact in facts(estate, DAYS):
        assert set(fact.tables) <= set(tables()), fact.title
        assert all(f" {table}" in fact.sql for table in fact.tables), fact.title


def test_a_fact_agrees_in_any_order_but_not_in_number() -> None:
    fact = Fact("s", "t", (("a", 1), ("b", Decimal("1.50")), ("b", Decimal("1.50"))), "", ())
    assert fact.agrees([["b", Decimal("1.5")], ("a", 1), ("b", Decimal("1.500"))])
    assert not fact.agrees([("a", 1), ("b", Decimal("1.5"))])


def named(estate: Estate, name: str) -> Resource:
    return next(i for i in estate.world(1).instances if i.tags.get("Name") == name)


@pytest.mark.parametrize(
    ("name", "usd"),
    [
        ("web-1", Decimal("0.096") * 730 + Decimal("0.005") * 730),
        ("importer", Decimal("0.005") * 730),  # stopped: its address only
        ("paused", Decimal(0)),
        ("builder", Decimal("0.077") * 730),
        ("ledger-ui", None),  # Windows is not in the book
        ("batch", None),  # spot has no list price
        ("notebook", None),  # a region that is not in the book
    ],
)
def test_costs_of_instances_by_hand(estate: Estate, name: str, usd: Decimal | None) -> None:
    assert total(cost_lines(named(estate, name))) == usd


def test_a_volume_pays_for_what_exceeds_the_included_iops_and_throughput(estate: Estate) -> None:
    tuned = named(estate, "tuned")
    volume = next(v for v in estate.world(1).volumes if v.instance_id == tuned.id)
    wanted = 500 * Decimal("0.08") + 3000 * Decimal("0.005") + 125 * Decimal("0.04")
    assert total(cost_lines(volume)) == wanted


def test_a_stopped_instance_saves_its_volumes_and_address_and_nothing_more(
    estate: Estate,
) -> None:
    from inventory_pipeline.demo.fact import Seen
    from inventory_pipeline.demo.truth_money import _wasted

    stopped = _wasted(Seen(estate, estate.world(1)))["ec2.stopped"]
    importer = next(w for w in stopped if w.resource == named(estate, "importer"))
    volumes = 200 * Decimal("0.1") + 100 * Decimal("0.125") + 1000 * Decimal("0.065")
    assert total(importer.saved) == volumes + Decimal("3.65")


def test_what_is_denied_is_in_no_count(estate: Estate) -> None:
    seen = dict(find(estate, "resources by type").planted)
    world = estate.world(1)
    hidden = [d for d in world.databases if estate.account(d.account_id).denied_service == "rds"]
    assert hidden
    assert seen["rds_instance"] == len(world.databases) - len(hidden)
    for fact in facts(estate, DAYS):
        if fact.title.startswith("rds.") and fact.section == "security":
            assert not any(row[2] == "ledger" for row in fact.planted)


def test_every_kind_of_thing_is_planted(estate: Estate) -> None:
    """An empty list would be found by a pipeline that finds nothing."""
    empty = [
        f.title
        for f in facts(estate, DAYS)
        if not f.planted and f.section not in ("snapshot", "coverage", "cost")
    ]
    assert empty == []


def test_economics_agree_with_the_published_break_evens() -> None:
    """A move to GLACIER by Batch Copy pays back within a year from 156 KB on (us-east-1)."""
    move = Move("us-east-1")
    assert move.fee == Decimal("0.000031")
    assert -(-move.smallest // 1024) == 156, "whole KB"
    assert move.net(1, move.smallest) > 0 >= move.net(1, move.smallest - 1)


def test_money_of_many_is_the_sum_of_each() -> None:
    move = Move("us-east-1")
    sizes = (200_000, 5_000_000, 123_456_789)
    assert move.net(3, sum(sizes)) == pytest.approx(sum(move.net(1, s) for s in sizes))


def test_the_plan_drops_what_is_too_small_and_keeps_the_rest(estate: Estate) -> None:
    ((matched, _, paying, size),) = find(estate, "objects and bytes matched").planted
    assert 0 < int(str(paying)) < int(str(matched))
    assert find(estate, "objects and bytes in the manifest").planted == ((paying, size),)


def test_the_broken_delivery_is_quarantined_and_the_late_one_is_none(estate: Estate) -> None:
    two = next(f for f in facts(estate, DAYS) if f.title.startswith("deliveries of 2026-11-19"))
    status = dict(two.planted)
    assert status["example-storefront-broken"] == "quarantined"
    assert "example-platform-late" not in status
    assert Counter(status.values())["quarantined"] == 1


def test_planted_kinds_are_what_tests_take_them_for(estate: Estate) -> None:
    assert isinstance(named(estate, "web-1"), Instance)
    assert any(isinstance(v, Volume) and not v.encrypted for v in estate.world(1).volumes)
