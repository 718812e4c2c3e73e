"""Which columns of reports are read, and by whom: read off the SQL that reads them.

Not here: which field brings a column (`marts.storage.health.field_of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from inventory_pipeline.archive.policies import applies_to
from inventory_pipeline.archive.safety import EXCLUSIONS
from inventory_pipeline.marts import marts
from inventory_pipeline.marts.sql import read_sql
from inventory_pipeline.marts.storage.health import field_of
from inventory_pipeline.reports.rollup import partial_select
from inventory_pipeline.settings import Settings
from inventory_pipeline.tables.s3_inventory import S3_OBJECT_COLUMNS

USAGE = "s3_usage"
"""The rollup: what it lacks, every mart of storage lacks."""

OF_VERSIONS = frozenset({"is_latest", "is_delete_marker", "noncurrent"})


@dataclass(frozen=True)
class Need:
    """A reader of reports: the optional fields it uses, and whether old versions matter to it."""

    reader: str
    fields: frozenset[str]
    all_versions: bool


def needs(settings: Settings, bucket: str) -> Iterator[Need]:
    """Every reader of a bucket's reports: the rollup, marts, and policies of archival."""
    yield from _of_everyone()
    for policy in settings.archive.policies:
        if applies_to(policy, bucket):
            yield _need(f"archive policy {policy.name}", _archival())


@cache
def _of_everyone() -> tuple[Need, ...]:
    readers = [mart for mart in marts().values() if "s3_objects" in mart.reads]
    return (
        _need(USAGE, partial_select("SELECT * FROM s3_objects", 1)),
        *(_need(mart.table, mart.sql()) for mart in readers),
    )


@cache
def _archival() -> str:
    candidates = read_sql("inventory_pipeline.archive", "candidates.sql")
    return "\n".join([candidates, *(exclusion.sql for exclusion in EXCLUSIONS)])


def _need(reader: str, sql: str) -> Need:
    words = set(re.findall(r"[a-z_]+", re.sub(r"--.*", "", sql)))
    used = (field_of(column.name) for column in S3_OBJECT_COLUMNS if column.name in words)
    return Need(reader, frozenset(filter(None, used)), bool(words & OF_VERSIONS))
