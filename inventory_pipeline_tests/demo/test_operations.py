"""Every call that any resource type needs is answered: by the description, or by moto."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.responses import BaseResponse

from inventory_pipeline.demo.services import HANDLERS, WITHOUT_MOTO
from inventory_pipeline.resource_types import ResourceType, resource_types

MOTO_NAMES = {"lambda": "awslambda"}
SIGNED_FOR = {"accessanalyzer": "access-analyzer"}
NOT_BY_METHOD = ("s3", "s3control")
"""moto's S3 finds its answers by other ways than the operation's name."""

UNPLANTED = {("iam", "list_server_certificate_tags")}
"""Asked of resources that nobody has in the simulation."""


def calls(kind: ResourceType) -> Iterator[tuple[str, str]]:
    """(service, operation) of all that a type asks for."""
    if kind.operation:
        yield kind.service, kind.operation
    if kind.within:
        yield kind.service, kind.within.operation
    if kind.prepare:
        yield kind.service, kind.prepare.operation
    for detail in kind.details:
        yield detail.service or kind.service, detail.operation


def handlers(service: str) -> list[type[Any]]:
    name = MOTO_NAMES.get(service, service).replace("-", "")
    if ours := WITHOUT_MOTO.get(SIGNED_FOR.get(service, service)) or HANDLERS.get(name):
        return [ours]
    module = importlib.import_module(f"moto.{name}.responses")
    return [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, BaseResponse)]


@pytest.mark.parametrize("kind", resource_types().values(), ids=lambda kind: kind.name)
def test_a_type_finds_its_answers(kind: ResourceType) -> None:
    missing = {
        (service, operation)
        for service, operation in calls(kind)
        if service not in NOT_BY_METHOD
        and not any(hasattr(handler, operation) for handler in handlers(service))
    }
    assert missing <= UNPLANTED, "moto has no such operation: answer it in demo/services or compute"
