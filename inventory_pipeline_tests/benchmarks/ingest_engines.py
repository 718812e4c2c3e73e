"""What a user would ingest a report with instead: plain DuckDB, Polars, chdb, pandas and Arrow.

Each verifies the MD5 of every file, reads all 18 columns, decodes keys once, types them, writes
Parquet (zstd, level 1) and counts objects and bytes by prefix, storage class, age band and size
band. What an engine's own users would write is what it runs: its defaults, and lazy or streaming
where it has that. Not here: our own side (`ingest`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from inventory_pipeline_tests.benchmarks.generated_report import (
    BUCKET,
    COLUMNS,
    DELIVERED_AT,
    HOME,
    SELECTED,
)
from inventory_pipeline_tests.benchmarks.measuring import Clock
from inventory_pipeline_tests.reports.writer import FIELDS

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from duckdb import DuckDBPyConnection

Groups = dict[tuple[str, str | None], tuple[int, int]]
"""Objects and bytes of each prefix and storage class."""

KINDS = {FIELDS[name][0]: FIELDS[name][1] for name in SELECTED}
"""Column -> text, boolean, number or time."""

AGES = (31, 91, 181, 366)
SIZES = (1, 2**14, 2**17, 2**20, 2**24, 2**27, 2**30, 5 * 2**30)
PREFIX = "^(?:[^/]*/){0,2}"
PREFIX_DEPTH = 2


def verified(folder: str) -> list[str]:
    """The report's files, in order, with the MD5 that the manifest says."""
    (manifest,) = (Path(folder) / BUCKET / HOME).glob("*/manifest.json")
    files = json.loads(manifest.read_bytes())["files"]

    def check(file: dict[str, Any]) -> str:
        path = Path(folder) / BUCKET / file["key"]
        with path.open("rb") as content:
            md5 = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False))
        if md5.hexdigest() != file["MD5checksum"]:
            raise ValueError(f"{path} is damaged")
        return str(path)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(check, files))


def by_prefix_and_class(rows: Iterable[tuple[Any, ...]]) -> Groups:
    """Rows of prefix, class, further groups, objects and bytes, added up."""
    objects: Counter[tuple[str, str | None]] = Counter()
    size: Counter[tuple[str, str | None]] = Counter()
    for prefix, storage_class, *_, count, bytes_ in rows:
        group = (prefix, storage_class or None)
        objects[group] += count
        size[group] += int(bytes_ or 0)
    return {group: (objects[group], size[group]) for group in objects}


def older_than(days: int) -> datetime:
    return DELIVERED_AT.replace(tzinfo=None) - timedelta(days=days)


def sql_bands(column: str, bounds: Iterable[str]) -> str:
    """A number for each band of a column, rising with it."""
    return " + ".join(f"CAST(COALESCE({column} >= {bound}, FALSE) AS INTEGER)" for bound in bounds)


def duckdb(clock: Clock, rows: int, folder: str, format: str) -> Groups:
    import duckdb

    with duckdb.connect() as db, clock.running():
        db.execute("SET enable_progress_bar = false")  # it takes a spawned process for a notebook
        files = verified(folder)
        source = f"read_parquet({files})"
        if format == "CSV":
            types = {"text": "VARCHAR", "boolean": "BOOLEAN", "number": "BIGINT",
                     "time": "TIMESTAMP"}  # fmt: skip
            columns = {name: types[kind] for name, kind in KINDS.items()}
            key = "url_decode(replace(key, '+', '%20')) AS key"
            source = (
                f"(SELECT * REPLACE ({key}) FROM read_csv({files}, columns = {columns}, "
                "auto_detect = false, header = false, delim = ',', quote = '\"', nullstr = ''))"
            )
        target = f"{folder}/duckdb"
        db.execute(
            f"COPY (SELECT * FROM {source}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, "
            "COMPRESSION_LEVEL 1, PER_THREAD_OUTPUT)"
        )
        found = _duckdb_groups(db, f"{target}/*.parquet")
    return by_prefix_and_class(found)


def _duckdb_groups(db: DuckDBPyConnection, files: str) -> list[tuple[Any, ...]]:
    ages = (f"TIMESTAMP '{older_than(days)}'" for days in AGES)
    return db.execute(
        f"SELECT regexp_extract(key, '{PREFIX}') AS prefix, storage_class, "
        f"{sql_bands('CAST(last_modified_date AS TIMESTAMP)', ages)} AS age, "
        f"{sql_bands('size', map(str, SIZES))} AS size_band, COUNT(*), SUM(size) "
        f"FROM '{files}' GROUP BY prefix, storage_class, age, size_band"
    ).fetchall()


def chdb(clock: Clock, rows: int, folder: str, format: str) -> Groups:
    import chdb

    values = {
        "text": "nullIf({0}, '') AS {0}",
        "boolean": "if({0} = '', NULL, {0} = 'true') AS {0}",
        "number": "toInt64OrNull({0}) AS {0}",
        "time": "parseDateTime64BestEffortOrNull({0}, 3, 'UTC') AS {0}",
    }
    selected, structure = "*", "auto"
    if format == "CSV":
        typed = [values[kind].format(name) for name, kind in KINDS.items()]
        typed[COLUMNS.index("key")] = "decodeURLFormComponent(key) AS key"
        selected = ", ".join(typed)
        structure = ", ".join(f"{name} String" for name in KINDS)
    target = f"file('{folder}/chdb.parquet', Parquet)"
    ages = (f"toDateTime64('{older_than(days)}', 3, 'UTC')" for days in AGES)
    with clock.running():
        (data,) = {Path(file).parent for file in verified(folder)}
        chdb.query(
            f"INSERT INTO FUNCTION {target} SELECT {selected} "
            f"FROM file('{data}/*', {format}, '{structure}') "
            "SETTINGS output_format_parquet_compression_method = 'zstd', "
            "output_format_compression_level = 1, session_timezone = 'UTC'"
        )
        found = chdb.query(
            f"SELECT extract(key, '({PREFIX})') AS prefix, storage_class, "
            f"{sql_bands('last_modified_date', ages)} AS age, "
            f"{sql_bands('size', map(str, SIZES))} AS size_band, count() AS n, sum(size) AS bytes "
            f"FROM {target} GROUP BY prefix, storage_class, age, size_band "
            "SETTINGS session_timezone = 'UTC'",
            "ArrowTable",
        )
    return by_prefix_and_class(tuple(row.values()) for row in found.to_pylist())


def polars(clock: Clock, rows: int, folder: str, format: str) -> Groups:
    import polars as pl

    target = f"{folder}/polars.parquet"
    with clock.running():
        files = verified(folder)
        if format == "CSV":
            text = pl.scan_csv(
                files, has_header=False, schema=dict.fromkeys(COLUMNS, pl.String),
                null_values=[""],
            )  # fmt: skip
            objects = text.select(_polars_value(name, kind) for name, kind in KINDS.items())
        else:
            objects = pl.scan_parquet(files)
        objects.sink_parquet(target, compression="zstd", compression_level=1)
        prefix = pl.col("key").str.extract(f"({PREFIX})").alias("prefix")
        modified = pl.col("last_modified_date").dt.replace_time_zone(None)
        ages = [(modified >= older_than(days)).cast(pl.Int8) for days in AGES]
        sizes = [(pl.col("size") >= bound).cast(pl.Int8) for bound in SIZES]
        found = (
            pl.scan_parquet(target)
            .group_by(
                prefix, "storage_class", sum(ages, pl.lit(0)).alias("age"),
                sum(sizes, pl.lit(0)).alias("size_band"),
            )
            .agg(pl.len(), pl.col("size").sum().alias("bytes"))
            .collect(engine="streaming")
        )  # fmt: skip
    return by_prefix_and_class(found.rows())


def _polars_value(name: str, kind: str) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    match kind:
        case "boolean":
            return pl.when(column.is_not_null()).then(column == "true").alias(name)
        case "number":
            return column.cast(pl.Int64)
        case "time":
            return column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms")
    return column.map_batches(_polars_decoded, pl.String) if name == "key" else column


def _polars_decoded(keys: pl.Series) -> pl.Series:
    """ASCII by one replacement of many patterns; what is beyond by Python."""
    ascii_ = {f"%{code:02X}": chr(code) for code in range(128)} | {"+": " "}
    decoded = keys.str.replace_many(ascii_)
    beyond = keys.str.contains("%[89A-F]").arg_true()
    return decoded.scatter(beyond, [unquote_plus(key) for key in keys.gather(beyond)])


def pandas(clock: Clock, rows: int, folder: str, format: str) -> Groups:
    import pandas as pd

    found: list[tuple[Any, ...]] = []
    texts = [name for name, kind in KINDS.items() if kind == "text"]
    flags = [name for name, kind in KINDS.items() if kind == "boolean"]
    with clock.running():
        for file in verified(folder):
            objects = pd.read_csv(
                file, header=None, names=list(COLUMNS), na_values=[""], keep_default_na=False,
                dtype=dict.fromkeys(texts, "string") | dict.fromkeys(flags, "boolean")
                | {"size": "Int64"},
                parse_dates=[name for name, kind in KINDS.items() if kind == "time"],
                date_format="%Y-%m-%dT%H:%M:%S.%fZ",
            )  # fmt: skip
            objects["key"] = objects["key"].map(unquote_plus)
            objects.to_parquet(
                f"{folder}/pandas-{Path(file).stem}.parquet", compression="zstd",
                compression_level=1,
            )  # fmt: skip
            found += _pandas_groups(objects)
    return by_prefix_and_class(found)


def _pandas_groups(objects: pd.DataFrame) -> list[tuple[Any, ...]]:
    import numpy as np

    modified = objects["last_modified_date"].dt.tz_localize(None)
    bounds = [older_than(days) for days in reversed(AGES)]
    groups = [
        objects["key"].str.extract(f"({PREFIX})", expand=False),
        objects["storage_class"],
        np.searchsorted(np.array(bounds, "datetime64[ns]"), modified, side="right"),
        np.searchsorted(SIZES, objects["size"].fillna(0).astype("int64"), side="right"),
    ]
    sums = objects.groupby(groups, dropna=False)["size"].agg(["size", "sum"])
    return [
        (prefix, class_ if isinstance(class_, str) else None, count, bytes_)
        for (prefix, class_, *_), (count, bytes_) in zip(
            sums.index, sums.itertuples(index=False), strict=True
        )
    ]


def pyarrow(clock: Clock, rows: int, folder: str, format: str) -> Groups:
    """ORC, a stripe at a time; what it wrote is counted by DuckDB, as Arrow is slow at that."""
    import duckdb
    import pyarrow.parquet as pq
    from pyarrow import orc

    with duckdb.connect() as db, clock.running():
        for file in verified(folder):
            report = orc.ORCFile(file)
            target = f"{folder}/pyarrow-{Path(file).stem}.parquet"
            with pq.ParquetWriter(
                target, report.schema, compression="zstd", compression_level=1
            ) as sink:
                for number in range(report.nstripes):
                    sink.write_batch(report.read_stripe(number))
        found = _duckdb_groups(db, f"{folder}/pyarrow-*.parquet")
    return by_prefix_and_class(found)


ENGINES: dict[str, tuple[Callable[..., Groups], tuple[str, ...]]] = {
    "duckdb": (duckdb, ("CSV", "Parquet")),
    "polars": (polars, ("CSV", "Parquet")),
    "chdb": (chdb, ("CSV", "ORC", "Parquet")),
    "pandas": (pandas, ("CSV",)),
    "pyarrow": (pyarrow, ("ORC",)),
}
"""Engines, each with the formats it is asked for."""

LEFT_OUT = {
    "CSV": "pyarrow is left out of CSV: it decodes no keys",
    "ORC": "duckdb and polars are left out of ORC, for which they have no reader; pandas reads it "
    "by pyarrow",
    "Parquet": "pandas and pyarrow are left out of Parquet: pandas reads and writes it by pyarrow, "
    "which takes what DuckDB and Polars take",
}
