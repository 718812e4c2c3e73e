"""Staging: where another engine leaves a table's new files for the lake to register.

An Iceberg table of its own, empty, with the very schema, field ids and partitions of the table that
is to get the files: those ids are written into them. Not here: committing the files (`lake`).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable


def staging_metadata(iceberg: IcebergTable, location: str) -> str:
    """Write an empty table's metadata at `location`; returns the file to register it by."""
    from pyiceberg.serializers import ToOutputFile

    empty = iceberg.metadata.model_copy(
        update={
            "table_uuid": uuid.uuid4(),
            "location": location,
            "last_sequence_number": 0,
            "current_snapshot_id": None,
            "snapshots": [],
            "snapshot_log": [],
            "metadata_log": [],
            "refs": {},
            "statistics": [],
        }
    )
    path = f"{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    ToOutputFile.table_metadata(empty, iceberg.io.new_output(path))
    return path
