from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from inventory_pipeline.demo import objects
from inventory_pipeline.demo.estate import DAYS, Day, Estate
from inventory_pipeline.demo.objects import (
    AGES,
    AWKWARD_KEYS,
    DAY_MS,
    Report,
    population,
    reports,
    totals,
)
from inventory_pipeline.demo.report_columns import keys


def report(estate: Estate, ending: str) -> Report:
    return next(r for r in reports(estate) if r.bucket.endswith(ending))


def listed(estate: Estate, ending: str, day: Day) -> Counter[str]:
    parts = population(estate, report(estate, ending), day)
    return Counter(key for part in parts for key in keys(part).to_pylist())


def test_a_population_is_the_same_however_it_is_cut_into_files(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = report(estate, "-lake")
    whole = totals(estate, lake, 2)
    monkeypatch.setattr(objects, "MOST_SLOTS_PER_FILE", 17)
    assert totals(estate, lake, 2) == whole


def test_churn_of_a_bucket_without_versions(estate: Estate) -> None:
    one, two = (listed(estate, "-logs", day) for day in DAYS)
    slots = report(estate, "-logs").slots
    assert max(one.values()) == max(two.values()) == 1
    assert len(one) == slots
    assert len(one.keys() - two.keys()) == slots // 50, "deleted"
    assert len(two.keys() - one.keys()) == slots // 50, "created"


@pytest.mark.parametrize("day", DAYS)
def test_a_versioned_object_has_one_latest_version_and_its_marker_is_empty(
    estate: Estate, day: Day
) -> None:
    latest: Counter[str] = Counter()
    markers = 0
    for part in population(estate, report(estate, "-lake"), day):
        names = keys(part).to_pylist()
        latest.update(name for name, last in zip(names, part.is_latest, strict=True) if last)
        assert not part.sizes[part.is_marker].any()
        assert part.is_latest[part.is_marker].all()
        markers += int(part.is_marker.sum())
    assert set(latest.values()) == {1}
    assert latest.keys() == listed(estate, "-lake", day).keys()
    assert markers > 0


def test_what_goes_from_a_versioned_bucket_stays_listed(estate: Estate) -> None:
    one, two = (listed(estate, "-lake", day) for day in DAYS)
    assert one.keys() <= two.keys()
    assert all(two[key] >= one[key] for key in one)


def test_ages_stay_a_day_clear_of_every_usual_limit(estate: Estate) -> None:
    limits = (30, 60, 90, 180, 365, 730)
    for a, b in pairwise(AGES):
        assert a < b
    for part in population(estate, report(estate, "-logs"), 1):
        days = (estate.delivered_at(1).timestamp() * 1000 - part.modified_ms) / DAY_MS
        for limit in limits:
            assert np.abs(days - limit).min() > 1, limit


def test_awkward_keys_are_what_s3_allows() -> None:
    sizes = [len(key.encode()) for key in AWKWARD_KEYS]
    assert max(sizes) == 1024
    assert sizes.count(1024) == 2
    assert len(set(AWKWARD_KEYS)) == len(AWKWARD_KEYS)
    assert not any(key.endswith(".dat") for key in AWKWARD_KEYS), "the facts tell them by this"


def test_sizes_reach_from_nothing_to_gibibytes() -> None:
    from inventory_pipeline_tests.demo.conftest import NOW

    estate = Estate.build(7, "small", NOW)
    sizes = np.concatenate([p.sizes for p in population(estate, report(estate, "-logs"), 1)])
    assert (sizes == 0).any()
    assert sizes.max() > 2**30
    assert sizes.max() < 5 * 2**30, "S3 copies no larger object"


def test_an_empty_bucket_lists_nothing(estate: Estate) -> None:
    assert list(population(estate, report(estate, "-empty"), 2)) == []
