"""What a snapshot holds: its accounts, one table per resource type, and the ledgers."""

from inventory_pipeline.columns import bigint, double, tags, text, text_list, timestamp
from inventory_pipeline.resource_types import child_tables, resource_types
from inventory_pipeline.tables.model import (
    COMMON_RESOURCE_COLUMNS,
    PLACE,
    RESOURCE,
    RESOURCE_KEY,
    SNAPSHOT,
    SNAPSHOT_AT,
    Table,
)

TABLES: tuple[Table, ...] = (
    Table(
        "snapshots",
        "snapshots",
        "Published snapshots; readers see only what is listed here.",
        "one snapshot",
        (
            SNAPSHOT_AT,
            timestamp("collected_from", "First call.", required=True),
            timestamp("collected_to", "Last call.", required=True),
            text(
                "status",
                "complete, or partial where a cell outside disabled regions is not ok.",
                required=True,
            ),
            bigint("tables", "Tables with rows.", required=True),
            bigint("rows", "Resources seen.", required=True),
            bigint("cells", "Cells in the coverage ledger.", required=True),
            bigint("cells_ok", "Cells seen completely.", required=True),
        ),
        SNAPSHOT,
    ),
    Table(
        "accounts",
        "snapshots",
        "Accounts looked at, and those that are not looked at any more or not active.",
        "one account at a snapshot",
        (
            SNAPSHOT_AT,
            *PLACE[:5],
            text("role_arn", "Role assumed; NULL for the caller's own account."),
            text("organizational_unit", "Path of its unit in AWS Organizations; NULL if unknown."),
            text(
                "status",
                "ok, denied or error; of an account not looked at: excluded (by settings), left "
                "(neither in settings nor in the organisation), or AWS's state such as suspended.",
                required=True,
            ),
            text("message", "Why it could not be entered, or is not looked at."),
            text_list("regions", "Regions enabled in the account."),
            tags("tags", "Tags of the account."),
        ),
        ("snapshot_at", "account_id"),
        SNAPSHOT,
    ),
    Table(
        "resources",
        "snapshots",
        "Resources of all types: what they have in common.",
        "one resource at a snapshot",
        COMMON_RESOURCE_COLUMNS,
        ("snapshot_at", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    ),
    *(
        Table(
            kind.table,
            "snapshots",
            kind.meaning,
            f"one {kind.name} at a snapshot",
            (*COMMON_RESOURCE_COLUMNS, *kind.columns),
            RESOURCE_KEY,
            SNAPSHOT,
        )
        for kind in resource_types().values()
    ),
    *(
        Table(
            child.name,
            "snapshots",
            child.meaning,
            child.grain + " at a snapshot",
            (
                SNAPSHOT_AT,
                text("account_id", "Account.", required=True),
                text("region", "Region; `global` where a service has none.", required=True),
                *RESOURCE,
                bigint("position", "Place among the resource's elements, from 0.", required=True),
                *(f.column for f in child.fields),
            ),
            ("snapshot_at", "account_id", "region", "resource_type", "resource_id", "position"),
            SNAPSHOT,
        )
        for child in child_tables().values()
    ),
    Table(
        "relationships",
        "snapshots",
        "Edges between resources.",
        "one edge at a snapshot",
        (
            SNAPSHOT_AT,
            text("account_id", "Account of the source.", required=True),
            text("region", "Region of the source.", required=True),
            text("source_type", "Resource type of the source.", required=True),
            text("source_id", "Resource id of the source.", required=True),
            text("relation", "What the source is to the target.", required=True),
            text("target_type", "Resource type of the target.", required=True),
            text("target_id", "Resource id (or ARN) of the target.", required=True),
        ),
        (
            "snapshot_at",
            "account_id",
            "region",
            "source_type",
            "source_id",
            "relation",
            "target_type",
            "target_id",
        ),
        SNAPSHOT,
    ),
    Table(
        "metrics",
        "snapshots",
        "Utilisation statistics.",
        "one statistic of a resource at a snapshot",
        (
            SNAPSHOT_AT,
            text("account_id", "Account.", required=True),
            text("region", "Region.", required=True),
            *RESOURCE,
            text(
                "metric",
                "CloudWatch metric, with a label where one name has several.",
                required=True,
            ),
            text("statistic", "Average, Maximum, Minimum or Sum.", required=True),
            bigint("window_days", "Days looked back.", required=True),
            double("value", "The statistic over the window; NULL where nothing is known."),
            bigint("datapoints", "Datapoints seen.", required=True),
            bigint("expected_datapoints", "Datapoints in a whole window.", required=True),
        ),
        (
            "snapshot_at",
            "account_id",
            "region",
            "resource_type",
            "resource_id",
            "metric",
            "statistic",
        ),
        SNAPSHOT,
    ),
    Table(
        "coverage",
        "snapshots",
        "The ledger: what was seen, denied, throttled, never tried.",
        "one cell (account, region, collector) at a snapshot",
        (
            SNAPSHOT_AT,
            text("account_id", "Account.", required=True),
            text("region", "Region.", required=True),
            text(
                "collector",
                "Resource type, or type and part of it, such as "
                "s3_bucket.policy_status or ec2_instance.metrics.",
                required=True,
            ),
            text(
                "status",
                "ok, denied, throttled, timeout, region_disabled, error or not_attempted.",
                required=True,
            ),
            text("error_code", "AWS's error code."),
            text("message", "What AWS said, shortened."),
            bigint("resources", "Resources seen.", required=True),
            bigint("calls", "API calls made.", required=True),
            bigint("retries", "Calls repeated.", required=True),
            bigint("throttles", "Calls throttled.", required=True),
            double("seconds", "Time taken.", required=True),
            timestamp("observed_at", "When it was asked.", required=True),
        ),
        ("snapshot_at", "account_id", "region", "collector"),
        SNAPSHOT,
    ),
)
