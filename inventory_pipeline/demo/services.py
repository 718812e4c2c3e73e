"""AWS services that answer from the description, within moto's own protocol layer.

moto parses the requests and writes the answers; the classes below say what is in them, page as AWS
does, and refuse what the organisation refuses. Everything else of these services stays moto's, but
for those that moto does not have at all. Belongs here: handlers of requests. Not here: EC2's, which
are many (`compute`), the server (`simulation`), what moto itself keeps (`buckets`, `stock`).

Imported only once the simulation starts, because importing moto takes a while.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import unquote

from moto.awslambda.responses import LambdaResponse
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, BaseResponse
from moto.iam.responses import IamResponse
from moto.kms.responses import KmsResponse
from moto.rds.responses import RDSResponse
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
from moto.ssm.responses import SimpleSystemManagerResponse
from moto.sts.responses import TokenResponse

from inventory_pipeline.demo import answers, thing_answers
from inventory_pipeline.demo.cloudwatch import MOST_QUERIES, metric_data
from inventory_pipeline.demo.compute import Compute
from inventory_pipeline.demo.estate import MANAGEMENT_ACCOUNT, Function
from inventory_pipeline.demo.ground import GLOBAL
from inventory_pipeline.demo.stage import Guarded, Refused, Stage, page

T = TypeVar("T")


class Databases(Guarded, RDSResponse):
    def describe_db_instances(self) -> ActionResult:
        return self._answer("DBInstances", self.cell.databases, answers.database)

    def describe_db_clusters(self) -> ActionResult:
        return self._answer("DBClusters", self.cell.clusters, answers.cluster)

    def _answer(self, name: str, items: Sequence[T], word: Callable[[T], Any]) -> ActionResult:
        found, token = page(items, self.params.get("Marker"), self.params.get("MaxRecords"))
        return ActionResult({name: [word(it) for it in found], "Marker": token})

    def describe_db_engine_versions(self) -> ActionResult:
        return ActionResult({"DBEngineVersions": answers.ENGINE_VERSIONS})

    def describe_db_major_engine_versions(self) -> ActionResult:
        return ActionResult({"DBMajorEngineVersions": answers.MAJOR_ENGINE_VERSIONS})


class Functions(Guarded, LambdaResponse):
    def list_functions(self) -> ActionResult:  # type: ignore[override]
        token, most = (self.querystring.get(n, [None])[0] for n in ("Marker", "MaxItems"))
        found, following = page(self.cell.functions, token, int(most) if most else None)
        return ActionResult(
            {
                "Functions": [answers.function(it) for it in found],
                "NextMarker": following,
            }
        )

    def get_account_settings(self) -> ActionResult:
        return ActionResult(answers.lambda_settings(self.cell.functions))

    def list_function_url_configs(self) -> ActionResult:
        found = self._function()
        return ActionResult({"FunctionUrlConfigs": answers.function_urls(found)})

    def list_function_event_invoke_configs(self) -> ActionResult:  # type: ignore[override]
        self._function()
        return ActionResult({"FunctionEventInvokeConfigs": []})

    def list_provisioned_concurrency_configs(self) -> ActionResult:
        self._function()
        return ActionResult({"ProvisionedConcurrencyConfigs": []})

    def _function(self) -> Function:
        """The function in the path /<version>/functions/<name>/…"""
        name = unquote(self.path.split("/")[3])
        found = next((f for f in self.cell.functions if f.id == name), None)
        if found is None:
            raise Refused("ResourceNotFoundException", f"Function not found: {name}")
        return found


class Tagging(Guarded, ResourceGroupsTaggingAPIResponse):
    def get_resources(self) -> ActionResult:
        if self._get_param("ResourceTypeFilters") != ["lambda:function"]:
            return super().get_resources()
        tagged = [f for f in self.cell.functions if f.tags]
        most = self._get_int_param("ResourcesPerPage")
        found, token = page(tagged, self._get_param("PaginationToken"), most)
        return ActionResult(
            {
                "ResourceTagMappingList": [
                    {"ResourceARN": answers.function_arn(f), "Tags": answers.tag_list(f.tags)}
                    for f in found
                ],
                "PaginationToken": token or "",
            }
        )


class Monitoring(Guarded, CloudWatchResponse):
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


class Identities(Guarded, IamResponse):
    def list_organizations_features(self) -> ActionResult:
        code = "AccountNotManagementOrDelegatedAdministratorException"
        raise Refused(code, f"{self.current_account} is not the management account")

    def get_credential_report(self) -> ActionResult:
        """moto's, and the root user, whom moto leaves out."""
        header, _, users = self.backend.get_credential_report().partition("\n")
        root = answers.root_credentials(self.stage.estate, self.current_account)
        return ActionResult(
            {
                "Content": "\n".join((header, root, users)),
                "ReportFormat": "text/csv",
                "GeneratedTime": self.stage.estate.ago(hours=1),
            }
        )


class Keys(Guarded, KmsResponse):
    def get_key_last_usage(self) -> ActionResult:
        """No key was ever used."""
        since = self.stage.estate.ago(days=90)
        return ActionResult({"KeyId": self._get_param("KeyId"), "TrackingStartDate": since})

    def get_key_policy(self) -> ActionResult:  # type: ignore[override]
        """Its only policy, which moto knows if it is called by its name alone."""
        policy = self.kms_backend.get_key_policy(self._get_param("KeyId"))
        return ActionResult({"Policy": policy, "PolicyName": "default"})


class Management(Guarded, SimpleSystemManagerResponse):
    def describe_instance_information(self) -> ActionResult:
        """Instances that run an agent: those of which anything is heard at all."""
        managed = [it for it in self.cell.instances if it.running and it.use != "silent"]
        most = self._get_int_param("MaxResults")
        found, token = page(managed, self._get_param("NextToken"), most)
        information = [{"InstanceId": it.id, "PingStatus": "Online"} for it in found]
        return ActionResult({"InstanceInformationList": information, "NextToken": token})


class Analyzers(Guarded):
    def __init__(self) -> None:
        super().__init__(service_name="accessanalyzer")

    def list_analyzers(self) -> ActionResult:
        found = self.cell.things.get("access_analyzer", [])
        return ActionResult({"analyzers": [thing_answers.analyzer(it) for it in found]})


class Certificates(Guarded):
    """ACM as a whole: moto would make keys, and would not keep a certificate that expired."""

    def __init__(self) -> None:
        super().__init__(service_name="acm")

    def list_certificates(self) -> ActionResult:
        found = self.cell.things.get("acm_certificate", [])
        return ActionResult(
            {"CertificateSummaryList": [thing_answers.certificate(it) for it in found]}
        )

    def describe_certificate(self) -> ActionResult:
        arn = self._get_param("CertificateArn")
        there = map(thing_answers.certificate, self.cell.things["acm_certificate"])
        found = next(it for it in there if it["CertificateArn"] == arn)
        return ActionResult({"Certificate": found})

    def list_tags_for_certificate(self) -> ActionResult:
        return ActionResult({"Tags": []})


class SavingsPlans(Guarded):
    def __init__(self) -> None:
        super().__init__(service_name="savingsplans")

    def describe_savings_plans(self) -> ActionResult:
        found = self.stage.cell(self.current_account, GLOBAL).things.get("savings_plan", [])
        return ActionResult({"savingsPlans": [thing_answers.savings_plan(it) for it in found]})


HANDLERS: dict[str, type[BaseResponse]] = {
    "ec2": Compute,
    "rds": Databases,
    "awslambda": Functions,
    "cloudwatch": Monitoring,
    "sts": Tokens,
    "iam": Identities,
    "kms": Keys,
    "ssm": Management,
    "resourcegroupstaggingapi": Tagging,
}
"""By the name moto's server has for the service."""

WITHOUT_MOTO: dict[str, type[Guarded]] = {
    "access-analyzer": Analyzers,
    "acm": Certificates,
    "savingsplans": SavingsPlans,
}
"""By the name that requests to the service are signed for."""
