"""Whether the rows of a table keep its contract: what Iceberg and Parquet do not enforce."""

from inventory_pipeline.lake.engine import Session
from inventory_pipeline.lake.where import quoted
from inventory_pipeline.tables import tables

# A rolling S3 Inventory snapshot may list a version twice, and a billion keys are not to be
# grouped for a check.
UNKEYED = frozenset({"s3_objects"})


def violations(db: Session, table: str) -> list[str]:
    """Sentences on NULLs in required columns and on repeated keys; empty where all is well.

    `db` shows the rows to be judged, as the view `table`.
    """
    contract = tables()[table]
    required = [c.name for c in contract.columns if c.required]
    counts = [f"COUNT(*) FILTER (WHERE {quoted(c)} IS NULL) AS {quoted(c)}" for c in required]
    nulls = db.query(f"SELECT {', '.join(counts)} FROM {quoted(table)}").to_pylist()[0]
    broken = [f"{n} rows have no {column}" for column, n in nulls.items() if n]
    if table not in UNKEYED:
        key = ", ".join(quoted(c) for c in contract.key)
        repeated = db.query(
            f"SELECT COUNT(*) AS n FROM (SELECT {key} FROM {quoted(table)} "
            f"GROUP BY {key} HAVING COUNT(*) > 1) AS repeated"
        )["n"][0].as_py()
        if repeated:
            broken.append(f"{repeated} keys ({', '.join(contract.key)}) stand more than once")
    return broken
