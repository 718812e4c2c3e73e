"""Splitting statements into documents that IAM takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.infrastructure.policies import PolicyError, allow, size, split, sub

SERVICES = st.lists(
    st.tuples(
        st.text("abc", min_size=1, max_size=8),
        st.lists(st.text("ABC", min_size=1, max_size=40), min_size=1, max_size=20, unique=True),
    ),
    max_size=12,
)


@given(SERVICES)
def test_splitting_loses_nothing_and_keeps_to_the_limit(services: list[tuple[str, Any]]) -> None:
    statements = [
        allow(f"S{number}", [f"{service}:{name}" for name in names], "*")
        for number, (service, names) in enumerate(services)
    ]
    documents = split(statements, budget=1_300)
    assert [s for document in documents for s in document["Statement"]] == statements
    assert all(len(json.dumps(d, separators=(",", ":"))) <= 1_300 for d in documents)
    assert len(documents) <= len(statements)


def test_a_size_is_of_the_text_that_iam_gets() -> None:
    statement = allow("S", ["a:B"], [sub("arn:${AWS::Partition}:x")])
    plain = allow("S", ["a:B"], ["arn:${AWS::Partition}:x"])
    assert size([statement]) == size([plain])
    assert size([{"Fn::If": ["C", statement, {"Ref": "AWS::NoValue"}]}]) == size([plain])


def test_a_statement_that_fits_no_policy_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"statement S has .* enable fewer resource_types"):
        split([allow("S", [f"service:Action{n}" for n in range(1000)], "*")])


def test_more_documents_than_a_role_may_have_are_refused() -> None:
    statements = [allow(f"S{n}", ["service:Action"], "*") for n in range(11)]
    with pytest.raises(PolicyError, match="11 managed policies"):
        split(statements, budget=size(statements[:1]) + 5)
