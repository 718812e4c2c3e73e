"""Clients whose calls a fault may answer in AWS's place, in the protocol of each service."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from inventory_pipeline.accounts import Clients
from inventory_pipeline.accounts.clients import acting_account
from inventory_pipeline.settings import Settings

Fault = Callable[["Sent"], AWSResponse | None]
"""What happens to a call: an answer in AWS's place, an exception, or None to let it through."""


@dataclass(frozen=True)
class Sent:
    """A call on its way. `account_id` is None where the caller's own credentials sign."""

    account_id: str | None
    region: str
    service: str
    operation: str
    protocol: str
    request: AWSPreparedRequest
    send: Callable[[AWSPreparedRequest], AWSResponse]

    def takes_role_of(self, account_id: str) -> bool:
        return self.operation == "AssumeRole" and account_id in str(self.request.body)

    @property
    def access_key(self) -> str:
        """The key that signed it."""
        signature: Any = self.request.headers["Authorization"]
        text = signature.decode() if isinstance(signature, bytes) else signature
        return str(text.partition("Credential=")[2].partition("/")[0])

    def real_answer(self) -> bytes:
        """What AWS says to it."""
        return self.send(self.request).content

    def answered(
        self, body: bytes, content_type: str | None = None, status: int = 200
    ) -> AWSResponse:
        return self._answer(status, {"content-type": content_type or self._content_type}, body)

    def refused(self, code: str, message: str = "no", status: int = 400) -> AWSResponse:
        """An error in the protocol of its service."""
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        bodies = {
            "ec2": f"<Response><Errors>{error}</Errors></Response>",
            "query": f"<ErrorResponse>{error}</ErrorResponse>",
            "rest-xml": error,
        }
        body = bodies.get(self.protocol) or json.dumps({"__type": code, "message": message})
        headers = {"content-type": self._content_type, "x-amzn-errortype": code}
        return self._answer(status, headers, body.encode())

    @property
    def is_json(self) -> bool:
        return self.protocol in ("json", "rest-json")

    @property
    def _content_type(self) -> str:
        return "application/json" if self.is_json else "text/xml"

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> AWSResponse:
        return AWSResponse(self.request.url, status, headers, _Raw(body))


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class TroubledClients(Clients):
    """Clients as of settings, each of whose calls `fault` sees before AWS does."""

    def __init__(self, settings: Settings, fault: Fault) -> None:
        wanted = settings.collection_settings
        super().__init__(
            settings.credentials,
            endpoint_url=settings.aws_endpoint_url,
            retry_attempts=wanted.retry_attempts,
            timeout_seconds=wanted.timeout_seconds,
            connections=2 * wanted.parallel_regions,
        )
        self._fault = fault

    def _make(self, service: str, region: str) -> Any:
        client: Any = super()._make(service, region)
        model = client.meta.service_model

        def meddle(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
            account, operation = acting_account(), event_name.rpartition(".")[2]
            return self._fault(
                Sent(
                    account.account_id if account else None,
                    region,
                    service,
                    operation,
                    model.resolved_protocol,
                    request,
                    client._endpoint.http_session.send,
                )
            )

        # After the product's own hooks, as the network would be.
        client.meta.events.register_last("before-send", meddle)
        return client
