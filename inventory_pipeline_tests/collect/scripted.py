"""AWS as a script: each operation's answers, in order, and what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.accounts import Account
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types import ResourceType
from inventory_pipeline.resource_types.model import field as column
from inventory_pipeline_tests.simulated_aws import refused

AT = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNT = Account("111111111111", "one")

Script = Mapping[str, Callable[..., Any] | list[Any]]


@dataclass
class Scripted:
    """A client source, and the client itself. An answer that is an exception is raised.

    A list is an operation's pages; a function is called with the arguments.
    """

    script: Script
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list[Any])

    def client(self, account: Account | None, service: str, region: str) -> Scripted:
        return self

    def can_paginate(self, operation: str) -> bool:
        return isinstance(self.script[operation], list)

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self, operation)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.asked.append((operation, arguments))
            answer = self.script[operation]
            return said(answer(**arguments) if callable(answer) else answer)

        return call

    def arguments(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.asked if name == operation]


@dataclass
class Paginator:
    client: Scripted
    operation: str

    def paginate(self, **arguments: Any) -> Iterator[Any]:
        self.client.asked.append((self.operation, arguments))
        yield from map(said, self.client.script[self.operation])


def said(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def look(kind: ResourceType, script: Script, **more: Any) -> tuple[CellResult, Scripted]:
    """The result of one look at a cell of this type."""
    client = Scripted(script)
    runner = CellRunner(client, AT, lambda: AT, parallel=4, **more)
    region = "global" if kind.scope == "global" else "eu-west-1"
    (result,) = runner.run([Cell(ACCOUNT, region, kind)])
    return result, client


def statuses(result: CellResult) -> dict[str, str]:
    return {row["collector"]: row["status"] for row in result.coverage}


def kind_of(**changes: Any) -> ResourceType:
    """A type whose items are `{"Id": ..., "Size": ...}`."""
    return ResourceType(
        **{
            "name": "thing",
            "table": "things",
            "group": "things",
            "service": "ec2",
            "meaning": "Things.",
            "operation": "list_things",
            "items": "Things[]",
            "iam_actions": ("things:ListThings",),
            "resource_id": "Id",
            "arn": "arn:{partition}:things:{region}:{account_id}:{resource_id}",
            "name_source": "Id",
            "fields": (column("size", T.BIGINT, "Size.", "Size"),),
        }
        | changes
    )


THINGS = [{"Things": [{"Id": "a"}, {"Id": "b"}]}, {"Things": [{"Id": "c"}]}]

__all__ = ["ACCOUNT", "AT", "THINGS", "Scripted", "kind_of", "look", "refused", "statuses"]
