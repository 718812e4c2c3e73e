"""Objects that may be copies of each other. Not here: whether to delete any."""

from inventory_pipeline.marts.sql import read_sql, with_relations
from inventory_pipeline.marts.storage.places import PLACED_BUCKETS, WIDEST_REPORTS


def duplicate_candidates_sql() -> str:
    """Of objects of `$duplicates_min_bytes`, the first `$duplicates_listed` sets of each scope."""
    relations = {"placed_buckets": PLACED_BUCKETS, "widest_reports": WIDEST_REPORTS}
    return with_relations(relations, read_sql(__package__, "duplicate_candidates.sql"))
