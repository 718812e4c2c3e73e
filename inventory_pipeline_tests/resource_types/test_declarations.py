"""Every declared resource type against botocore's own description of AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jmespath
import pytest

from inventory_pipeline.accounts import Account
from inventory_pipeline.collect.calls import CONTINUATIONS
from inventory_pipeline.collect.observe import Sighting, observe
from inventory_pipeline.resource_types import ResourceType, resource_types, selected_types
from inventory_pipeline.tables import COMMON_RESOURCE_COLUMNS, tables
from inventory_pipeline_tests.resource_types.shapes import (
    example,
    follow,
    item_members,
    operation,
    session,
)

KINDS = list(resource_types().values())
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def sources(kind: ResourceType) -> Iterator[tuple[str, str]]:
    """Every JMESPath of a type that is read from its items, by where it stands."""
    found: list[tuple[str, Any]] = [
        ("resource_id", kind.resource_id),
        ("name", kind.name_source),
        ("state", kind.state),
        ("created_at", kind.created_at),
        ("tags", kind.tags),
        ("region", kind.region),
        ("keep", kind.keep),
        ("arn", None if str(kind.arn).startswith("arn:") else kind.arn),
        *((f.column.name, f.source) for f in kind.fields),
        *((r.relation, r.targets) for r in kind.relationships),
        *((f"{m.column} {name}", s) for m in kind.metrics for name, s in m.dimensions.items()),
        *(
            (f"{d.name} {name}", s)
            for d in kind.details
            if not d.per_cell
            for name, s in d.arguments.items()
        ),
        *((f"{d.name} unless", d.unless) for d in kind.details),
        *((f"{d.name} key", d.batch.key) for d in kind.details if d.batch is not None),
        *((children.table.name, children.elements) for children in kind.children),
    ]
    return ((where, source) for where, source in found if isinstance(source, str))


def whole_item(kind: ResourceType) -> dict[str, Any]:
    item: dict[str, Any] = example(item_members(kind) or {})
    if "PolicyDocument" in item:  # of EC2, whose model calls it a string like any other
        item["PolicyDocument"] = '{"Statement": []}'
    if kind.tags == "Tags || `[]`":
        item["Tags"] = [
            {"Key": key, "Value": "text"} for key in ("Name", "aws:autoscaling:groupName")
        ]
    return item


def seen(kind: ResourceType, item: dict[str, Any]) -> Any:
    account = Account("123456789012", "a")
    region = "global" if kind.scope == "global" else "eu-west-1"
    return observe(kind, item, Sighting(account, region, NOW, NOW))


@each_kind
def test_sources_name_what_aws_answers(kind: ResourceType) -> None:
    members = item_members(kind)
    if members is None:  # a function makes the items: its own tests know their members
        return
    for where, source in sources(kind):
        try:
            follow(jmespath.compile(source).parsed, members)
        except KeyError as missing:
            pytest.fail(f"{kind.name} {where}: {source!r} names {missing}, which AWS has not")


def test_a_misspelt_source_would_be_found() -> None:
    members = item_members(resource_types()["ec2_instance"])
    assert members is not None
    for source in ("Instanceid", "State.Nam", "NetworkInterfaces.Attachment", "Tags[].Keys"):
        with pytest.raises((KeyError, AssertionError)):
            follow(jmespath.compile(source).parsed, members)


def paginates(service: str, name: str) -> bool:
    return client(service).can_paginate(name)


@cache
def client(service: str) -> Any:
    return session().create_client(
        service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def check_arguments(service: str, name: str, given: set[str]) -> None:
    shape = operation(service, name).input_shape
    known, required = (set(shape.members), set(shape.required_members)) if shape else (set(), set())
    assert required <= given <= known, f"{name}: {given} of {known}, {required} required"


@each_kind
def test_operations_and_their_arguments_exist(kind: ResourceType) -> None:
    if kind.operation is not None:
        check_arguments(kind.service, kind.operation, set(kind.arguments or {}))
    if kind.within is not None:
        check_arguments(kind.service, kind.within.operation, set(kind.within.arguments))
        check_answer(kind.service, kind.within.operation, kind.within.items)
    if kind.prepare is not None:
        check_arguments(kind.service, kind.prepare.operation, set())
        check_answer(kind.service, kind.prepare.operation, kind.prepare.done)
    for detail in kind.details:
        service = detail.service or kind.service
        batched = {detail.batch.argument} if detail.batch else set[str]()
        check_arguments(service, detail.operation, {*detail.arguments, *batched})
        for expression in (detail.items, detail.batch and detail.batch.answers):
            if expression:
                check_answer(service, detail.operation, expression)


def check_answer(service: str, name: str, expression: str) -> None:
    try:
        follow(jmespath.compile(expression).parsed, operation(service, name).output_shape)
    except KeyError as missing:
        pytest.fail(f"{name}: {expression!r} names {missing}, which AWS has not")


@each_kind
def test_nothing_is_cut_after_a_page(kind: ResourceType) -> None:
    """What botocore can page is paged; what it cannot, AWS answers whole."""
    # EC2 and S3 answer everything at once, or cut, where no size of a page is given.
    if kind.service in ("ec2", "s3") and kind.operation and paginates(kind.service, kind.operation):
        assert {"MaxResults", "MaxBuckets"} & set(kind.arguments or {})
    for name in filter(None, [kind.operation, kind.within and kind.within.operation]):
        assert paginates(kind.service, name) or not has_token(kind.service, name), name
    for detail in kind.details:
        service = detail.service or kind.service
        cut = paginates(service, detail.operation) and not detail.batch
        assert not cut or detail.items, f"{detail.name} would be cut after a page"


def has_token(service: str, name: str) -> bool:
    model = operation(service, name)
    tokens = {m for m in model.output_shape.members if re.search("token|marker", m, re.IGNORECASE)}
    asked = model.input_shape.members if model.input_shape else {}
    followed = {t for t, name in CONTINUATIONS.items() if name in asked}
    # What S3 asks for comes back in its answers.
    return bool(tokens - followed - set(followed and CONTINUATIONS.values()))


@each_kind
def test_every_column_is_filled_from_a_whole_item(kind: ResourceType) -> None:
    if item_members(kind) is None:
        return
    observation = seen(kind, whole_item(kind))
    assert observation.problems == []
    plain = {f.column.name for f in kind.fields if isinstance(f.source, str)}
    empty = {name for name in plain if observation.row[name] is None}
    assert not empty
    assert observation.row["arn"], "every resource has an ARN, or is called as if it had"


@each_kind
def test_an_item_with_an_identifier_alone_is_a_row_of_unknowns(kind: ResourceType) -> None:
    if not isinstance(kind.resource_id, str) or item_members(kind) is None:
        return
    top = re.match(r"\w+", kind.resource_id)
    assert top, kind.resource_id
    observation = seen(kind, {top[0]: whole_item(kind)[top[0]]})
    assert observation.problems == []
    if kind.operation is not None:
        assert observation.edges == []


@each_kind
def test_iam_actions_are_well_formed(kind: ResourceType) -> None:
    for action in kind.actions:
        assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", action), action


@each_kind
def test_names_do_not_collide(kind: ResourceType) -> None:
    common = [c.name for c in COMMON_RESOURCE_COLUMNS]
    own = [c.name for c in kind.columns]
    measured = [m.column for m in kind.metrics]
    names = [*common, *own, *measured]
    assert len(names) == len(set(names))
    statistics = [(m.metric, m.statistic) for m in kind.metrics]
    assert len(statistics) == len(set(statistics))
    for table in {c.table.name for c in kind.children}:
        columns = [c.name for c in tables()[table].columns]
        assert len(columns) == len(set(columns)), table
    details = [d.name for d in kind.details]
    assert len(details) == len(set(details))
    listed = item_members(replace(kind, details=())) or {}
    assert not set(details) & set(listed)


def test_an_arn_is_that_of_aws() -> None:
    named = (resource_types()[name] for name in ("ec2_instance", "ebs_volume", "s3_bucket"))
    arns = {kind.name: seen(kind, whole_item(kind)).row["arn"] for kind in named}
    assert arns["ec2_instance"] == "arn:aws:ec2:eu-west-1:123456789012:instance/text"
    assert arns["ebs_volume"] == "arn:aws:ec2:eu-west-1:123456789012:volume/text"
    assert arns["s3_bucket"] == "arn:aws:s3:::text"


def test_settings_may_name_groups_and_types() -> None:
    chosen = selected_types(["rds", "ebs_volume"])
    assert {k.name for k in chosen if k.group != "rds"} == {"ebs_volume"}
    assert {"rds_instance", "rds_cluster"} <= {k.name for k in chosen}
    assert selected_types() == KINDS
