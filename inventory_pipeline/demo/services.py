"""AWS services that answer from the description, within moto's own protocol layer.

moto parses the requests and writes the answers; the classes below say what is in them, page as AWS
does, and refuse what the organisation refuses: a denied service, a disabled region, a wrong
external id. Everything else of these services stays moto's. Belongs here: handlers of requests.
Not here: the server (`simulation`), S3 (`buckets`, on moto's own backend).

Imported only once the simulation starts, because importing moto takes a while.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

from moto.awslambda.responses import LambdaResponse
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.ec2.responses import EC2Response
from moto.rds.responses import RDSResponse
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.responses import TokenResponse

from inventory_pipeline.demo import answers
from inventory_pipeline.demo.cloudwatch import MOST_QUERIES, Metrics, metric_data
from inventory_pipeline.demo.ec2_gaps import UntouchedSettings
from inventory_pipeline.demo.estate import (
    DISABLED_REGION,
    MANAGEMENT_ACCOUNT,
    Cluster,
    Database,
    Estate,
    Function,
    Instance,
    Resource,
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
        case _:
            pass


def page(items: Sequence[T], token: str | None, most: int | None) -> tuple[Sequence[T], str | None]:
    """The page that `token` opens, and the token of the next one."""
    start = int(token or 0)
    end = start + min(most or PAGE, PAGE)
    return items[start:end], str(end) if end < len(items) else None


class _Guarded(BaseResponse):
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


class Compute(_Guarded, UntouchedSettings, EC2Response):  # type: ignore[misc] # moto has one untyped
    def describe_regions(self) -> ActionResult:
        names = self._get_param("RegionNames", [])
        all_regions = self._get_bool_param("AllRegions", False) or names
        return ActionResult(
            {
                "Regions": [
                    r
                    for r in answers.REGIONS
                    if (all_regions or r["OptInStatus"] != "not-opted-in")
                    and (not names or r["RegionName"] in names)
                ]
            }
        )

    def describe_instances(self) -> ActionResult:
        cell = self.cell
        found, token = self._page(cell.instances)
        reservations = [
            {
                "ReservationId": it.id.replace("i-", "r-"),
                "OwnerId": it.account_id,
                "Instances": [answers.instance(it, cell.volumes_of.get(it.id, []))],
            }
            for it in found
        ]
        return ActionResult({"Reservations": reservations, "NextToken": token})

    def describe_instance_attribute(self) -> ActionResult:
        instance_id = self._get_param("InstanceId")
        if not any(it.id == instance_id for it in self.cell.instances):
            message = f"The instance ID '{instance_id}' does not exist"
            raise Refused("InvalidInstanceID.NotFound", message)
        # Of its attributes user data is asked for, which none has.
        return ActionResult({"InstanceId": instance_id, "UserData": {}})

    def describe_instance_image_metadata(self) -> ActionResult:
        wanted = self._get_param("InstanceIds", [])
        found = [it for it in self.cell.instances if not wanted or it.id in wanted]
        return ActionResult({"InstanceImageMetadata": [answers.image_metadata(it) for it in found]})

    def describe_volumes(self) -> ActionResult:
        cell = self.cell
        found, token = self._page(cell.volumes)
        volumes = [answers.volume(it, self._device(it)) for it in found]
        return ActionResult({"Volumes": volumes, "NextToken": token})

    def _device(self, volume: Volume) -> int:
        siblings = self.cell.volumes_of.get(volume.instance_id or "")
        return siblings.index(volume) if siblings else 0

    def _page(self, items: Sequence[T]) -> tuple[Sequence[T], str | None]:
        return page(items, self._get_param("NextToken"), self._get_int_param("MaxResults"))


class Databases(_Guarded, RDSResponse):
    def describe_db_instances(self) -> ActionResult:
        return self._answer("DBInstances", self.cell.databases, answers.database)

    def describe_db_clusters(self) -> ActionResult:
        return self._answer("DBClusters", self.cell.clusters, answers.cluster)

    def describe_db_engine_versions(self) -> ActionResult:
        named = [
            *map(answers.database, self.cell.databases),
            *map(answers.cluster, self.cell.clusters),
        ]
        engines = {(it["Engine"], it["EngineVersion"]) for it in named}
        return self._answer("DBEngineVersions", sorted(engines), answers.engine_version)

    def describe_db_major_engine_versions(self) -> ActionResult:
        return ActionResult({"DBMajorEngineVersions": []})

    def _answer(self, name: str, items: Sequence[T], word: Callable[[T], Any]) -> ActionResult:
        found, token = page(items, self.params.get("Marker"), self.params.get("MaxRecords"))
        return ActionResult({name: [word(it) for it in found], "Marker": token})


class Functions(_Guarded, LambdaResponse):
    def list_functions(self) -> ActionResult:  # type: ignore[override]
        token, most = (self.querystring.get(n, [None])[0] for n in ("Marker", "MaxItems"))
        found, following = page(self.cell.functions, token, int(most) if most else None)
        return ActionResult(
            {
                "Functions": [answers.function(it) for it in found],
                "NextMarker": following,
            }
        )

    def list_tags(self) -> ActionResult:  # type: ignore[override]
        arn = unquote(self.path.rsplit("/", 1)[-1])
        name = arn.rpartition(":")[2]
        found = next((f for f in self.cell.functions if f.id == name), None)
        if found is None or answers.function_arn(found) != arn:
            raise Refused("ResourceNotFoundException", f"Function not found: {arn}")
        return ActionResult({"Tags": dict(found.tags)})

    def get_policy(self) -> ActionResult:  # type: ignore[override]
        raise Refused("ResourceNotFoundException", "The resource you requested does not exist.")

    def list_function_event_invoke_configs(self) -> ActionResult:  # type: ignore[override]
        return ActionResult({"FunctionEventInvokeConfigs": []})

    def list_event_source_mappings(self) -> ActionResult:  # type: ignore[override]
        return ActionResult({"EventSourceMappings": []})


class Tags(_Guarded, ResourceGroupsTaggingAPIResponse):
    """Tags of functions from the description; of all else moto knows them."""

    def get_resources(self) -> ActionResult:
        if self._get_param("ResourceTypeFilters") != ["lambda:function"]:
            return super().get_resources()
        tagged = [it for it in self.cell.functions if it.tags]
        found, token = page(tagged, self._get_param("PaginationToken"), None)
        return ActionResult(
            {
                "PaginationToken": token or "",
                "ResourceTagMappingList": [
                    {
                        "ResourceARN": answers.function_arn(it),
                        "Tags": [{"Key": key, "Value": it.tags[key]} for key in it.tags],
                    }
                    for it in found
                ],
            }
        )


class Management(_Guarded, SimpleSystemManagerResponse):
    """Systems Manager has every instance that runs."""

    def describe_instance_information(self) -> ActionResult:
        running = [it for it in self.cell.instances if it.running]
        found, token = page(
            running, self._get_param("NextToken"), self._get_int_param("MaxResults")
        )
        listed = [{"InstanceId": it.id, "PingStatus": "Online"} for it in found]
        return ActionResult({"InstanceInformationList": listed, "NextToken": token})


class Monitoring(_Guarded, CloudWatchResponse):
    def get_metric_data(self) -> ActionResult:
        queries = self._get_param("MetricDataQueries", [])
        if len(queries) > MOST_QUERIES:
            raise Refused(
                "ValidationError",
                "The collection MetricDataQueries must not have a size greater "
                f"than {MOST_QUERIES}.",
            )
        results = metric_data(
            self.cell.metrics,
            queries,
            _utc(self._get_param("StartTime")),
            _utc(self._get_param("EndTime")),
            newest_first=self._get_param("ScanBy") != "TimestampAscending",
        )
        return ActionResult({"MetricDataResults": results})


def _utc(instant: datetime) -> datetime:
    """moto's parsers differ by protocol: some instants come without their zone, which is UTC."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class Tokens(TokenResponse):
    """AssumeRole as a role's trust policy would have it: the right role, the right external id."""

    stage: Stage

    def assume_role(self) -> ActionResult:
        arn, external_id = self._get_param("RoleArn"), self._get_param("ExternalId")
        account = next((a for a in self.stage.estate.accounts if a.role_arn == arn), None)
        if account is None or account.external_id != external_id:
            raise Refused(
                "AccessDenied",
                f"User: arn:aws:iam::{MANAGEMENT_ACCOUNT}:user/inventory is not authorized to "
                f"perform: sts:AssumeRole on resource: {arn}",
            )
        return super().assume_role()


HANDLERS: dict[str, type[BaseResponse]] = {
    "ec2": Compute,
    "rds": Databases,
    "awslambda": Functions,
    "cloudwatch": Monitoring,
    "resourcegroupstaggingapi": Tags,
    "ssm": Management,
    "sts": Tokens,
}
"""By the name moto's server has for the service."""
