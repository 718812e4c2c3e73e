"""Roles assumed one after the other, profiles and SSO logins, and credentials that end early."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.accounts import Clients, CredentialsError, accounts_of, enter, roster_of
from inventory_pipeline.settings import Settings
from inventory_pipeline_tests.simulated_aws import (
    ENGINEERING,
    OPERATIONS,
    Fault,
    FaultyClients,
    ec2_error,
    settings_of,
)

FIRST = "arn:aws:iam::123456789012:role/Hub"
SECOND = "arn:aws:iam::999999999999:role/path/InventoryCollector"
MEMBER = f"arn:aws:iam::{ENGINEERING}:role/AWSInventoryRole"


def assumed(key: str, minutes: float = 60) -> tuple[int, dict[str, str], bytes]:
    ends = datetime.now(UTC) + timedelta(minutes=minutes)
    body = (
        f"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>"
        "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        f"<Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>"
    )
    return 200, {"content-type": "text/xml"}, body.encode()


class Sent:
    """The requests of an operation: their parameters and the access key that signed them."""

    def __init__(self, clients: Clients, service: str, operation: str) -> None:
        self.parameters: list[dict[str, Any]] = []
        self.keys: list[str] = []
        events = clients.client(None, service, "us-east-1").meta.events
        events.register(f"provide-client-params.{service}.{operation}", self._parameters)
        events.register_first(f"before-send.{service}.{operation}", self._key)

    def _parameters(self, params: dict[str, Any], **_: Any) -> None:
        self.parameters.append(dict(params))

    def _key(self, request: Any, **_: Any) -> None:
        signature = request.headers["Authorization"]
        text = signature.decode() if isinstance(signature, bytes) else signature
        self.keys.append(text.partition("Credential=")[2].partition("/")[0])


def test_roles_are_assumed_one_after_the_other_each_with_its_external_id(aws: str) -> None:
    settings = settings_of(
        aws,
        credentials={
            "role_chain": [{"role_arn": FIRST, "external_id": "one"}, {"role_arn": SECOND}],
            "session_name": "nightly",
            "session_tags": {"Team": "FinOps"},
            "duration_seconds": 1800,
        },
    )
    keys = [assumed("ASIAFIRST"), assumed("ASIASECOND"), assumed("ASIAMEMBER")]
    clients = FaultyClients(settings, Fault("AssumeRole", keys))
    sent = Sent(clients, "sts", "AssumeRole")
    called = Sent(clients, "ec2", "DescribeVolumes")
    clients.client(accounts_of(settings)[0], "ec2", "us-east-1").describe_volumes()
    assert [(p["RoleArn"], p.get("ExternalId")) for p in sent.parameters[::-1]] == [
        (FIRST, "one"),
        (SECOND, None),
        (MEMBER, "an-external-id"),
    ]
    assert sent.keys == ["testing", "ASIAFIRST", "ASIASECOND"]
    assert called.keys == ["ASIAMEMBER"]
    for parameters in sent.parameters:
        assert parameters["RoleSessionName"] == "nightly"
        assert parameters["DurationSeconds"] == 1800
        assert parameters["Tags"] == [{"Key": "Team", "Value": "FinOps"}]


def test_the_chain_is_walked_once_for_all_accounts_and_is_the_caller(aws: str) -> None:
    settings = settings_of(aws, credentials={"role_chain": [{"role_arn": FIRST}]})
    clients = FaultyClients(settings, fault := Fault("AssumeRole", [None]))
    entries = [enter(account, clients) for account in accounts_of(settings)]
    assert [e.status for e in entries] == ["ok", "ok"]
    assert fault.calls == 3
    own = {"accounts": {"hub": {"account_id": "123456789012", "role_name": ""}}}
    without_role = settings_of(aws, credentials={"role_chain": [{"role_arn": FIRST}]}, **own)
    clients = FaultyClients(without_role, Fault("AssumeRole", [assumed("ASIAHUB")]))
    called = Sent(clients, "ec2", "DescribeVolumes")
    clients.client(accounts_of(without_role)[0], "ec2", "us-east-1").describe_volumes()
    assert called.keys == ["ASIAHUB"]


def test_without_settings_nothing_but_the_role_and_its_length_is_sent(aws: str) -> None:
    settings = settings_of(aws)
    clients = Clients.of(settings)
    sent = Sent(clients, "sts", "AssumeRole")
    enter(accounts_of(settings)[1], clients)
    [parameters] = sent.parameters
    assert set(parameters) == {"RoleArn", "RoleSessionName", "DurationSeconds"}
    assert parameters["DurationSeconds"] == 3600


def test_a_chains_external_id_that_leads_nowhere_names_its_setting(aws: str) -> None:
    step = {"role_arn": FIRST, "external_id": "env:NO_SUCH_VARIABLE"}
    settings = settings_of(aws, credentials={"role_chain": [step]})
    failure = enter(accounts_of(settings)[0], Clients.of(settings)).failure
    assert failure is not None
    assert (failure.message or "").startswith("credentials.role_chain[0].external_id: ")


class TestRenewal:
    def test_every_role_of_the_chain_is_renewed_before_it_ends(self, aws: str) -> None:
        settings = settings_of(aws, credentials={"role_chain": [{"role_arn": FIRST}]})
        soon = [assumed("ASIAFIRST", 5), assumed("ASIAMEMBER", 5)]
        fault = Fault("AssumeRole", [*soon, assumed("ASIANEXT"), assumed("ASIANEXT")])
        clients = FaultyClients(settings, fault)
        ec2 = clients.client(accounts_of(settings)[0], "ec2", "us-east-1")
        for _ in range(3):
            ec2.describe_volumes()
        # Both were to end in five minutes: the second call assumed both again, the third none.
        assert fault.calls == 4

    @pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
    def test_a_role_that_aws_calls_ended_is_assumed_anew_and_the_call_repeated(
        self, aws: str, code: str
    ) -> None:
        settings = settings_of(aws)
        ended = ec2_error(code, "The security token included in the request is expired")
        clients = FaultyClients(
            settings,
            Fault("DescribeVolumes", [None, ended, None]),
            Fault("AssumeRole", [assumed("ASIAOLD"), assumed("ASIANEW")]),
        )
        called = Sent(clients, "ec2", "DescribeVolumes")
        ec2 = clients.client(accounts_of(settings)[0], "ec2", "us-east-1")
        ec2.describe_volumes()
        ec2.describe_volumes()
        assert called.keys == ["ASIAOLD", "ASIAOLD", "ASIANEW"]

    def test_calls_that_are_refused_at_once_are_all_repeated(self, aws: str) -> None:
        settings = settings_of(aws)

        def forget() -> None:
            """What another thread does, whose call was refused a moment earlier."""
            clients._credentials.clear()

        refused_late = Fault(
            "DescribeVolumes", [ec2_error("ExpiredToken"), None], before=forget, forever=False
        )
        clients = FaultyClients(settings, refused_late)
        clients.client(accounts_of(settings)[0], "ec2", "us-east-1").describe_volumes()
        assert refused_late.calls == 2

    def test_one_that_stays_ended_is_a_failure_after_the_second_try(self, aws: str) -> None:
        settings = settings_of(aws)
        ended = ec2_error("ExpiredTokenException")
        clients = FaultyClients(settings, fault := Fault("DescribeVolumes", [ended]))
        ec2 = clients.client(accounts_of(settings)[0], "ec2", "us-east-1")
        with pytest.raises(Exception, match="ExpiredTokenException"):
            ec2.describe_volumes()
        assert fault.calls == 2

    def test_the_callers_own_that_ended_are_not_tried_again(self, aws: str) -> None:
        settings = settings_of(aws)
        clients = FaultyClients(
            settings, fault := Fault("DescribeVolumes", [ec2_error("ExpiredToken")])
        )
        with pytest.raises(Exception, match="ExpiredToken"):
            clients.client(None, "ec2", "us-east-1").describe_volumes()
        assert fault.calls == 1


SSO = """
[profile work]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Inventory
region = eu-west-1

[profile china]
region = cn-north-1
aws_access_key_id = AKIACHINA
aws_secret_access_key = s

[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder with AWS profiles and nothing in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "config").write_text(SSO)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    return tmp_path


def log_in(home: Path, expires: datetime) -> None:
    """Leave what `aws sso login` leaves."""
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {
        "startUrl": "https://example.awsapps.com/start",
        "region": "us-east-1",
        "accessToken": "canary-token",
        "expiresAt": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    }
    name = hashlib.sha1(b"corp").hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token))


def settings_with(profile: str | None, **more: Any) -> Settings:
    return Settings.model_validate({"credentials": {"profile": profile}, **more})


class TestProfiles:
    @pytest.mark.parametrize("hours_ago", [None, 1])
    def test_an_sso_login_that_has_ended_says_how_to_log_in(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, hours_ago: int | None
    ) -> None:
        monkeypatch.setattr("pathlib.Path.home", lambda: home)
        if hours_ago is not None:
            log_in(home, datetime.now(UTC) - timedelta(hours=hours_ago))
        settings = settings_with("work")
        with pytest.raises(CredentialsError) as caught:
            roster_of(settings, Clients.of(settings))
        assert str(caught.value) == (
            "the SSO login of profile 'work' is missing or has expired: "
            "run `aws sso login --profile work`"
        )

    def test_a_profiles_region_is_the_home_region_and_tells_the_partition(self, home: Path) -> None:
        assert Clients.of(settings_with("work")).home_region == "eu-west-1"
        assert Clients.of(settings_with("china")).partition == "aws-cn"

    def test_a_profile_signs(self, home: Path) -> None:
        endpoint = {"aws_endpoint_url": "http://127.0.0.1:1"}
        clients = Clients.of(
            settings_with("china", collection_settings={"retry_attempts": 0}, **endpoint)
        )
        called = Sent(clients, "ec2", "DescribeVolumes")
        with pytest.raises(Exception, match="Could not connect"):
            clients.client(None, "ec2", "us-east-1").describe_volumes()
        assert called.keys == ["AKIACHINA"]

    def test_a_profile_that_is_not_there_is_named(self, home: Path) -> None:
        with pytest.raises(CredentialsError, match=r"no profile 'wrok': make it by"):
            Clients.of(settings_with("wrok"))

    def test_no_credentials_at_all_are_told_once_and_not_for_each_account(self, home: Path) -> None:
        accounts = {"accounts": {"a": {"account_id": OPERATIONS}}}
        settings = settings_with(None, **accounts)
        with pytest.raises(CredentialsError, match="no AWS credentials were found: set"):
            roster_of(settings, Clients.of(settings))
