"""Files of S3 Inventory reports, byte for byte as AWS writes them: CSV.gz, ORC and Parquet.

Facts: keys are percent-encoded in CSV only; CSV has no header, quotes every field, ends every row
with a line feed and writes NULL as an empty text; ORC and Parquet hold raw keys. The columns' order
is canonical. Belongs here: encoding. Not here: where files go (`deliveries`). This is the
counterpart of `reports/`, so it shares nothing with it.
"""

import struct
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from inventory_pipeline.demo.objects import Report, Versions
from inventory_pipeline.demo.report_columns import Column, arrow_type, columns

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = {"CSV": "csv.gz", "ORC": "orc", "Parquet": "parquet"}


def file_schema(report: Report) -> str:
    """The manifest's fileSchema, as the format spells it."""
    if report.format == "CSV":
        return ", ".join(c.csv for c in columns(report))
    if report.format == "ORC":
        return "struct<" + ",".join(f"{c.name}:{c.type}" for c in columns(report)) + ">"
    fields = "".join(f"  {_parquet_field(c)};" for c in columns(report))
    return f"message s3.inventory {{{fields}}}"


def _parquet_field(column: Column) -> str:
    kind = {
        "string": f"binary {column.name} (STRING)",
        "boolean": f"boolean {column.name}",
        "bigint": f"int64 {column.name}",
        "timestamp": f"int64 {column.name} (TIMESTAMP(MILLIS,true))",
    }[column.type]
    return f"{'required' if column.name in ('bucket', 'key') else 'optional'} {kind}"


def encode(report: Report, versions: Versions | None) -> bytes:
    """One file of the report with these versions; None makes a file without rows."""
    import pyarrow as pa

    made = [
        (c, c.values(versions) if versions else pa.array([], arrow_type(c)))
        for c in columns(report)
    ]
    if report.format == "CSV":
        return gzipped(_csv_rows(made))
    zone = "UTC" if report.format == "Parquet" else None
    schema = pa.schema(
        [
            pa.field(
                c.name,
                pa.timestamp("ms", zone) if c.type == "timestamp" else arrow_type(c),
                nullable=c.name not in ("bucket", "key"),
            )
            for c, _ in made
        ]
    )
    table = pa.table([v for _, v in made], names=schema.names).cast(schema)
    return _parquet(table) if report.format == "Parquet" else _orc(table)


def _parquet(table: "pa.Table") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="snappy", store_schema=False)
    return bytes(sink.getvalue())


def _orc(table: "pa.Table") -> bytes:
    import pyarrow as pa
    from pyarrow import orc

    sink = pa.BufferOutputStream()
    orc.write_table(table, sink, file_version="0.12", compression="zlib")
    return bytes(sink.getvalue())


def _csv_rows(made: list[tuple[Column, "pa.Array"]]) -> memoryview:
    """All rows as one text: Arrow joins the fields, and its buffer of texts is the file's body."""
    import pyarrow.compute as pc

    if not len(made[0][1]):
        return memoryview(b"")
    texts = [pc.fill_null(_csv_text(column, values), "") for column, values in made]
    rows = pc.binary_join_element_wise(*texts, '","')
    rows = pc.binary_join_element_wise('"', rows, '"\n', "")
    ends = np.frombuffer(rows.buffers()[1], dtype=np.int32)
    return memoryview(rows.buffers()[2])[: int(ends[len(rows)])]


def _csv_text(column: Column, values: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.name == "key":
        return pc.replace_with_mask(values, _unsafe(values), _encoded(values))
    if column.type == "timestamp":
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")  # %S of milliseconds has three
    return values.cast(pa.string())


def _unsafe(keys: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.match_substring_regex(keys, r"[^A-Za-z0-9\-._/:]")


def _encoded(keys: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    return pa.array([encode_key(k) for k in keys.filter(_unsafe(keys)).to_pylist()], pa.string())


def encode_key(key: str) -> str:
    """A key as CSV reports spell it: percent-encoded UTF-8, all but letters, digits and -._/:"""
    return quote(key, safe="/:").replace("~", "%7E")


def gzipped(body: bytes | memoryview) -> bytes:
    """One gzip member with the header that S3 writes (no name, no time, written on Unix)."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(body) + deflate.flush()
    tail = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + packed + tail
