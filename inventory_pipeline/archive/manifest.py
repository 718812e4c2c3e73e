"""The manifest of a plan, as S3 Batch Operations reads it: S3BatchOperations_CSV_20180820.

No header; bucket, key and, on all rows or none, version id; keys percent-encoded, so that no field
needs quotes. Written in one pass, in bounded memory, rows in the order of their keys, so that the
same plan always gives the same bytes. Not here: where the file goes (`store`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inventory_pipeline.lake.engine import Session

FORMAT = "S3BatchOperations_CSV_20180820"

_ROWS_PER_BATCH = 50_000
_CHOSEN = "FROM archive_candidates WHERE plan_id = $plan_id AND decision = 'archive'"
_COUNTS = f"""
SELECT COUNT(*) AS objects, COUNT(version_id) AS versions,
  CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes
{_CHOSEN}"""


@dataclass(frozen=True)
class Manifest:
    """A written manifest: its file, columns, digests (hex), rows, and the bytes of its objects."""

    path: Path
    fields: str
    sha256: str
    md5: str
    objects: int
    bytes: int


def write_manifest(db: Session, plan_id: str, path: Path) -> Manifest:
    """Write the plan's objects that are to be archived to `path`.

    The session shows `archive_candidates`. Where any object has a version id, all rows have one;
    the null version's is spelt `null`, as an empty one makes the task fail.
    """
    counts = db.query(_COUNTS, {"plan_id": plan_id}).to_pylist()[0]
    versioned = bool(counts["versions"])
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    result = db.connection.execute(_lines_sql(versioned), {"plan_id": plan_id})
    with path.open("wb") as file:
        while rows := result.fetchmany(_ROWS_PER_BATCH):
            data = "".join(line for (line,) in rows).encode()
            file.write(data)
            sha256.update(data)
            md5.update(data)
    fields = "Bucket,Key,VersionId" if versioned else "Bucket,Key"
    return Manifest(
        path, fields, sha256.hexdigest(), md5.hexdigest(), counts["objects"], counts["bytes"]
    )


def _lines_sql(versioned: bool) -> str:
    cells = ["url_encode(bucket)", "','", "replace(url_encode(key), '%2F', '/')"]
    if versioned:
        cells += ["','", "url_encode(COALESCE(version_id, 'null'))"]
    return f"SELECT concat({', '.join(cells)}, chr(10)) AS line {_CHOSEN} ORDER BY key, version_id"
