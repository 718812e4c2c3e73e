"""Measured resources: metrics beside their own resource only, and only whole windows."""

from pathlib import Path

from inventory_pipeline.marts.measured import MINIMUM_TENTHS, measured, measured_relations
from inventory_pipeline.marts.sql import with_relations
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.marts.planted import NOW, Planted, Row


def look(planted: Planted, kind_name: str) -> dict[tuple[str, str], Row]:
    kind = resource_types()[kind_name]
    sql = with_relations(measured_relations([kind]), f"SELECT * FROM {measured(kind)}")
    reads = {table: {"snapshot_at": NOW} for table in (kind.table, "metrics")}
    with planted.engine.session(reads) as db:
        rows = db.query(sql, {"snapshot_at": NOW}).to_pylist()
    return {(row["account_id"], row["resource_id"]): row for row in rows}


def test_metrics_meet_their_own_resource_only(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    for account in ("1", "2", "3"):
        metrics = {} if account == "3" else {"cpu_maximum": float(account), "cpu_average": 0.5}
        planted.resource("ec2_instance", "i", metrics, account_id=account)
    planted.publish()
    found = look(planted, "ec2_instance")
    assert {key: (row["cpu_maximum"], row["cpu_average"]) for key, row in found.items()} == {
        ("1", "i"): (1.0, 0.5),
        ("2", "i"): (2.0, 0.5),
        ("3", "i"): (None, None),
    }


def test_a_window_with_too_many_holes_is_unknown_except_where_silence_speaks(
    tmp_path: Path,
) -> None:
    planted = Planted(tmp_path)
    assert MINIMUM_TENTHS == 7
    planted.resource("ec2_instance", "i", {"cpu_maximum": (1.0, 10), "cpu_average": (1.0, 9)})
    planted.resource("lambda_function", "f", {"invocations": (0.0, 0)})
    planted.resource("s3_bucket", "b", {"object_count": (4.0, 1), "standard_bytes": (9.0, 1)})
    planted.publish()
    instance = look(planted, "ec2_instance")["111111111111", "i"]
    assert (instance["cpu_maximum"], instance["cpu_average"]) == (1.0, None)
    assert look(planted, "lambda_function")["111111111111", "f"]["invocations"] == 0.0
    bucket = look(planted, "s3_bucket")["111111111111", "b"]
    # Sizes by class share one CloudWatch metric and must not be mixed up.
    assert (bucket["object_count"], bucket["standard_bytes"], bucket["glacier_bytes"]) == (
        4,
        9,
        None,
    )


def test_metric_columns_do_not_hide_a_types_own() -> None:
    for kind in resource_types().values():
        own = {column.name for column in kind.columns}
        metrics = [metric.column for metric in kind.metrics]
        assert len(set(metrics)) == len(metrics)
        assert not own & set(metrics), kind.name
