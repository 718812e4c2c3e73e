"""What a table is, and the columns that several tables share.

Not here: which tables there are; each stage of the flow has a module of its own.
"""

from dataclasses import dataclass
from typing import Literal

from inventory_pipeline.columns import Column, date, tags, text, timestamp

Group = Literal["snapshots", "s3_inventory", "cost", "security", "storage", "archive"]

SNAPSHOT = ("snapshot_at",)
DELIVERY = ("delivered_on", "source_bucket", "configuration_id")


@dataclass(frozen=True)
class Table:
    """One table of the lake. `key` identifies a row; `partitioned_by` are identity partitions.

    One that `grows` may have columns of text after these, of fields that this build does not know.
    """

    name: str
    group: Group
    meaning: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partitioned_by: tuple[str, ...] = ()
    grows: bool = False

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


SNAPSHOT_AT = timestamp("snapshot_at", "The snapshot's instant.", required=True)

PLACE = (
    text("account_id", "Account.", required=True),
    text("account_name", "Account's name."),
    text("department", "Department, from tags of the resource or its account."),
    text("cost_center", "Cost centre, from tags of the resource or its account."),
    text("environment", "Environment, from tags of the resource or its account."),
    text("region", "Region; `global` where a service has none.", required=True),
)

RESOURCE = (
    text("resource_type", "Resource type, such as ec2_instance.", required=True),
    text("resource_id", "Identifier, unique in account, region and type.", required=True),
)

COMMON_RESOURCE_COLUMNS = (
    SNAPSHOT_AT,
    timestamp("observed_at", "When AWS was asked.", required=True),
    *PLACE,
    *RESOURCE,
    text("arn", "ARN."),
    text("name", "Name, from the Name tag or AWS."),
    text("state", "State, as AWS words it."),
    timestamp("created_at", "Creation time."),
    tags("tags", "Tags of the account and the resource; the resource's win."),
)

DELIVERY_COLUMNS = (
    date("delivered_on", "UTC day of the delivery.", required=True),
    text("source_bucket", "Bucket that the report lists.", required=True),
    text("configuration_id", "S3 Inventory configuration.", required=True),
)

USAGE_COLUMNS = (
    text("prefix", "First part of the key, to the configured depth; NULL for the remainder."),
    text("storage_class", "Storage class; NULL on delete markers."),
    text("access_tier", "Intelligent-Tiering access tier."),
    text("version_state", "current, noncurrent or delete_marker.", required=True),
    text(
        "age_band",
        "Age at delivery, days since last modified; `unknown` where the report has no "
        "LastModifiedDate.",
        required=True,
    ),
)

RESOURCE_KEY = ("snapshot_at", "account_id", "region", "resource_id")
