"""Plans in a real lake: what is picked, excluded, priced, and how the funnel adds up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inventory_pipeline.archive.economics import UnpricedError, economics, move
from inventory_pipeline.archive.planning import Plan, plan
from inventory_pipeline.archive.policies import Delivery, plan_id
from inventory_pipeline.archive.terms import bucket_terms
from inventory_pipeline.lake import DuckDBEngine, Lake
from inventory_pipeline.lake.contract import violations
from inventory_pipeline.prices.storage_classes import STORAGE_CLASSES
from inventory_pipeline_tests.archive.planted import (
    DAY,
    DELIVERED_AT,
    KIB,
    MIB,
    obj,
    open_lake,
    plant_buckets,
    plant_deliveries,
    plant_prices,
    plant_usage,
    policy,
    usage,
)

DATA = ("data-1", "daily")


@pytest.fixture
def world(tmp_path: Path) -> tuple[Lake, DuckDBEngine]:
    lake, engine = open_lake(tmp_path)
    plant_prices(lake)
    plant_buckets(lake, {"resource_id": "data-1"})
    return lake, engine


def decisions(lake: Lake) -> dict[str, tuple[str, str]]:
    found = lake.read("archive_candidates", {"delivered_on": DAY}).to_pylist()
    return {row["key"]: (row["decision"], row["reason"]) for row in found}


def test_each_exclusion_has_its_reason(world: tuple[Lake, DuckDBEngine]) -> None:
    lake, engine = world
    soon = DELIVERED_AT + timedelta(days=1)
    excluded: dict[str, Mapping[str, Any]] = {
        "delete marker": {"size": None, "storage_class": None, "is_delete_marker": True},
        "noncurrent version": {"is_latest": False},
        "expired by a lifecycle rule": {"lifecycle_expiration_date": DELIVERED_AT},
        "on legal hold": {"object_lock_legal_hold_status": "On"},
        "under compliance retention": {
            "object_lock_mode": "Compliance",
            "object_lock_retain_until_date": soon,
        },
        "replication pending or failed": {"replication_status": "FAILED"},
        "encrypted with the customer's own key": {"encryption_status": "SSE-C"},
        "already in the target class": {"storage_class": "DEEP_ARCHIVE"},
        "needs a restore before it can be copied": {"storage_class": "GLACIER"},
        "larger than the 5 GiB that can be copied": {"size": 5 * 1024 * MIB + 1},
        "S3 does not move its class down to the target class": {
            "storage_class": "REDUCED_REDUNDANCY"
        },
    }
    kept: dict[str, Mapping[str, Any]] = {
        "as large as a copy can be": {"size": 5 * 1024 * MIB},
        "governed": {"object_lock_mode": "GOVERNANCE", "object_lock_retain_until_date": soon},
        "retention over": {
            "object_lock_mode": "COMPLIANCE",
            "object_lock_retain_until_date": DELIVERED_AT,
        },
        "hold off": {"object_lock_legal_hold_status": "Off"},
        "replicated": {"replication_status": "COMPLETED"},
    }
    objects = [{**obj(name), **more} for name, more in {**excluded, **kept}.items()]
    plant_deliveries(lake, {DATA: objects})
    classes = ["STANDARD", "REDUCED_REDUNDANCY", "GLACIER", "DEEP_ARCHIVE"]
    # Settings would refuse classes at or below the target; a plan excludes them all the same.
    wide = policy(target_class="DEEP_ARCHIVE").model_copy(update={"storage_classes": classes})
    plan(engine, lake, [wide], DAY)
    found = decisions(lake)
    assert {name: found[name] for name in excluded} == {n: ("unsafe", n) for n in excluded}
    assert {found[name][0] for name in kept} == {"archive"}


def test_an_object_changed_since_the_report_is_left_alone(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    lake, engine = world
    plant_deliveries(lake, {DATA: [obj("now", age=0), obj("later", age=-1)]})
    plan(engine, lake, [policy(min_age_days=0)], DAY)
    assert decisions(lake)["later"] == ("unsafe", "modified after the delivery")
    assert decisions(lake)["now"][0] == "archive"


def test_clauses_pick_to_the_byte_and_the_second(world: tuple[Lake, DuckDBEngine]) -> None:
    lake, engine = world
    young = DELIVERED_AT - timedelta(days=90) + timedelta(seconds=1)
    plant_deliveries(
        lake,
        {
            DATA: [
                obj("a%/in", 1000, age=90),
                obj("a%/young", 1000, last_modified_date=young),
                obj("a%/small", 999),
                obj("a%/large", 2001),
                obj("a%/edge", 2000),
                obj("ab/not a pattern", 1000),
                obj("A%/case", 1000),
                obj("a%/other class", 1000, storage_class="STANDARD_IA"),
            ]
        },
    )
    picky = policy(prefix="a%/", min_size_bytes=1000, max_size_bytes=2000)
    plan(engine, lake, [picky], DAY)
    assert decisions(lake).keys() == {"a%/in", "a%/edge"}


def test_what_the_report_leaves_out_is_unpriced_not_dropped(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    lake, engine = world
    plant_deliveries(
        lake,
        {
            DATA: [
                obj("no class", storage_class=None),
                obj("no tier", storage_class="INTELLIGENT_TIERING"),
                obj("no size", None),
                obj("no date", last_modified_date=None),
            ]
        },
    )
    tiered = policy(min_size_bytes=1, storage_classes=["STANDARD", "INTELLIGENT_TIERING"])
    plans = plan(engine, lake, [tiered], DAY)
    assert decisions(lake) == {
        "no class": ("unpriced", "the report does not say its storage class"),
        "no tier": ("unpriced", "the report does not say its access tier"),
        "no size": ("unpriced", "the report does not say its size"),
        "no date": ("unpriced", "the report does not say when it was modified"),
    }
    assert plans[0].unpriced_objects == 4
    assert plans[0].fee_usd is None


def test_the_first_policy_that_picks_an_object_decides(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    lake, engine = world
    plant_deliveries(lake, {DATA: [obj("logs/a"), obj("logs/tiny", KIB), obj("b")]})
    first = policy("logs", prefix="logs/")
    second = policy("rest", target_class="GLACIER")
    plans = plan(engine, lake, [first, second], DAY)
    found = lake.read("archive_candidates").to_pylist()
    assert sorted((row["policy"], row["key"]) for row in found) == [
        ("logs", "logs/a"),
        ("logs", "logs/tiny"),
        ("rest", "b"),
    ]
    assert [(p.policy, p.seen_objects, p.matched_objects) for p in plans] == [
        ("logs", 3, 2),
        ("rest", 3, 1),
    ]


def test_a_bucket_with_several_reports_is_planned_once(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    lake, engine = world
    both = [obj("a"), obj("b")]
    plant_deliveries(
        lake,
        {("data-1", "part"): both[:1], ("data-1", "whole"): both, ("other", "daily"): both},
    )
    plans = plan(engine, lake, [policy()], DAY)
    assert [(p.source_bucket, p.configuration_id) for p in plans] == [("data-1", "whole")]


def test_the_funnel_adds_up(world: tuple[Lake, DuckDBEngine]) -> None:
    lake, engine = world
    objects = [
        obj("good/1", 10 * MIB),
        obj("good/2", 20 * MIB),
        obj("tiny", 9 * KIB),
        obj("slow", 100 * KIB),
        obj("held", MIB, object_lock_legal_hold_status="ON"),
        obj("young", MIB, age=3),
    ]
    plant_deliveries(lake, {DATA: objects})
    (found,) = plan(engine, lake, [policy()], DAY)
    assert decisions(lake)["tiny"][1] == "costs no less a month in the target class"
    assert decisions(lake)["slow"][1] == "costs more to move than it saves within the horizon"
    sizes = [o["size"] for o in objects]
    assert (found.seen_objects, found.seen_bytes) == (6, sum(sizes))
    assert (found.matched_objects, found.matched_bytes) == (5, sum(sizes) - MIB)
    assert (found.safe_objects, found.safe_bytes) == (4, sum(sizes[:4]))
    assert (found.profitable_objects, found.profitable_bytes) == (2, 30 * MIB)
    assert found.unpriced_objects == 0
    assert found.fee_usd == Decimal("0.000102")
    chosen = [
        row for row in lake.read("archive_candidates").to_pylist() if row["decision"] == "archive"
    ]
    net = sum(row["net_saving_usd"] for row in chosen)
    assert found.net_saving_usd == net.quantize(Decimal("0.000001"))
    assert found.job_fee_usd == Decimal("0.25")
    assert (found.region, found.route, found.price_as_of) == ("us-east-1", "copy", "2026-09")
    committed = lake.read("archive_plans", {"delivered_on": DAY}).to_pylist()
    assert [Plan(**row) for row in committed] == [found]
    for table in ("archive_candidates", "archive_plans"):
        with engine.session({table: {"delivered_on": DAY}}) as db:
            assert violations(db, table) == []


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [
        ({"resource_id": "elsewhere"}, "the bucket was not collected"),
        ({"resource_id": "data-1", "versioning": None}, "whether the bucket keeps versions"),
        ({"resource_id": "data-1", "region": "xx-1"}, "no price for s3 STANDARD"),
    ],
)
def test_unknown_terms_are_unpriced(tmp_path: Path, bucket: dict[str, Any], reason: str) -> None:
    lake, engine = open_lake(tmp_path)
    plant_prices(lake)
    plant_buckets(lake, bucket)
    plant_deliveries(lake, {DATA: [obj("a"), obj("b", object_lock_legal_hold_status="ON")]})
    (found,) = plan(engine, lake, [policy()], DAY)
    assert decisions(lake)["a"][0] == "unpriced"
    assert decisions(lake)["a"][1].startswith(reason)
    assert decisions(lake)["b"][0] == "unsafe"
    assert (found.unpriced_objects, found.profitable_objects) == (1, 0)


def test_a_versioned_bucket_is_tagged_not_copied(tmp_path: Path) -> None:
    lake, engine = open_lake(tmp_path)
    plant_prices(lake)
    plant_buckets(lake, {"resource_id": "data-1", "versioning": "Suspended"})
    plant_deliveries(lake, {DATA: [obj("huge", 6 * 1024 * MIB, version_id="v1")]})
    (found,) = plan(engine, lake, [policy()], DAY)
    assert found.route == "tag"
    assert decisions(lake)["huge"][0] == "archive"
    assert found.fee_usd == Decimal("0.000056")


def test_the_tier_in_which_the_account_ends_counts(world: tuple[Lake, DuckDBEngine]) -> None:
    lake, engine = world
    plant_deliveries(lake, {DATA: []})
    tb = 1024**4
    plant_usage(
        lake,
        usage("data-1", "STANDARD", 51 * tb),
        # The same bucket, reported twice, counts once; delete markers have no bytes.
        usage("data-1", "STANDARD", 40 * tb, configuration_id="second"),
        usage("data-1", None, 0, version_state="delete_marker"),
    )
    plant_deliveries(lake, {DATA: [], ("data-1", "second"): []})
    terms = bucket_terms(engine, lake, DAY, ["data-1"])["data-1"]
    assert terms.prices["STANDARD"].usd == Decimal("0.022")
    assert terms.prices["GLACIER"].usd == Decimal("0.0036")


def test_planning_again_gives_equal_rows_and_forgets_what_no_longer_applies(
    world: tuple[Lake, DuckDBEngine],
) -> None:
    lake, engine = world
    plant_deliveries(lake, {DATA: [obj("a"), obj("b")]})
    before = plan(engine, lake, [policy()], DAY)
    rows = lake.read("archive_candidates").sort_by("key")
    assert plan(engine, lake, [policy()], DAY) == before
    assert lake.read("archive_candidates").sort_by("key") == rows
    assert plan(engine, lake, [policy(sources=["none"])], DAY) == []
    assert lake.read("archive_candidates").num_rows == lake.read("archive_plans").num_rows == 0


def test_without_snapshots_or_deliveries_there_is_nothing_to_plan(tmp_path: Path) -> None:
    lake, engine = open_lake(tmp_path)
    assert plan(engine, lake, [policy()], DAY) == []
    plant_deliveries(lake, {DATA: [obj("a")]})
    assert [p.unpriced_objects for p in plan(engine, lake, [policy()], DAY)] == [1]


def test_a_plan_is_the_policys_text_and_the_delivery() -> None:
    delivery = Delivery(DAY, *DATA, DELIVERED_AT)
    later = Delivery(DAY, *DATA, DELIVERED_AT + timedelta(hours=1))
    ids = {
        plan_id(policy(), delivery),
        plan_id(policy(), later),
        plan_id(policy(horizon_months=13), delivery),
        plan_id(policy("other"), delivery),
    }
    assert len(ids) == 4
    assert plan_id(policy(), delivery) in ids


KEYS = sorted(STORAGE_CLASSES)
OBJECTS = st.fixed_dictionaries(
    {
        "size": st.one_of(
            st.integers(0, 512 * KIB), st.integers(0, 50 * 1024**4), st.just(128 * KIB)
        ),
        "age": st.integers(0, 400),
        "price_key": st.sampled_from(KEYS),
        "kept": st.none() | st.integers(1, 800),
    }
)


@settings(
    max_examples=12,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    planted=st.lists(OBJECTS, min_size=1, max_size=60),
    target=st.sampled_from(["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]),
    months=st.integers(1, 60),
    versioning=st.sampled_from(["Off", "Enabled"]),
)
def test_sql_and_python_agree_on_every_object(
    world: tuple[Lake, DuckDBEngine],
    planted: list[dict[str, Any]],
    target: str,
    months: int,
    versioning: str,
) -> None:
    lake, engine = world
    plant_buckets(lake, {"resource_id": "data-1", "versioning": versioning})
    objects = [_listed(str(n), **drawn) for n, drawn in enumerate(planted)]
    plant_deliveries(lake, {DATA: objects})
    every_class = sorted({c.name for c in STORAGE_CLASSES.values()})
    wide = policy(target_class=target, horizon_months=months, min_age_days=0)
    plan(engine, lake, [wide.model_copy(update={"storage_classes": every_class})], DAY)
    terms = bucket_terms(engine, lake, DAY, ["data-1"])["data-1"]
    found = {int(r["key"]): r for r in lake.read("archive_candidates").to_pylist()}
    assert len(found) == len(planted)
    for n, drawn in enumerate(planted):
        row = found[n]
        assert terms.route is not None
        try:
            move_ = move(drawn["price_key"], target, terms.route, terms.prices, months)
        except UnpricedError:
            assert row["net_saving_usd"] is None
            continue
        expected = economics(drawn["size"], drawn["age"], drawn["kept"], move_)
        assert row["fee_usd"] == expected.fee_usd
        assert row["monthly_saving_usd"] == expected.monthly_saving_usd
        assert row["net_saving_usd"] == expected.net_saving_usd
        if row["decision"] != "unsafe":
            assert (row["decision"] == "archive") == (expected.net_saving_usd > 0)


def _listed(key: str, size: int, age: int, price_key: str, kept: int | None) -> dict[str, Any]:
    name, _, tier = price_key.partition(":")
    expires: datetime | None = DELIVERED_AT + timedelta(days=kept) if kept else None
    return obj(
        key,
        size,
        age=age,
        storage_class=name,
        intelligent_tiering_access_tier=tier or None,
        lifecycle_expiration_date=expires,
    )
