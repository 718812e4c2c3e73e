"""The linter: each rule on a configuration that breaks it alone, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.configurations import Bucket, Configuration, desired, lint
from inventory_pipeline.configurations.desired import PATTERNS
from inventory_pipeline.configurations.lint import Finding
from inventory_pipeline.configurations.needs import USAGE, needs
from inventory_pipeline.configurations.observed import Observed
from inventory_pipeline.configurations.rules import RULES
from inventory_pipeline.lake import Lake
from inventory_pipeline.prices.book import BOOK, read_book
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.cli.planted import ESCAPE, plant
from inventory_pipeline_tests.configurations.conftest import (
    ACCOUNT,
    NOW,
    Estate,
    plant_buckets,
    settings_of,
)

BUCKET = Bucket("data-1", ACCOUNT, "data", "us-east-1")
DAY = date(2026, 11, 19)
WHOLE = {"id": "all", "sources": ["data-1"]}
SETTINGS = settings_of(WHOLE)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A versioned bucket, of which `all` and `few` listed a million objects lately."""
    lake = Lake.open(str(tmp_path_factory.mktemp("lint") / "lake"))
    plant_buckets(lake, {"data-1": [], "reports": []}, versioning="Enabled")
    book = (row for row in read_book(BOOK) if row["key"] == "inventory:object")
    plant(lake, "prices", [*book])
    reports = {
        ("growing", DAY): 1_000_000,
        ("growing", DAY - timedelta(days=7)): 900_000,
        ("still", DAY): 1_000_000,
        ("still", DAY - timedelta(days=6)): 1,
        ("still", DAY - timedelta(days=8)): 1_010_000,
        ("new", DAY): 1_000_000,
        ("new", DAY - timedelta(days=6)): 1_000_000,
    }
    plant(
        lake,
        "s3_deliveries",
        [
            {"delivered_on": day, "source_bucket": "data-1", "configuration_id": name,
             "rows": rows, "status": "ingested"}
            for (name, day), rows in reports.items()
        ],
    )  # fmt: skip
    return lake


def sound(name: str = "growing", **more: Any) -> Configuration:
    (wanted,) = desired(SETTINGS, [BUCKET])
    return replace(wanted.configuration, id=name, **more)


def findings(
    lake: Lake, *configurations: Configuration, settings: Settings = SETTINGS
) -> list[Finding]:
    return lint(settings, lake, NOW, [Observed(BUCKET, configurations)])


def test_what_the_tool_makes_has_nothing_wrong(lake: Lake) -> None:
    assert findings(lake, sound()) == []


BROKEN: Mapping[str, Mapping[str, Any]] = {
    "unencrypted_reports": {"encryption": "none"},
    "reports_unread": {"destination": "elsewhere"},
    "into_source": {"destination": "data-1"},
    "not_parquet": {"format": "CSV"},
    "current_only": {"versions": "Current"},
    "disabled": {"enabled": False},
    "daily": {"id": "still"},
}


@pytest.mark.parametrize(("rule", "change"), BROKEN.items(), ids=BROKEN)
def test_each_rule_finds_what_breaks_it(lake: Lake, rule: str, change: Mapping[str, Any]) -> None:
    settings = settings_of(WHOLE)
    if rule == "into_source":
        inventory = {"destinations": [{"bucket": "data-1", "prefix": "inventory"}]}
        settings = Settings.model_validate({"s3_inventory": inventory})
    (found,) = findings(lake, replace(sound(), **change), settings=settings)
    assert (found.rule, found.bucket) == (rule, BUCKET)
    assert found.what
    assert found.why
    assert found.fix


def test_every_rule_is_tested_here() -> None:
    elsewhere = {"other_region", "lacks_fields", "lacks_basic_fields", "overlapping", "full_bucket"}
    assert {rule.id for rule in RULES} == BROKEN.keys() | elsewhere


def test_a_prefix_that_nobody_reads_is_unread(lake: Lake) -> None:
    (found,) = findings(lake, sound(destination_prefix="other"))
    assert found.rule == "reports_unread"
    assert found.monthly_usd == Decimal("0.076042")  # a million a day at $0.0025 a million
    assert findings(lake, sound(destination_prefix="inventory/")) == []


def test_a_destination_elsewhere_is_found(lake: Lake) -> None:
    far = {"destinations": [{"bucket": "far", "region": "eu-west-1"}]}
    settings = Settings.model_validate({"s3_inventory": far})
    moved = sound(destination="far", destination_prefix="")
    (found,) = findings(lake, moved, settings=settings)
    assert (found.rule, found.severity) == ("other_region", "high")
    assert "eu-west-1" in found.what


# -- fields ------------------------------------------------------------------------------------


def test_fields_are_named_with_who_reads_them(lake: Lake) -> None:
    everything = sound().fields
    (basic,) = findings(lake, sound(fields=tuple(f for f in everything if f != "Size")))
    assert basic.rule == "lacks_basic_fields"
    assert "Size (" in basic.what
    assert USAGE in basic.what
    (other,) = findings(lake, sound(fields=tuple(f for f in everything if f != "ObjectOwner")))
    assert other.rule == "lacks_fields"
    assert "ObjectOwner (object_compliance)" in other.what


def test_an_archive_policy_needs_fields_of_its_buckets_only(lake: Lake) -> None:
    expiration = "LifecycleExpirationDate"
    settings = {
        name: Settings.model_validate(
            {
                **SETTINGS.model_dump(mode="json"),
                "archive": {"policies": [{"name": "old", "sources": [glob],
                                          "target_class": "GLACIER"}]},
            }
        )
        for name, glob in (("ours", "data-*"), ("others", "logs-*"))
    }  # fmt: skip
    without = sound(fields=tuple(f for f in sound().fields if f != expiration))
    (found,) = findings(lake, without, settings=settings["ours"])
    assert f"{expiration} (archive policy old)" in found.what
    assert findings(lake, without, settings=settings["others"]) == []


@pytest.mark.parametrize(
    ("pattern", "readers"),
    [
        ("compliance", {USAGE, "object_compliance"}),
        ("cost", {USAGE, "storage_growth", "storage_waste"}),
    ],
)
def test_a_pattern_has_what_its_readers_need(pattern: str, readers: set[str]) -> None:
    found = {need.reader: need.fields for need in needs(Settings(), "b")}
    needed = set().union(*(found[reader] for reader in readers))
    assert needed <= set(PATTERNS[pattern].fields or ())


def test_needs_are_read_off_the_sql() -> None:
    found = {need.reader: need for need in needs(Settings(), "b")}
    assert {"Size", "StorageClass", "LastModifiedDate"} <= found[USAGE].fields
    assert "ETag" not in found[USAGE].fields
    assert found["object_compliance"].fields >= {"ObjectOwner", "EncryptionStatus"}


# -- money -------------------------------------------------------------------------------------


def test_overlaps_cost_what_the_narrower_lists(lake: Lake) -> None:
    narrow = sound("still", prefix="a/", frequency="Weekly")
    (found,) = findings(lake, sound(), narrow, sound("aside", prefix="b/", enabled=False))[:1]
    assert (found.rule, found.configuration_id) == ("overlapping", "still")
    assert found.what == "its objects are listed by growing as well"
    assert found.monthly_usd == Decimal("0.010863")
    assert not [f for f in findings(lake, narrow, sound("growing", prefix="b/"))
                if f.rule == "overlapping"]  # fmt: skip


def test_of_two_equal_ones_the_later_is_told(lake: Lake) -> None:
    found = [f for f in findings(lake, sound("new"), sound()) if f.rule == "overlapping"]
    assert [f.configuration_id for f in found] == ["new"]


@pytest.mark.parametrize(
    ("name", "region", "reason"),
    [
        ("unheard-of", "us-east-1", "no delivery of it tells how many objects it lists"),
        ("growing", "mars-north-1", "no price for s3 inventory:object in mars-north-1"),
    ],
)
def test_a_cost_nobody_knows_has_a_reason(lake: Lake, name: str, region: str, reason: str) -> None:
    bucket = replace(BUCKET, region=region)
    unread = sound(name, destination="elsewhere")
    (found,) = lint(SETTINGS, lake, NOW, [Observed(bucket, (unread,))])
    assert (found.monthly_usd, found.unpriced_reason) == (None, reason)


def test_daily_is_right_where_much_changes_or_nobody_knows(lake: Lake) -> None:
    for name in ("growing", "new", "unheard-of"):
        assert findings(lake, sound(name)) == []
    (found,) = findings(lake, sound("still"))
    assert found.what.endswith("(1,000,000) changed by 10,000 in 8 days")
    assert found.monthly_usd == Decimal("0.065179")  # 365/12 less 365/84 deliveries


def test_current_versions_beside_all_of_them_are_no_gap(lake: Lake) -> None:
    current = sound("new", versions="Current", prefix="a/")
    rules = [f.rule for f in findings(lake, sound(), current)]
    assert rules == ["overlapping"]


def test_a_full_bucket_is_told_once(lake: Lake) -> None:
    many = [sound(f"c{n:04}", prefix=f"{n:04}/") for n in range(1000)]
    assert [f.rule for f in findings(lake, *many)] == ["full_bucket"]
    assert findings(lake, *many[:-1]) == []


def test_the_gravest_come_first_and_who_could_not_be_read_has_none(lake: Lake) -> None:
    worst = sound(destination="elsewhere", encryption="none", format="ORC")
    observed = [Observed(BUCKET, (worst,)), Observed(replace(BUCKET, name="x"), None)]
    found = lint(SETTINGS, lake, NOW, observed)
    assert [f.severity for f in found] == ["high", "medium", "low"]


def test_the_command_shows_findings_of_all_buckets(estate: Estate, tmp_path: Path) -> None:
    row = {"configuration_id": f"by{ESCAPE}hand", "enabled": True, "prefix": "", "fields": ["Size"],
           "encryption": "none", "frequency": "Weekly", "format": "CSV",
           "included_versions": "All", "destination_bucket": "elsewhere"}  # fmt: skip
    plant_buckets(estate.lake, {"data-1": [row], "locked": None})
    estate.declare()
    result = estate.run("lint", "--no-live", "--format", "json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert {row["rule"] for row in rows} == {
        "reports_unread",
        "lacks_basic_fields",
        "lacks_fields",
        "unencrypted_reports",
        "not_parquet",
    }
    shown = estate.run("lint", "--no-live")
    assert "(no delivery of it tells how many objects it lists)" in " ".join(shown.stdout.split())
    assert "5 findings on 1 bucket; the configurations of 1 more could not be read" in shown.stdout
    assert "\x1b" not in shown.stdout
