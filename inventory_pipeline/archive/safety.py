"""Which objects must not be moved, and why, as data.

Each exclusion is a SQL condition on a picked object; the first that holds gives the reason. Not
here: whether a move pays (`economics`). A field that the report leaves out excludes nothing.
"""

from dataclasses import dataclass

from inventory_pipeline.archive.economics import Route
from inventory_pipeline.prices.storage_classes import COPY_LIMIT_BYTES, STORAGE_CLASSES


@dataclass(frozen=True)
class Exclusion:
    """A reason and its condition, for one route only or (None) for all of them.

    Conditions may use `$delivered_at` and `$target_class`, and no other parameter.
    """

    reason: str
    sql: str
    route: Route | None = None


_RESTORED_FIRST = ", ".join(f"'{c.key}'" for c in STORAGE_CLASSES.values() if c.restored_first)

EXCLUSIONS = (
    Exclusion("delete marker", "COALESCE(is_delete_marker, FALSE)"),
    Exclusion("noncurrent version", "NOT COALESCE(is_latest, TRUE)"),
    Exclusion("modified after the delivery", "last_modified_date > $delivered_at"),
    Exclusion("expired by a lifecycle rule", "lifecycle_expiration_date <= $delivered_at"),
    Exclusion("on legal hold", "upper(object_lock_legal_hold_status) = 'ON'"),
    Exclusion(
        "under compliance retention",
        "upper(object_lock_mode) = 'COMPLIANCE' "
        "AND COALESCE(object_lock_retain_until_date > $delivered_at, TRUE)",
    ),
    Exclusion(
        "replication pending or failed", "upper(replication_status) IN ('PENDING', 'FAILED')"
    ),
    Exclusion("encrypted with the customer's own key", "upper(encryption_status) = 'SSE-C'"),
    Exclusion("already in the target class", "storage_class = $target_class"),
    Exclusion(
        "needs a restore before it can be copied", f"price_key IN ({_RESTORED_FIRST})", "copy"
    ),
    Exclusion("larger than the 5 GiB that can be copied", f"size > {COPY_LIMIT_BYTES}", "copy"),
)


def unsafe_sql(target_class: str, route: Route | None) -> str:
    """SQL that gives the reason why a picked object must not be moved, or NULL.

    Where the route is not known (None), what excludes an object on any route does.
    """
    whens = [
        f"WHEN {exclusion.sql} THEN {_text(exclusion.reason)}"
        for exclusion in (*EXCLUSIONS, _not_downwards(target_class))
        if route is None or exclusion.route in (None, route)
    ]
    return "CASE " + " ".join(whens) + " END"


def _not_downwards(target_class: str) -> Exclusion:
    above = [f"'{c.key}'" for c in STORAGE_CLASSES.values() if target_class in c.moves_to]
    condition = f"price_key NOT IN ({', '.join(above)})" if above else "TRUE"
    return Exclusion("S3 does not move its class down to the target class", condition)


def _text(reason: str) -> str:
    return "'" + reason.replace("'", "''") + "'"
