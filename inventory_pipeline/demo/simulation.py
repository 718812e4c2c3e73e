"""An in-process AWS on loopback that shows the organisation of an `Estate`.

moto serves it (`applications`). EC2, RDS, Lambda, CloudWatch, STS and others answer from the
description (`compute`, `services`); S3 and the rest are moto's own, loaded directly (`buckets`,
`stock`). Belongs here: starting, changing and stopping it.
"""

import logging
import os
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING

from inventory_pipeline.demo.buckets import forget_buckets, show_buckets, show_inventories
from inventory_pipeline.demo.deliveries import delivery
from inventory_pipeline.demo.estate import PLATFORM, Day, Estate
from inventory_pipeline.demo.objects import reports
from inventory_pipeline.demo.stock import forget_stock, show_stock

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from inventory_pipeline.demo.stage import Stage

MOTO_ENVIRONMENT = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
}

WRITING = timedelta(hours=4)
"""From a report's instant until S3 has written it."""


class Simulation:
    """A running simulation. It starts on day one, with nothing delivered yet.

    State lives in this process alone and follows from the estate: start it again, apply the same
    days and write the same deliveries, and AWS shows the same as before. One at a time per process,
    because moto's backends are the process's.
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
        from inventory_pipeline.demo.stage import Stage

        stage = Stage(estate)
        _forget_everything()
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
        show_inventories(self.estate)
        show_stock(self.estate, world)
        self._stage.show(world)

    def write_deliveries(self, day: Day) -> None:
        """Delivers that day's S3 Inventory reports into their destination buckets."""
        from moto.s3.models import s3_backends

        backend = s3_backends[PLATFORM.account_id]["aws"]
        written_at = self.estate.delivered_at(day) + WRITING
        for report in reports(self.estate):
            for key, body in delivery(self.estate, report, day):
                stored = backend.put_object(report.destination, key, body)
                # moto's times are of UTC and do not say so.
                stored.last_modified = written_at.replace(tzinfo=None)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        _forget_everything()


def _forget_everything() -> None:
    forget_buckets()
    forget_stock()


def _server(stage: "Stage") -> "BaseWSGIServer":
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from inventory_pipeline.demo.applications import Applications

    return make_server(
        "127.0.0.1",
        0,
        Applications(stage),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
