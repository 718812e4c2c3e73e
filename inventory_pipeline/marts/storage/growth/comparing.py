"""The SQL of growth: which deliveries are compared, what differs, what that means.

Everything here gives SELECTs for both engines. Not here: doing it piece by piece (`building`).
"""

from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.marts.storage.places import (
    PLACED_BUCKETS,
    REPORTS,
    tells,
)

FIRST = "no earlier delivery of the configuration is ingested: nothing to compare with"
ONE_SIDED_VERSIONS = (
    "only one of the two reports lists all versions: noncurrent versions and delete markers are "
    "not compared"
)
UNSIZED = "the reports do not both have Size: bytes are not known"
UNDATED = (
    "the reports have neither ETag nor LastModifiedDate in common: objects of equal size may have "
    "been overwritten"
)
UNCLASSED = "the reports do not both have StorageClass: changes of class are not known"
UNKNOWNS = {
    "previous_delivered_on IS NULL": FIRST,
    "NOT is_comparable": ONE_SIDED_VERSIONS,
    "NOT is_sized": UNSIZED,
    "NOT is_dated": UNDATED,
    "NOT is_classed": UNCLASSED,
}
"""What of a pair of deliveries cannot be told, by the condition on `pairs` under which."""


def growth_sql() -> str:
    """The whole of it as one SELECT, for an engine with memory for a full join."""
    relations = {
        "pairs": pairs_sql(),
        "kept_prefixes": kept_prefixes_sql(),
        **{side: _listed(side, on) for side, on in _SIDES.items()},
        "changes": changes_sql(single=False),
    }
    return _growth_of(relations)


def growth_of_changes_sql() -> str:
    """The same where relations `pairs` and `changes` are there already."""
    return _growth_of({})


def _growth_of(relations: dict[str, str]) -> str:
    relations = {**relations, "placed_buckets": PLACED_BUCKETS, "unknowns": _unknowns()}
    return with_relations(relations, read_sql(__package__, "storage_growth.sql"))


def pairs_sql() -> str:
    """Each delivery of `$delivered_on`, the one before it if any, and what both of them tell."""
    both = {
        "is_sized": _both("Size"),
        "is_classed": _both("StorageClass"),
        "is_dated": f"({_both('ETag')}) OR ({_both('LastModifiedDate')})",
        "by_version": _both("VersionId"),
        "is_comparable": f"({tells('n', 'VersionId')}) = ({tells('e', 'VersionId')})",
    }
    flags = ", ".join(
        f"CASE WHEN e.delivered_on IS NOT NULL THEN {sql} END AS {name}"
        for name, sql in both.items()
    )
    return f"""SELECT n.delivered_on, n.source_bucket, n.configuration_id,
  e.delivered_on AS previous_delivered_on, {flags}
FROM ({REPORTS}) AS n
LEFT JOIN (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY source_bucket, configuration_id ORDER BY delivered_on DESC
  ) AS place
  FROM ({REPORTS}) AS ingested
  WHERE delivered_on < $delivered_on
) AS e
  ON e.source_bucket = n.source_bucket AND e.configuration_id = n.configuration_id AND e.place = 1
WHERE n.delivered_on = $delivered_on"""


def _both(field: str) -> str:
    return f"{tells('n', field)} AND {tells('e', field)}"


_OF_A_PAIR = """s3_usage AS u
JOIN pairs AS p
  ON p.source_bucket = u.source_bucket AND p.configuration_id = u.configuration_id
  AND (u.delivered_on = p.delivered_on OR u.delivered_on = p.previous_delivered_on)"""


def kept_prefixes_sql() -> str:
    """The prefixes that usage of either day has rows for; all others are the remainder."""
    return f"""SELECT DISTINCT u.source_bucket, u.configuration_id, u.prefix
FROM {_OF_A_PAIR}
WHERE u.prefix IS NOT NULL"""


def unreconciled_sql() -> str:
    """The buckets and configurations whose changes are not what their usage has more than before.

    Held together by version state and class, as far as both reports tell those.
    """
    return f"""SELECT DISTINCT source_bucket, configuration_id
FROM (
  SELECT t.source_bucket, t.configuration_id
  FROM (
    SELECT u.source_bucket, u.configuration_id, u.version_state, u.storage_class,
      CASE WHEN u.delivered_on = p.delivered_on THEN u.objects ELSE -u.objects END AS objects,
      CASE WHEN u.delivered_on = p.delivered_on THEN u.bytes ELSE -u.bytes END AS bytes
    FROM {_OF_A_PAIR}
    UNION ALL
    SELECT source_bucket, configuration_id, version_state, storage_class,
      objects_removed - objects_added, bytes_removed - bytes_added
    FROM changes
  ) AS t
  JOIN pairs AS p
    ON p.source_bucket = t.source_bucket AND p.configuration_id = t.configuration_id
  WHERE p.previous_delivered_on IS NOT NULL
    AND (p.is_comparable OR t.version_state = 'current')
  GROUP BY t.source_bucket, t.configuration_id, t.version_state,
    CASE WHEN p.is_classed THEN t.storage_class END
  HAVING SUM(t.objects) <> 0 OR SUM(CASE WHEN p.is_sized THEN t.bytes ELSE 0 END) <> 0
) AS cells"""


def unexplained_sql(table: str) -> str:
    """The same of the changes that a `storage_growth` of `$delivered_on` has."""
    changes = f"SELECT * FROM {table} WHERE change <> 'unknown'"
    return with_relations({"pairs": pairs_sql(), "changes": changes}, unreconciled_sql())


def changes_sql(*, single: bool) -> str:
    """What differs between the relations `before` and `after`, counted.

    With `single` no key has more than one version, which saves looking for the others.
    """
    relations = {
        "differences": read_sql(__package__, "differences.sql"),
        "keyed": _keyed(single),
    }
    return with_relations(relations, read_sql(__package__, "changes.sql"))


def _keyed(single: bool) -> str:
    """The differences, and whether their key had and has a current object.

    Where it has another one than before, both differ; so the differences tell.
    """
    of_key = (
        "{}" if single else ("MAX({}) OVER (PARTITION BY source_bucket, configuration_id, key)")
    )
    had, has = (
        of_key.format(f"CASE WHEN {state} = 'current' THEN 1 ELSE 0 END")
        for state in ("state_before", "state_after")
    )
    return f"SELECT *, {had} AS had_current, {has} AS has_current FROM differences"


_SIDES = {"before": "previous_delivered_on", "after": "delivered_on"}

# By name, for reports may bring columns that are called as what is computed here.
_COMPARED = (
    *("source_bucket", "configuration_id", "key", "version_id", "is_latest", "is_delete_marker"),
    *("size", "storage_class", "e_tag", "last_modified_date"),
)


def _listed(side: str, on: str) -> str:
    objects = f"""(
  SELECT {", ".join(f"o.{name}" for name in _COMPARED)}, p.by_version
  FROM s3_objects AS o
  JOIN pairs AS p
    ON p.{on} = o.delivered_on AND p.source_bucket = o.source_bucket
    AND p.configuration_id = o.configuration_id AND p.previous_delivered_on IS NOT NULL
)"""
    return numbered(listed_sql(objects, "by_version"))


def listed_sql(objects: str, by_version: str) -> str:
    """The versions of `objects` as they are compared, each with copy 1.

    `by_version` is SQL: whether both reports list all versions; otherwise current ones count.
    """
    return f"""SELECT source_bucket, configuration_id, key, version_state, storage_class,
  CASE WHEN by_version THEN COALESCE(version_id, '') ELSE '' END AS version_id,
  1 AS copy, bytes, e_tag, last_modified_date
FROM (
  SELECT {", ".join(_COMPARED)}, {by_version} AS by_version,
    CASE WHEN is_delete_marker THEN 'delete_marker' WHEN NOT is_latest THEN 'noncurrent'
      ELSE 'current' END AS version_state,
    CASE WHEN is_delete_marker THEN 0 ELSE size END AS bytes
  FROM {objects} AS listed
) AS stated
WHERE by_version OR version_state = 'current'"""


def numbered(listed: str) -> str:
    """The same where a version may be listed more than once: copies 1, 2, ..."""
    return f"""SELECT source_bucket, configuration_id, key, version_state, storage_class,
  version_id, bytes, e_tag, last_modified_date,
  ROW_NUMBER() OVER (
    PARTITION BY source_bucket, configuration_id, key, version_id
    ORDER BY version_state, storage_class, bytes, e_tag, last_modified_date
  ) AS copy
FROM ({listed}) AS listed"""


def _unknowns() -> str:
    return union_all(
        f"SELECT source_bucket, configuration_id, {literal(reason)} AS unknown_reason "
        f"FROM pairs WHERE {condition}"
        for condition, reason in UNKNOWNS.items()
    )
