"""A simulated AWS on loopback, and a lake in it."""

import contextlib
import logging
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hypothesis import settings

from inventory_pipeline.lake import Lake

# The same examples each time, so that a change fails for what it did; `--hypothesis-profile
# default` looks for others.
# How long one takes says nothing: machines that test are busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

SERVICES = (
    "sts",
    "ec2",
    "rds",
    "lambda",
    "s3",
    "s3control",
    "monitoring",
    "sns",
    "iam",
    "organizations",
    "cloudtrail",
    "config",
    "guardduty",
    "acm",
    "kms",
    "secretsmanager",
    "sqs",
    "ecr",
)


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    from inventory_pipeline_tests.lambda_gaps import fill_lambda_gaps

    fill_lambda_gaps()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        for service in SERVICES:
            _make_routes(f"http://{host}:{port}", service)
        yield f"http://{host}:{port}"
        server.stop()


def _make_routes(url: str, service: str) -> None:
    """Have moto make a service's routes now: it does so at the first request, and in several
    threads at once that can fail."""
    scope = f"AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/{service}/aws4_request"
    with contextlib.suppress(HTTPError):
        urlopen(Request(url, headers={"Authorization": scope})).close()


@pytest.fixture
def aws(aws_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The endpoint of an empty AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    urlopen(Request(f"{aws_server}/moto-api/reset", method="POST")).close()
    return aws_server


@pytest.fixture
def s3_lake(aws: str, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake on S3 with the Glue catalogue, both simulated; whatever asks AWS asks there."""
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    boto3.client("s3").create_bucket(Bucket="lake-bucket")
    return Lake.open("s3://lake-bucket/prod", catalog="glue")
