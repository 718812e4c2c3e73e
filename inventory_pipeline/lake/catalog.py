"""The Iceberg catalogue: opening one, making tables to their contracts, widening and trimming them.

Belongs here: what pyiceberg is told about a table. Not here: its rows (`lake`, `files`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inventory_pipeline.columns import Column
from inventory_pipeline.lake.errors import LakeError
from inventory_pipeline.lake.schema import extra_column, iceberg_schema
from inventory_pipeline.tables import Table, tables

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.update.snapshot import _FastAppendFiles as AppendFiles

NAMESPACE = "inventory"

MANIFEST_BYTES = 64 * 1024
MANY_MANIFESTS = 20

# Keep a table's commits flat over its life: little metadata, manifests merged and of a size that
# is soon rewritten, no column statistics but of partitions (a file's own footer has the others).
# Retries are ours.
TABLE_PROPERTIES = {
    "format-version": "2",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "none",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "2",
    "commit.manifest.target-size-bytes": str(MANIFEST_BYTES),
    "commit.retry.num-retries": "0",
}
LOAD_ATTEMPTS = 6
THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})
GLUE_PAUSE = 0.5
"""Seconds until Glue is asked again, and twice as long each further time."""
KEPT_SNAPSHOTS = 3
"""Iceberg snapshots a table keeps, for time travel; each commit drops older ones."""

PYARROW_IO = {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"}


def sqlite_catalog(root: Path) -> Catalog:
    """The catalogue file of a local lake; made where there is none."""
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy import URL
    from sqlalchemy.exc import IntegrityError, OperationalError

    # Writers queue for SQLite's lock rather than fail; the path may hold any character.
    uri = URL.create("sqlite", database=str(root / "catalog.db"), query={"timeout": "60"})
    for last in (False, False, True):
        try:
            catalog = SqlCatalog(
                "inventory",
                uri=uri.render_as_string(),
                warehouse=str(root / "tables"),
                **PYARROW_IO,
            )
            catalog.create_namespace_if_not_exists(NAMESPACE)
        except (OperationalError, IntegrityError):  # two processes making the same lake at once
            if last:
                raise
        else:
            return catalog
    raise AssertionError


def glue_catalog(location: str) -> Catalog:
    from pyiceberg.catalog.glue import GlueCatalog

    properties: dict[str, Any] = {
        "warehouse": location,
        # An update that is sent again, its answer lost, would look overtaken by itself.
        "glue.max-retries": 0,
        **PYARROW_IO,
    }
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        properties |= {"glue.endpoint": endpoint, "s3.endpoint": endpoint}
    catalog = GlueCatalog("inventory", **properties)
    catalog.create_namespace_if_not_exists(NAMESPACE)
    return catalog


def load_table(catalog: Catalog, name: str) -> IcebergTable | None:
    """The table as it is now; None where nothing was ever written to it."""
    from botocore.exceptions import ClientError
    from pyiceberg.exceptions import NoSuchTableError

    for attempt in range(LOAD_ATTEMPTS):
        try:
            return catalog.load_table((NAMESPACE, name))
        except NoSuchTableError:
            return None
        except FileNotFoundError:  # so many commits since we were told the metadata's name
            if attempt >= 2:
                raise
        except ClientError as error:
            if not is_throttled(error) or attempt == LOAD_ATTEMPTS - 1:
                raise
            time.sleep(GLUE_PAUSE * 2**attempt)
    raise AssertionError


def is_to_be_repeated(error: Exception) -> bool:
    """Whether a commit changed nothing and may do so if it is made once more."""
    from botocore.exceptions import ClientError
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    # pyiceberg's threads share what tells them which manifests to read, and now and then pass one
    # over: ValidationException says so.
    if isinstance(error, CommitFailedException | ValidationException):
        return True
    return isinstance(error, ClientError) and is_throttled(error)


def is_throttled(error: ClientError) -> bool:
    """Whether AWS did nothing, being asked too much."""
    return error.response.get("Error", {}).get("Code") in THROTTLED


def table_for_writing(catalog: Catalog, name: str) -> IcebergTable | None:
    """The table with the columns that its contract has gained; None where there is none."""
    iceberg = load_table(catalog, name)
    if iceberg is None:
        return None
    known = set(iceberg.schema().column_names)
    _check_types(iceberg, tables()[name])
    if all(column.name in known for column in tables()[name].columns):
        return iceberg
    with iceberg.update_schema() as update:
        for field in iceberg_schema(tables()[name]).fields:
            if field.name not in known:
                update.add_column(field.name, field.field_type, doc=field.doc)
    return catalog.load_table((NAMESPACE, name))


def _check_types(iceberg: IcebergTable, contract: Table) -> None:
    """Raises LakeError where a field became a column of text before the contract had it otherwise.

    The files that have it are text, and no reader takes part of a column's files for another type.
    """
    theirs = {field.name: field.field_type for field in iceberg.schema().fields}
    for field in iceberg_schema(contract).fields if contract.grows else ():
        if theirs.get(field.name, field.field_type) != field.field_type:
            raise LakeError(
                f"table {contract.name}: column {field.name} is {theirs[field.name]} in this lake, "
                f"which had it before its contract did, and {field.field_type} in the contract"
            )


def more_columns(iceberg: IcebergTable, contract: Table) -> tuple[Column, ...]:
    """The columns of text that a table has beside its contract's."""
    from pyiceberg.types import StringType

    own = {column.name for column in contract.columns}
    return tuple(
        extra_column(field.name)
        for field in iceberg.schema().fields
        if field.name not in own and isinstance(field.field_type, StringType)
    )


def add_columns(iceberg: IcebergTable, columns: Iterable[Column]) -> None:
    """Add those of these columns of text that the table has not."""
    from pyiceberg.types import StringType

    known = set(iceberg.schema().column_names)
    with iceberg.update_schema() as update:
        for column in columns:
            if column.name not in known:
                update.add_column(column.name, StringType(), doc=column.meaning)


def create_table(catalog: Catalog, name: str, location: str) -> IcebergTable:
    """Make a table to its contract; where another process was first, that one."""
    from pyiceberg.exceptions import TableAlreadyExistsError
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import IdentityTransform

    contract = tables()[name]
    schema = iceberg_schema(contract)
    fields = (
        PartitionField(schema.find_field(column).field_id, 1000 + i, IdentityTransform(), column)
        for i, column in enumerate(contract.partitioned_by)
    )
    properties = {
        **TABLE_PROPERTIES,
        "comment": contract.meaning,
        "schema.name-mapping.default": schema.name_mapping.model_dump_json(),
        # Partition values are taken from a file's statistics, which must not be cut short.
        **{f"write.metadata.metrics.column.{c}": "full" for c in contract.partitioned_by},
    }
    try:
        return catalog.create_table(
            (NAMESPACE, name),
            schema,
            location=location,
            partition_spec=PartitionSpec(*fields),
            properties=properties,
        )
    except TableAlreadyExistsError:
        return catalog.load_table((NAMESPACE, name))


def append_to(transaction: Transaction, iceberg: IcebergTable) -> AppendFiles:
    """An append that merges small manifests when many have piled up, and only then.

    pyiceberg's own rule would, once a merged manifest is nearly full, rewrite it at each commit.
    """
    snapshot = iceberg.current_snapshot()
    manifests = snapshot.manifests(iceberg.io) if snapshot else []
    small = [m for m in manifests if m.manifest_length < MANIFEST_BYTES // 2]
    update = transaction.update_snapshot()
    return update.merge_append() if len(small) >= MANY_MANIFESTS else update.fast_append()


def expire_snapshots(transaction: Transaction, metadata: TableMetadata) -> None:
    """Have the transaction drop all but the newest Iceberg snapshots of its table."""
    if len(metadata.snapshots) >= 2 * KEPT_SNAPSHOTS:
        _expire(transaction, metadata, KEPT_SNAPSHOTS)


def drop_history(iceberg: IcebergTable) -> None:
    """Have a table keep none but its newest Iceberg snapshot."""
    if len(iceberg.metadata.snapshots) > 1:
        transaction = iceberg.transaction()
        _expire(transaction, iceberg.metadata, 1)
        transaction.commit_transaction()


def _expire(transaction: Transaction, metadata: TableMetadata, kept: int) -> None:
    from pyiceberg.table.update.snapshot import ExpireSnapshots

    snapshots = sorted(metadata.snapshots, key=lambda s: s.sequence_number or 0)
    ExpireSnapshots(transaction).by_ids([s.snapshot_id for s in snapshots[:-kept]]).commit()
