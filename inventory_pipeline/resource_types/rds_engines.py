"""RDS: engines, and how long AWS supports them; instances and clusters have it in common.

RDS answers versions and their support for all engines at once, so a cell asks twice, however many
databases it has.
"""

from datetime import datetime

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import Detail, Item, field

# The calls of RDS also answer what Neptune and DocumentDB have.
OWN_ENGINES = "!contains(['neptune', 'docdb'], Engine)"

STANDARD_SUPPORT = "open-source-rds-standard-support"
EXTENDED_SUPPORT = "open-source-rds-extended-support"

# What AWS says of a version that it still runs and no longer lists.
UNLISTED = "unlisted"


def version_status(database: Item) -> str | None:
    """available, deprecated, ... as AWS lists the version; unlisted where it does not."""
    if "engine_versions" not in database:
        return None
    engine, version = database.get("Engine"), database.get("EngineVersion")
    for listed in database["engine_versions"]:
        if (listed["engine"], listed["version"]) == (engine, version):
            return str(listed["status"])
    return UNLISTED


def standard_support_ends(database: Item) -> datetime | None:
    return _support_ends(database, STANDARD_SUPPORT)


def extended_support_ends(database: Item) -> datetime | None:
    return _support_ends(database, EXTENDED_SUPPORT)


def _support_ends(database: Item, lifecycle: str) -> datetime | None:
    """When a kind of support ends; None where AWS names no date for the engine."""
    for listed in database.get("engine_lifecycles") or []:
        if listed["engine"] == database.get("Engine") and _is_of(database, listed["major"]):
            for support in listed["lifecycles"] or []:
                if support["LifecycleSupportName"] == lifecycle:
                    end: datetime = support["LifecycleSupportEndDate"]
                    return end
    return None


def _is_of(database: Item, major: str) -> bool:
    """Whether its version is of a major one: 5.7 has 5.7.44 and 5.7.mysql_aurora.2.12.0."""
    version = database.get("EngineVersion") or ""
    return version == major or version.startswith(f"{major}.")


ENGINE_DETAILS = (
    Detail(
        "engine_versions",
        "describe_db_engine_versions",
        {"IncludeAll": True},
        "rds:DescribeDBEngineVersions",
        items="DBEngineVersions[].{engine: Engine, version: EngineVersion, status: Status}",
        per_cell=True,
    ),
    Detail(
        "engine_lifecycles",
        "describe_db_major_engine_versions",
        {},
        "rds:DescribeDBMajorEngineVersions",
        items="DBMajorEngineVersions[].{engine: Engine, major: MajorEngineVersion,"
        " lifecycles: SupportedEngineLifecycles}",
        per_cell=True,
    ),
)

ENGINE_FIELDS = (
    field(
        "engine_version_status",
        T.TEXT,
        "available, deprecated, ...; unlisted where AWS no longer lists the version.",
        version_status,
    ),
    field(
        "lifecycle_support",
        T.TEXT,
        "Whether it goes on, at a price, when standard support has ended.",
        "EngineLifecycleSupport",
    ),
    field(
        "standard_support_ends_at",
        T.TIMESTAMP,
        "End of the major version's standard support; NULL where AWS names none.",
        standard_support_ends,
    ),
    field(
        "extended_support_ends_at",
        T.TIMESTAMP,
        "End of the major version's extended support; NULL where AWS names none.",
        extended_support_ends,
    ),
)
