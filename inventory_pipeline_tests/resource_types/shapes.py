"""What botocore says an answer looks like: to follow JMESPath through it, and to make examples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jmespath
from botocore.model import ListShape, MapShape, StringShape, StructureShape
from botocore.session import Session

from inventory_pipeline.resource_types import Detail, ResourceType

PLACE: Mapping[str, Any] = {
    name: StringShape(name, {"type": "string"}) for name in ("account_id", "partition", "region")
}

POLICY = '{"Statement": []}'
TIME = "2026-01-02T03:04:05.000+0000"


@cache
def session() -> Session:
    return Session()


@cache
def operation(service: str, name: str) -> Any:
    """The model of an operation that a client knows as `name`."""
    client = session().create_client(
        service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[name])


def item_members(kind: ResourceType) -> dict[str, Any] | None:
    """The members of an item of this type, its details included; None where a function makes it."""
    item = _own_members(kind)
    return (
        None if item is None else {**item, **{d.name: detail_shape(kind, d) for d in kind.details}}
    )


def _own_members(kind: ResourceType) -> Mapping[str, Any] | None:
    if kind.operation is None:
        return PLACE
    if not isinstance(kind.items, str):
        return None
    found = members_of(elements(kind.service, kind.operation, kind.items))
    if kind.within is None:
        return found
    return {**found, "parent": elements(kind.service, kind.within.operation, kind.within.items)}


def detail_shape(kind: ResourceType, detail: Detail) -> Any:
    service = detail.service or kind.service
    if detail.batch is not None:
        return elements(service, detail.operation, detail.batch.answers)
    if detail.items is not None:
        return Projected(elements(service, detail.operation, detail.items))
    return operation(service, detail.operation).output_shape


def elements(service: str, name: str, items: str) -> Any:
    """The shape of what an expression lists in an operation's answer."""
    return element(follow(jmespath.compile(items).parsed, operation(service, name).output_shape))


@dataclass(frozen=True)
class Projected:
    """A list that an expression made."""

    member: Any


def follow(node: Mapping[str, Any], shape: Any) -> Any:
    """The shape that a JMESPath expression finds; raises KeyError at a name that is not there."""
    children = node["children"]
    match node["type"]:
        case "field":
            return members_of(shape)[node["value"]]
        case "subexpression" | "index_expression" | "pipe":
            for child in children:
                shape = follow(child, shape)
            return shape
        case "index":
            return element(shape)
        case "projection":
            return Projected(follow(children[1], element(follow(children[0], shape))))
        case "filter_projection":
            item = element(follow(children[0], shape))
            follow(children[2], item)
            return Projected(follow(children[1], item))
        case "flatten":
            found = follow(children[0], shape)
            return element(found) if is_list(element(found)) else found
        case "identity" | "current":
            return shape
        case "literal":
            return None
        case "and_expression":
            *_, last = [follow(child, shape) for child in children]
            return last
        case "function_expression" | "comparator" | "or_expression" | "not_expression":
            first, *_ = [follow(child, shape) for child in children]
            return first
        case "multi_select_list":
            first, *_ = [follow(child, shape) for child in children]
            return Projected(first)
        case "multi_select_dict":
            return {child["value"]: follow(child["children"][0], shape) for child in children}
        case unknown:
            raise AssertionError(f"a form of JMESPath this test does not know: {unknown}")


def is_list(shape: Any) -> bool:
    return isinstance(shape, ListShape | Projected)


def element(shape: Any) -> Any:
    assert is_list(shape), f"{shape} is no list"
    return shape.member


def members_of(shape: Any) -> Mapping[str, Any]:
    if isinstance(shape, StructureShape):
        return shape.members
    assert isinstance(shape, Mapping), f"{shape} has no members"
    return shape


def _member(name: str, shape: Any, depth: int) -> Any:
    text = text_called(name) if getattr(shape, "type_name", None) == "string" else None
    return text or example(shape, depth)


def text_called(name: str) -> str | None:
    """A policy, time or amount that AWS's model calls a plain string, told by its name."""
    if name.lower() == "policy":
        return POLICY
    if re.fullmatch("start|end|.*(Date|Time|At)", name):
        return TIME
    return "1.5" if re.fullmatch("commitment|.*Amount", name) else None


def example(shape: Any, depth: int = 0) -> Any:
    """A value of a shape, as botocore would give it."""
    if depth > 8:
        return None
    if isinstance(shape, Mapping):
        return {name: _member(name, member, depth + 1) for name, member in shape.items()}
    if isinstance(shape, Projected):
        return [example(shape.member, depth + 1)]
    if isinstance(shape, StructureShape):
        return example(shape.members, depth)
    if isinstance(shape, ListShape):
        return [example(shape.member, depth + 1)]
    if isinstance(shape, MapShape):
        return {"key": example(shape.value, depth + 1)}
    if getattr(shape, "enum", None):
        return shape.enum[0]
    match shape.type_name:
        case "timestamp":
            return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        case "integer" | "long":
            return 7
        case "double" | "float":
            return 0.5
        case "boolean":
            return True
        case "blob":
            return b"x"
        case _:
            if "policy" in shape.name.lower():
                return POLICY
            # Lambda's times are text.
            return TIME if shape.name == "Timestamp" else "text"
