"""Keys about stored objects: tenants that overlap, patterns that engines would read otherwise.

That each key changes what is found is tested beside the marts.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inventory_pipeline.marts.storage.parameters import storage_parameters
from inventory_pipeline.marts.storage.places import glob_pattern
from inventory_pipeline.settings import SettingsError
from inventory_pipeline.settings.model import S3InventorySettings
from inventory_pipeline.settings.objects import _meet as meet


def tenant(name: str, *sources: str, prefix: str = "") -> dict[str, Any]:
    return {"name": name, "sources": list(sources), "prefix": prefix}


def refused(**settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        S3InventorySettings.model_validate(settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (tenant("one", "data"), tenant("other", "data")),
        (tenant("one", "*-data"), tenant("other", "eu-*", prefix="a/")),
        (tenant("one", "x", "data-?"), tenant("other", "data-1", prefix="t/one")),
        (tenant("one", "data-[12]", prefix="t/"), tenant("other", "data-2", prefix="t/other/")),
    ],
)
def test_tenants_that_overlap_are_an_error_that_names_both(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    for pair in ([one, other], [other, one]):
        message = refused(tenants=pair)
        assert "'one'" in message
        assert "'other'" in message
        assert "overlap" in message


def test_tenants_apart_are_taken_as_they_are() -> None:
    apart = [
        tenant("one", "data", prefix="a/"),
        tenant("other", "data", prefix="b/"),
        tenant("third", "logs-*"),
        tenant("fourth", "*-eu", "*-us", prefix="c/"),
    ]
    with pytest.raises(ValidationError, match="overlap"):
        S3InventorySettings.model_validate({"tenants": apart})  # logs-eu is two tenants'
    apart[3]["sources"] = ["data-eu"]
    assert len(S3InventorySettings.model_validate({"tenants": apart}).tenants) == 4


@pytest.mark.parametrize(
    ("tenants", "told"),
    [
        ([tenant("a", "x"), tenant("a", "y")], "'a' is the name of several tenants"),
        ([tenant("unassigned", "x")], "what no tenant has"),
        ([tenant("a")], "at least 1 item"),
        ([tenant("a", "x", prefix="a\x1fb")], "cannot be printed"),
    ],
)
def test_tenants_that_cannot_be(tenants: list[dict[str, Any]], told: str) -> None:
    assert told in refused(tenants=tenants)


GLOBS = st.text(alphabet="ab*?", max_size=6)


@given(GLOBS, GLOBS, st.text(alphabet="ab", max_size=6))
def test_globs_that_match_one_name_meet(one: str, other: str, name: str) -> None:
    if fnmatchcase(name, one) and fnmatchcase(name, other):
        assert meet(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("a*b", "a*c"), ("?", "ab"), ("ab*", "*ba?x"), ("a", "")]
)
def test_globs_that_no_name_matches_do_not_meet(one: str, other: str) -> None:
    assert meet(one, other) == (one == "ab*")


@given(
    st.text(alphabet="ab*?.-[]!", max_size=8).filter(lambda glob: "[" not in glob),
    st.text(alphabet="ab.-", max_size=6),
)
def test_a_glob_and_its_pattern_match_alike(glob: str, name: str) -> None:
    import re

    assert bool(re.fullmatch(glob_pattern(glob), name)) == fnmatchcase(name, glob)


@pytest.mark.parametrize("glob", ["data-[12]", "data-[!12]", "[a-c].x"])
def test_sets_of_characters_match_alike(glob: str) -> None:
    import re

    for name in ("data-1", "data-3", "b.x", "bx"):
        assert bool(re.fullmatch(glob_pattern(glob), name)) == fnmatchcase(name, glob)


@pytest.mark.parametrize(
    "pattern", ["", "(", "(?=a)", "(?i)a", r"(a)\1", "a++", r"\bname", "a\nb", "a\x1fb", r"\Aa"]
)
def test_patterns_that_engines_read_otherwise_are_refused(pattern: str) -> None:
    assert "regular expression" in refused(personal_data={"patterns": {"own": pattern}})


def test_rules_off_must_be_rules() -> None:
    for settings, known in (
        ({"compliance": {"rules_off": ["unencripted"]}}, "unencrypted"),
        ({"personal_data": {"rules_off": ["emial"]}}, "email"),
    ):
        with pytest.raises(SettingsError, match=known):
            storage_parameters(S3InventorySettings.model_validate(settings))
