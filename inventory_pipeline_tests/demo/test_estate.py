from collections import Counter
from datetime import datetime, timedelta

import pytest

from inventory_pipeline.demo.estate import DAYS, SCALES, Day, Estate, Thing
from inventory_pipeline_tests.demo.conftest import NOW


def test_equal_arguments_describe_an_equal_organisation(estate: Estate) -> None:
    again = Estate.build(7, "tiny", NOW)
    assert [again.world(day) for day in DAYS] == [estate.world(day) for day in DAYS]
    assert again.secret == estate.secret


def test_another_seed_describes_another_one(estate: Estate) -> None:
    assert Estate.build(8, "tiny", NOW).world(1) != estate.world(1)


def test_a_bigger_scale_keeps_what_the_smaller_one_has(estate: Estate) -> None:
    bigger = {i.id for i in Estate.build(7, "small", NOW).world(1).instances}
    assert {i.id for i in estate.world(1).instances} <= bigger


def test_a_scale_is_about_as_big_as_it_says() -> None:
    kinds = Estate.build(7, "small", NOW).world(1).by_type()
    resources = [r for kind in kinds.values() for r in kind if not isinstance(r, Thing)]
    assert len(resources) == pytest.approx(SCALES["small"].resources, rel=0.1)


@pytest.mark.parametrize("day", DAYS)
def test_identifiers_are_unique_where_aws_makes_them_so(estate: Estate, day: Day) -> None:
    for kind, resources in estate.world(day).by_type().items():
        known = Counter((r.account_id, r.region, r.id) for r in resources)
        assert [key for key, count in known.items() if count > 1] == [], kind
    buckets = Counter(b.id for b in estate.world(1).buckets)
    assert max(buckets.values()) == 1, "bucket names are the world's"


def test_a_volume_is_attached_to_an_instance_of_its_own_place(estate: Estate) -> None:
    for day in DAYS:
        world = estate.world(day)
        places = {i.id: (i.account_id, i.region) for i in world.instances}
        for volume in world.volumes:
            if volume.instance_id is not None:
                assert places[volume.instance_id] == (volume.account_id, volume.region)


def test_something_goes_comes_and_changes_between_the_days(estate: Estate) -> None:
    one, two = ({i.id: i for i in estate.world(day).instances} for day in DAYS)
    assert one.keys() - two.keys()
    assert two.keys() - one.keys()
    assert any(one[i] != two[i] for i in one.keys() & two.keys())


def test_the_same_name_lives_in_two_accounts_and_two_regions(estate: Estate) -> None:
    orders = [d for d in estate.world(1).databases if d.id == "orders"]
    assert {d.use for d in orders} == {"busy", "idle"}
    assert len({d.account_id for d in orders}) == 2
    reports = [f for f in estate.world(1).functions if f.id == "nightly-report"]
    assert len({f.region for f in reports}) == 2


def test_nothing_that_is_judged_stands_near_a_limit_of_days(estate: Estate) -> None:
    for instance in estate.world(2).instances:
        if instance.stopped_at:
            stopped = NOW - instance.stopped_at
            assert not timedelta(days=10) < stopped < timedelta(days=110)


def test_deliveries_come_at_one_in_the_night_of_the_two_days_before(estate: Estate) -> None:
    assert [f"{estate.delivered_at(day):%d %H:%M}" for day in DAYS] == ["18 01:00", "19 01:00"]


def test_an_unknown_scale_or_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown scale 'huge'; choose one of tiny, small"):
        Estate.build(1, "huge", NOW)
    with pytest.raises(ValueError, match="time zone"):
        Estate.build(1, "tiny", datetime(2026, 11, 20))  # noqa: DTZ001
