"""Adoption: a Parquet report becomes a data file of `s3_objects` without being rewritten.

Its pages stay as AWS wrote them. What is new goes behind them as a *tail*: instants in
microseconds (AWS writes milliseconds, which Iceberg refuses), the delivery's columns, and a footer
that puts old and new together. A report whose types are not the expected ones is for `formats` to
rewrite. Not here: how the tail is joined to the report (`lake.adopting`).

What the footer does not tell is not looked at: whether pages that the rollup does not read can be
decoded, and whether text is UTF-8. The manifest's MD5 vouches that they are what AWS wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from inventory_pipeline.reports.adoptable import (
    NotAdoptableError,
    chunks_of,
    filled_groups,
    judge,
)
from inventory_pipeline.reports.constant_column import (
    constant_chunk,
    constant_element,
    text_types,
)
from inventory_pipeline.reports.parquet_footer import (
    FooterError,
    Kind,
    Struct,
    footer_bytes,
    read_footer,
)
from inventory_pipeline.reports.parquet_format import (
    ChunkField,
    DataField,
    FileField,
    GroupField,
    SchemaField,
)
from inventory_pipeline.reports.unknown_fields import as_text

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["Adoption", "NotAdoptableError", "write_tail"]


@dataclass(frozen=True)
class Adoption:
    """The first `footer_start` bytes of a report, and the file `tail` behind them: a data file.

    It has `rows` rows.
    """

    footer_start: int
    tail: Path
    rows: int


def write_tail(
    report: BinaryIO, fields: Sequence[str], constants: Mapping[str, str | date], tail: Path
) -> Adoption:
    """Write to `tail` what makes a report a data file of `s3_objects`.

    `fields` are those of the report to take: known columns, and new ones, which become text.
    `constants` are the delivery's columns. Reads the footer, and of the pages only those of columns
    that are not of the contract's types, a row group at a time. Raises NotAdoptableError, and
    leaves no tail.
    """
    import pyarrow.parquet as pq

    try:
        with _not_adoptable():
            footer_start, metadata = read_footer(report)
            report.seek(0)
            with pq.ParquetFile(report, pre_buffer=True) as parquet:
                columns = judge(parquet.schema, metadata, fields, footer_start)
                recoded = _write_recoded(parquet, columns.recoded, tail)
            return _write_rest(tail, footer_start, metadata, columns.kept, recoded, constants)
    except BaseException:
        tail.unlink(missing_ok=True)
        raise


@contextmanager
def _not_adoptable() -> Iterator[None]:
    """What is wrong with a file as NotAdoptableError; what is wrong with this machine as it is."""
    import pyarrow as pa

    try:
        yield
    except MemoryError:
        raise
    except (FooterError, UnicodeDecodeError, pa.ArrowException) as error:
        raise NotAdoptableError(str(error).splitlines()[0]) from error
    except OSError as error:  # one of the system has a number, pyarrow's about a file has none
        if error.errno is not None:
            raise
        raise NotAdoptableError(str(error).splitlines()[0]) from error


def _write_recoded(parquet: pq.ParquetFile, fields: Sequence[pa.Field], file: Path) -> Struct:
    """A Parquet file of the same row groups with these columns, less its footer, which it returns.

    Nothing is written where there are no such columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not fields:
        file.write_bytes(b"")
        return Struct()
    texts = [field.name for field in fields if pa.types.is_string(field.type)]
    instants = [field.name for field in fields if field.name not in texts]
    writer = pq.ParquetWriter(
        file,
        schema := pa.schema(fields),
        # Instants' differences, in as many bits as they need, are smaller than zstd makes them.
        compression=dict.fromkeys(texts, "zstd") | dict.fromkeys(instants, "none"),
        column_encoding=dict.fromkeys(instants, "DELTA_BINARY_PACKED"),
        use_dictionary=texts,
        store_schema=False,
    )
    with writer:
        for number in range(parquet.num_row_groups):
            if rows := parquet.metadata.row_group(number).num_rows:
                columns = [_recoded(parquet, number, rows, field) for field in schema]
                writer.write_table(pa.table(columns, schema=schema), row_group_size=rows)
    with file.open("r+b") as written:
        end, footer = read_footer(written)
        written.truncate(end)
    return footer


def _recoded(parquet: pq.ParquetFile, group: int, rows: int, field: pa.Field) -> pa.ChunkedArray:
    """A column of a row group in its new type."""
    import pyarrow as pa

    values = parquet.read_row_group(group, columns=[field.name], use_threads=False)[field.name]
    if len(values) != rows:
        raise NotAdoptableError(f"a row group of {rows} rows has {len(values)} of {field.name}")
    return as_text(values) if pa.types.is_string(field.type) else values.cast(field.type)


def _write_rest(
    tail: Path,
    footer_start: int,
    metadata: Struct,
    kept: Mapping[int, bool],
    recoded: Struct,
    constants: Mapping[str, str | date],
) -> Adoption:
    """Append the delivery's columns and the footer of the whole."""
    groups = filled_groups(metadata)
    new = recoded.elements(FileField.ROW_GROUPS).structs()
    with tail.open("ab") as sink:
        for at, group in enumerate(groups):
            rows = group.required(GroupField.ROWS)
            chunks = [_kept(chunks_of(group)[i]) for i in kept]
            if new:
                chunks += [_shifted(chunk, footer_start) for chunk in chunks_of(new[at])]
            for name, value in constants.items():
                pages, chunk = constant_chunk(name, value, rows, footer_start + sink.tell())
                sink.write(pages)
                chunks.append(chunk)
            _set_chunks(group, chunks)
        _set_schema(metadata, kept, recoded, constants)
        metadata.set_structs(FileField.ROW_GROUPS, groups)
        metadata.pop(FileField.KEY_VALUES, None)  # of columns that are others now
        sink.write(footer_bytes(metadata))
    return Adoption(footer_start, tail, metadata.required(FileField.ROWS))


def _kept(chunk: Struct) -> Struct:
    """A chunk less its histograms: nobody needs them, and over wrong ones pyarrow dies."""
    chunk.struct(ChunkField.METADATA).pop(DataField.HISTOGRAMS, None)
    return chunk


def _shifted(chunk: Struct, by: int) -> Struct:
    """A chunk whose pages stand `by` bytes further on than it says."""
    metadata = chunk.struct(ChunkField.METADATA)
    for place in (DataField.DATA_PAGE, DataField.INDEX_PAGE, DataField.DICTIONARY_PAGE):
        if offset := metadata.number(place):
            metadata[place] = (Kind.I64, offset + by)
    chunk[ChunkField.FILE_OFFSET] = (Kind.I64, 0)  # deprecated, and 0 where it does not say
    return chunk


def _set_chunks(group: Struct, chunks: list[Struct]) -> None:
    """Give a row group these columns, and the sizes that follow."""
    described = [chunk.struct(ChunkField.METADATA) for chunk in chunks]
    for total, size in (
        (GroupField.BYTES, DataField.BYTES),
        (GroupField.COMPRESSED_BYTES, DataField.COMPRESSED_BYTES),
    ):
        group[total] = (Kind.I64, sum(each.required(size) for each in described))
    group.pop(GroupField.SORTING, None)  # by places of columns
    group.set_structs(GroupField.COLUMNS, chunks)


def _set_schema(
    metadata: Struct,
    kept: Mapping[int, bool],
    recoded: Struct,
    constants: Mapping[str, str | date],
) -> None:
    """Give a file these columns, those that stay first: readers tell a row group's place by it."""
    root, *elements = metadata.elements(FileField.SCHEMA).structs()
    staying = [elements[i] for i in kept]
    for element, is_text in zip(staying, kept.values(), strict=True):
        element.pop(SchemaField.FIELD_ID, None)  # would be taken for the lake's
        if is_text:
            element.update(text_types())
    new = recoded.elements(FileField.SCHEMA).structs()[1:]
    new += [constant_element(name, value) for name, value in constants.items()]
    root[SchemaField.CHILDREN] = (Kind.I32, len(staying) + len(new))
    metadata.set_structs(FileField.SCHEMA, [root, *staying, *new])
    orders = metadata.elements(FileField.COLUMN_ORDERS).structs()
    if len(orders) == len(elements):
        # Each as its type orders values.
        theirs = [Struct({1: (Kind.STRUCT, Struct())}) for _ in new]
        metadata.set_structs(FileField.COLUMN_ORDERS, [*(orders[i] for i in kept), *theirs])
    else:
        metadata.pop(FileField.COLUMN_ORDERS, None)
