"""A simulated AWS on loopback for tests, and clients whose calls can be made to fail."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from inventory_pipeline.accounts import Clients
from inventory_pipeline.accounts.clients import acting_account
from inventory_pipeline.settings import Settings

ENGINEERING = "111111111111"
OPERATIONS = "222222222222"
CANARY = "canary-7b1f-never-to-be-stored"


def settings_of(endpoint: str, **more: Any) -> Settings:
    """Two accounts in two regions that are on and one that is off."""
    return Settings.model_validate(
        {
            "accounts": {
                "engineering": {
                    "account_id": ENGINEERING,
                    "external_id": "an-external-id",
                    "tags": {"Department": "Engineering", "Env": "prod"},
                },
                "operations": {"account_id": OPERATIONS},
            },
            "regions": ["us-east-1", "eu-west-1", "ap-south-2"],
            "collection_settings": {"retry_attempts": 0, "parallel_regions": 4},
            "aws_endpoint_url": endpoint,
        }
        | more
    )


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass
class Fault:
    """What happens instead of an operation, call by call; afterwards AWS answers again.

    An effect is an exception to raise, or the status, headers and body of an answer; None lets the
    call through. `forever` repeats the last one.
    """

    operation: str
    effects: list[Any]
    account_id: str | None = None
    region: str | None = None
    forever: bool = True
    before: Callable[[], None] = lambda: None
    calls: int = field(default=0)

    def hits(self, region: str) -> bool:
        account = acting_account()
        account_id = account.account_id if account else None
        return self.account_id in (None, account_id) and self.region in (None, region)

    def __call__(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if event_name.rpartition(".")[2] != self.operation:
            return None
        self.before()
        self.calls += 1
        if self.calls > len(self.effects) and not self.forever:
            return None
        effect = self.effects[min(self.calls, len(self.effects)) - 1]
        if effect is None:
            return None
        if isinstance(effect, Exception):
            raise effect
        status, headers, body = effect
        return AWSResponse(request.url, status, headers, _Raw(body))


class FaultyClients(Clients):
    """Clients as of settings, some of whose operations fail as told."""

    def __init__(self, settings: Settings, *faults: Fault) -> None:
        wanted = settings.collection_settings
        super().__init__(
            settings.credentials,
            endpoint_url=settings.aws_endpoint_url,
            retry_attempts=wanted.retry_attempts,
            timeout_seconds=wanted.timeout_seconds,
            connections=10,
        )
        self.faults = faults

    def _make(self, service: str, region: str) -> Any:
        client = super()._make(service, region)

        def sabotage(**event: Any) -> AWSResponse | None:
            answers = (fault(**event) for fault in self.faults if fault.hits(region))
            return next((answer for answer in answers if answer is not None), None)

        # After the product's own hooks, as the network would be.
        client.meta.events.register_last("before-send", sabotage)
        return client


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def ec2_error(
    code: str, message: str = "no", status: int = 403
) -> tuple[int, dict[str, str], bytes]:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f"<Response><Errors>{error}</Errors></Response>"
    return status, {"content-type": "text/xml"}, body.encode()


def json_answer(body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {"content-type": "application/json"}, json.dumps(body).encode()
