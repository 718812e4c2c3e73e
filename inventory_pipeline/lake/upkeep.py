"""Upkeep: removing files that no table needs any more, for pyiceberg removes none.

A file goes once it is a day old and has been without a reference for a day, as one sweep has seen
and a later one sees again: whoever opened a table before keeps reading it, and who has just brought
a file has time to commit it. Not here: removing what must be gone at once (`erasing`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.lake import Lake
from inventory_pipeline.lake.turns import INGESTION, alone
from inventory_pipeline.tables import tables

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo
    from pyiceberg.table import Table as IcebergTable

GRACE = timedelta(days=1)
"""How long a file stays after its last reference is gone, or after it came without one."""
NOTES = "upkeep.json"
"""Since when each file has been without a reference, in the lake's own folder."""
REMOVERS = 16


@dataclass(frozen=True)
class Swept:
    """Files of a table that are removed now (or would be), and those that wait for their day."""

    table: str
    removed: int
    removed_bytes: int
    waiting: int
    waiting_bytes: int


def sweep(lake: Lake, now: datetime, *, dry_run: bool = False) -> list[Swept]:
    """Remove the files of the lake's tables that nothing has referred to for a day.

    A `dry_run` only says what would be removed; it does not start any file's day either.
    """
    notes = _notes(lake)
    noted: dict[str, str] = {}
    swept: list[Swept] = []
    for table in tables():
        loose = unreferenced(lake, table)
        first = {file.path: notes.get(file.path, now.isoformat()) for file in loose}

        def is_old(file: FileInfo, first: Mapping[str, str] = first) -> bool:
            since = max(datetime.fromisoformat(first[file.path]), came(file))
            return since <= now - GRACE

        old = [file for file in loose if is_old(file)]
        young = [file for file in loose if not is_old(file)]
        noted |= {file.path: first[file.path] for file in young}
        if old and not dry_run:
            with alone(lake, INGESTION):  # an erasure may be looking into them
                remove(lake, [file.path for file in old])
        if loose:
            sizes = sum(file.size for file in old), sum(file.size for file in young)
            swept.append(Swept(table, len(old), sizes[0], len(young), sizes[1]))
    if not dry_run:
        _note(lake, noted)
        lake.sweep_scratch()
    return swept


def unreferenced(lake: Lake, table: str) -> list[FileInfo]:
    """The table's files that its metadata does not lead to: all, where nothing was committed."""
    from pyarrow.fs import FileSelector

    folder = f"{lake.location}/tables/{table}".removeprefix("s3://")
    selector = FileSelector(folder, recursive=True, allow_not_found=True)
    # Listed before it is asked what is referred to: what is committed in between stays.
    there = lake.filesystem.get_file_info(selector)
    iceberg = lake.iceberg(table)
    known = _spelt_alike(lake, referenced(iceberg) if iceberg else ())
    return [
        file for file in there if file.is_file and known.isdisjoint(_spelt_alike(lake, [file.path]))
    ]


def _spelt_alike(lake: Lake, paths: Iterable[str]) -> set[str]:
    """Paths as the disk knows them: metadata has those by which the lake was once opened."""
    return set(map(os.path.realpath, paths)) if lake.is_local else set(paths)


def referenced(iceberg: IcebergTable) -> Iterator[str]:
    """Every file that a table's metadata leads to, by any snapshot that it keeps."""
    metadata = iceberg.metadata
    yield bare(iceberg.metadata_location)
    yield from (bare(entry.metadata_file) for entry in metadata.metadata_log)
    seen: set[str] = set()
    for snapshot in metadata.snapshots:
        yield bare(snapshot.manifest_list)
        for manifest in snapshot.manifests(iceberg.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield bare(manifest.manifest_path)
            for entry in manifest.fetch_manifest_entry(iceberg.io, discard_deleted=True):
                yield bare(entry.data_file.file_path)


def came(file: FileInfo) -> datetime:
    """When a file was written."""
    return datetime.fromtimestamp(file.mtime_ns / 1e9, UTC)


def bare(path: str) -> str:
    """A path as Arrow's filesystems have it."""
    return path.removeprefix("file://").removeprefix("s3://")


def remove(lake: Lake, paths: list[str]) -> None:
    """Remove files of the lake; those that are gone already are no error."""
    (folder,) = _spelt_alike(lake, [bare(lake.location)])
    ours = _spelt_alike(lake, paths)
    if strange := [path for path in ours if not path.startswith(f"{folder}/")]:
        raise LakeError(f"{strange[0]} is not of the lake at {lake.location}: nothing is removed")

    def remove_one(path: str) -> None:
        try:
            lake.filesystem.delete_file(path)
        except FileNotFoundError:
            return

    with ThreadPoolExecutor(REMOVERS, "remove") as pool:
        list(pool.map(remove_one, paths))


def _notes(lake: Lake) -> Mapping[str, str]:
    path = f"{bare(lake.location)}/{NOTES}"
    if not lake.filesystem.get_file_info(path).is_file:
        return {}
    with lake.filesystem.open_input_stream(path) as file:
        known: Mapping[str, str] = json.loads(file.read())
    return known


def _note(lake: Lake, noted: Mapping[str, str]) -> None:
    """Keep the notes; whole or not at all, for a file's day would begin anew."""
    path = f"{bare(lake.location)}/{NOTES}"
    aside = f"{path}.{datetime.now(UTC):%H%M%S%f}" if lake.is_local else path
    with lake.filesystem.open_output_stream(aside) as file:
        file.write(json.dumps(noted, indent=1, sort_keys=True).encode())
    if aside != path:
        lake.filesystem.move(aside, path)
