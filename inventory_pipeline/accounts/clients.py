"""Warm AWS clients: one for each account, service and region, over sessions of assumed roles.

Making a client costs tens of milliseconds of CPU, so the newest are kept, and all sessions share
one loader of service descriptions. Credentials refresh themselves, so runs may outlast an hour.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from inventory_pipeline.accounts.account import Account, NoAccountsError
from inventory_pipeline.accounts.watch import attach

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.credentials import Credentials
    from botocore.exceptions import ClientError
    from botocore.loaders import Loader
    from botocore.session import Session

    from inventory_pipeline.settings import Settings

SESSION_NAME = "inventory_pipeline"
MOST_CLIENTS = 200
"""Clients kept: each is about 0.5 MB, and 500 accounts of 17 regions would need 34,000."""
CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60


class Clients:
    """Gives clients; safe to share among threads.

    `home_region` is where roles are assumed: AWS_REGION, AWS_DEFAULT_REGION or us-east-1. It also
    tells the partition.
    """

    def __init__(
        self,
        *,
        endpoint_url: str | None = None,
        retry_attempts: int = 3,
        timeout_seconds: float = 300,
        connections: int = 10,
        home_region: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._endpoint_url = endpoint_url or None
        self._retry_attempts = retry_attempts
        self._read_timeout = min(READ_TIMEOUT_SECONDS, timeout_seconds)
        self._connections = connections
        self.home_region = (
            home_region
            or environ.get("AWS_REGION")
            or environ.get("AWS_DEFAULT_REGION")
            or "us-east-1"
        )
        self._lock = threading.RLock()
        self._sessions: dict[str | None, Session] = {}
        self._clients: dict[tuple[str | None, str, str], BaseClient] = {}

    @classmethod
    def of(cls, settings: Settings) -> Clients:
        """Clients as the settings want them."""
        wanted = settings.collection_settings
        return cls(
            endpoint_url=settings.aws_endpoint_url,
            retry_attempts=wanted.retry_attempts,
            timeout_seconds=wanted.timeout_seconds,
            # A cell's own calls, and those for its resources' details.
            connections=2 * wanted.parallel_regions,
        )

    @property
    def partition(self) -> str:
        """The partition (aws, aws-cn, ...) of the home region. Raises NoAccountsError."""
        from botocore.exceptions import UnknownRegionError

        try:
            return self.session_for(None).get_partition_for_region(self.home_region)
        except UnknownRegionError:
            raise NoAccountsError(
                f"AWS_REGION: {self.home_region!r} is not a region; set it to one such as us-east-1"
            ) from None

    def known_regions(self, partition: str) -> list[str]:
        """Regions that botocore knows: what to fall back on where an account cannot be asked."""
        return self.session_for(None).get_available_regions("ec2", partition_name=partition)

    def client(self, account: Account | None, service: str, region: str) -> BaseClient:
        """The client of a service in a region, as `account` (None: the caller's own identity)."""
        key = (account.role_arn if account else None, service, region)
        client = self._clients.get(key)
        if client is not None:
            return client
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                client = self._make(self.session_for(account), service, region)
                self._clients[key] = client
                if len(self._clients) > MOST_CLIENTS:  # the oldest; who still uses it has it
                    del self._clients[next(iter(self._clients))]
        return client

    def session_for(self, account: Account | None) -> Session:
        """The botocore session of an account's role, which is assumed at its first call."""
        role = account.role_arn if account else None
        with self._lock:
            if role not in self._sessions:
                session = self._new_session()
                if account is not None and role is not None:
                    _lend(session, self._assumed(account, role))
                self._sessions[role] = session
            return self._sessions[role]

    def _new_session(self) -> Session:
        from botocore.session import Session

        session = Session()
        session.register_component("data_loader", _loader())
        session.set_config_variable("sts_regional_endpoints", "regional")
        attach(session)
        return session

    def _make(self, session: Session, service: str, region: str) -> BaseClient:
        client = session.create_client(
            service, region_name=region, endpoint_url=self._endpoint_url, config=self._config()
        )
        if self._endpoint_url and service == "s3control":
            client.meta.events.register("before-sign", self._without_host_prefix)
        return client

    def _config(self) -> Config:
        from botocore.config import Config

        # Another endpoint than AWS's has no host names for buckets and accounts.
        elsewhere: dict[str, Any] = (
            {"inject_host_prefix": False, "s3": {"addressing_style": "path"}}
            if self._endpoint_url
            else {}
        )
        return Config(
            retries={"mode": "adaptive", "max_attempts": self._retry_attempts},
            connect_timeout=min(CONNECT_TIMEOUT_SECONDS, self._read_timeout),
            read_timeout=self._read_timeout,
            max_pool_connections=self._connections,
            user_agent_extra=SESSION_NAME,
            **elsewhere,
        )

    def _without_host_prefix(self, request: Any, **_: Any) -> None:
        """Undo S3 Control's account id in the host name, which its endpoint rules insist on."""
        host = urlsplit(self._endpoint_url or "").netloc
        request.url = urlsplit(request.url)._replace(netloc=host).geturl()

    def _assumed(self, account: Account, role: str) -> Credentials:
        from botocore.credentials import DeferredRefreshableCredentials
        from botocore.exceptions import ClientError

        def assume() -> dict[str, str]:
            arguments = {"RoleArn": role, "RoleSessionName": SESSION_NAME}
            external_id = account.external_id_text()
            if external_id:
                arguments["ExternalId"] = external_id
            sts: Any = self.client(None, "sts", self.home_region)
            try:
                given = sts.assume_role(**arguments)["Credentials"]
            except ClientError as error:
                raise _without(external_id, error) from None
            return {
                "access_key": given["AccessKeyId"],
                "secret_key": given["SecretAccessKey"],
                "token": given["SessionToken"],
                "expiry_time": given["Expiration"].isoformat(),
            }

        return DeferredRefreshableCredentials(assume, method="assume-role")


@cache
def _loader() -> Loader:
    """The process's one loader: it keeps every service description that it has read."""
    from botocore.loaders import create_loader

    return create_loader()


def _without(secret: str | None, error: ClientError) -> ClientError:
    """The error of a call that was given a secret, where AWS quotes it, without it."""
    from botocore.exceptions import ClientError

    said = error.response.get("Error", {})
    message = str(said.get("Message", ""))
    if not secret or secret not in message:
        return error
    message = message.replace(secret, "***")
    code = said.get("Code", "Unknown")
    return ClientError({"Error": {"Code": code, "Message": message}}, error.operation_name)


def _lend(session: Session, credentials: Credentials) -> None:
    """Make `credentials` the only ones that `session` can find."""
    from botocore.credentials import CredentialProvider, CredentialResolver

    class Lent(CredentialProvider):
        METHOD = "lent"

        def load(self) -> Credentials:
            return credentials

    session.register_component("credential_provider", CredentialResolver([Lent()]))
