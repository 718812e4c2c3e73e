"""What the simulated AWS shows at the moment, and what all services that answer from it share.

Belongs here: the stage, pages, refusals: a denied service, a disabled region. Not here: what each
service answers (`services`).

Imported only once the simulation starts, because importing moto takes a while.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from inventory_pipeline.demo.cloudwatch import Metrics
from inventory_pipeline.demo.estate import (
    DISABLED_REGION,
    Cluster,
    Database,
    Estate,
    Function,
    Instance,
    Resource,
    Thing,
    Volume,
    World,
)

PAGE = 20
"""Short pages, so that a reader who forgets to turn them is found out even in a small estate."""

# Errors that any AWS service may answer; moto's list of those lacks them and would warn.
COMMON_ERROR_CODES.extend(["AccessDenied", "UnrecognizedClientException"])

T = TypeVar("T")


class Refused(ServiceException):
    """An error as AWS words it: Refused(code, message)."""


@dataclass
class Cell:
    """What one account has in one region."""

    metrics: Metrics
    instances: list[Instance] = field(default_factory=list[Instance])
    volumes: list[Volume] = field(default_factory=list[Volume])
    volumes_of: dict[str, list[Volume]] = field(default_factory=dict[str, list[Volume]])
    databases: list[Database] = field(default_factory=list[Database])
    clusters: list[Cluster] = field(default_factory=list[Cluster])
    functions: list[Function] = field(default_factory=list[Function])
    things: dict[str, list[Thing]] = field(default_factory=dict[str, list[Thing]])


class Stage:
    """What AWS shows at the moment; the services read it at every request."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._cells: dict[tuple[str, str], Cell] = {}

    def show(self, world: World) -> None:
        resources: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for kind in world.by_type().values():
            for resource in kind:
                resources[resource.account_id, resource.region].append(resource)
        self._cells = {place: self._cell(there) for place, there in resources.items()}

    def cell(self, account_id: str, region: str) -> Cell:
        return self._cells.get((account_id, region)) or self._cell([])

    def _cell(self, resources: list[Resource]) -> Cell:
        cell = Cell(Metrics(resources, self.estate.now))
        for resource in resources:
            _put(cell, resource)
        return cell

    def refusal(self, service: str, action: str, account_id: str, region: str) -> str | None:
        """AWS's error code where the caller may not do that, else None."""
        if region == DISABLED_REGION:
            return "AuthFailure" if service == "ec2" else "UnrecognizedClientException"
        account = next((a for a in self.estate.accounts if a.account_id == account_id), None)
        if account and account.denied_service == service:
            return "AccessDenied"
        return None


def _put(cell: Cell, resource: Resource) -> None:
    match resource:
        case Instance():
            cell.instances.append(resource)
        case Volume():
            cell.volumes.append(resource)
            if resource.instance_id:
                cell.volumes_of.setdefault(resource.instance_id, []).append(resource)
        case Database():
            cell.databases.append(resource)
        case Cluster():
            cell.clusters.append(resource)
        case Function():
            cell.functions.append(resource)
        case Thing():
            cell.things.setdefault(resource.type, []).append(resource)
        case _:
            pass


def page(items: Sequence[T], token: str | None, most: int | None) -> tuple[Sequence[T], str | None]:
    """The page that `token` opens, and the token of the next one."""
    start = int(token or 0)
    end = start + min(most or PAGE, PAGE)
    return items[start:end], str(end) if end < len(items) else None


class Guarded(BaseResponse):
    """A service that answers from the stage, unless the caller is refused."""

    stage: Stage

    @property
    def cell(self) -> Cell:
        return self.stage.cell(self.current_account, self.region)

    def call_action(self) -> Any:
        action = self._get_action()
        code = self.stage.refusal(
            self.boto3_service_name, action, self.current_account, self.region
        )
        if code is None:
            return super().call_action()
        caller = f"arn:aws:sts::{self.current_account}:assumed-role"
        what = f"{self.boto3_service_name}:{action}"
        message = f"{caller} is not authorized to perform: {what} in {self.region}"
        return self.serialized(ActionResult(Refused(code, message)))
