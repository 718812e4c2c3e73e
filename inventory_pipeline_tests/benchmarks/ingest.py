"""`ingest`: a delivery of S3 Inventory into the lake, in each format. A row is an object version.

Ours is what production does: manifest and files verified, the objects queryable in the lake, the
rollup made, all committed. Compared with what `ingest_engines` has, which verify, decode, write
Parquet and count. All must count the same objects and bytes for each prefix and storage class.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from inventory_pipeline_tests.benchmarks.generated_report import (
    BUCKET,
    CONFIGURATION,
    DELIVERED_AT,
    FORMATS,
    HOME,
    SOURCE,
    generate,
)
from inventory_pipeline_tests.benchmarks.ingest_engines import (
    ENGINES,
    LEFT_OUT,
    PREFIX_DEPTH,
    Groups,
    by_prefix_and_class,
)
from inventory_pipeline_tests.benchmarks.measuring import (
    OURS,
    Clock,
    Report,
    Side,
    agree,
    figure,
    run_apart,
)

ROWS = 10_000_000
PLAIN, SMALL = "without fast", "at 512 MB"
"""Ours, where the extra `fast` is not installed, and where memory is short."""

OUR_WAYS = {OURS: (True, "1GB"), PLAIN: (False, "1GB"), SMALL: (True, "512MB")}
"""Whether with `fast`, and the setting `lake.memory_limit`, whose default is 1GB."""

TARGETS = {"CSV": 1.9, "ORC": 1.8, "Parquet": 0.45}
"""µs of CPU a row, at most; CSV without `fast` at most what plain DuckDB takes."""
PEAK_MB = {OURS: 1000, PLAIN: 1000, SMALL: 512}
WARM_UP_ROWS = 1000


def run(
    rows: int, formats: Sequence[str] = FORMATS, beside: Sequence[str] = (PLAIN, SMALL, *ENGINES)
) -> Report:
    """Compare ours with the engines named, those that can do a format and are installed."""
    parts = [_compare(rows, format, beside) for format in formats]
    return Report(
        [figure for part in parts for figure in part.figures],
        [note for part in parts for note in part.notes],
    )


def _compare(rows: int, format: str, beside: Sequence[str]) -> Report:
    able = [name for name in beside if name in ENGINES and format in ENGINES[name][1]]
    missing = [name for name in able if find_spec(name) is None]
    with tempfile.TemporaryDirectory() as folder:
        object_bytes = run_apart(_generate, rows, folder, format).answer
        sides = {
            name: run_apart(_ours, rows, folder, format, *how)
            for name, how in OUR_WAYS.items()
            if name == OURS or name in beside
        }
        for name in able:
            if name not in missing:
                sides[name] = run_apart(ENGINES[name][0], rows, f"{folder}/large", format)
    for side in sides.values():
        agree(_total(side.answer), (rows, object_bytes))
    agree(*(side.answer for side in sides.values()))
    usual = sides.get("pyarrow" if format == "ORC" else "duckdb", sides[OURS])
    return Report(
        [figure("ingest", format, name, side, usual) for name, side in sides.items()],
        [
            *(f"{format}: {name} is not installed" for name in missing),
            f"{format}: {LEFT_OUT[format]}",
            *_verdicts(format, sides),
        ],
    )


def _total(groups: Groups) -> tuple[int, int]:
    return sum(n for n, _ in groups.values()), sum(size for _, size in groups.values())


def _verdicts(format: str, sides: Mapping[str, Side]) -> list[str]:
    limits = [(OURS, "µs of CPU a row", TARGETS[format])]
    if format == "CSV" and "duckdb" in sides:
        limits.append((PLAIN, "µs of CPU a row", 1e6 * sides["duckdb"].cpu_per_row))
    limits += [(name, "MB", limit) for name, limit in PEAK_MB.items()]
    return [
        f"{format}: {name} takes {found:,.2f} {unit}: {verdict} {limit:,.2f}"
        for name, unit, limit in limits
        if name in sides
        for found in [sides[name].peak_mb if unit == "MB" else 1e6 * sides[name].cpu_per_row]
        for verdict in ["within" if found <= limit else "ABOVE"]
    ]


def _generate(clock: Clock, rows: int, folder: str, format: str) -> int:
    """A large report, and a small one to warm up with; returns the bytes of the large one's."""
    generate(Path(folder) / "small", format, WARM_UP_ROWS)
    return generate(Path(folder) / "large", format, rows)


def _ours(clock: Clock, rows: int, folder: str, format: str, fast: bool, memory: str) -> Groups:
    """A small delivery first, not timed, as others' imports are not: that loads compiled loops."""
    sys.meta_path.insert(0, Hidden("pandas"))  # Arrow would load it, for nothing
    if not fast:
        sys.modules |= {"numba": None, "isal": None}  # type: ignore[dict-item] # as if not there
    from inventory_pipeline.lake import DuckDBEngine, Lake

    name = f"lake-{fast}-{memory}"
    lakes = {size: Lake.open(f"{folder}/{size}/{name}") for size in ("small", "large")}
    _ingest(lakes["small"], f"{folder}/small", memory)
    with clock.running():
        _ingest(lakes["large"], f"{folder}/large", memory)
    with DuckDBEngine(lakes["large"]).session({"s3_objects": None, "s3_usage": None}) as db:
        listed = "SELECT COUNT(*), CAST(SUM(size) AS BIGINT) FROM s3_objects"
        groups = "SELECT prefix, storage_class, objects, bytes FROM s3_usage"
        counted = by_prefix_and_class(db.connection.execute(groups).fetchall())
        agree(_total(counted), db.connection.execute(listed).fetchone())
    return counted


def _ingest(lake: Any, folder: str, memory: str) -> None:
    from inventory_pipeline.lake import DuckDBEngine
    from inventory_pipeline.reports import Delivery, ingest

    prefix = f"{HOME}/{DELIVERED_AT:%Y-%m-%dT%H-%MZ}/"
    delivery = Delivery(Place(), SOURCE, CONFIGURATION, DELIVERED_AT, prefix)
    (result,) = ingest(
        lake, DuckDBEngine(lake, memory_limit=memory), lambda _: FolderClient(Path(folder)),
        [delivery], prefix_depth=PREFIX_DEPTH, prefix_limit=1000,
        now=DELIVERED_AT + timedelta(hours=9),
    )  # fmt: skip
    if result.status != "ingested":
        raise AssertionError(result.error)


@dataclass(frozen=True)
class Hidden(MetaPathFinder):
    """Makes an installed module missing, in this process."""

    module: str

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == self.module:
            raise ModuleNotFoundError(fullname)


@dataclass(frozen=True)
class Place:
    """The destination that the report was delivered to."""

    bucket: str = BUCKET
    prefix: str = "inventory"


@dataclass(frozen=True)
class FolderClient:
    """What ingestion asks of boto3's S3 client, over folders that stand for buckets."""

    root: Path

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:
        path = self.root / Bucket / Key
        # Not an MD5, so that files are verified by reading them, as others do.
        return {"Body": _Body(path.open("rb")), "ETag": f'"{path.name}-1"'}

    def get_paginator(self, operation_name: str, /) -> Any:
        raise NotImplementedError(operation_name)


@dataclass(frozen=True)
class _Body:
    """An object's content, as botocore streams it."""

    file: BinaryIO

    def read(self, amount: int | None = None) -> bytes:
        return self.file.read(-1 if amount is None else amount)

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        with self.file:
            while chunk := self.file.read(size):
                yield chunk
