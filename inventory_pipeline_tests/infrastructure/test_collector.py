"""The collector role and what goes with it: each permission from the setting that needs it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from inventory_pipeline.infrastructure import (
    PolicyError,
    collector_role,
    needed_actions,
    notices,
    report_readers,
    templates,
)
from inventory_pipeline.infrastructure.organization import ACTIONS
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.infrastructure.aws_actions import facts, unknown
from inventory_pipeline_tests.infrastructure.resolving import (
    actions,
    documents,
    resolved,
    statements,
    trust,
)

ORGANIZATION = "o-1234567890"
SECRET = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:inventory/"
TOPIC = "arn:aws:sns:eu-west-1:999999999999:alerts"
KEY = "arn:aws:kms:eu-west-1:999999999999:key/1"
ONE_ACCOUNT = {"a": {"account_id": "222222222222"}}


def settings_of(**more: Any) -> Settings:
    return Settings.model_validate({"accounts": ONE_ACCOUNT} | more)


def allowed(settings: Settings, **parameters: Any) -> dict[str, dict[str, Any]]:
    """Statements by Sid."""
    return {s["Sid"]: s for s in statements(collector_role(settings), **parameters)}


FULL = settings_of(
    accounts={
        "a": {"account_id": "222222222222", "external_id": f"secretsmanager:{SECRET}a"},
        "b": {"account_id": "333333333333", "role_name": "audit/Reader"},
        "off": {
            "account_id": "444444444444",
            "enabled": False,
            "external_id": f"secretsmanager:{SECRET}off",
        },
    },
    organization={"discover": True, "role_name": "AWSControlTowerExecution"},
    credentials={"session_tags": {"team": "finops"}},
    lake={"location": "s3://example-lake/inventory", "catalog": "glue"},
    s3_inventory={
        "destinations": [
            {"bucket": "own-reports", "prefix": "daily/"},
            {"bucket": "a-reports", "account": "a"},
            {"bucket": "more-of-a", "prefix": "x", "account": "222222222222"},
        ]
    },
    archive={
        "manifests": "s3://example-manifests",
        "policies": [{"name": "p", "sources": ["*"], "target_class": "GLACIER"}],
    },
    notifications={
        "sns_topic_arn": TOPIC,
        "slack_webhook_url": f"secretsmanager:{SECRET}slack",
    },
    outputs={"report_bucket": "example-report"},
)


def test_settings_that_need_little_allow_little() -> None:
    assert actions(collector_role(settings_of())) == ["sts:AssumeRole"]


def test_member_roles_of_enabled_accounts_are_entered_each_by_its_arn() -> None:
    statement = allowed(FULL, OrganizationId=ORGANIZATION)["EnterAccounts1"]
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Resource"] == [
        "arn:aws:iam::222222222222:role/AWSInventoryRole",
        "arn:aws:iam::333333333333:role/audit/Reader",
    ]


def test_discovered_accounts_are_entered_within_the_organisation_alone() -> None:
    found = allowed(FULL, OrganizationId=ORGANIZATION)
    statement = found["EnterDiscoveredAccounts"]
    assert statement["Resource"] == ["arn:aws:iam::*:role/AWSControlTowerExecution"]
    assert statement["Condition"] == {"StringEquals": {"aws:ResourceOrgID": ORGANIZATION}}
    assert tuple(found["FindAccounts"]["Action"]) == ACTIONS


def test_another_role_may_find_the_accounts() -> None:
    reader = "arn:aws:iam::888888888888:role/OrganizationReader"
    settings = settings_of(
        organization={"discover": True, "ask_as": reader, "external_id": "an-external-id"}
    )
    found = allowed(settings, OrganizationId=ORGANIZATION)
    assert found["AskOrganizationAs"]["Resource"] == [reader]
    assert "FindAccounts" not in found
    _, role, _ = templates(settings)
    assert tuple(actions(role)) == ACTIONS
    assert resolved(role)["Role"]["Properties"]["RoleName"] == "OrganizationReader"
    [statement] = trust(role, ExternalId="e", OrganizationId=ORGANIZATION)
    assert set(statement["Condition"]["StringEquals"]) == {"sts:ExternalId", "aws:PrincipalOrgID"}


def test_reports_are_read_below_their_prefix() -> None:
    found = allowed(FULL, OrganizationId=ORGANIZATION)
    assert found["ListReports1"]["Resource"] == ["arn:aws:s3:::own-reports"]
    assert found["ListReports1"]["Condition"] == {"StringLike": {"s3:prefix": "daily/*"}}
    assert found["GetReports1"]["Resource"] == ["arn:aws:s3:::own-reports/daily/*"]
    assert "ListReports2" not in found


def test_an_accounts_own_role_reads_what_the_settings_give_it() -> None:
    [reader] = report_readers(FULL)
    assert reader.name == "report-reader-222222222222"
    found = [s["Resource"] for s in statements(reader) if s["Action"] == ["s3:GetObject"]]
    assert found == [["arn:aws:s3:::a-reports/*"], ["arn:aws:s3:::more-of-a/x/*"]]
    assert resolved(reader)["ReportReader"]["Properties"]["Roles"] == ["AWSInventoryRole"]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
        ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("us-west-2.queue.amazonaws.com", "us-west-2"),
        ("queue.amazonaws.com", "*"),
    ],
)
def test_the_queue_is_read_by_whom_the_settings_say(host: str, region: str) -> None:
    queue = {"queue_url": f"https://{host}/222222222222/reports"}
    arn = f"arn:aws:sqs:{region}:222222222222:reports"
    own = settings_of(s3_inventory=queue)
    statement = allowed(own)["HearOfReports"]
    assert statement["Resource"] == [arn]
    assert statement["Action"] == ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    used = allowed(own, KeyArns=[KEY])["UseKeys"]["Condition"]["StringLike"]["kms:ViaService"]
    assert "sqs.*.amazonaws.com" in used
    assert report_readers(own) == []
    theirs = settings_of(s3_inventory=queue | {"queue_account": "a"})
    assert "HearOfReports" not in allowed(theirs)
    [reader] = report_readers(theirs)
    assert [s["Resource"] for s in statements(reader)] == [[arn]]


def test_the_lake_is_kept_in_its_prefix_and_database() -> None:
    found = allowed(FULL, OrganizationId=ORGANIZATION)
    assert found["KeepLake"]["Resource"] == ["arn:aws:s3:::example-lake/inventory/*"]
    assert found["ListLake"]["Resource"] == ["arn:aws:s3:::example-lake"]
    assert found["ListLake"]["Condition"] == {"StringLike": {"s3:prefix": "inventory/*"}}
    assert found["KeepCatalog"]["Resource"] == [
        "arn:aws:glue:*:111111111111:catalog",
        "arn:aws:glue:*:111111111111:database/inventory",
        "arn:aws:glue:*:111111111111:table/inventory/*",
    ]


def test_what_is_erased_may_be_deleted_in_every_version() -> None:
    found = allowed(FULL, OrganizationId=ORGANIZATION)
    for kept in ("Lake", "Manifests"):
        assert "s3:ListBucketVersions" in found[f"List{kept}"]["Action"]
        assert {"s3:DeleteObject", "s3:DeleteObjectVersion"} <= {*found[f"Keep{kept}"]["Action"]}
    uploads = found["ListUploads"]
    assert uploads["Action"] == ["s3:ListBucketMultipartUploads"]
    assert uploads["Resource"] == ["arn:aws:s3:::example-lake"]
    assert "Condition" not in uploads, "AWS knows none that would fit"
    assert found["ListManifests"]["Resource"] == ["arn:aws:s3:::example-manifests"]
    assert found["KeepManifests"]["Resource"] == ["arn:aws:s3:::example-manifests/*"]


def test_a_local_lake_and_a_silent_topic_need_nothing() -> None:
    settings = settings_of(notifications={"sns_topic_arn": TOPIC, "email_on_failure": False})
    assert {*allowed(settings)} == {"EnterAccounts1"}


def test_secrets_are_those_that_enabled_settings_refer_to() -> None:
    statement = allowed(FULL, OrganizationId=ORGANIZATION)["ReadReferencedSecrets"]
    assert statement["Resource"] == [
        f"{SECRET}a",
        f"{SECRET}a-??????",
        f"{SECRET}slack",
        f"{SECRET}slack-??????",
    ]


def test_keys_are_used_through_services_and_only_where_there_are_some() -> None:
    assert "UseKeys" not in allowed(FULL, OrganizationId=ORGANIZATION)
    statement = allowed(FULL, OrganizationId=ORGANIZATION, KeyArns=[KEY])["UseKeys"]
    assert statement["Resource"] == [KEY]
    assert "s3.*.amazonaws.com" in statement["Condition"]["StringLike"]["kms:ViaService"]


def test_the_collectors_own_account_is_seen_as_the_collector() -> None:
    accounts = {**ONE_ACCOUNT, "own": {"account_id": "999999999999", "role_name": None}}
    for settings in (Settings(), settings_of(accounts=accounts)):
        assert {*needed_actions(settings)} <= {*actions(collector_role(settings))}
    assert "ec2:DescribeRegions" not in actions(collector_role(settings_of()))


def test_text_of_settings_is_no_wildcard() -> None:
    settings = settings_of(
        s3_inventory={"destinations": [{"bucket": "reports", "prefix": "a*b?${aws:username}"}]}
    )
    found = allowed(settings)
    # IAM's own way to write these characters as themselves.
    written = "a${*}b${?}${$}{aws:username}/*"
    assert found["GetReports1"]["Resource"] == [f"arn:aws:s3:::reports/{written}"]
    assert found["ListReports1"]["Condition"]["StringLike"]["s3:prefix"] == written


def test_aws_has_every_action_and_it_fits_its_resources() -> None:
    found = statements(collector_role(FULL), OrganizationId=ORGANIZATION, KeyArns=[KEY])
    assert unknown(action for s in found for action in s["Action"]) == []
    for statement in found:
        if statement["Resource"] == "*":
            continue
        for action in statement["Action"]:
            known = facts(action)
            assert known is not None
            shapes = [_shape(arn) for arn in known.arns]
            assert any(
                fnmatchcase(resource, shape)
                for resource in statement["Resource"]
                for shape in shapes
            ), f"{action} knows no {statement['Resource']}"


def _shape(arn: str) -> str:
    """A pattern that ARNs of this kind match."""

    return re.sub(r"\$\{\w+\}", "*", arn)


def test_only_a_listing_of_the_organisation_is_allowed_everywhere() -> None:
    found = statements(collector_role(FULL), OrganizationId=ORGANIZATION)
    assert [s["Sid"] for s in found if s["Resource"] == "*"] == ["FindAccounts"]
    assert not [action for s in found for action in s["Action"] if "*" in action]


# -- who may assume it -------------------------------------------------------------------------


def test_the_pipelines_service_may_assume_it() -> None:
    on_ecs, *others = trust(collector_role(settings_of()))
    assert others == []
    assert on_ecs["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert on_ecs["Condition"] == {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    [on_ec2] = trust(collector_role(settings_of()), TrustedService="ec2.amazonaws.com")
    assert "Condition" not in on_ec2


def test_a_chain_of_roles_ends_at_the_collector() -> None:
    steps = [
        {"role_arn": "arn:aws:iam::999999999999:role/Hub"},
        {"role_arn": "arn:aws:iam::999999999999:role/audit/Collector", "external_id": "x-1"},
    ]
    template = collector_role(settings_of(credentials={"role_chain": steps}))
    role = resolved(template, ExternalId="x-1")["CollectorRole"]["Properties"]
    assert (role["Path"], role["RoleName"]) == ("/audit/", "Collector")
    _, previous = trust(template, ExternalId="x-1")
    assert previous["Principal"] == {"AWS": "arn:aws:iam::999999999999:role/Hub"}
    assert previous["Condition"] == {"StringEquals": {"sts:ExternalId": "x-1"}}


# -- many accounts -----------------------------------------------------------------------------


def accounts(number: int) -> dict[str, Any]:
    return {f"account-{n}": {"account_id": f"{n:012}"} for n in range(1, number + 1)}


def test_three_hundred_accounts_take_several_policies() -> None:
    template = collector_role(settings_of(accounts=accounts(300)))
    found = documents(template)
    assert 1 < len(found) <= 10
    entered = [arn for s in statements(template) for arn in s["Resource"]]
    assert len(set(entered)) == 300


def test_more_than_a_role_can_hold_is_refused_with_what_to_do() -> None:
    with pytest.raises(PolicyError, match=r"name fewer accounts.*organization\.discover"):
        collector_role(settings_of(accounts=accounts(2000)))


# -- what one member role cannot be ------------------------------------------------------------


def test_what_needs_care_is_said() -> None:
    several, missing = notices(FULL)
    assert "AWSControlTowerExecution, AWSInventoryRole, audit/Reader" in several
    assert missing.startswith("the member role asks for an external id, and b would give none")
    assert notices(settings_of()) == [
        "no external_id is set, so the member role will not ask for one"
    ]
