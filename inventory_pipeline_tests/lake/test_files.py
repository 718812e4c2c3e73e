"""Files that other engines wrote: whose field ids, and whose partition."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventory_pipeline.lake import Lake, LakeError
from inventory_pipeline.lake.catalog import load_table, sqlite_catalog
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.lake.staging import staging_metadata
from inventory_pipeline.tables import tables
from inventory_pipeline_tests.lake.planted import delivery, usage


def with_ids(table: str, ids: Mapping[str, int]) -> pa.Schema:
    """A table's schema with field ids, as engines that know Iceberg write them."""
    return pa.schema(
        [f.with_metadata({"PARQUET:field_id": str(ids[f.name])}) for f in arrow_schema(table)]
    )


def test_field_ids_of_the_table_are_taken(lake: Lake) -> None:
    ids = {c.name: i for i, c in enumerate(tables()["s3_usage"].columns, start=1)}
    file = lake.scratch_file()
    pq.write_table(usage("b", 1, 2).cast(with_ids("s3_usage", ids)), file)
    assert lake.replace("s3_usage", [delivery("b")], [file]).rows == 2


def test_other_field_ids_are_refused(lake: Lake) -> None:
    ids = {c.name: i for i, c in enumerate(tables()["s3_usage"].columns, start=1)}
    ids["objects"], ids["bytes"] = ids["bytes"], ids["objects"]
    file = lake.scratch_file()
    pq.write_table(usage("b", 1, 2).cast(with_ids("s3_usage", ids)), file)
    with pytest.raises(LakeError, match="column objects is field"):
        lake.replace("s3_usage", [delivery("b")], [file])
    assert lake.files("s3_usage", visible=False) == []


def test_a_partition_is_found_without_statistics(lake: Lake) -> None:
    file = lake.scratch_file()
    pq.write_table(usage("b" * 63, 1), file, write_statistics=False)
    lake.replace("s3_usage", [delivery("b" * 63)], [file])
    [found] = lake.files("s3_usage", visible=False)
    assert found.partition == delivery("b" * 63)


def test_several_partitions_are_found_without_statistics(lake: Lake) -> None:
    file = lake.scratch_file()
    two = pa.concat_tables([usage("a", 1), usage("b", 1)])
    pq.write_table(two, file, write_statistics=False)
    with pytest.raises(LakeError, match="several partitions"):
        lake.replace("s3_usage", [delivery("a"), delivery("b")], [file])


def test_a_staging_table_has_the_tables_fields_and_no_rows(lake: Lake) -> None:
    lake.replace("s3_usage", [delivery("b")], usage("b", 1))
    catalog = sqlite_catalog(Path(lake.location))
    iceberg = load_table(catalog, "s3_usage")
    assert iceberg is not None
    metadata = staging_metadata(iceberg, f"{lake.location}/staging/s3_usage")
    staging = catalog.register_table(("inventory", "staged"), metadata)
    assert staging.schema() == iceberg.schema()
    assert staging.spec() == iceberg.spec()
    assert staging.scan().to_arrow().num_rows == 0
    assert staging.metadata.table_uuid != iceberg.metadata.table_uuid
