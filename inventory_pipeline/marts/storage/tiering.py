"""Whether Intelligent-Tiering pays, by size of object: the relations `tiering_effectiveness.sql`
stands on. Not here: whether other objects should be moved to it (`archive`)."""

from inventory_pipeline.marts.sql import read_sql, with_relations
from inventory_pipeline.marts.storage.places import PLACED_BUCKETS, WIDEST_REPORTS
from inventory_pipeline.marts.storage.usage import bands_from, overheads, tier_parts
from inventory_pipeline.prices.storage_classes import MONITORED_FROM_BYTES, price_key_sql
from inventory_pipeline.reports.bands import UNKNOWN


def tiering_effectiveness_sql() -> str:
    select = (
        read_sql(__package__, "tiering_effectiveness.sql")
        .replace("{monitored}", bands_from(MONITORED_FROM_BYTES))
        .replace("{price_key}", price_key_sql("g.storage_class", "g.access_tier"))
        .replace("{unknown}", UNKNOWN)
        .replace("{tier_parts}", tier_parts())
    )
    relations = {
        "placed_buckets": PLACED_BUCKETS,
        "widest_reports": WIDEST_REPORTS,
        "overheads": overheads(),
    }
    return with_relations(relations, select)
