"""`query`: resources by type, department and account, as the command asks. A row is a resource.

Ours is a session on the lake (which snapshot, which files, the views) and the query, as every call
pays for both. Compared with one Parquet file of the same rows: by DuckDB alone, and by Arrow.
"""

import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inventory_pipeline_tests.benchmarks.measuring import (
    OURS,
    Clock,
    Report,
    Side,
    agree,
    figure,
    run_apart,
)

ROWS = 100_000
CALLS = 15
LIMIT_MS = 100
"""An answer over 100,000 resources may take so long."""

NEWEST = datetime(2026, 11, 1, 12, tzinfo=UTC)
SNAPSHOTS = [NEWEST - timedelta(hours=12 * n) for n in range(3)]
TYPES = ("ec2_instance", "ebs_volume")
GROUPINGS = ("resource_type", "department", "account_id")


def run(rows: int) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        run_apart(_plant, rows, folder)
        sides = {
            OURS: {by: run_apart(_ours, rows, folder, by) for by in GROUPINGS},
            "duckdb": {by: run_apart(_duckdb, rows, folder, by) for by in GROUPINGS},
            "pyarrow": {by: run_apart(_arrow, rows, folder, by) for by in GROUPINGS},
        }
    figures = []
    for by in GROUPINGS:
        agree(*(side[by].answer for side in sides.values()))
        figures += [
            figure("query", f"by {by}", engine, of_engine[by], sides["duckdb"][by])
            for engine, of_engine in sides.items()
        ]
    slowest = {engine: max(map(_ms, of_engine.values())) for engine, of_engine in sides.items()}
    verdict = "within" if slowest[OURS] <= LIMIT_MS * max(1, rows / ROWS) else "ABOVE"
    return Report(
        figures,
        [
            "ms a call (wall), the slowest grouping: "
            + ", ".join(f"{engine} {ms:.1f}" for engine, ms in slowest.items()),
            f"{OURS} is {verdict} the limit of {LIMIT_MS} ms for {ROWS:,} resources",
        ],
    )


def _ms(side: Side) -> float:
    return 1000 * side.clock.wall[0]


def _plant(clock: Clock, rows: int, folder: str) -> None:
    """A lake of three snapshots, and the newest one's resources as one Parquet file."""
    import pyarrow.parquet as pq

    from inventory_pipeline.lake import Lake
    from inventory_pipeline_tests.lake.planted import publish
    from inventory_pipeline_tests.lake.planted import rows as of_contract

    lake = Lake.open(f"{folder}/lake")
    for at in SNAPSHOTS:
        found = [row for kind in TYPES for row in _resources(kind, at, rows // len(TYPES))]
        lake.replace("resources", [{"snapshot_at": at}], of_contract("resources", *found))
        publish(lake, at)
    newest = lake.read("resources", {"snapshot_at": NEWEST})
    pq.write_table(newest, f"{folder}/resources.parquet", compression="zstd")


def _resources(kind: str, at: datetime, count: int) -> list[dict[str, Any]]:
    return [
        {
            "snapshot_at": at,
            "account_id": f"{i % 50:012}",
            "department": f"department-{i % 12}" if i % 13 else None,
            "region": f"region-{i % 17}",
            "resource_type": kind,
            "resource_id": f"{kind}-{i:017x}",
            "name": f"name {i}",
            "tags": [("Name", f"name {i}"), ("team", f"team-{i % 40}")],
        }
        for i in range(count)
    ]


def _sql(by: str, source: str) -> str:
    return f"SELECT {by} AS name, COUNT(*) AS n FROM {source} GROUP BY {by} ORDER BY {by}"


def _ours(clock: Clock, rows: int, folder: str, by: str) -> list[Any]:
    from inventory_pipeline.lake import DuckDBEngine, Lake

    lake = Lake.open(f"{folder}/lake", create=False)

    def call() -> list[Any]:
        with DuckDBEngine(lake).session({"resources": {"snapshot_at": lake.snapshots()[-1]}}) as db:
            return list(db.query(_sql(by, "resources")).to_pylist())

    return _called(clock, call)


def _duckdb(clock: Clock, rows: int, folder: str, by: str) -> list[Any]:
    import duckdb

    file = Path(folder) / "resources.parquet"

    def call() -> list[Any]:
        with duckdb.connect() as db:
            return list(db.sql(_sql(by, f"'{file}'")).to_arrow_table().to_pylist())

    return _called(clock, call)


def _arrow(clock: Clock, rows: int, folder: str, by: str) -> list[Any]:
    import pyarrow.dataset as ds

    def call() -> list[Any]:
        table = ds.dataset(f"{folder}/resources.parquet").to_table(columns=[by])
        grouped = table.group_by(by).aggregate([([], "count_all")]).rename_columns(["name", "n"])
        return list(grouped.sort_by("name").to_pylist())

    return _called(clock, call)


def _called(clock: Clock, call: Callable[[], list[Any]]) -> list[Any]:
    """The answer; the first call, with its imports, is not timed, of the others the median is."""
    answer = call()
    calls = Clock()
    for _ in range(CALLS):
        with calls.running():
            agree(answer, call())
    clock.cpu, clock.wall = [statistics.median(calls.cpu)], [statistics.median(calls.wall)]
    return answer
