"""DuckDB over the lake: runs a SELECT and leaves Parquet for the lake to commit.

A session shows each table it was asked for as a view with exactly the rows that were asked for, in
contract order and types, however old the files are. Not here: what a mart computes (`marts`).
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.columns import Column
from inventory_pipeline.lake.files import DataFile, dataset
from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.schema import arrow_schema, contract_select
from inventory_pipeline.lake.visibility import Visibility
from inventory_pipeline.lake.where import Where, quoted, sql_conditions, sql_literal
from inventory_pipeline.tables import tables

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Whole GB and the rest apart, so that neither leaves DECIMAL nor loses a digit: whole GB divide
# without remainder, 2^-30 is written in full, and one rounding, to six decimals, remains.
GB = (
    "CAST((n - n % 1073741824) / 1073741824 AS DECIMAL(18,0)) + "
    "CAST(CAST(n % 1073741824 AS DECIMAL(10,0)) * 0.000000000931322574615478515625 AS DECIMAL(7,6))"
)
MACROS = {"gb(n)": f"CAST({GB} AS DECIMAL(18,6))", "tag(tags, k)": "tags[k]"}

ROW_GROUP = "32MB"
"""What a row group takes in memory while it is written; DuckDB counts rows, however wide."""


class Session:
    """A DuckDB connection whose views are tables of the lake."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
        self.connection = connection
        self._lake = lake

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a SELECT with `$name` parameters."""
        return self.connection.sql(sql, params=dict(params or {})).to_arrow_table()

    def select(self, table: str, files: Sequence[DataFile]) -> str:
        """A SELECT over these files of a table that gives its contract."""
        if self._lake.is_local or not files:
            return contract_view(table, files)
        # Files on S3 are read by Arrow, so that DuckDB needs no extension.
        rows = dataset(files, arrow_schema(table), self._lake.filesystem)
        self.connection.register(f"remote_{table}", rows)
        return f"SELECT * FROM {quoted('remote_' + table)}"

    def build(self, table: str, sql: str, params: Mapping[str, Any] | None = None) -> list[Path]:
        """Run a mart's SELECT, cast to the table's contract, into Parquet files in scratch."""
        file = self._lake.scratch_file()
        self.connection.execute(
            f"COPY ({contract_select(table, sql)}) TO {sql_literal(str(file))} "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
            f"ROW_GROUP_SIZE_BYTES '{ROW_GROUP}')",
            dict(params or {}),
        )
        return [file]


class DuckDBEngine:
    """DuckDB in memory, with a memory limit and a folder to spill to."""

    def __init__(self, lake: Lake, memory_limit: str = "1GB", threads: int | None = None) -> None:
        self.lake = lake
        self.memory_limit = memory_limit
        self.threads = threads

    @contextmanager
    def session(
        self, reads: Mapping[str, Where | None], *, published: bool = True
    ) -> Iterator[Session]:
        """A connection with a view for each table.

        Without `published`, rows of snapshots and deliveries that readers do not see yet as well.
        """
        import duckdb

        with tempfile.TemporaryDirectory(prefix="spill-", dir=self.lake.scratch) as spill:
            connection = duckdb.connect(config=self._config(spill))
            try:
                connection.execute("SET TimeZone = 'UTC'")
                for signature, body in MACROS.items():
                    connection.execute(f"CREATE MACRO {signature} AS {body}")
                session = Session(connection, self.lake)
                self._create_views(session, reads, Visibility(self.lake) if published else False)
                yield session
            finally:
                connection.close()

    def _config(self, spill: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "memory_limit": self.memory_limit,
            "temp_directory": spill,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        return config | ({"threads": self.threads} if self.threads else {})

    def _create_views(
        self, session: Session, reads: Mapping[str, Where | None], visible: bool | Visibility
    ) -> None:
        for name, where in reads.items():
            files = self.lake.files(name, where, visible=visible)
            source = session.select(name, files) + sql_conditions(where or {})
            session.connection.execute(f"CREATE VIEW {quoted(name)} AS {source}")


def _no_rows(columns: Sequence[Column]) -> str:
    nothing = ", ".join(f"CAST(NULL AS {c.type.value}) AS {quoted(c.name)}" for c in columns)
    return f"SELECT {nothing} WHERE FALSE"


def contract_view(table: str, files: Sequence[DataFile]) -> str:
    """A SELECT over local files that gives the contract, whichever columns each file has."""
    columns = tables()[table].columns
    sources = [_no_rows(columns)]
    partitions: defaultdict[tuple[tuple[str, Any], ...], list[DataFile]] = defaultdict(list)
    for file in files:
        partitions[tuple(file.partition.items()) if file.adopted else ()].append(file)
    for values, theirs in partitions.items():
        literals = "".join(f"{sql_literal(value)} AS {quoted(name)}, " for name, value in values)
        listed = ", ".join(sql_literal(_no_glob(file.path)) for file in theirs)
        sources.append(
            f"SELECT {literals}* FROM read_parquet([{listed}], union_by_name = true, "
            "hive_partitioning = false)"
        )
    names = ", ".join(quoted(c.name) for c in columns)
    return f"SELECT {names} FROM ({' UNION ALL BY NAME '.join(sources)}) AS files"


def file_select(file: Path) -> str:
    """A SELECT of the rows of a local Parquet file."""
    path = sql_literal(_no_glob(str(file)))
    return f"SELECT * FROM read_parquet({path}, hive_partitioning = false)"


def _no_glob(path: str) -> str:
    """A path that DuckDB takes as it is, whatever characters its folders have."""
    return re.sub(r"([*?\[])", r"[\1]", path)
