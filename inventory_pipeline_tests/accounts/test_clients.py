from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import xform_name
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.accounts import (
    Account,
    Clients,
    DeadlinePassedError,
    Watch,
    accounts_of,
    enter,
    retries,
)
from inventory_pipeline.accounts.clients import _timestamp
from inventory_pipeline.accounts.failures import classify
from inventory_pipeline_tests.simulated_aws import (
    ENGINEERING,
    OPERATIONS,
    Fault,
    FaultyClients,
    ec2_error,
    json_answer,
    refused,
    settings_of,
)

WRONG_IDENTITY = (
    200,
    {"content-type": "text/xml"},
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>999999999999</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>",
)


def assumed(expires: datetime) -> tuple[int, dict[str, str], bytes]:
    body = (
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{n}</AccessKeyId>"
        "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{expires:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>"
    )
    return 200, {"content-type": "text/xml"}, body.encode()


def test_an_account_is_entered_by_its_role_with_its_external_id(aws: str) -> None:
    settings = settings_of(aws)
    clients = Clients.of(settings)
    sent: list[dict[str, Any]] = []
    sts = clients.client(None, "sts", "us-east-1")
    sts.meta.events.register(
        "provide-client-params.sts.AssumeRole", lambda params, **_: sent.append(dict(params))
    )
    entries = [enter(account, clients) for account in accounts_of(settings)]
    assert [(e.status, e.account.account_id) for e in entries] == [
        ("ok", ENGINEERING),
        ("ok", OPERATIONS),
    ]
    assert [s.get("ExternalId") for s in sent] == ["an-external-id", None]
    assert {s["RoleSessionName"] for s in sent} == {"inventory_pipeline"}
    regions = entries[0].regions
    assert regions is not None
    assert "us-east-1" in regions.enabled
    assert "ap-south-2" in regions.disabled


def test_a_role_of_another_account_is_not_believed(aws: str) -> None:
    settings = settings_of(aws)
    clients = FaultyClients(settings, Fault("GetCallerIdentity", [WRONG_IDENTITY]))
    entry = enter(accounts_of(settings)[0], clients)
    assert entry.status == "error"
    assert entry.failure is not None
    assert entry.failure.code == "WrongAccount"
    assert f"is in account 999999999999, not {ENGINEERING}" in (entry.failure.message or "")


def test_a_refused_role_is_denied_and_its_external_id_stays_secret(aws: str) -> None:
    settings = settings_of(aws)
    error = refused("AccessDenied", "may not assume it with an-external-id")
    entry = enter(accounts_of(settings)[0], FaultyClients(settings, Fault("AssumeRole", [error])))
    assert entry.status == "denied"
    assert entry.failure is not None
    assert entry.failure.message == "may not assume it with ***"


def test_an_external_id_stays_secret_where_its_message_is_cut_or_logged(
    aws: str, caplog: pytest.LogCaptureFixture
) -> None:
    long = "a.b" * 60
    settings = settings_of(aws, accounts={"a": {"account_id": ENGINEERING, "external_id": long}})
    error = refused(
        "ValidationError", f"1 validation error detected: Value '{long}' at 'externalId'"
    )
    entry = enter(accounts_of(settings)[0], FaultyClients(settings, Fault("AssumeRole", [error])))
    assert entry.failure is not None
    assert entry.failure.message == "1 validation error detected: Value '***' at 'externalId'"
    assert caplog.text == "", "the entry says it, without a traceback"


def test_an_account_without_sts_in_the_home_region_is_not_a_region_that_is_off(aws: str) -> None:
    settings = settings_of(aws)
    error = refused("RegionDisabledException", "STS is not activated in this region for account")
    entry = enter(accounts_of(settings)[0], FaultyClients(settings, Fault("AssumeRole", [error])))
    assert entry.status == "denied"
    assert entry.failure is not None
    assert entry.failure.status == "denied"


def test_an_external_id_that_leads_nowhere_is_an_error_of_that_account_alone(aws: str) -> None:
    accounts = {"lost": {"account_id": ENGINEERING, "external_id": "env:NO_SUCH_VARIABLE"}}
    settings = settings_of(aws, accounts=accounts)
    entry = enter(accounts_of(settings)[0], Clients.of(settings))
    assert entry.status == "error"
    assert entry.failure is not None
    assert "accounts.lost.external_id" in (entry.failure.message or "")


def test_an_account_that_hides_its_regions_is_still_entered(aws: str) -> None:
    settings = settings_of(aws)
    fault = Fault("DescribeRegions", [ec2_error("UnauthorizedOperation")])
    entry = enter(accounts_of(settings)[0], FaultyClients(settings, fault))
    assert entry.status == "ok"
    assert entry.regions is None
    assert "ec2:DescribeRegions denied" in (entry.notice or "")


def test_credentials_are_renewed_before_they_end(aws: str) -> None:
    settings = settings_of(aws)
    soon, later = (datetime.now(UTC) + timedelta(minutes=m) for m in (5, 60))
    fault = Fault("AssumeRole", [assumed(soon), assumed(later)])
    clients = FaultyClients(settings, fault)
    ec2 = clients.client(accounts_of(settings)[0], "ec2", "us-east-1")
    for _ in range(3):
        ec2.describe_volumes()
    assert fault.calls == 2


def test_accounts_share_a_client_and_never_their_credentials(aws: str) -> None:
    settings = settings_of(aws)
    clients = Clients.of(settings)
    one, other = (clients.client(a, "sts", "us-east-1") for a in accounts_of(settings))
    assert one.meta.events is other.meta.events
    identities = [c.get_caller_identity()["Account"] for c in (one, other, one)]
    assert identities == [ENGINEERING, OPERATIONS, ENGINEERING]


def test_pages_of_two_accounts_read_by_turns_never_mix(aws: str) -> None:
    settings = settings_of(aws)
    clients = Clients.of(settings)
    pages: list[Any] = []
    for count, account in enumerate(accounts_of(settings), start=3):
        secrets = clients.client(account, "secretsmanager", "us-east-1")
        for number in range(count):
            secrets.create_secret(Name=f"{number}", SecretString="x")
        paginator = secrets.get_paginator("list_secrets")
        pages.append(paginator.paginate(PaginationConfig={"PageSize": 1}))
    seen = [
        page["SecretList"][0]["ARN"].split(":")[4]
        for turn in zip(*pages, strict=False)
        for page in turn
    ]
    assert seen == [ENGINEERING, OPERATIONS] * 3


def test_threads_that_share_a_client_act_as_their_own_account(aws: str) -> None:
    settings = settings_of(aws)
    clients = Clients.of(settings)
    accounts = [*accounts_of(settings)] * 20

    def who(account: Account) -> str:
        answer = clients.client(account, "sts", "us-east-1").get_caller_identity()
        return str(answer["Account"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(who, accounts)) == [a.account_id for a in accounts]


def test_clients_do_not_pile_up(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inventory_pipeline.accounts.clients.MOST_CLIENTS", 2)
    clients = Clients.of(settings_of(aws))
    first, second = (clients.client(None, "ec2", f"eu-west-{n}").meta for n in (1, 2))
    assert clients.client(None, "ec2", "eu-west-1").meta is first
    clients.client(None, "ec2", "eu-west-3")
    assert clients.client(None, "ec2", "eu-west-1").meta is first, "it was the last used"
    assert clients.client(None, "ec2", "eu-west-2").meta is not second


def test_s3_control_reaches_an_endpoint_without_host_names(aws: str) -> None:
    settings = settings_of(aws)
    account = accounts_of(settings)[0]
    control = Clients.of(settings).client(account, "s3control", "us-east-1")
    block = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": False,
    }
    control.put_public_access_block(AccountId=ENGINEERING, PublicAccessBlockConfiguration=block)
    answer = control.get_public_access_block(AccountId=ENGINEERING)
    assert answer["PublicAccessBlockConfiguration"] == block


def test_a_watch_counts_the_calls_of_its_thread_alone(aws: str) -> None:
    settings = settings_of(aws)
    clients = Clients.of(settings)
    account = accounts_of(settings)[0]
    ec2 = clients.client(account, "ec2", "us-east-1")
    with Watch() as first:
        ec2.describe_volumes()
    ec2.describe_volumes()
    with Watch() as second:
        ec2.describe_volumes()
        ec2.describe_instances()
    # The first call of a session assumes the role as well.
    assert (first.calls, second.calls) == (2, 2)


def test_a_throttled_call_is_repeated_and_both_are_counted(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.0)
    settings = settings_of(aws, collection_settings={"retry_attempts": 2})
    busy = ec2_error("RequestLimitExceeded", status=503)
    clients = FaultyClients(settings, Fault("DescribeVolumes", [busy, busy], forever=False))
    account = accounts_of(settings)[0]
    clients.client(account, "sts", "us-east-1").get_caller_identity()
    with Watch() as watch:
        clients.client(account, "ec2", "us-east-1").describe_volumes()
    assert (watch.calls, watch.retries, watch.throttles) == (3, 2, 2)


PROXY = b"<html><body>Sign in to the network</body></html>"


@pytest.mark.parametrize(
    ("service", "operation"),
    [("ec2", "DescribeVolumes"), ("lambda", "ListFunctions"), ("sqs", "ListQueues")],
)
@pytest.mark.parametrize("body", [PROXY, b""], ids=["a page", "nothing"])
def test_who_answers_in_the_place_of_aws_is_not_believed(
    aws: str, service: str, operation: str, body: bytes
) -> None:
    """Such an answer would read as "there is nothing", and all that was there as gone."""
    fault = Fault(operation, [(200, {"content-type": "text/html"}, body)])
    client = FaultyClients(settings_of(aws), fault).client(None, service, "us-east-1")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of botocore's where it is no XML
        getattr(client, xform_name(operation))()
    failure = classify(caught.value)
    assert failure.status == "error"
    assert "Sign in" not in str(failure)


def test_an_empty_answer_of_aws_is_believed(aws: str) -> None:
    fault = Fault("ListQueues", [json_answer({})])
    client = FaultyClients(settings_of(aws), fault).client(None, "sqs", "us-east-1")
    assert "QueueUrls" not in client.list_queues()


def test_nothing_is_sent_after_the_deadline(aws: str) -> None:
    settings = settings_of(aws)
    now = [0.0]
    ec2 = Clients.of(settings).client(accounts_of(settings)[0], "ec2", "us-east-1")
    with Watch(deadline=10.0, clock=lambda: now[0]) as watch:
        ec2.describe_volumes()
        now[0] = 10.0
        with pytest.raises(DeadlinePassedError):
            ec2.describe_volumes()
    assert watch.calls == 2
    assert watch.seconds == 10.0


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001 - hypothesis wants them so
    st.sampled_from(["", ".1", ".123456"]),
)
def test_times_are_those_that_botocore_reads(moment: datetime, fraction: str) -> None:
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
    assert _timestamp(text) == parse_timestamp(text)
    assert _timestamp(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [1780000000, "1780000000.5", "Tue, 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00+01:00"],
)
def test_other_forms_of_times_are_left_to_botocore(value: Any) -> None:
    assert _timestamp(value) == parse_timestamp(value)
