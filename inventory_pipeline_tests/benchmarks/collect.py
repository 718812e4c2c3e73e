"""`collect`: an organisation behind calls of 50 ms each. A row is a call, or a resource.

- `calls`: 20 accounts, 17 regions and 6 services, looked at by our runner; compared with what most
  people write, a session per account, a client per job, and as many threads.
- `every type`: the accounts that `--rows` calls need (50 by default), 17 regions, all resource
  types, collected into a lake.
- `resources`: 100,000 network interfaces of 20 accounts in 5 regions, collected into a lake.
- `measured`: 20,000 volumes with a fortnight of their seven metrics, collected into a lake.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from inventory_pipeline_tests.benchmarks.loopback_aws import REGIONS, loopback_aws
from inventory_pipeline_tests.benchmarks.measuring import (
    OURS,
    Clock,
    Report,
    Side,
    agree,
    figure,
    run_apart,
)

ROWS = 50
"""Accounts of `every type`; the other parts have their own size."""
ACCOUNTS = 20
PARALLEL = 32
PER_REGION = 1000
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

# Types of six services, each seen by one call: there is a gateway everywhere, and nothing else.
SIX = (
    "internet_gateway",
    "rds_cluster",
    "lambda_function",
    "sns_topic",
    "log_group",
    "step_function",
)
PLAIN = "session per account"

CALLS_RATIO, MEMORY_RATIO, CPU_MS, RESOURCES_PER_SECOND, EVERY_TYPE_MB = 7, 8, 3, 2000, 512


def run(rows: int) -> Report:
    calls = ACCOUNTS * len(REGIONS) * len(SIX)
    with loopback_aws() as endpoint:
        ours = run_apart(_ours, calls, endpoint)
        plain = run_apart(_plain, calls, endpoint)
        agree(ours.answer, plain.answer)
        every = run_apart(_every_type, rows, endpoint)
    with loopback_aws(PER_REGION) as endpoint:
        resources = run_apart(
            _resources, ACCOUNTS * 5 * PER_REGION, endpoint, "network_interface", 5
        )
        measured = run_apart(_resources, ACCOUNTS * PER_REGION, endpoint, "ebs_volume", 1)
    every = Side(every.answer, every.clock, every.answer, every.peak_mb)
    return Report(
        [
            figure("collect", "calls", OURS, ours, plain),
            figure("collect", "calls", PLAIN, plain, plain),
            figure("collect", "every type", OURS, every, plain),
            figure("collect", "resources", OURS, resources, plain),
            figure("collect", "measured", OURS, measured, plain),
        ],
        [
            _verdict("calls/s, times that of " + PLAIN, _rate(ours) / _rate(plain), CALLS_RATIO),
            _verdict("memory, a fraction of it", plain.peak_mb / ours.peak_mb, MEMORY_RATIO),
            _verdict("ms of CPU a call", -1000 * ours.cpu_per_row, -CPU_MS),
            _verdict("ms of CPU a call, every type", -1000 * every.cpu_per_row, -CPU_MS),
            _verdict("MB, every type", -every.peak_mb, -EVERY_TYPE_MB),
            _verdict("resources/s", _rate(resources), RESOURCES_PER_SECOND),
        ],
    )


def _rate(side: Side) -> float:
    return side.rows / sum(side.clock.wall)


def _verdict(what: str, found: float, target: float) -> str:
    word = "within" if found >= target else "MISSES"
    return f"{what}: {abs(found):,.1f} {word} {abs(target):,}"


def _settings(endpoint: str, accounts: int, **more: Any) -> Any:
    from inventory_pipeline.settings import Settings

    return Settings.model_validate(
        {
            "accounts": {f"a{n}": {"account_id": f"{n + 1:012}"} for n in range(accounts)},
            "aws_endpoint_url": endpoint,
            "collection_settings": {"parallel_regions": PARALLEL, "retry_attempts": 3},
        }
        | more
    )


def _environment() -> None:
    """Credentials; and what both sides import, so that neither's clock has it."""
    import os

    import boto3
    import botocore.credentials  # noqa: F401 - both sides use it

    boto3.DEFAULT_SESSION = None
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "ASIA000000000000",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_REGION": "us-east-1",
    }


def _ours(clock: Clock, calls: int, endpoint: str) -> Any:
    _environment()
    from inventory_pipeline.accounts import Clients, accounts_of, enter
    from inventory_pipeline.accounts.regions import RegionScope
    from inventory_pipeline.collect import CellRunner, plan
    from inventory_pipeline.resource_types import selected_types

    settings = _settings(endpoint, ACCOUNTS)
    with clock.running():
        clients = Clients.of(settings)
        with ThreadPoolExecutor(PARALLEL) as pool:
            entries = list(pool.map(lambda a: enter(a, clients), accounts_of(settings)))
        cells = plan(entries, selected_types(SIX), RegionScope(), clients.known_regions)
        runner = CellRunner(clients, NOW, lambda: NOW, parallel=PARALLEL)
        found = [
            (result.cell.key, result.status, [row["resource_id"] for row in result.rows])
            for result in runner.run(cells)
        ]
    return sorted((*key, ids) for key, status, ids in found if status == "ok")


def _plain(clock: Clock, calls: int, endpoint: str) -> Any:
    _environment()
    import boto3

    from inventory_pipeline.collect.sources import find
    from inventory_pipeline.resource_types import resource_types

    kinds = [resource_types()[name] for name in SIX]

    def session(number: int) -> Any:
        sts = boto3.Session().client("sts", region_name="us-east-1", endpoint_url=endpoint)
        role = f"arn:aws:iam::{number + 1:012}:role/R"
        given = sts.assume_role(RoleArn=role, RoleSessionName="benchmark")["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def job(session: Any, account: str, region: str, kind: Any) -> Any:
        client = session.client(kind.service, region_name=region, endpoint_url=endpoint)
        pages = client.get_paginator(kind.operation).paginate(**(kind.arguments or {}))
        items = [item for page in pages for item in find(kind.items, page) or []]
        return account, region, kind.name, [find(kind.resource_id, item) for item in items]

    with clock.running(), ThreadPoolExecutor(PARALLEL) as pool:
        sessions = list(pool.map(session, range(ACCOUNTS)))
        jobs = [
            pool.submit(job, one, f"{number + 1:012}", region, kind)
            for number, one in enumerate(sessions)
            for region in REGIONS
            for kind in kinds
        ]
        return sorted(job.result() for job in jobs)


def _every_type(clock: Clock, accounts: int, endpoint: str) -> int:
    """The calls that it took."""
    _environment()
    from inventory_pipeline.collect import collect, publish_snapshot
    from inventory_pipeline.lake import Lake

    with tempfile.TemporaryDirectory() as folder, clock.running():
        lake = Lake.open(folder)
        collect(_settings(endpoint, accounts), lake, NOW, lambda: NOW)
        publish_snapshot(lake, NOW)
        calls: int = sum(lake.read("coverage", columns=["calls"])["calls"].to_pylist())
    return calls


def _resources(clock: Clock, resources: int, endpoint: str, kind: str, regions: int) -> int:
    _environment()
    from inventory_pipeline.collect import collect, publish_snapshot
    from inventory_pipeline.lake import Lake

    places = {"regions": list(REGIONS[:regions]), "resource_types": [kind]}
    settings = _settings(endpoint, ACCOUNTS, **places)
    with tempfile.TemporaryDirectory() as folder, clock.running():
        lake = Lake.open(folder)
        collect(settings, lake, NOW, lambda: NOW)
        publish_snapshot(lake, NOW)
        (snapshot,) = lake.read("snapshots").to_pylist()
    if snapshot["rows"] != resources:
        raise AssertionError(f"{snapshot['rows']} of {resources} resources were seen")
    return resources
