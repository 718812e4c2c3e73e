"""An in-process AWS on loopback that shows the organisation of an `Estate`.

moto serves it. EC2, RDS, Lambda, CloudWatch and STS answer from the description (`services`); S3 is
moto's own, loaded directly (`buckets`). Belongs here: starting, changing and stopping it.
"""

import logging
import os
from collections.abc import Callable
from threading import Thread
from typing import TYPE_CHECKING, Any

from inventory_pipeline.demo.buckets import LOCKED_SETTINGS, forget_everything, show_buckets
from inventory_pipeline.demo.deliveries import delivery
from inventory_pipeline.demo.estate import PLATFORM, Day, Estate
from inventory_pipeline.demo.objects import reports

if TYPE_CHECKING:
    from flask import Flask
    from moto.core.responses import BaseResponse
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from werkzeug.serving import BaseWSGIServer

    from inventory_pipeline.demo.services import Stage

MOTO_ENVIRONMENT = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
}

ACCESS_DENIED = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""


class Simulation:
    """A running simulation. It starts on day one, with nothing delivered yet.

    State lives in this process alone and follows from the estate: start it again, apply the same
    days and write the same deliveries, and AWS shows the same as before. One at a time per process,
    because moto's S3 is the process's.
    """

    def __init__(self, estate: Estate, stage: "Stage", server: "BaseWSGIServer") -> None:
        self.estate = estate
        self._stage = stage
        self._server = server
        self._thread = Thread(target=server.serve_forever, name="simulated-aws", daemon=True)

    @classmethod
    def start(cls, estate: Estate) -> "Simulation":
        os.environ.update(MOTO_ENVIRONMENT)
        # The development server would log every request.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        from inventory_pipeline.demo.services import Stage

        stage = Stage(estate)
        forget_everything()
        simulation = cls(estate, stage, _server(stage))
        simulation.apply(1)
        simulation._thread.start()
        return simulation

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def apply(self, day: Day) -> None:
        """Shows what there is on that day."""
        world = self.estate.world(day)
        show_buckets(self.estate, world)
        self._stage.show(world)

    def write_deliveries(self, day: Day) -> None:
        """Delivers that day's S3 Inventory reports into their destination buckets."""
        from moto.s3.models import s3_backends

        backend = s3_backends[PLATFORM.account_id]["aws"]
        for report in reports(self.estate):
            for key, body in delivery(self.estate, report, day):
                backend.put_object(report.destination, key, body)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        forget_everything()


def _server(stage: "Stage") -> "BaseWSGIServer":
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler
    from werkzeug.serving import make_server

    application = DomainDispatcherApplication(_app_maker(stage))
    _make_routes(application)
    return make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )


def _make_routes(application: "DomainDispatcherApplication") -> None:
    """Makes now what moto would make at each service's first request.

    Routes are compiled by way of `ast`, which in CPython 3.11 now and then raises SystemError when
    two threads use it at once.
    """
    from moto.core.routing import get_service_router

    from inventory_pipeline.demo.lambda_gaps import fill_lambda_gaps
    from inventory_pipeline.demo.services import HANDLERS

    fill_lambda_gaps()
    for service in (*HANDLERS, "s3", "s3control"):
        application.app_instances[service] = application.create_app(service)  # type: ignore[arg-type]
    for service, protocol in (
        ("lambda", "rest-json"),
        ("s3", "rest-xml"),
        ("s3control", "rest-xml"),
    ):
        get_service_router(service)._get_router(protocol)


def _app_maker(stage: "Stage") -> Callable[[Any], "Flask"]:
    """Makes moto's application of a service, with our handlers where we have some."""
    from moto.core.utils import convert_to_flask_response
    from moto.moto_server.werkzeug_app import create_backend_app

    from inventory_pipeline.demo.services import HANDLERS

    def make(service: Any) -> "Flask":
        app = create_backend_app(service)
        if service == "s3":
            app.before_request(_s3_refusal(stage))
        if handler := HANDLERS.get(service):
            ours: type[BaseResponse] = type(handler.__name__, (handler,), {"stage": stage})
            for endpoint in app.view_functions:
                if endpoint.partition(".")[2].startswith("dispatch"):
                    app.view_functions[endpoint] = convert_to_flask_response(ours.dispatch)
        return app

    return make


def _s3_refusal(stage: "Stage") -> Callable[[], tuple[str, int, dict[str, str]] | None]:
    """Refuses to say anything of locked buckets but where they are."""
    from flask import request

    locked = {b.id for b in stage.estate.world(1).buckets if b.locked}

    def refuse() -> tuple[str, int, dict[str, str]] | None:
        bucket = request.path.strip("/").partition("/")[0]
        if bucket in locked and LOCKED_SETTINGS & set(request.args):
            return ACCESS_DENIED, 403, {"Content-Type": "application/xml"}
        return None

    return refuse
