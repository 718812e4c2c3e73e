"""DuckDB over the lake: runs a SELECT and leaves Parquet for the lake to commit.

A session shows each table it was asked for as a view with exactly the rows that were asked for, in
contract order and types, however old the files are. Not here: what a mart computes (`marts`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.lake.files import DataFile
from inventory_pipeline.lake.lake import Lake, Visibility
from inventory_pipeline.lake.schema import arrow_schema, contract_select
from inventory_pipeline.lake.where import Where, quoted, sql_conditions, sql_literal
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline.tables import COMMON_RESOURCE_COLUMNS, tables

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Whole GB and the rest apart, so that neither leaves DECIMAL nor loses a digit: 2^-30 is written
# in full, and one rounding, to six decimals, remains.
GB = (
    "CAST(n // 1073741824 AS DECIMAL(18,6)) + CAST(CAST(n % 1073741824 AS DECIMAL(10,0)) "
    "* 0.000000000931322574615478515625 AS DECIMAL(7,6))"
)
MACROS = {"gb(n)": f"CAST({GB} AS DECIMAL(18,6))", "tag(tags, k)": "tags[k]"}


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
            return contract_view(table, [file.path for file in files])
        # Files on S3 are read by Arrow, so that DuckDB needs no extension.
        import pyarrow.dataset as ds

        dataset = ds.dataset(
            [file.path.removeprefix("s3://") for file in files],
            schema=arrow_schema(table),
            format="parquet",
            filesystem=self._lake.filesystem,
        )
        self.connection.register(f"remote_{table}", dataset)
        return f"SELECT * FROM {quoted('remote_' + table)}"

    def build(self, table: str, sql: str, params: Mapping[str, Any] | None = None) -> list[Path]:
        """Run a mart's SELECT, cast to the table's contract, into Parquet files in scratch."""
        file = self._lake.scratch_file()
        self.connection.execute(
            f"COPY ({contract_select(table, sql)}) TO {sql_literal(str(file))} "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
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
        """A connection with a view for each table (and `resources`, when asked for by name).

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
        wanted = {name: where or {} for name, where in reads.items() if name != "resources"}
        if "resources" in reads:
            common = reads["resources"] or {}
            wanted |= {name: common for name in resource_tables() if name not in wanted}
        for name, where in wanted.items():
            source = session.select(name, self.lake.files(name, where, visible=visible))
            session.connection.execute(
                f"CREATE VIEW {quoted(name)} AS {source}{sql_conditions(where)}"
            )
        if "resources" in reads:
            session.connection.execute(f"CREATE VIEW resources AS {resources_select()}")


def resource_tables() -> list[str]:
    return [kind.table for kind in resource_types().values()]


def resources_select() -> str:
    """The common columns of every resource type."""
    columns = ", ".join(quoted(c.name) for c in COMMON_RESOURCE_COLUMNS)
    return " UNION ALL ".join(f"SELECT {columns} FROM {quoted(t)}" for t in resource_tables())


def contract_view(table: str, files: Sequence[str]) -> str:
    """A SELECT over local files that gives the contract, whichever columns each file has."""
    columns = tables()[table].columns
    empty = ", ".join(f"CAST(NULL AS {c.type.value}) AS {quoted(c.name)}" for c in columns)
    source = f"SELECT {empty} WHERE FALSE"
    if files:
        listed = ", ".join(sql_literal(_no_glob(path)) for path in files)
        source += (
            f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], union_by_name = true, "
            "hive_partitioning = false)"
        )
    names = ", ".join(quoted(c.name) for c in columns)
    return f"SELECT {names} FROM ({source}) AS files"


def _no_glob(path: str) -> str:
    """A path that DuckDB takes as it is, whatever characters its folders have."""
    return re.sub(r"([*?\[])", r"[\1]", path)
