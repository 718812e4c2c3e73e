"""The role that the pipeline itself runs as: it enters accounts, and keeps what it finds.

Belongs here: what the collector needs outside the accounts that it looks at, each from the setting
that makes it needed. Not here: what it asks of an account (`member`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from inventory_pipeline.infrastructure.member import external_ids, needed_actions
from inventory_pipeline.infrastructure.member import statements as member_statements
from inventory_pipeline.infrastructure.organization import finding_statement
from inventory_pipeline.infrastructure.policies import (
    Statement,
    allow,
    literal,
    s3_arn,
    sub,
)
from inventory_pipeline.infrastructure.readers import (
    HAS_KEYS,
    KEYS_PARAMETER,
    key_statement,
    list_below,
    queue_statements,
    reading_account,
    reading_statements,
)
from inventory_pipeline.infrastructure.roles import (
    PARAMETERS,
    assuming_actions,
    role_name_parameter,
    role_output,
    role_resource,
    split_role_name,
)
from inventory_pipeline.infrastructure.template import FORMAT_VERSION, Template, managed_policies
from inventory_pipeline.lake.catalog import NAMESPACE
from inventory_pipeline.settings import SecretRef, Settings

NAME = "collector-role"
ROLE_NAME = "InventoryCollector"

ROLES_PER_STATEMENT = 50
"""So few that a statement fits into a managed policy."""

DELETIONS = ("s3:DeleteObject", "s3:DeleteObjectVersion")
"""Earlier versions as well, or erasure would leave them."""

KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
SERVICES_WITH_KEYS = ("s3", "secretsmanager", "sns")

ECS = "ecs-tasks.amazonaws.com"
CONDITIONS: dict[str, Any] = {
    "HasKeys": HAS_KEYS,
    "RunsOnEcs": {"Fn::Equals": [{"Ref": "TrustedService"}, ECS]},
    "TrustsPrincipal": {"Fn::Not": [{"Fn::Equals": [{"Ref": "TrustedPrincipalArn"}, ""]}]},
}

CONDITION_MEANINGS = {
    "aws:ResourceOrgID": "Discovered accounts are entered in this AWS organisation only.",
    "aws:SourceAccount": "Tasks of other accounts' ECS cannot take this role.",
    "kms:ViaService": "Keys are used by the services that keep the data, never directly.",
    "s3:prefix": "Only the prefixes of reports, lake and manifests may be listed.",
}

SECRET_PREFIX = "secretsmanager:"  # noqa: S105 - how a reference to a secret begins


def collector_role(settings: Settings) -> Template:
    """The template of the role. Raises SettingsError and PolicyError."""
    policies = managed_policies(
        "CollectorPolicy",
        "What the settings make the inventory's collector need.",
        [*collector_statements(settings), key_statement(KEY_ACTIONS, _services(settings))],
    )
    role = role_resource(
        _own_name(settings),
        "The inventory's pipeline: enters accounts and writes the lake.",
        _trust(settings),
        policies,
        settings,
    )
    return Template(
        NAME,
        {
            "AWSTemplateFormatVersion": FORMAT_VERSION,
            "Description": "Inventory: the role of the pipeline. Deploy it first: roles trust it.",
            "Metadata": {"Conditions": CONDITION_MEANINGS},
            "Parameters": _parameters(settings),
            "Conditions": CONDITIONS,
            "Resources": {**policies, "CollectorRole": role},
            "Outputs": role_output("CollectorRole"),
        },
    )


def _parameters(settings: Settings) -> dict[str, Any]:
    secret = ["ExternalId"] if _own_external_id(settings) else []
    organization = ["OrganizationId"] if settings.organization.discover else []
    return {
        "RoleName": role_name_parameter(split_role_name(_own_name(settings))[1]),
        "TrustedService": {
            "Type": "String",
            "Default": ECS,
            "AllowedValues": [ECS, "ec2.amazonaws.com"],
            "Description": "Where the pipeline runs.",
        },
        "TrustedPrincipalArn": {
            "Type": "String",
            "Default": _previous_step(settings),
            "Description": "A role or user that may assume this role, besides the service that "
            "the pipeline runs on; empty for none.",
        },
        "KeyArns": KEYS_PARAMETER,
        **{name: dict(PARAMETERS[name]) for name in (*secret, *organization)},
    }


def collector_statements(settings: Settings) -> list[Statement]:
    """What the settings make the collector need, but for KMS keys; each place exactly."""
    inventory = settings.s3_inventory
    own = [one for one in inventory.destinations if not reading_account(settings, one.account)]
    return [
        *_entering(settings),
        *reading_statements(own),
        *(queue_statements(settings) if _listens(settings) else ()),
        *_lake(settings),
        *_writing(settings),
        *_telling(settings),
        *_own_account(settings),
    ]


def _listens(settings: Settings) -> bool:
    """Whether the collector itself reads the queue that tells of new reports."""
    wanted = settings.s3_inventory
    return wanted.queue_url is not None and not reading_account(settings, wanted.queue_account)


def _services(settings: Settings) -> tuple[str, ...]:
    """Services through which the keys of what is read and written are used."""
    return (*SERVICES_WITH_KEYS, "sqs") if _listens(settings) else SERVICES_WITH_KEYS


def _entering(settings: Settings) -> Iterator[Statement]:
    """Assume the member roles: each by its ARN, discovered ones by name within the organisation."""
    actions = assuming_actions(settings)
    roles = sorted(
        f"{one.account_id}:role/{one.role_name}"
        for one in settings.accounts.values()
        if one.enabled and one.role_name
    )
    for number, first in enumerate(range(0, len(roles), ROLES_PER_STATEMENT), start=1):
        arns = [
            sub(f"arn:${{AWS::Partition}}:iam::{role}")
            for role in roles[first : first + ROLES_PER_STATEMENT]
        ]
        yield allow(f"EnterAccounts{number}", actions, arns)
    found = settings.organization
    if not found.discover:
        return
    anywhere = sub(f"arn:${{AWS::Partition}}:iam::*:role/{found.role_name}")
    inside = {"StringEquals": {"aws:ResourceOrgID": {"Ref": "OrganizationId"}}}
    yield allow("EnterDiscoveredAccounts", actions, [anywhere], inside)
    if found.ask_as:
        yield allow("AskOrganizationAs", actions, [found.ask_as])
    else:
        yield finding_statement()


def _lake(settings: Settings) -> Iterator[Statement]:
    lake = settings.lake
    if not lake.location.startswith("s3://"):
        return
    bucket, below = _place(lake.location)
    yield list_below("ListLake", bucket, below, ["s3:ListBucket", "s3:ListBucketVersions"])
    # AWS knows no prefix for it. Erasure looks for uploads that broke off.
    yield allow("ListUploads", ["s3:ListBucketMultipartUploads"], [s3_arn(bucket)])
    objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", *DELETIONS]
    yield allow("KeepLake", objects, [s3_arn(bucket, below)])
    database = "arn:${AWS::Partition}:glue:*:${AWS::AccountId}"
    places = ["catalog", f"database/{NAMESPACE}", f"table/{NAMESPACE}/*"]
    actions = ["CreateDatabase", "CreateTable", "GetDatabase", "GetTable", "UpdateTable"]
    yield allow(
        "KeepCatalog",
        [f"glue:{name}" for name in actions],
        [sub(f"{database}:{place}") for place in places],
    )


def _writing(settings: Settings) -> Iterator[Statement]:
    if settings.archive.policies and settings.archive.manifests.startswith("s3://"):
        bucket, below = _place(settings.archive.manifests)
        yield list_below("ListManifests", bucket, below, ["s3:ListBucketVersions"])
        objects = ["s3:GetObject", "s3:PutObject", *DELETIONS]
        yield allow("KeepManifests", objects, [s3_arn(bucket, below)])
    if settings.outputs.report_bucket:
        reports = s3_arn(settings.outputs.report_bucket, "reports/*")
        yield allow("WriteReports", ["s3:PutObject"], [reports])


def _telling(settings: Settings) -> Iterator[Statement]:
    notifications = settings.notifications
    if notifications.sns_topic_arn and notifications.email_on_failure:
        yield allow("TellTopic", ["sns:Publish"], [notifications.sns_topic_arn])
    secrets = sorted(
        {
            reference.removeprefix(SECRET_PREFIX)
            for reference in map(str, _secrets(settings))
            if reference.startswith(SECRET_PREFIX)
        }
    )
    if secrets:
        # A reference may lack the six characters that AWS adds to a secret's name.
        arns = [arn for secret in secrets for arn in (secret, f"{secret}-??????")]
        yield allow("ReadReferencedSecrets", ["secretsmanager:GetSecretValue"], arns)


def _own_account(settings: Settings) -> list[Statement]:
    """What a member role may do, where the collector looks at accounts as itself."""
    enabled = [one for one in settings.accounts.values() if one.enabled]
    nobody_named = not settings.accounts and not settings.organization.discover
    as_itself = nobody_named or any(one.role_name is None for one in enabled)
    return member_statements(needed_actions(settings)) if as_itself else []


def _secrets(settings: Settings) -> Iterator[SecretRef]:
    """Every secret that the pipeline resolves: not those of accounts that are left out."""
    yield from external_ids(settings)
    for name in Settings.model_fields:
        if name not in ("accounts", "organization"):
            yield from _secrets_within(getattr(settings, name))


def _secrets_within(value: object) -> Iterator[SecretRef]:
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_within(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets_within(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets_within(inner)


def _trust(settings: Settings) -> list[Any]:
    none = {"Ref": "AWS::NoValue"}
    # ECS names the account on whose behalf it asks; EC2 does not.
    on_behalf = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    service = {
        "Sid": "Pipeline",
        "Effect": "Allow",
        "Principal": {"Service": {"Ref": "TrustedService"}},
        "Action": ["sts:AssumeRole"],
        "Condition": {"Fn::If": ["RunsOnEcs", on_behalf, none]},
    }
    principal: Statement = {
        "Sid": "TrustedPrincipal",
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "TrustedPrincipalArn"}},
        "Action": assuming_actions(settings),
    }
    if _own_external_id(settings):
        principal["Condition"] = {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}
    return [service, {"Fn::If": ["TrustsPrincipal", principal, none]}]


def _own_name(settings: Settings) -> str:
    chain = settings.credentials.role_chain
    return chain[-1].role_arn.partition(":role/")[2] if chain else ROLE_NAME


def _own_external_id(settings: Settings) -> bool:
    chain = settings.credentials.role_chain
    return bool(chain) and chain[-1].external_id is not None


def _previous_step(settings: Settings) -> str:
    """Who assumes the collector role in a chain of roles; "" where the settings do not say."""
    chain = settings.credentials.role_chain
    return chain[-2].role_arn if len(chain) > 1 else ""


def _place(location: str) -> tuple[str, str]:
    """Bucket, and pattern of the keys, of `s3://bucket/prefix`."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/")
    return bucket, f"{literal(prefix)}/*" if prefix else "*"
