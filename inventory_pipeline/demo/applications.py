"""The web applications of the simulated AWS: one for each service, most of them moto's.

Belongs here: which application a request goes to, and what stands before moto's. Not here: what is
answered (`services`, `compute`).

Imported only once the simulation starts, because importing moto takes a while.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Flask, request
from moto.core.responses import BaseResponse
from moto.core.routing import get_service_router
from moto.core.utils import convert_to_flask_response, get_service_model
from moto.moto_server.werkzeug_app import (
    HTTP_METHODS,
    BackendRequest,
    DomainDispatcherApplication,
    create_backend_app,
)

from inventory_pipeline.demo.buckets import LOCKED_SETTINGS
from inventory_pipeline.demo.estate import HOME_REGION
from inventory_pipeline.demo.services import HANDLERS, WITHOUT_MOTO
from inventory_pipeline.demo.stage import Stage
from inventory_pipeline.resource_types import resource_types

ACCESS_DENIED = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""

# Requests to S3 Control are signed for S3.
_S3_CONTROL_PATH = "/v20180820/"

# Credential=<key>/<day>/<region>/<service>/aws4_request
_SIGNED_FOR = re.compile(r"Credential=[^/]*/[^/]*/[^/]*/([^/]*)/aws4_request")


class Applications(DomainDispatcherApplication):
    """Gives each request to the application of the service that it is signed for.

    Made at the start, and found by that name alone: moto would look through a folder at every
    request, and compile routes at the first, by way of `ast`, which in CPython 3.11 now and then
    raises SystemError when two threads use it at once.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(lambda service: _with_moto(service, stage))
        self._own = {name: _without_moto(it, stage) for name, it in WITHOUT_MOTO.items()}
        for service in _services_in_use():
            model = get_service_model(service)
            if model.protocol.startswith("rest-"):
                get_service_router(service)._get_router(model.protocol)
            if model.signing_name not in self._own:
                host = f"{model.signing_name}.{HOME_REGION}.amazonaws.com"
                self._own[model.signing_name] = self.create_app(self.get_backend_for_host(host))
        self._s3_control = self.create_app("s3control")

    def get_application(self, environ: dict[str, Any]) -> Flask:
        signed = _SIGNED_FOR.search(environ.get("HTTP_AUTHORIZATION", ""))
        name = signed.group(1) if signed else "s3"
        if name == "s3" and environ["PATH_INFO"].startswith(_S3_CONTROL_PATH):
            return self._s3_control
        return self._own[name]


def _services_in_use() -> list[str]:
    """Services that are asked for anything, by botocore's names."""
    kinds = resource_types().values()
    of_details = {detail.service or kind.service for kind in kinds for detail in kind.details}
    return sorted({"cloudwatch", "sts", *of_details, *(kind.service for kind in kinds)})


def _with_moto(service: Any, stage: Stage) -> Flask:
    """moto's application of a service, with our handlers where we have some."""
    app = create_backend_app(service)
    if service == "s3":
        app.before_request(_s3_refusal(stage))
    if handler := HANDLERS.get(service):
        dispatch = _dispatch(handler, stage)
        for endpoint in app.view_functions:
            if endpoint.partition(".")[2].startswith("dispatch"):
                app.view_functions[endpoint] = dispatch
        # For operations that moto has no route to.
        _route_all(app, dispatch)
    return app


def _without_moto(handler: type[BaseResponse], stage: Stage) -> Flask:
    app = Flask(handler.__name__)
    app.request_class = BackendRequest
    _route_all(app, _dispatch(handler, stage))
    return app


def _dispatch(handler: type[BaseResponse], stage: Stage) -> Any:
    ours: type[BaseResponse] = type(handler.__name__, (handler,), {"stage": stage})
    return convert_to_flask_response(ours.dispatch)


def _route_all(app: Flask, dispatch: Any) -> None:
    for rule in ("/", "/<path:anywhere>"):
        app.add_url_rule(rule, f"all of {rule}", dispatch, methods=HTTP_METHODS)


def _s3_refusal(stage: Stage) -> Callable[[], tuple[str, int, dict[str, str]] | None]:
    """Refuses to say anything of locked buckets but where they are."""
    locked = {b.id for b in stage.estate.world(1).buckets if b.locked}

    def refuse() -> tuple[str, int, dict[str, str]] | None:
        bucket = request.path.strip("/").partition("/")[0]
        if bucket in locked and LOCKED_SETTINGS & set(request.args):
            return ACCESS_DENIED, 403, {"Content-Type": "application/xml"}
        return None

    return refuse
