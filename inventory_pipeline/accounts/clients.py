"""Warm AWS clients: one for each service and region, used on behalf of any account.

Making a client costs tens of milliseconds of CPU, so accounts share them: what `client` gives is a
shared client that signs with the credentials of one account. Credentials refresh themselves, so
runs may outlast an hour. Not here: how a role is assumed (`credentials`), which calls are repeated
(`retries`).
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from inventory_pipeline.accounts.account import Account, NoAccountsError
from inventory_pipeline.accounts.answers import require_answer
from inventory_pipeline.accounts.credentials import EXPIRED, FOUND, assumed, chain_of, explained
from inventory_pipeline.accounts.retries import Retries
from inventory_pipeline.accounts.watch import attach

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.credentials import Credentials
    from botocore.loaders import Loader
    from botocore.session import Session

    from inventory_pipeline.settings import CredentialSettings, Settings

USER_AGENT = "inventory_pipeline"
MOST_CLIENTS = 100
"""Clients kept, the last used: 40 services in 17 regions would be some 400 MB."""
CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 60

_UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)

_acting_as: ContextVar[Account | None] = ContextVar("account", default=None)


@contextmanager
def acting_as(account: Account | None) -> Iterator[None]:
    """Within this block the thread's calls are signed as `account` (None: the caller itself)."""
    token = _acting_as.set(account)
    try:
        yield
    finally:
        _acting_as.reset(token)


def acting_account() -> Account | None:
    """The account that the thread's calls are signed as."""
    return _acting_as.get()


class Clients:
    """Gives clients; safe to share among threads.

    `home_region` is where roles are assumed: AWS_REGION, AWS_DEFAULT_REGION, the profile's or
    us-east-1. It also tells the partition. Raises CredentialsError where there is no such profile.
    """

    def __init__(
        self,
        credentials: CredentialSettings | None = None,
        *,
        endpoint_url: str | None = None,
        retry_attempts: int = 3,
        timeout_seconds: float = 300,
        connections: int = 10,
        home_region: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        from inventory_pipeline.settings import CredentialSettings

        self._endpoint_url = endpoint_url or None
        self._retries = Retries(retry_attempts)
        self._read_timeout = min(READ_TIMEOUT_SECONDS, timeout_seconds)
        self._connections = connections
        self._wanted = credentials or CredentialSettings()
        self._own = _new_session(self._wanted.profile)
        self.home_region = (
            home_region
            or environ.get("AWS_REGION")
            or environ.get("AWS_DEFAULT_REGION")
            or self._profile_region()
            or "us-east-1"
        )
        self._lock = threading.RLock()
        self._chain = chain_of(self._wanted)
        self._session = self._shared_session()
        self._credentials: dict[str | None, Credentials] = {}
        self._clients: OrderedDict[tuple[str, str], BaseClient] = OrderedDict()
        self._making: dict[tuple[str, str], threading.Lock] = {}

    @classmethod
    def of(cls, settings: Settings) -> Clients:
        """Clients as the settings want them."""
        wanted = settings.collection_settings
        return cls(
            settings.credentials,
            endpoint_url=settings.aws_endpoint_url,
            retry_attempts=wanted.retry_attempts,
            timeout_seconds=wanted.timeout_seconds,
            # A cell's own calls, and those for its resources' details.
            connections=2 * wanted.parallel_regions,
        )

    def _profile_region(self) -> str | None:
        from botocore.exceptions import BotoCoreError

        try:
            region = self._own.get_scoped_config().get("region")
        except BotoCoreError as error:
            raise explained(error, self._own.profile) from None
        return region or None

    def require_credentials(self) -> None:
        """Raises CredentialsError where the caller has none; says nothing of what they may do."""
        self._frozen(FOUND)

    @property
    def partition(self) -> str:
        """The partition (aws, aws-cn, ...) of the home region. Raises NoAccountsError."""
        from botocore.exceptions import UnknownRegionError

        try:
            return self._own.get_partition_for_region(self.home_region)
        except UnknownRegionError:
            raise NoAccountsError(
                f"AWS_REGION: {self.home_region!r} is not a region; set it to one such as us-east-1"
            ) from None

    def known_regions(self, partition: str, service: str = "ec2") -> list[str]:
        """Regions in which botocore knows a service: what to fall back on where AWS is silent."""
        return self._own.get_available_regions(service, partition_name=partition)

    def client(self, account: Account | None, service: str, region: str) -> Any:
        """A client of a service in a region that acts as `account` (None: the caller itself)."""
        return _ClientAs(account, self._shared(service, region))

    def _shared(self, service: str, region: str) -> BaseClient:
        key = (service, region)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:  # who needs another client does not wait for this one
            client = self._clients.get(key) or self._make(service, region)
            with self._lock:
                self._clients[key] = client
                self._clients.move_to_end(key)
                if len(self._clients) > MOST_CLIENTS:  # who still uses it has it
                    self._clients.popitem(last=False)
        return client

    def _make(self, service: str, region: str) -> BaseClient:
        client = self._session.create_client(
            service, region_name=region, endpoint_url=self._endpoint_url, config=self._config()
        )
        if self._endpoint_url and service == "s3control":
            client.meta.events.register("before-sign", self._without_host_prefix)
        self._bound_to_limits(client, service, region)
        return client

    def _bound_to_limits(self, client: BaseClient, service: str, region: str) -> None:
        """Have the client wait and repeat by what AWS counts: account, region and service."""

        def limit() -> tuple[str | None, str, str]:
            account = acting_account()
            return (account.role_arn if account else None, region, service)

        def before_send(**_: Any) -> None:
            self._retries.before_send(limit())

        def needs_retry(
            response: Any, attempts: int, caught_exception: Exception | None, **_: Any
        ) -> float | None:
            if attempts == 1 and response is not None and self._renewed_after(response[1]):
                return 0.0
            return self._retries.needs_retry(limit(), response, attempts, caught_exception)

        events: Any = client.meta.events  # its stubs know no handler that answers
        events.register_first("before-send", before_send)
        events.register("needs-retry", needs_retry)
        events.register("after-call", require_answer)

    def _config(self) -> Config:
        from botocore.config import Config

        # Another endpoint than AWS's has no host names for buckets and accounts.
        elsewhere: dict[str, Any] = (
            {"inject_host_prefix": False, "s3": {"addressing_style": "path"}}
            if self._endpoint_url
            else {}
        )
        return Config(
            # `Retries` repeats calls.
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=min(CONNECT_TIMEOUT_SECONDS, self._read_timeout),
            read_timeout=self._read_timeout,
            max_pool_connections=self._connections,
            # As a whole: botocore would put together its own anew for each call.
            user_agent=USER_AGENT,
            # An address of one account's would be kept for all.
            account_id_endpoint_mode="disabled",
            # Tests check the arguments that resource types declare; each check costs CPU.
            parameter_validation=False,
            **elsewhere,
        )

    def _without_host_prefix(self, request: Any, **_: Any) -> None:
        """Undo S3 Control's account id in the host name, which its endpoint rules insist on."""
        host = urlsplit(self._endpoint_url or "").netloc
        request.url = urlsplit(request.url)._replace(netloc=host).geturl()

    # -- credentials ---------------------------------------------------------------------------

    def _shared_session(self) -> Session:
        """A session whose credentials are those of the account that a thread acts as."""
        from botocore.credentials import CredentialProvider, CredentialResolver, Credentials

        frozen = self._frozen

        class Acting(Credentials):
            def get_frozen_credentials(self) -> Any:
                return frozen(acting_account())

        class ByThread(CredentialProvider):
            METHOD = "acting-as"

            def load(self) -> Credentials:
                return Acting("", "", method=self.METHOD)

        session = _new_session()
        session.register_component("credential_provider", CredentialResolver([ByThread()]))
        attach(session)
        return session

    def _frozen(self, account: Account | None) -> Any:
        """The account's keys of this moment. Raises CredentialsError where the caller has none."""
        from botocore.exceptions import BotoCoreError, NoCredentialsError

        role = self._role_of(account)
        if role is not FOUND:
            return self._assumed(role).get_frozen_credentials()
        try:
            found = self._own.get_credentials()
            if found is None:
                raise NoCredentialsError
            return found.get_frozen_credentials()
        except BotoCoreError as error:
            raise explained(error, self._own.profile) from None

    def _renewed_after(self, answer: Mapping[str, Any]) -> bool:
        """Whether AWS refused a role's keys as ended, so that it is assumed anew."""
        role = self._role_of(acting_account())
        if role is FOUND or answer.get("Error", {}).get("Code") not in EXPIRED:
            return False
        with self._lock:  # of several calls that are refused at once, one finds them
            self._credentials.pop(role.role_arn, None)
        return True

    def _role_of(self, account: Account | None) -> Account:
        """Whose role an account is entered with: its own, or else the collector's."""
        has_own = account is not None and (account is FOUND or account.role_arn is not None)
        return account if account is not None and has_own else self._chain[-1]

    def _assumed(self, account: Account) -> Credentials:
        """The credentials of an account's role, which is assumed at their first use."""
        chain = self._chain
        before = chain[chain.index(account) - 1] if account in chain else None
        with self._lock:
            if account.role_arn not in self._credentials:
                self._credentials[account.role_arn] = assumed(
                    account, self._wanted, lambda: self.client(before, "sts", self.home_region)
                )
            return self._credentials[account.role_arn]


class _ClientAs:
    """A shared client whose calls, and whose paginators' calls, are signed as one account."""

    def __init__(self, account: Account | None, client: Any) -> None:
        self._account = account
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator":
            return lambda operation: _PagesAs(self._account, found(operation))
        if name not in self._client.meta.method_to_api_mapping:
            return found

        def call(**arguments: Any) -> Any:
            with acting_as(self._account):
                return found(**arguments)

        return call


class _PagesAs:
    """A paginator of a shared client, each of whose pages is asked for as one account."""

    def __init__(self, account: Account | None, paginator: Any) -> None:
        self._account = account
        self._paginator = paginator

    def paginate(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        pages = iter(self._paginator.paginate(**arguments))
        while True:
            with acting_as(self._account):
                page = next(pages, None)
            if page is None:
                return
            yield page


def _new_session(profile: str | None = None) -> Session:
    from botocore.session import Session

    session = Session(profile=profile)
    session.register_component("data_loader", _loader())
    session.set_config_variable("sts_regional_endpoints", "regional")
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    return session


def _timestamp(value: Any) -> datetime:
    """A time of an answer; the common forms by the standard library, 20 times as fast."""
    from botocore.utils import parse_timestamp

    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str) and _UTC_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    return parse_timestamp(value)


@cache
def _loader() -> Loader:
    """The process's one loader: it keeps every service description that it has read."""
    from botocore.loaders import create_loader

    return create_loader()
