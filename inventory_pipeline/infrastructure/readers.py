"""Reading S3 Inventory reports: the one kind of data that the collector, or a role, may fetch.

Belongs here: statements for the destinations in the settings and for the queue that tells of new
reports, and the policy that is added to a member role in an account whose role reads them. Not
here: the member role itself, which reads none.
"""

from collections.abc import Iterable
from typing import Any

from inventory_pipeline.infrastructure.member import member_role_names
from inventory_pipeline.infrastructure.policies import (
    Statement,
    allow,
    document,
    literal,
    s3_arn,
    sub,
)
from inventory_pipeline.infrastructure.roles import role_name_parameter, split_role_name
from inventory_pipeline.infrastructure.template import FORMAT_VERSION, Template
from inventory_pipeline.settings import Settings
from inventory_pipeline.settings.destinations import Destination
from inventory_pipeline.settings.model import AccountSettings
from inventory_pipeline.settings.values import QUEUE_REGION

NAME = "report-reader"

KEYS_PARAMETER: dict[str, Any] = {
    "Type": "CommaDelimitedList",
    "Default": "",
    "Description": "ARNs of the KMS keys of your own that encrypt what is read or written here; "
    "empty where there are none. Each key's policy must allow this role, too.",
}
HAS_KEYS = {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "KeyArns"}]}, ""]}]}


def report_readers(settings: Settings) -> list[Template]:
    """A template for each account whose own role reads destinations."""
    by_account: dict[str, list[Destination]] = {}
    for destination in settings.s3_inventory.destinations:
        if (account := reading_account(settings, destination.account)) is not None:
            by_account.setdefault(account.account_id, []).append(destination)
    if listener := reading_account(settings, settings.s3_inventory.queue_account):
        by_account.setdefault(listener.account_id, [])
    return [
        _reader(settings, account_id, by_account[account_id]) for account_id in sorted(by_account)
    ]


def reading_account(settings: Settings, named: str | None) -> AccountSettings | None:
    """The account, by its name or id, whose role reads; None where the collector does so itself."""
    for name, account in settings.accounts.items():
        if account.enabled and named in (name, account.account_id):
            return account if account.role_name else None
    return None


def queue_statements(settings: Settings) -> list[Statement]:
    """Receive and delete the messages of the queue that tells of new reports."""
    url = settings.s3_inventory.queue_url
    if url is None:
        return []
    account, name = url.split("/")[-2:]
    region = QUEUE_REGION.search(url)
    arn = f"arn:${{AWS::Partition}}:sqs:{region[1] if region else '*'}:{account}:{name}"
    return [allow("HearOfReports", ["sqs:DeleteMessage", "sqs:ReceiveMessage"], [sub(arn)])]


def reading_statements(destinations: Iterable[Destination]) -> list[Statement]:
    """List each destination below its prefix, and get what is there."""
    allowed: list[Statement] = []
    places = sorted({(one.bucket, one.prefix.rstrip("/")) for one in destinations})
    for number, (bucket, prefix) in enumerate(places, start=1):
        below = f"{literal(prefix)}/*" if prefix else "*"
        allowed.append(list_below(f"ListReports{number}", bucket, below))
        allowed.append(allow(f"GetReports{number}", ["s3:GetObject"], [s3_arn(bucket, below)]))
    return allowed


def list_below(
    sid: str, bucket: str, below: str, actions: Iterable[str] = ("s3:ListBucket",)
) -> Statement:
    """List a bucket's keys that match the pattern; a caller may ask for no others."""
    condition = None if below == "*" else {"StringLike": {"s3:prefix": below}}
    return allow(sid, actions, [s3_arn(bucket)], condition)


def key_statement(actions: Iterable[str], services: Iterable[str]) -> dict[str, Any]:
    """Use of the keys in the parameter KeyArns through these services; nothing without keys."""
    through = [sub(f"{service}.*.${{AWS::URLSuffix}}") for service in services]
    allowed = allow("UseKeys", actions, [])
    allowed["Resource"] = {"Ref": "KeyArns"}
    allowed["Condition"] = {"StringLike": {"kms:ViaService": through}}
    return {"Fn::If": ["HasKeys", allowed, {"Ref": "AWS::NoValue"}]}


def _reader(settings: Settings, account_id: str, destinations: list[Destination]) -> Template:
    role = next(
        (one.role_name for one in settings.accounts.values() if one.account_id == account_id), None
    )
    _, name = split_role_name(role or member_role_names(settings)[0])
    listener = reading_account(settings, settings.s3_inventory.queue_account)
    listens = listener is not None and listener.account_id == account_id
    hears = queue_statements(settings) if listens else []
    services = ["s3", "sqs"] if hears else ["s3"]
    policy = [
        *reading_statements(destinations),
        *hears,
        key_statement(["kms:Decrypt"], services),
    ]
    return Template(
        f"{NAME}-{account_id}",
        {
            "AWSTemplateFormatVersion": FORMAT_VERSION,
            "Description": (
                f"Inventory: lets the member role of account {account_id} read S3 Inventory "
                "reports, because s3_inventory names this account. Deploy it there, after the "
                "role."
            ),
            "Parameters": {
                "RoleName": role_name_parameter(name),
                "KeyArns": KEYS_PARAMETER,
            },
            "Conditions": {"HasKeys": HAS_KEYS},
            "Resources": {
                "ReportReader": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {
                        "Description": "Lists and reads S3 Inventory reports.",
                        "Roles": [{"Ref": "RoleName"}],
                        "PolicyDocument": document(policy),
                    },
                }
            },
        },
    )
