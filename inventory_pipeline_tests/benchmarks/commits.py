"""`commits`: thousands of tiny deliveries, one commit each or fifty at once. A row is a delivery.

Compared with pyiceberg untuned: a table of default properties, and for each delivery an overwrite
of its partition. Those commits grow with the table's age, so that it is given fewer deliveries;
the first ones are its best.
"""

import random
import tempfile
import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from inventory_pipeline_tests.benchmarks.measuring import (
    OURS,
    Clock,
    Report,
    agree,
    figure,
    run_apart,
)

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 5000
UNTUNED_ROWS = 500
BATCH = 50
BUCKETS = 50
"""Buckets that are delivered each day, in no order."""

PREFIXES = 10

Delivery = tuple[dict[str, Any], list[dict[str, Any]]]


def run(rows: int) -> Report:
    untuned = run_apart(_untuned, min(rows, UNTUNED_ROWS))
    single = run_apart(_ours, rows, 1)
    batches = run_apart(_ours, rows, BATCH)
    agree(single.answer, batches.answer, _expected(rows))
    agree(untuned.answer, _expected(untuned.rows))
    sides = [
        ("one at a time", OURS, single),
        ("one at a time: first tenth", OURS, single.tenth(0)),
        ("one at a time: last tenth", OURS, single.tenth(9)),
        (f"batches of {BATCH}", OURS, batches),
        ("one at a time", "pyiceberg", untuned),
        ("one at a time: first tenth", "pyiceberg", untuned.tenth(0)),
        ("one at a time: last tenth", "pyiceberg", untuned.tenth(9)),
    ]
    return Report(
        [figure("commits", format, engine, side, untuned) for format, engine, side in sides],
        [
            f"{engine}: a commit takes {1000 * sum(side.clock.cpu) / len(side.clock.cpu):.1f} ms "
            f"of CPU; the last tenth of {side.rows} deliveries costs "
            f"{side.tenth(9).cpu_per_row / side.tenth(0).cpu_per_row:.2f} x the first"
            for engine, side in ((OURS, single), ("pyiceberg", untuned))
        ],
    )


def _deliveries(rows: int) -> Iterator[Delivery]:
    """Each delivery's partition and its rollup."""
    dice = random.Random(7)
    buckets = [f"{dice.randrange(16**6):06x}-bucket" for _ in range(BUCKETS)]
    for i in range(rows):
        if i % BUCKETS == 0:
            dice.shuffle(buckets)
        partition = {
            "delivered_on": date(2026, 1, 1) + timedelta(days=i // BUCKETS),
            "source_bucket": buckets[i % BUCKETS],
            "configuration_id": "daily",
        }
        measured = {"version_state": "current", "age_band": "0-30", "size_band": "0-128K"}
        yield (
            partition,
            [
                {
                    **partition,
                    **measured,
                    "prefix": f"prefix-{p}/",
                    "storage_class": "STANDARD",
                    "objects": i + p,
                    "bytes": (i + p) * 1000,
                    "billable_bytes": (i + p) * 1000,
                }
                for p in range(PREFIXES)
            ],
        )


def _expected(rows: int) -> tuple[int, int]:
    found = [row["objects"] for _, rollup in _deliveries(rows) for row in rollup]
    return len(found), sum(found)


def _arrow(rollup: list[dict[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    from inventory_pipeline.lake.schema import arrow_schema

    return pa.Table.from_pylist(rollup, schema=arrow_schema("s3_usage"))


def _ours(clock: Clock, rows: int, batch: int) -> tuple[int, int]:
    """Commit in batches; returns how many rows there are then, and their objects."""
    from inventory_pipeline.lake import DuckDBEngine, Lake

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.open(folder)
        lake.replace("prices", [{}], lake.read("prices"))  # imports, a first connection
        deliveries = list(_deliveries(rows))
        for start in range(0, rows, batch):
            together = deliveries[start : start + batch]
            data = _arrow([row for _, rollup in together for row in rollup])
            with clock.running():
                lake.replace("s3_usage", [partition for partition, _ in together], data)
        with DuckDBEngine(lake).session({"s3_usage": None}, published=False) as db:
            query = "SELECT COUNT(*), CAST(SUM(objects) AS BIGINT) FROM s3_usage"
            found: tuple[int, int] = db.connection.execute(query).fetchall()[0]
        return found


def _untuned(clock: Clock, rows: int) -> tuple[int, int]:
    """The same by pyiceberg as it comes, with our schema and partitions."""
    import pyarrow.compute as pc
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.expressions import And, EqualTo
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import IdentityTransform

    from inventory_pipeline.lake.schema import iceberg_schema
    from inventory_pipeline.tables import DELIVERY, tables

    warnings.simplefilter("ignore")  # that there was nothing to overwrite
    schema = iceberg_schema(tables()["s3_usage"])
    fields = (
        PartitionField(schema.find_field(name).field_id, 1000 + i, IdentityTransform(), name)
        for i, name in enumerate(DELIVERY)
    )
    with tempfile.TemporaryDirectory() as folder:
        catalog = SqlCatalog("untuned", uri=f"sqlite:///{folder}/catalog.db", warehouse=folder)
        catalog.create_namespace("inventory")
        table = catalog.create_table(
            "inventory.s3_usage", schema, partition_spec=PartitionSpec(*fields)
        )
        for partition, rollup in _deliveries(rows):
            data = _arrow(rollup)
            terms = (EqualTo(name, str(value)) for name, value in partition.items())
            with clock.running():
                table.overwrite(data, overwrite_filter=And(*terms))
        found = table.scan(selected_fields=("objects",)).to_arrow()
        return found.num_rows, pc.sum(found["objects"]).as_py()
