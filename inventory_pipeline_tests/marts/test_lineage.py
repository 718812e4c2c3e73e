"""Column lineage: what each column of a mart is computed from."""

import pytest

from inventory_pipeline.marts import marts
from inventory_pipeline.marts.lineage import column_lineage
from inventory_pipeline.tables import tables


@pytest.mark.parametrize("table", sorted(marts()))
def test_every_source_is_a_column_of_a_table_that_the_mart_reads(table):
    mart = marts()[table]
    lineage = column_lineage(mart)
    assert list(lineage) == [column.name for column in tables()[table].columns]
    for sources in lineage.values():
        for source, column in sources:
            assert source in mart.reads
            assert column in {c.name for c in tables()[source].columns}
    assert any(lineage.values())


def test_sources_are_those_of_the_value_and_not_of_the_condition():
    lineage = column_lineage(marts()["storage_usage"])
    assert lineage["bytes"] == {("s3_usage", "bytes")}
    assert lineage["department"] == {("s3_buckets", "department")}
    by_service = column_lineage(marts()["cost_by_service"])
    assert by_service["resources"] == frozenset()
    assert by_service["monthly_usd"] == {("resource_costs", "known_usd")}


def test_a_union_has_the_sources_of_all_its_parts():
    costs = column_lineage(marts()["storage_costs"])
    assert {("s3_usage", "objects"), ("s3_usage", "billable_bytes")} <= costs["quantity"]
