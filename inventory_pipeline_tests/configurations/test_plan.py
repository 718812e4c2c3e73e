"""What the settings want of each bucket, and the way there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import settings as running
from hypothesis import strategies as st

from inventory_pipeline.configurations import (
    Bucket,
    Change,
    Configuration,
    Observed,
    desired,
    plan,
)
from inventory_pipeline.configurations.desired import PATTERNS
from inventory_pipeline.configurations.model import known_fields, of_aws
from inventory_pipeline.settings import Settings, SettingsError
from inventory_pipeline_tests.configurations.conftest import ACCOUNT, settings_of

OWNED = "inventory-pipeline-"


def bucket(name: str = "data-1", region: str = "us-east-1") -> Bucket:
    return Bucket(name, ACCOUNT, "data", region)


def planned(
    settings: Settings, *observed: Observed, owned: str = OWNED
) -> list[tuple[str, str, str]]:
    changes = changes_of(settings, observed, owned)
    return [(change.action, change.bucket.name, change.id) for change in changes]


def changes_of(
    settings: Settings, observed: Sequence[Observed], owned: str = OWNED
) -> list[Change]:
    return plan(desired(settings, [one.bucket for one in observed]), observed, owned)


def only(settings: Settings, of: Bucket | None = None) -> Configuration:
    (wanted,) = desired(settings, [of or bucket()])
    return wanted.configuration


# -- what is wanted ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_has_what_aws_knows_and_keys_overrule_it(name: str) -> None:
    entry = {"id": "a", "sources": ["data-*"], "pattern": name}
    by_pattern = only(settings_of(entry))
    assert set(by_pattern.fields) <= set(known_fields())
    assert by_pattern.frequency == ("Weekly" if name == "cost" else "Daily")
    own = {"frequency": "Weekly", "versions": "Current", "fields": ["Size"]}
    overruled = only(settings_of({**entry, **own}))
    assert (overruled.frequency, overruled.versions) == ("Weekly", "Current")
    assert overruled.fields == ("Size",)


def test_everything_is_every_field_of_all_versions() -> None:
    found = only(settings_of({"id": "a", "sources": ["data-1"]}))
    assert (found.fields, found.versions) == (known_fields(), "All")


@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        ("format", "CSV", "format", "CSV"),
        ("enabled", False, "enabled", False),
        ("destination_account", ACCOUNT, "destination_account", ACCOUNT),
        ("kms_key", "arn:aws:kms:us-east-1:123456789012:key/1-2", "encryption", "SSE-KMS"),
        ("prefixes", ["t/"], "prefix", "t/"),
        ("id", "b", "id", f"{OWNED}b"),
    ],
)
def test_each_key_changes_what_is_wanted(
    key: str, value: object, attribute: str, expected: object
) -> None:
    entry = {"id": "a", "sources": ["data-1"]}
    assert getattr(only(settings_of(entry)), attribute) != expected
    assert getattr(only(settings_of({**entry, key: value})), attribute) == expected


def test_prefixes_have_an_id_each_that_s3_takes_and_that_stays() -> None:
    prefixes = [f"tenant-{n}/ü" * 20 for n in range(50)]
    longest = {"id": "i" * 30, "sources": ["data-1"], "prefixes": prefixes}
    settings = settings_of(longest, configuration_prefix="p" * 20)
    ids = [wanted.configuration.id for wanted in desired(settings, [bucket()])]
    assert len(set(ids)) == 50
    assert max(map(len, ids)) <= 64
    again = settings_of({**longest, "prefixes": prefixes[::-1]}, configuration_prefix="p" * 20)
    assert {wanted.configuration.id for wanted in desired(again, [bucket()])} == {*ids}


def test_a_bucket_of_reports_is_meant_only_by_its_name() -> None:
    buckets = [bucket("reports"), bucket("data-1")]
    every = desired(settings_of({"id": "a", "sources": ["*"]}), buckets)
    assert [wanted.bucket.name for wanted in every] == ["data-1"]
    named = desired(settings_of({"id": "a", "sources": ["*", "reports"]}), buckets)
    assert [wanted.bucket.name for wanted in named] == ["reports", "data-1"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"fields": ["Sise"]}, r"configurations\[0\].fields: unknown name 'Sise'"),
        ({"destination": "report"}, "'report', which is none of the destinations; did you mean"),
        ({"kms_key": "alias/aws/s3"}, "is not the ARN of a KMS key"),
        ({"kms_key": "arn:aws:kms:eu-west-1:123456789012:key/1"}, "not in us-east-1"),
        ({"prefixes": ["a/", "b/", "a/c/"]}, "'a/c/' lies in 'a/'"),
        ({"prefixes": ["ü" * 513]}, "more than 1024 bytes"),
        ({"prefixes": ["a\x1b"]}, "cannot be printed"),
        ({"id": "ü"}, "is not an id"),
    ],
)
def test_what_aws_would_refuse_is_refused(entry: dict[str, Any], told: str) -> None:
    with pytest.raises((SettingsError, ValueError), match=told):
        desired(settings_of({"id": "a", "sources": ["data-1"], **entry}), [bucket()])


def test_ids_are_unique() -> None:
    entry = {"id": "a", "sources": ["data-1"]}
    with pytest.raises(ValueError, match="'a' is the id of several"):
        settings_of(entry, entry)


# -- the way there -----------------------------------------------------------------------------


def test_each_id_has_one_action_and_deletions_come_first() -> None:
    settings = settings_of(*({"id": name, "sources": ["data-1"]} for name in "abc"))
    wanted = {w.configuration.id: w.configuration for w in desired(settings, [bucket()])}
    keep = wanted[f"{OWNED}a"]
    stale = replace(wanted[f"{OWNED}b"], fields=("Size",))
    others = [replace(keep, id=f"{OWNED}gone"), replace(keep, id="by-hand")]
    assert planned(settings, Observed(bucket(), (keep, stale, *others))) == [
        ("delete", "data-1", f"{OWNED}gone"),
        ("update", "data-1", f"{OWNED}b"),
        ("create", "data-1", f"{OWNED}c"),
        ("foreign", "data-1", "by-hand"),
        ("keep", "data-1", f"{OWNED}a"),
    ]


def test_a_destination_in_another_region_is_no_way() -> None:
    settings = settings_of({"id": "a", "sources": ["data-*"]})
    far = bucket("data-2", "eu-west-1")
    there = replace(only(settings), fields=())
    (change,) = changes_of(settings, [Observed(far, (there,))])
    assert (change.action, change.reason) == (
        "invalid",
        "the bucket is in eu-west-1, its destination in us-east-1",
    )


def test_a_bucket_has_no_more_than_a_thousand() -> None:
    settings = settings_of(
        {"id": "a", "sources": ["data-1"], "prefixes": [f"{n:04}/" for n in range(600)]}
    )
    wanted = [w.configuration for w in desired(settings, [bucket()])]
    foreign = [replace(wanted[0], id=f"by-hand-{n}") for n in range(500)]
    gone = [replace(wanted[0], id=f"{OWNED}gone-{n}") for n in range(100)]
    counts = Counter(
        action for action, _, _ in
        planned(settings, Observed(bucket(), (*foreign, *gone, *wanted[:100])))
    )  # fmt: skip
    assert counts == {"foreign": 500, "delete": 100, "keep": 100, "create": 400, "invalid": 100}


def test_buckets_that_nobody_could_read_are_left_alone() -> None:
    settings = settings_of({"id": "a", "sources": ["data-1"]})
    assert planned(settings, Observed(bucket(), None, failure="AccessDenied: no")) == [
        ("unreadable", "data-1", f"{OWNED}a")
    ]


# -- to AWS and back ---------------------------------------------------------------------------

TEXT = st.text(min_size=1, max_size=20)
CONFIGURATIONS = st.builds(
    Configuration,
    id=TEXT,
    enabled=st.booleans(),
    prefix=st.text(max_size=20),
    frequency=st.sampled_from(["Daily", "Weekly"]),
    versions=st.sampled_from(["All", "Current"]),
    format=st.sampled_from(["CSV", "ORC", "Parquet"]),
    fields=st.sets(st.sampled_from(known_fields())).map(lambda found: tuple(sorted(found))),
    destination=st.from_regex(r"[a-z0-9.-]{3,20}", fullmatch=True),
    destination_prefix=st.text(max_size=20),
    destination_account=st.none() | st.just(ACCOUNT),
    encryption=st.sampled_from(["none", "SSE-S3"]),
) | st.builds(
    Configuration,
    id=TEXT,
    enabled=st.booleans(),
    prefix=st.just(""),
    frequency=st.just("Daily"),
    versions=st.just("All"),
    format=st.just("CSV"),
    fields=st.just(()),
    destination=st.just("reports"),
    destination_prefix=st.just(""),
    destination_account=st.none(),
    encryption=st.just("SSE-KMS"),
    kms_key=TEXT,
)


SHAPE = get_session().get_service_model("s3").shape_for("InventoryConfiguration")


@running(max_examples=50)
@given(configuration=CONFIGURATIONS)
def test_what_is_put_is_read_back(configuration: Configuration) -> None:
    sent = configuration.to_aws("aws-cn")
    assert of_aws([sent]) == (configuration,)
    assert not ParamValidator().validate(sent, SHAPE).has_errors()


@running(max_examples=50)
@given(one=CONFIGURATIONS, other=CONFIGURATIONS)
def test_differences_are_none_just_where_both_are_equal(
    one: Configuration, other: Configuration
) -> None:
    assert bool(one.differences(other)) == (one != other)
    assert one.differences(one) == ()
