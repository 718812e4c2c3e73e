"""Credentials in a text are seen by their kind and never repeated; references to them are not."""

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.resource_types.secrets_scan import scan

_DIGITS = "0123456789"
_HEX = _DIGITS + "abcdef"
_UPPER = string.ascii_uppercase + _DIGITS


def made(length: int, alphabet: str = string.ascii_letters + _DIGITS) -> str:
    """Random, but the same every time: no token stands in this file."""
    source = random.Random(length)
    return "".join(source.choice(alphabet) for _ in range(length))


CREDENTIALS = {
    "AWS_ACCESS_KEY_ID=AKIA" + made(16, _UPPER): "aws_access_key",
    "aws configure set aws_secret_access_key " + made(40): "aws_secret_key",
    '{"secretAccessKey": "' + made(40) + '"}': "aws_secret_key",
    "DB_PASSWORD=correct-Horse9!": "assigned_password",
    "export PGPASSWORD=hunter2secret": "assigned_password",
    "dbPassword=letmein": "assigned_password",
    'MYSQL_ROOT_PASSWORD: "Tr0ub4dor&3"': "assigned_password",
    "    password: s3cret": "assigned_password",
    'CONFIG={"user":"app","password":"s3cret"}': "assigned_password",
    "ODBC=Server=db;Uid=app;Pwd=s3cret;": "assigned_password",
    "./install --admin-password=s3cret": "assigned_password",
    "PASSWORD=12345678": "assigned_password",
    "PASSWORD=(4$/Ab<c": "assigned_password",
    "PASSWORD=/Uq7.Kd": "assigned_password",
    "CLIENT_SECRET=" + made(32): "assigned_password",
    "DD_API_KEY=" + made(32, _HEX): "assigned_token",
    "API_TOKEN=" + made(40): "assigned_token",
    "DATABASE_URL=postgresql://app:s3cr3t@db.internal:5432/app": "url_password",
    "CACHE=redis://:s3cr3t@cache.internal": "url_password",
    "-----BEGIN RSA PRIVATE KEY-----": "private_key",
    "-----BEGIN PRIVATE KEY-----": "private_key",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----": "private_key",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----": "private_key",
    "A=ghp_" + made(36): "github_token",
    "A=github_pat_" + made(22) + "_" + made(59): "github_token",
    "A=glpat-" + made(20): "gitlab_token",
    f"A=xoxb-{made(12, _DIGITS)}-{made(12, _DIGITS)}-{made(24)}": "slack_token",
    f"https://hooks.slack.com/services/T{made(8, _UPPER)}/B{made(8)}/{made(24)}": "slack_webhook",
    "A=sk_live_" + made(24): "stripe_key",
    "A=AIza" + made(35): "google_api_key",
    "A=SG." + made(22) + "." + made(43): "sendgrid_key",
    "A=sk-proj-" + made(48): "openai_key",
    "A=sk-ant-api03-" + made(93): "anthropic_key",
    "A=npm_" + made(36): "npm_token",
    "A=AccountKey=" + made(86) + "==": "azure_storage_key",
    "A=eyJ" + made(20) + ".eyJ" + made(40) + "." + made(43): "json_web_token",
    "curl -fsS -u admin:Sup3rSecret https://example.com": "command_line_password",
    "mysql -uroot -pSup3rSecret app < schema.sql": "command_line_password",
    "helm install x --db-password Sup3rSecret": "command_line_password",
    'echo "root:Sup3rSecret" | chpasswd': "command_line_password",
}

HARMLESS = (
    "",
    "DB_PASSWORD=",
    "DB_PASSWORD_SECRET_ARN=arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
    "DB_SECRET=arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
    "SECRET_NAME=prod/app/database",
    "DB_SECRET=prod/app/database",
    "API_KEY_PARAMETER=/prod/api/key",
    "DB_PASSWORD={{resolve:secretsmanager:prod/db:SecretString:password}}",
    "DB_PASSWORD=AQICAHh" + made(120),
    "DB_PASSWORD=${DB_PASSWORD}",
    'DB_PASSWORD="$(cat /run/secret)"',
    "export PASSWORD=$(aws ssm get-parameter --name /x)",
    "password = get_secret('prod/db')",
    "DB_PASSWORD=********",
    "DB_SECRET=<set in console>",
    "DATABASE_URL=postgresql://app:${DB_PASSWORD}@db.internal/app",
    "TOKEN_URL=https://login.example.com/oauth2/token",
    "PASSWORD_MIN_LENGTH=12",
    "REQUIRE_PASSWORD=true",
    "SECRET_ROTATION_ENABLED=false",
    "AUTH_TOKEN_TTL=3600",
    "API_KEY_HEADER=x-api-key",
    "PASSWORD_FIELD=password",
    "KMS_KEY_ID=1234abcd-12ab-34cd-56ef-1234567890ab",
    "COMMIT=9fceb02d0ae598e95dc970b74767f19372d61af8",
    "IMAGE=repo/app-secret:latest",
    "DIGEST=sha256:" + made(64, _HEX),
    "BUCKET=acme-prod-data-123456789012-eu-west-1",
    "QUEUE_URL=https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
    "CACHE_KEY=orders-by-customer-2024-v17",
    "PWD=/var/task",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "PUBLIC_KEY=ssh-rsa " + made(300),
    "# Password: please ask the administrators",
    'echo "passwd: files sss" >> /etc/nsswitch.conf',
    'sed -i "s/^PasswordAuthentication yes/PasswordAuthentication no/" /etc/ssh/sshd_config',
    'curl -u "$USER:$PASSWORD" https://example.com',
    "mysql -u root -p app",
)


@pytest.mark.parametrize(("text", "detector"), CREDENTIALS.items())
def test_credentials_are_seen(text: str, detector: str) -> None:
    result = scan(f"STAGE=prod\n{text}\nLOG_LEVEL=INFO\n")
    assert result.found
    assert detector in result.detectors


@pytest.mark.parametrize("text", HARMLESS)
def test_references_and_settings_are_no_credentials(text: str) -> None:
    assert scan(f"STAGE=prod\n{text}\nLOG_LEVEL=INFO\n").detectors == ()


@given(st.text(string.ascii_letters + _DIGITS, min_size=16, max_size=40))
def test_the_answer_never_repeats_what_was_found(value: str) -> None:
    result = scan(f"PASSWORD=x{value}")
    assert result.detectors == ("assigned_password",)
    assert value not in repr(result)


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    result = scan(text)
    assert result.found == bool(result.detectors)
    assert list(result.detectors) == sorted(set(result.detectors))


@pytest.mark.parametrize(
    "unit", ["a", "a=", "a-", "a:", "password='", '"x":', "-eyJ", "http://", " --", "curl ", "Aa_"]
)
def test_a_hostile_text_costs_time_in_proportion(unit: str) -> None:
    text = unit * (65536 // len(unit))
    started = time.process_time()
    scan(text)
    # About 0.1 s where it is linear; a quadratic pattern takes tens of seconds.
    assert time.process_time() - started < 3
