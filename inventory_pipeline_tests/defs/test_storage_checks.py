"""Checks of the marts of objects: each passes on what was built, and fails on what was spoilt."""

from __future__ import annotations

import pytest

from inventory_pipeline.defs.checks import MART_CHECKS, Verdict
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.marts.storage.planting import DAY, House, obj

TABLES = ("object_compliance", "storage_waste", "tiering_effectiveness", "tenant_usage")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("checked"))
    tiered = {
        "storage_class": "INTELLIGENT_TIERING",
        "intelligent_tiering_access_tier": "FREQUENT",
    }
    house.deliver(
        obj("a/1", 7, **tiered),
        obj("a/2", 7, is_latest=False),
        obj("a/3", None, is_delete_marker=True, storage_class=None),
    )
    for table in ("storage_usage", "storage_costs", *TABLES):
        house.build(table)
    return house


def judged(house: House, table: str) -> Verdict:
    (check,) = MART_CHECKS[table]
    day = {"delivered_on": DAY}
    with house.engine.session({table: day, **dict.fromkeys(check.reads, day)}) as db:
        return check.judge(db, table, Settings())


@pytest.mark.parametrize("table", TABLES)
def test_what_was_built_counts_every_object(house: House, table: str) -> None:
    assert judged(house, table).passed


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_missing_is_an_error(house: House, table: str) -> None:
    whole = house.lake.read(table)
    house.lake.replace(table, [{"delivered_on": DAY}], whole.slice(0, 0))
    verdict = judged(house, table)
    house.lake.replace(table, [{"delivered_on": DAY}], whole)
    assert not verdict.passed
    assert verdict.sentence.startswith("nothing here, ") or verdict.sentence.startswith("None")
