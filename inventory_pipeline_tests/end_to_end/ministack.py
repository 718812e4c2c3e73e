"""An AWS on loopback that enforces IAM: ministack, fetched once into an environment of its own.

Its own, because it pins a botocore that is not ours. What is missing is a
`MinistackUnavailableError`: nothing here skips.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from inventory_pipeline_tests.end_to_end.trino import free_port

VERSION = "1.5.33"
REQUIREMENTS = (
    f"ministack=={VERSION}",
    "cbor2>=5.4,<7",  # how CloudWatch's clients speak
    "cryptography>=41,<60",  # certificates of ACM
)

FETCH_SECONDS = 600
START_SECONDS = 60
REGION = "us-east-1"

ASKED_DIFFERENTLY = (
    # On no resource, where AWS asks them on one.
    "cloudtrail:ListTags",
    "config:DescribeConfigurationRecorderStatus",
    "dynamodb:GetResourcePolicy",
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:ListTagsForResource",
    "ecs:DescribeClusters",
    "iam:GetAccessKeyLastUsed",
    "iam:GetInstanceProfile",
    "sns:ListTagsForResource",
    # For each question about a function that it has no action of its own for.
    "lambda:GetFunction",
)
"""What ministack asks other than AWS does. These are allowed besides the rendered policies, so that
nothing else hides behind them."""

UNIMPLEMENTED = frozenset(
    {
        "access_analyzer",
        "cloudtrail_trail.insights",
        "dynamodb_table.scaling",
        "ec2_instance.image",
        "ec2_region_settings.ebs_encryption",
        "ec2_region_settings.ebs_key",
        "ec2_region_settings.image_block",
        "ec2_region_settings.metadata_defaults",
        "ec2_region_settings.serial_console",
        "ec2_region_settings.snapshot_block",
        "ec2_region_settings.vpc_block",
        "ecr_repository.registry",
        "ecr_repository.scanning",
        "guardduty_detector",
        "iam_account.features",
        "iam_account.support",
        "iam_server_certificate",
        "kms_key.usage",
        "lambda_function.provisioned",
        "launch_template.default_versions",
        "organization.delegated",
        "organization.trusted_services",
        "rds_cluster.engine_lifecycles",
        "rds_instance.engine_lifecycles",
        "rds_snapshot.attributes",
        "redshift_cluster",
        "reserved_instance",
        "s3_account_settings.public_access_block",
        "s3_bucket.account_public_access_block",
        "s3_bucket.policy_status",
        "savings_plan",
        "transit_gateway",
    }
)
"""Collectors whose calls ministack does not answer, or not as AWS does."""

ASKED_OF_A_TABLE = ("glue:GetDatabase",)
"""ministack takes the database's name for a table's."""


class MinistackUnavailableError(Exception):
    """No ministack can be had on this machine; the message says why."""


@dataclass(frozen=True)
class Ministack:
    """A running ministack. It has every account there is, each with its root's credentials."""

    url: str

    def root(self, account_id: str, service: str) -> Any:
        """The client of a service as the root of an account, whom nothing is denied."""
        return self.client(service, account_id, "test")

    def client(self, service: str, key_id: str, secret: str, token: str | None = None) -> Any:
        import boto3
        from botocore.config import Config

        made = boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
        )
        if service == "s3control":
            made.meta.events.register("before-sign", self._without_host_prefix)
        return made

    def _without_host_prefix(self, request: Any, **_: Any) -> None:
        """Undo the account id in the host name, which S3 Control's endpoint rules insist on."""
        host = urlsplit(self.url).netloc
        request.url = urlsplit(request.url)._replace(netloc=host).geturl()


def environment() -> Path:
    """The Python of an environment that has ministack, made when it is not in the cache yet."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "inventory_pipeline" / "ministack"
    made = folder / f"ministack-{VERSION}"
    if not made.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            aside = Path(scratch) / made.name
            _fetch(aside)
            try:
                os.rename(aside, made)
            except OSError:  # another process was first
                if not made.exists():
                    raise
    return made / "bin" / "python"


def _fetch(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--only-binary", ":all:", *REQUIREMENTS],
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
    )
    if done.returncode:
        raise MinistackUnavailableError(
            f"pip cannot fetch {' '.join(REQUIREMENTS)}: {done.stderr[-500:]}"
        )


@contextmanager
def ministack() -> Iterator[Ministack]:
    """A ministack that enforces IAM, killed at the end with all it started."""
    python, port = environment(), free_port()
    with tempfile.TemporaryDirectory(prefix="inventory-ministack-") as name:
        log = Path(name) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(python), "-m", "ministack"],
                cwd=name,
                env=_variables(port, Path(name)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            server = Ministack(f"http://127.0.0.1:{port}")
            _await(server, process, log)
            yield server
        finally:
            with suppress(ProcessLookupError):  # it ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _variables(port: int, folder: Path) -> dict[str, str]:
    """Its settings, and nothing of our environment that could lead it beyond loopback."""
    return {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "HOME": str(folder),
        "IOT_MTLS_ENABLED": "0",
        "PATH": os.path.dirname(sys.executable),
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
    }


def _await(server: Ministack, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{server.url}/_ministack/health"):
            return
        time.sleep(0.1)
    ended = f"ended with {process.returncode}" if process.poll() is not None else "is not ready"
    tail = log.read_text(errors="replace")[-2000:]
    raise MinistackUnavailableError(f"ministack {VERSION} {ended}; it said:\n{tail}")
