"""DuckDB over the lake: runs a SELECT and leaves Parquet for the lake to commit.

A session shows each table it was asked for as a view with exactly the rows that were asked for, in
contract order and types, however old the files are. Not here: what a mart computes (`marts`).
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.columns import Column
from inventory_pipeline.lake.files import DataFile, dataset
from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.schema import contract_select, schema_of
from inventory_pipeline.lake.visibility import Visibility
from inventory_pipeline.lake.where import Where, quoted, sql_conditions, sql_literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Whole GB and the rest apart, so that neither leaves DECIMAL nor loses a digit: whole GB divide
# without remainder, 2^-30 is written in full, and one rounding, to six decimals, remains.
GB = (
    "CAST((n - n % 1073741824) / 1073741824 AS DECIMAL(18,0)) + "
    "CAST(CAST(n % 1073741824 AS DECIMAL(10,0)) * 0.000000000931322574615478515625 AS DECIMAL(7,6))"
)
MACROS = {
    "gb(n)": f"CAST({GB} AS DECIMAL(18,6))",
    "tag(tags, k)": "tags[k]",
    # NULL where it is no base64 of UTF-8: there is no error, nor what Trino has for such bytes.
    "base64_text(t)": "CASE WHEN strpos(TRY(decode(from_base64(t))), '\ufffd') = 0 "
    "THEN TRY(decode(from_base64(t))) END",
    # Whether a regular expression matches a part of it, and the first part; empty where none does.
    "matches(t, pattern)": "regexp_matches(t, pattern)",
    "first_match(t, pattern)": "regexp_extract(t, pattern)",
    # The nth of the parts between separators; empty where there are fewer.
    "text_part(t, separator, n)": "split_part(t, separator, n)",
    # Digits as 9, letters and all beyond ASCII as a.
    "shape(t)": "regexp_replace(regexp_replace(t, '[a-zA-Z]|[^\\x00-\\x7F]', 'a', 'g'), "
    "'[0-9]', '9', 'g')",
}

ROW_GROUP = "32MB"
"""What a row group takes in memory while it is written; DuckDB counts rows, however wide."""


class Session:
    """A DuckDB connection whose views are tables of the lake."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake) -> None:
        self.connection = connection
        # It takes processes that others spawned, such as Dagster's, for notebooks.
        connection.execute("SET enable_progress_bar = false")
        self._lake = lake
        self._numbers = itertools.count()

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run a SELECT with `$name` parameters."""
        return self.connection.sql(sql, params=dict(params or {})).to_arrow_table()

    def select(self, table: str, files: Sequence[DataFile]) -> str:
        """A SELECT over these files of a table that gives its contract, and what it has grown."""
        columns = self._lake.columns(table)
        if self._lake.is_local or not files:
            return columns_view(columns, files)
        # Files on S3 are read by Arrow, so that DuckDB needs no extension.
        rows = dataset(files, schema_of(columns), self._lake.filesystem)
        name = f"remote_{table}_{next(self._numbers)}"
        self.connection.register(name, rows)
        return f"SELECT * FROM {quoted(name)}"

    def build(
        self,
        table: str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        extra: Sequence[str] = (),
    ) -> list[Path]:
        """Run a mart's SELECT, cast to the table's contract, into Parquet files in scratch.

        `extra` columns of it, which a table that grows has, follow as text.
        """
        file = self._lake.scratch_file()
        self.save(contract_select(table, sql, extra), params, file)
        return [file]

    def save(self, sql: str, params: Mapping[str, Any] | None, target: Path) -> None:
        """Run a SELECT into a Parquet file."""
        self.connection.execute(
            f"COPY ({sql}) TO {sql_literal(str(target))} "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
            f"ROW_GROUP_SIZE_BYTES '{ROW_GROUP}')",
            dict(params or {}),
        )

    @property
    def memory_limit(self) -> int:
        """Bytes that the engine may take, for all its connections."""
        stated = "SELECT parse_formatted_bytes(current_setting('memory_limit')) AS bytes"
        limit: int = self.query(stated)["bytes"][0].as_py()
        return limit

    @memory_limit.setter
    def memory_limit(self, limit: int) -> None:
        self.connection.execute(f"SET memory_limit = '{limit}B'")

    def beside(self) -> Session:
        """Another connection to the same engine, for another thread: memory is limited for both."""
        return Session(self.connection.cursor(), self._lake)


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
                connection.execute("SET GLOBAL TimeZone = 'UTC'")
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


def columns_view(columns: Sequence[Column], files: Sequence[DataFile]) -> str:
    """A SELECT over local files that gives these columns, whichever each file has."""
    sources = [_no_rows(columns)]
    if files:
        listed = ", ".join(sql_literal(_no_glob(file.path)) for file in files)
        sources.append(
            f"SELECT * FROM read_parquet([{listed}], union_by_name = true, "
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
