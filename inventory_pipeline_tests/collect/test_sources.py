"""Our reading of plain JMESPath against the library's."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.collect import sources

NAMES = ("A", "B", "C")
EXPRESSIONS = st.builds(
    lambda steps, default: ".".join(steps) + default,
    st.lists(
        st.builds(
            lambda n, i: n + i, st.sampled_from(NAMES), st.sampled_from(["", "[]", "[0]", "[1]"])
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["", " || `[]`", " || `{}`"]),
)
ITEMS = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 1) | st.sampled_from(["", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=20,
    ),
)


@given(EXPRESSIONS, ITEMS)
def test_plain_paths_find_what_the_library_finds(expression: str, item: dict[str, Any]) -> None:
    assert sources.find(expression, item) == jmespath.search(expression, item)


@pytest.mark.parametrize(
    "expression",
    ["A.B", "A[0].B", "A[].B", "A[].B[].C", "A[].B[0]", "A || `[]`", "A.B[] || `{}`"],
)
def test_these_are_read_without_the_library(
    expression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiled(_: str) -> Any:
        raise AssertionError("the library was asked")

    sources._finder.cache_clear()
    monkeypatch.setattr("jmespath.compile", compiled)
    assert sources.find(expression, {"A": [{"B": [{"C": 1}]}]}) is not NotImplemented
    sources._finder.cache_clear()


def test_all_else_is_the_librarys() -> None:
    item = {"Tags": [{"Key": "Name", "Value": "x"}]}
    assert sources.find("Tags[?Key=='Name'].Value | [0]", item) == "x"
    assert sources.find(lambda found: len(found), item) == 1
