"""`diff`: what changed between two deliveries of one configuration. A row is a listed object.

Both days are sorted by key, as S3 writes them; of a hundred objects one is created, one deleted,
one overwritten and one moved to another class. `--rows` counts one day; figures are per row of
both. Ours builds the mart `storage_growth`, commit included. Compared with a full join of the same
files: by DuckDB with all memory and with 2 GB, and by Polars where it is installed.
"""

import importlib.util
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from inventory_pipeline_tests.benchmarks.measuring import (
    OURS,
    Clock,
    Report,
    agree,
    figure,
    run_apart,
)

ROWS = 50_000_000
DAYS = (date(2026, 11, 19), date(2026, 11, 20))
FILE_ROWS = 1_900_000
"""Rows of one report file, as AWS splits them."""
LIMIT_US, LIMIT_MB = 0.5, 2_000
OURS_MEMORY = "1GB"
"""Our setting's default."""
SOURCE = {"source_bucket": "data-1", "configuration_id": "daily"}
SCHEMA = "Bucket, Key, Size, LastModifiedDate, ETag, StorageClass, EncryptionStatus"

Answer = Sequence[tuple[str, str, int, int, int]]
"""Prefix, kind of change, objects, and the bytes that went and that came."""


def run(rows: int) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        listed: int = run_apart(_plant, rows, folder).answer
        plain = run_apart(_duckdb, listed, folder, None)
        sides = {
            OURS: run_apart(_ours, listed, folder),
            "duckdb": plain,
            "duckdb, 2 GB": run_apart(_duckdb, listed, folder, "2GB"),
        }
        if importlib.util.find_spec("polars"):
            sides["polars"] = run_apart(_polars, listed, folder)
    agree(*(side.answer for side in sides.values()))
    ours = sides[OURS]
    cheap = "within" if ours.cpu_per_row * 1e6 <= LIMIT_US else "ABOVE"
    small = "within" if ours.peak_mb <= LIMIT_MB else "ABOVE"
    return Report(
        [figure("diff", "Parquet", name, side, plain) for name, side in sides.items()],
        [
            f"{OURS}, with lake.memory_limit {OURS_MEMORY}, is {cheap} the limit of "
            f"{LIMIT_US} µs a row and {small} that of {LIMIT_MB:,} MB"
        ],
    )


def _plant(clock: Clock, rows: int, folder: str) -> int:
    """A lake of two deliveries; returns how many rows they list."""
    from inventory_pipeline.lake import DuckDBEngine, Lake
    from inventory_pipeline_tests.lake.planted import rows as of_contract

    lake = Lake.open(f"{folder}/lake")
    listed = 0
    with DuckDBEngine(lake, memory_limit="2GB").session({}) as db:
        db.connection.execute("SET preserve_insertion_order = true")
        for number, day in enumerate(DAYS):
            part = {"delivered_on": day, **SOURCE}
            files = [
                file
                for start in range(0, rows, FILE_ROWS)
                for file in db.build(
                    "s3_objects", _objects(number, rows, start, min(rows, start + FILE_ROWS)), part
                )
            ]
            listed += lake.replace("s3_objects", [part], files).rows
            _roll_up(db, lake, part)
            delivery = {**part, "status": "ingested", "schema": SCHEMA}
            lake.replace(
                "s3_deliveries", [{"delivered_on": day}], of_contract("s3_deliveries", delivery)
            )
    return listed


def _objects(number: int, rows: int, start: int, end: int) -> str:
    """SELECT of a day's objects; a hundredth each is for the first or second day only."""
    columns = {
        "bucket": "'data-1'",
        "key": f"printf('tenant-%03d/year=2026/month=%02d/day=%02d/part-%010d-%s.snappy.parquet', "
        f"i * 50 // {rows}, 1 + i * 600 // {rows} % 12, 1 + i * 16800 // {rows} % 28, i, "
        "left(md5(CAST(i AS VARCHAR)), 20))",
        "size": "CAST(hash(i) % 100000000 AS BIGINT) + written",
        "last_modified_date": "TIMESTAMP WITH TIME ZONE '2025-01-01' "
        "+ to_seconds(CAST(hash(i) % 50000000 AS BIGINT) + 86400 * written)",
        "e_tag": "md5(CAST(i + written AS VARCHAR))",
        "storage_class": "CASE WHEN moved THEN 'GLACIER' WHEN hash(i) % 10 < 6 THEN 'STANDARD' "
        "WHEN hash(i) % 10 < 8 THEN 'STANDARD_IA' ELSE 'INTELLIGENT_TIERING' END",
        "is_multipart_uploaded": "hash(i) % 7 = 0",
        "replication_status": "CASE WHEN hash(i) % 3 = 0 THEN 'COMPLETED' END",
        "encryption_status": "'SSE-KMS'",
        "bucket_key_status": "'ENABLED'",
        "object_owner": "'75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a'",
    }
    from inventory_pipeline.tables import DELIVERY, tables

    columns |= {name: f"${name}" for name in DELIVERY}
    selected = ", ".join(
        f"{columns.get(column.name, 'NULL')} AS {column.name}"
        for column in tables()["s3_objects"].columns
    )
    later = number > 0
    return f"""SELECT {selected} FROM (
      SELECT i, CASE WHEN {later} AND i % 100 = 3 THEN 1 ELSE 0 END AS written,
        {later} AND i % 100 = 4 AS moved
      FROM range({start}, {end}) AS numbers(i) WHERE i % 100 <> {2 if later else 1}
    ) AS objects"""


def _roll_up(db: Any, lake: Any, part: Mapping[str, Any]) -> None:
    """The delivery's usage; as coarse as growth needs it."""
    usage = db.build(
        "s3_usage",
        f"""SELECT delivered_on, source_bucket, configuration_id,
          regexp_extract(key, '^(?:[^/]*/){{0,1}}') AS prefix, storage_class, NULL AS access_tier,
          'current' AS version_state, '0-30' AS age_band, '1 B-16 KiB' AS size_band,
          encryption_status, replication_status, COUNT(*) AS objects, SUM(size) AS bytes,
          SUM(size) AS billable_bytes
        FROM ({db.select("s3_objects", lake.files("s3_objects", part, visible=False))}) AS listed
        GROUP BY ALL""",
    )
    lake.replace("s3_usage", [part], usage)


def _ours(clock: Clock, rows: int, folder: str) -> Answer:
    from inventory_pipeline.lake import DuckDBEngine, Lake
    from inventory_pipeline.marts import build_mart, marts
    from inventory_pipeline.marts.storage.places import prefix_pattern

    lake = Lake.open(f"{folder}/lake", create=False)
    engine = DuckDBEngine(lake, OURS_MEMORY)
    with clock.running():
        params = {"prefix_pattern": prefix_pattern(1)}
        build_mart(engine, marts()["storage_growth"], DAYS[1], params)
    with engine.session({"storage_growth": {"delivered_on": DAYS[1]}}) as db:
        found = db.connection.execute(
            "SELECT prefix, change, CAST(GREATEST(SUM(objects_added), SUM(objects_removed)) AS "
            "BIGINT), CAST(SUM(bytes_removed) AS BIGINT), CAST(SUM(bytes_added) AS BIGINT) "
            "FROM storage_growth GROUP BY ALL ORDER BY ALL"
        )
        return found.fetchall()


def _files(folder: str, day: date) -> list[str]:
    from inventory_pipeline.lake import Lake

    lake = Lake.open(f"{folder}/lake", create=False)
    return [file.path for file in lake.files("s3_objects", {"delivered_on": day})]


CHANGE = """CASE WHEN b.key IS NULL THEN 'created' WHEN a.key IS NULL THEN 'deleted'
  WHEN b.e_tag <> a.e_tag OR b.size <> a.size THEN 'overwritten' ELSE 'class_changed' END"""


def _duckdb(clock: Clock, rows: int, folder: str, memory: str | None) -> Answer:
    import duckdb

    before, after = (_files(folder, day) for day in DAYS)
    columns = "key, size, e_tag, storage_class"
    config = {"temp_directory": f"{folder}/spill", "preserve_insertion_order": "false"}
    with clock.running(), duckdb.connect(config=config) as db:
        db.execute("SET enable_progress_bar = false")  # it takes a spawned process for a notebook
        if memory:
            db.execute(f"SET memory_limit = '{memory}'")
        return db.execute(
            f"""SELECT regexp_extract(COALESCE(a.key, b.key), '^(?:[^/]*/){{0,1}}') AS prefix,
              {CHANGE} AS change, COUNT(*), CAST(COALESCE(SUM(b.size), 0) AS BIGINT),
              CAST(COALESCE(SUM(a.size), 0) AS BIGINT)
            FROM (SELECT {columns} FROM read_parquet({before})) AS b
            FULL JOIN (SELECT {columns} FROM read_parquet({after})) AS a ON a.key = b.key
            WHERE a.key IS NULL OR b.key IS NULL OR b.size <> a.size OR b.e_tag <> a.e_tag
              OR b.storage_class <> a.storage_class
            GROUP BY ALL ORDER BY ALL"""
        ).fetchall()


def _polars(clock: Clock, rows: int, folder: str) -> Answer:
    import polars as pl

    before, after = (
        pl.scan_parquet(_files(folder, day)).select("key", "size", "e_tag", "storage_class")
        for day in DAYS
    )
    gone, come = pl.col("storage_class_new").is_null(), pl.col("storage_class").is_null()
    rewritten = (pl.col("size") != pl.col("size_new")) | (pl.col("e_tag") != pl.col("e_tag_new"))
    moved = pl.col("storage_class") != pl.col("storage_class_new")
    change = (
        pl.when(come)
        .then(pl.lit("created"))
        .when(gone)
        .then(pl.lit("deleted"))
        .when(rewritten)
        .then(pl.lit("overwritten"))
        .otherwise(pl.lit("class_changed"))
    )
    with clock.running():
        found = (
            before.join(after, on="key", how="full", coalesce=True, suffix="_new")
            .filter(come | gone | rewritten | moved)
            .group_by(pl.col("key").str.extract("^([^/]*/?)").alias("prefix"), change.alias("c"))
            .agg(pl.len(), pl.col("size").sum(), pl.col("size_new").sum())
            .sort("prefix", "c")
            .collect(engine="streaming")
        )
    return found.rows()
