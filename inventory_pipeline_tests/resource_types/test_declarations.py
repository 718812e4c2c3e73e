"""Every declared resource type against botocore's own description of AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jmespath
import pytest

from inventory_pipeline.accounts import Account
from inventory_pipeline.collect.observe import Sighting, observe
from inventory_pipeline.resource_types import ResourceType, resource_types, selected_types
from inventory_pipeline.tables import COMMON_RESOURCE_COLUMNS
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
    ]
    return ((where, source) for where, source in found if isinstance(source, str))


def whole_item(kind: ResourceType) -> dict[str, Any]:
    item = {name: example(shape) for name, shape in item_members(kind).items()}
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
    for where, source in sources(kind):
        try:
            follow(jmespath.compile(source).parsed, members)
        except KeyError as missing:
            pytest.fail(f"{kind.name} {where}: {source!r} names {missing}, which AWS has not")


def test_a_misspelt_source_would_be_found() -> None:
    members = item_members(resource_types()["ec2_instance"])
    for source in ("Instanceid", "State.Nam", "NetworkInterfaces.Attachment", "Tags[].Keys"):
        with pytest.raises((KeyError, AssertionError)):
            follow(jmespath.compile(source).parsed, members)


@each_kind
def test_operations_and_their_arguments_exist(kind: ResourceType) -> None:
    listing = operation(kind.service, kind.operation)
    assert set(kind.arguments or {}) <= set(listing.input_shape.members)
    for detail in kind.details:
        model = operation(detail.service or kind.service, detail.operation)
        assert set(detail.arguments) >= set(model.input_shape.required_members)
        assert set(detail.arguments) <= set(model.input_shape.members)
        paginators = (
            session()
            .get_component("data_loader")
            .load_service_model(detail.service or kind.service, "paginators-1")["pagination"]
        )
        assert model.name not in paginators, f"{detail.name} would be cut after a page"


@each_kind
def test_a_listing_that_could_be_cut_is_paginated(kind: ResourceType) -> None:
    client = session().create_client(
        kind.service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    assert client.can_paginate(kind.operation)
    # EC2 and S3 answer everything at once, or cut, where no size of a page is given.
    if kind.service in ("ec2", "s3"):
        assert {"MaxResults", "MaxBuckets"} & set(kind.arguments or {})


@each_kind
def test_every_column_is_filled_from_a_whole_item(kind: ResourceType) -> None:
    observation = seen(kind, whole_item(kind))
    assert observation.problems == []
    empty = {name for name, value in observation.row.items() if value is None}
    undeclared = {name for name in ("state", "created_at") if getattr(kind, name) is None}
    assert empty - {"stopped_at"} == {"department", "cost_center", "environment"} | undeclared


@each_kind
def test_an_item_with_an_identifier_alone_is_a_row_of_unknowns(kind: ResourceType) -> None:
    whole = whole_item(kind)
    observation = seen(kind, {str(kind.resource_id): whole[str(kind.resource_id)]})
    assert observation.problems == []
    assert observation.edges == []


@each_kind
def test_iam_actions_are_well_formed(kind: ResourceType) -> None:
    for action in (*kind.iam_actions, *(detail.iam_action for detail in kind.details)):
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
    members = set(item_members(kind)) - {d.name for d in kind.details}
    assert not {d.name for d in kind.details} & members


def test_an_arn_is_that_of_aws() -> None:
    arns = {kind.name: seen(kind, whole_item(kind)).row["arn"] for kind in KINDS}
    assert arns["ec2_instance"] == "arn:aws:ec2:eu-west-1:123456789012:instance/text"
    assert arns["ebs_volume"] == "arn:aws:ec2:eu-west-1:123456789012:volume/text"
    assert arns["s3_bucket"] == "arn:aws:s3:::text"


def test_settings_may_name_groups_and_types() -> None:
    assert [k.name for k in selected_types(["rds", "ebs_volume"])] == [
        "ebs_volume",
        "rds_instance",
        "rds_cluster",
    ]
    assert selected_types() == KINDS
