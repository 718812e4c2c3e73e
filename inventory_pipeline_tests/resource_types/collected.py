"""What the collector makes of the resources of one type in the simulated AWS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from inventory_pipeline.accounts import Account, Clients
from inventory_pipeline.collect import Cell, CellResult, CellRunner
from inventory_pipeline.collect.cells import GLOBAL
from inventory_pipeline.resource_types import resource_types

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = Account("111111111111", "engineering", "arn:aws:iam::111111111111:role/R")
REGION = "us-east-1"


def client_of(aws: str, service: str) -> Any:
    """A client with the credentials that the collector has."""
    return Clients(endpoint_url=aws).client(ACCOUNT, service, REGION)


def collected(
    aws: str, kind_name: str, region: str = REGION, unsupported: Sequence[str] = ()
) -> CellResult:
    """All of a type in one region, or globally; fails unless every part of the cell is ok.

    But for parts that the simulation does not know.
    """
    kind = resource_types()[kind_name]
    runner = CellRunner(Clients(endpoint_url=aws), AT, lambda: AT, parallel=2)
    (result,) = runner.run([Cell(ACCOUNT, GLOBAL if kind.scope == "global" else region, kind)])
    known = [row for row in result.coverage if row["collector"] not in unsupported]
    assert {row["status"] for row in known} == {"ok"}, result.coverage
    return result


def row_of(result: CellResult, resource_id: str) -> dict[str, Any]:
    (row,) = [row for row in result.rows if row["resource_id"] == resource_id]
    return row


def children_of(result: CellResult, table: str, resource_id: str) -> list[dict[str, Any]]:
    return [row for row in result.children[table] if row["resource_id"] == resource_id]


def edges_of(result: CellResult, resource_id: str) -> set[tuple[str, str, str]]:
    return {
        (edge["relation"], edge["target_type"], edge["target_id"])
        for edge in result.edges
        if edge["source_id"] == resource_id
    }
