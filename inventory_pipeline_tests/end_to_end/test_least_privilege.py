"""The rendered roles on an AWS that enforces IAM: they suffice, and each action is needed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from inventory_pipeline.accounts import Account, Clients, Entry, accounts_of, enter
from inventory_pipeline.accounts.discovery import discover
from inventory_pipeline.accounts.regions import RegionScope
from inventory_pipeline.collect import CellRunner, plan
from inventory_pipeline.infrastructure import (
    Template,
    collector_role,
    enabled_types,
    member_role,
)
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.erasing import forget_history
from inventory_pipeline.lake.residue import abort_uploads, forget_versions
from inventory_pipeline.lake.turns import INGESTION, alone
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.end_to_end.estate import plant
from inventory_pipeline_tests.end_to_end.ministack import (
    ASKED_DIFFERENTLY,
    ASKED_OF_A_TABLE,
    REGION,
    UNIMPLEMENTED,
    Ministack,
)
from inventory_pipeline_tests.end_to_end.ministack import ministack as running_ministack
from inventory_pipeline_tests.lake.planted import delivery, ingest, usage

pytestmark = pytest.mark.full

HUB = "999999999999"
MEMBER = "111111111111"
COLLECTOR = f"arn:aws:iam::{HUB}:role/InventoryCollector"
RUNNER = f"arn:aws:iam::{HUB}:user/runner"
LAKE = "s3://lake/inventory"
EXTERNAL_ID = "an-external-id"

REMOVED = (
    "apigateway:GET",
    "cloudwatch:GetMetricData",
    "dynamodb:DescribeTable",
    "ec2:DescribeInstances",
    "ec2:DescribeSnapshots",
    "ec2:DescribeVolumes",
    "iam:GenerateCredentialReport",
    "iam:GetAccountAuthorizationDetails",
    "kms:GetKeyPolicy",
    "lambda:GetPolicy",
    "lambda:ListFunctions",
    "rds:DescribeDBInstances",
    "s3:GetBucketPolicy",
    "s3:ListAllMyBuckets",
    "secretsmanager:GetResourcePolicy",
    "sqs:GetQueueAttributes",
)
"""Actions of listings, of details of one resource and of a whole cell, of metrics; of one type and
of several; allowed everywhere and on the account's own resources alone."""

QUICKLY = {"Delay": 1, "MaxAttempts": 60}

Ledger = Mapping[str, Mapping[str, Any]]
"""The ledger's row of each collector."""


@dataclass(frozen=True)
class Deployed:
    """The roles as deployed by CloudFormation from the rendered templates."""

    server: Ministack
    settings: Settings
    parameters: Mapping[str, str]

    def change(self, template: Template) -> None:
        """Deploy another version of the member role."""
        deploy(self.server, MEMBER, template, self.parameters)

    def enter(self) -> Entry:
        [account] = accounts_of(self.settings)
        return enter(account, Clients.of(self.settings))

    def look(self) -> Ledger:
        """Every cell of the account, with fresh sessions of the roles."""
        clients = Clients.of(self.settings)
        entries = [enter(account, clients) for account in accounts_of(self.settings)]
        scope = RegionScope((REGION,))
        cells = plan(entries, enabled_types(self.settings), scope, clients.known_regions)
        now = datetime.now(UTC)
        runner = CellRunner(clients, now, lambda: datetime.now(UTC), scope, 8, 120)
        return {row["collector"]: row for done in runner.run(cells) for row in done.coverage}


@pytest.fixture(scope="module")
def server() -> Iterator[Ministack]:
    with running_ministack() as server:
        yield server


@pytest.fixture(scope="module")
def deployed(server: Ministack) -> Iterator[Deployed]:
    plant(lambda service: server.root(MEMBER, service), MEMBER)
    organization = server.root(HUB, "organizations").describe_organization()["Organization"]["Id"]
    key = _user(server)
    settings = Settings.model_validate(
        {
            "accounts": {"member": {"account_id": MEMBER, "external_id": EXTERNAL_ID}},
            "credentials": {
                "role_chain": [{"role_arn": COLLECTOR}],
                "session_tags": {"team": "finops"},
            },
            "collection_settings": {"retry_attempts": 0},
            "lake": {"location": LAKE, "catalog": "glue"},
            # Found accounts are entered by no test: ministack does not know aws:ResourceOrgID.
            "organization": {"discover": True},
            "aws_endpoint_url": server.url,
        }
    )
    server.root(HUB, "s3").create_bucket(Bucket="lake")
    of_collector = {"TrustedPrincipalArn": RUNNER, "OrganizationId": organization}
    deploy(server, HUB, collector_role(settings), of_collector)
    parameters = {
        "CollectorRoleArn": COLLECTOR,
        "ExternalId": EXTERNAL_ID,
        "OrganizationId": organization,
    }
    found = Deployed(server, settings, parameters)
    found.change(member_role(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        yield found


def _user(server: Ministack) -> Mapping[str, str]:
    """A user who may assume the collector role and nothing else; gives its access key."""
    iam = server.root(HUB, "iam")
    iam.create_user(UserName="runner")
    actions = ["sts:AssumeRole", "sts:TagSession"]
    allow(iam.put_user_policy, actions, COLLECTOR, UserName="runner")
    key: Mapping[str, str] = iam.create_access_key(UserName="runner")["AccessKey"]
    return key


def allow(put: Any, actions: Sequence[str], resource: str, **whom: str) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    put(PolicyName="besides", PolicyDocument=json.dumps(document), **whom)


def deploy(
    server: Ministack, account_id: str, template: Template, parameters: Mapping[str, str]
) -> None:
    """Make the template's stack, or change it, from the very text that is rendered."""
    cloudformation = server.root(account_id, "cloudformation")
    wanted = {
        "StackName": template.name,
        "TemplateBody": template.files[f"{template.name}.yaml"],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
    }
    try:
        cloudformation.create_stack(**wanted)
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=template.name, WaiterConfig=QUICKLY
        )
    except cloudformation.exceptions.AlreadyExistsException:
        cloudformation.update_stack(**wanted)
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=template.name, WaiterConfig=QUICKLY
        )


@pytest.fixture(scope="module")
def as_rendered(deployed: Deployed) -> Ledger:
    """What the collection sees with the rendered policies alone."""
    return deployed.look()


@pytest.fixture(scope="module")
def suffices(deployed: Deployed, as_rendered: Ledger) -> Ledger:
    """What it sees once ministack's own questions are allowed as well."""
    iam = deployed.server.root(MEMBER, "iam")
    allow(iam.put_role_policy, ASKED_DIFFERENTLY, "*", RoleName="AWSInventoryRole")
    return deployed.look()


def with_status(ledger: Ledger, status: str) -> set[str]:
    return {collector for collector, row in ledger.items() if row["status"] == status}


# -- the policies ------------------------------------------------------------------------------


def test_nothing_is_denied(suffices: Ledger) -> None:
    denied = {c: row["message"] for c, row in suffices.items() if row["status"] == "denied"}
    assert denied == {}


def test_only_what_ministack_has_not_is_unanswered(suffices: Ledger) -> None:
    """Otherwise "not denied" would say little."""
    unanswered = with_status(suffices, "error")
    assert sorted(unanswered - UNIMPLEMENTED) == [], "to be added, or to be mended"
    assert sorted(UNIMPLEMENTED - unanswered) == [], "to be taken out"


def test_what_ministack_asks_differently_is_needed_and_no_more(as_rendered: Ledger) -> None:
    said = " ".join(str(as_rendered[c]["message"]) for c in with_status(as_rendered, "denied"))
    differently = sorted({*re.findall(r"to perform: (\S+)", said)})
    assert differently == sorted(ASKED_DIFFERENTLY), " ".join(differently)


@pytest.mark.parametrize("action", REMOVED)
def test_without_an_action_exactly_its_cells_are_denied(
    deployed: Deployed, suffices: Ledger, action: str
) -> None:
    whole = member_role(deployed.settings)
    deployed.change(without(whole, action))
    try:
        ledger = deployed.look()
    finally:
        deployed.change(whole)
    concerned = {c for c in suffices if action in needs(c) and suffices[c]["calls"]}
    assert concerned, "nothing that was planted needs it"
    # Without a listing, there is nothing to ask details of; all else is as it was.
    unheard = {c for c in ledger if "." in c and c.partition(".")[0] in concerned}
    assert with_status(ledger, "denied") == concerned - unheard
    # Nor is there anything to ask of a detail whose argument a denied one would have told.
    kinds = {c.partition(".")[0] for c in concerned}
    unheard |= {c for c in with_status(ledger, "not_attempted") if c.partition(".")[0] in kinds}
    others = ledger.keys() - concerned - unheard
    assert {c: ledger[c]["status"] for c in others} == {c: suffices[c]["status"] for c in others}


def needs(collector: str) -> set[str]:
    """The actions that a collector of the ledger needs."""
    name, _, part = collector.partition(".")
    kind = resource_types()[name]
    if part == "metrics":
        return {"cloudwatch:GetMetricData"}
    if part:
        return {detail.iam_action for detail in kind.details if detail.name == part}
    return {*replace(kind, details=(), metrics=()).actions}


def without(template: Template, action: str) -> Template:
    """The template with one action less."""
    body = deepcopy(template.body)
    found = 0
    for resource in body["Resources"].values():
        policy = resource["Properties"].get("PolicyDocument", {"Statement": []})
        for statement in policy["Statement"]:
            found += statement["Action"].count(action)
            statement["Action"] = [one for one in statement["Action"] if one != action]
        policy["Statement"] = [s for s in policy["Statement"] if s["Action"]]
    assert found == 1, f"{action} is allowed {found} times"
    return Template(template.name, body)


def test_without_describe_regions_the_account_is_entered_all_the_same(deployed: Deployed) -> None:
    whole = member_role(deployed.settings)
    deployed.change(without(whole, "ec2:DescribeRegions"))
    try:
        entry = deployed.enter()
    finally:
        deployed.change(whole)
    assert entry.failure is None
    assert entry.regions is None
    assert "ec2:DescribeRegions denied" in str(entry.notice)


def test_an_action_that_settings_switch_off_is_not_missed(
    deployed: Deployed, suffices: Ledger
) -> None:
    off = ["ec2:DescribeInstanceAttribute", "ec2:DescribeVolumes"]
    settings = deployed.settings.model_copy(
        update={
            "collection_settings": deployed.settings.collection_settings.model_copy(
                update={"actions_off": off}
            )
        }
    )
    deployed.change(member_role(settings))
    try:
        ledger = replace(deployed, settings=settings).look()
    finally:
        deployed.change(member_role(deployed.settings))
    assert with_status(ledger, "denied") == set()
    assert "ec2_instance.user_data" in suffices.keys() - ledger.keys()


# -- the collector role ------------------------------------------------------------------------


@pytest.fixture
def as_collector(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """The environment of a task that runs as the collector role."""
    key, secret = (os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    sts = deployed.server.client("sts", key, secret)
    given = sts.assume_role(RoleArn=COLLECTOR, RoleSessionName="test")["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.server.url)
    return deployed


def test_the_collector_keeps_its_lake(as_collector: Deployed) -> None:
    iam = as_collector.server.root(HUB, "iam")
    allow(iam.put_role_policy, ASKED_OF_A_TABLE, "*", RoleName="InventoryCollector")
    lake = Lake.open(LAKE, catalog="glue")
    both = pa.concat_tables([usage("a", 1), usage("b", 2)])
    lake.replace("s3_usage", [delivery("a"), delivery("b")], both)
    lake.replace("s3_usage", [delivery("a")], usage("a", 3))
    lake.merge("s3_usage", delivery("b"), lambda earlier: earlier)
    ingest(lake, [delivery("a"), delivery("b")])
    again = Lake.open(LAKE, catalog="glue")
    assert again.read("s3_usage").num_rows == 2


def test_the_collector_takes_turns_and_erases_in_its_lake(as_collector: Deployed) -> None:
    iam, s3 = (as_collector.server.root(HUB, service) for service in ("iam", "s3"))
    allow(iam.put_role_policy, ASKED_OF_A_TABLE, "*", RoleName="InventoryCollector")
    keeping = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration=keeping)
    lake = Lake.open(LAKE, catalog="glue")
    for number in range(2):
        lake.replace("s3_usage", [delivery("a")], usage("a", number))

    def chosen(batch: pa.RecordBatch) -> pa.BooleanArray:
        return pa.array([False] * batch.num_rows)

    with alone(lake, INGESTION) as turn:
        turn.check()
        assert turn.kept
        removed = forget_history(lake, "s3_usage", chosen, {"objects"})
        assert forget_versions(lake, "s3_usage") >= removed > 0
        assert abort_uploads(lake, datetime.now(UTC)) == 0


def test_the_collector_keeps_nothing_outside_its_lake(as_collector: Deployed) -> None:
    import boto3

    session = boto3.Session()  # boto3's own has the keys of the test that was first to use it
    s3 = session.client("s3")
    s3.put_object(Bucket="lake", Key="inventory/one", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket="lake", Key="elsewhere/one", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="lake")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        session.client("ec2").describe_instances()


def test_the_collector_finds_the_organisations_accounts(as_collector: Deployed) -> None:
    found = discover(
        as_collector.settings.organization,
        Clients(endpoint_url=as_collector.server.url),
        Account(HUB, "hub"),
    )
    assert {f.status for f in found.failures.values() if f} <= {"error"}
    assert HUB in {member.account_id for member in found.members or ()}


# -- who may assume the role -------------------------------------------------------------------


def test_only_the_collector_with_the_external_id_enters(deployed: Deployed) -> None:
    assert deployed.enter().failure is None
    for other in (None, "another-external-id"):
        accounts = {"member": {"account_id": MEMBER, "external_id": other}}
        settings = Settings.model_validate(deployed.settings.model_dump() | {"accounts": accounts})
        failure = replace(deployed, settings=settings).enter().failure
        assert failure is not None
        assert failure.status == "denied"


def test_nobody_else_enters(deployed: Deployed) -> None:
    """Not even the root of the collector's account, who knows the external id."""
    sts = deployed.server.root(HUB, "sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(
            RoleArn=f"arn:aws:iam::{MEMBER}:role/AWSInventoryRole",
            RoleSessionName="test",
            ExternalId=EXTERNAL_ID,
        )


def test_a_collector_of_another_organisation_does_not_enter(deployed: Deployed) -> None:
    other = replace(deployed, parameters={**deployed.parameters, "OrganizationId": "o-0123456789"})
    other.change(member_role(deployed.settings))
    try:
        failure = deployed.enter().failure
    finally:
        deployed.change(member_role(deployed.settings))
    assert failure is not None
    assert failure.status == "denied"
