"""Delivery health: the relations that its SQL file stands on, and the fields of reports.

A report's fields are the columns of `s3_objects`, in AWS's spelling.
"""

from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.tables.s3_inventory import S3_OBJECT_COLUMNS

NOT_OPTIONAL = ("bucket", "key", "version_id", "is_latest", "is_delete_marker")
"""Columns that every report has, or every one of all versions."""

SPLIT_FIELDS = {"object_lock_event_hold_duration_unit": "ObjectLockEventHoldDuration"}
"""Columns that come with another field."""


def field_of(column: str) -> str | None:
    """The optional field that brings a column of `s3_objects`; None for those of every report."""
    if column in NOT_OPTIONAL:
        return None
    return SPLIT_FIELDS.get(column) or "".join(part.capitalize() for part in column.split("_"))


def delivery_health_sql() -> str:
    fields = {field: c.name for c in reversed(S3_OBJECT_COLUMNS) if (field := field_of(c.name))}
    relations = {"known_fields": _known_fields(fields)}
    select = read_sql(__package__, "delivery_health.sql")
    return with_relations(relations, select.replace("{lacking}", _named(sorted(fields))))


def _known_fields(fields: dict[str, str]) -> str:
    """Each field, and patterns that a fileSchema matches which has it: CSV, ORC and Parquet."""
    return union_all(
        f"SELECT {literal(field)} AS field, {literal(f'%, {field},%')} AS in_csv, "
        f"{literal(f'%,{column}:%')} AS in_orc, {literal(f'% {column};%')} AS in_parquet, "
        f"{literal(f'% {column} (%')} AS in_parquet_typed"
        for field, column in sorted(fields.items())
    )


def _named(fields: list[str]) -> str:
    """The fields of a group's rows as one text."""
    return " || ".join(
        f"MAX(CASE WHEN field = {literal(field)} THEN {literal(f'{field} ')} ELSE '' END)"
        for field in fields
    )
