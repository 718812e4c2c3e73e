"""Every table's contract, once: columns, types, meaning, grain, key and partitioning.

Belongs here: what a table promises. Not here: how it is stored (`lake`) or filled (everyone else).
Tables of resource types follow from `resource_types`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from inventory_pipeline.columns import (
    Column,
    bigint,
    boolean,
    date,
    double,
    money,
    tags,
    text,
    text_list,
    timestamp,
    unit_price,
)
from inventory_pipeline.resource_types import resource_types

Group = Literal["snapshots", "s3_inventory", "cost", "security", "storage", "archive"]

SNAPSHOT = ("snapshot_at",)
DELIVERY = ("delivered_on", "source_bucket", "configuration_id")


@dataclass(frozen=True)
class Table:
    """One table of the lake. `key` identifies a row; `partitioned_by` are identity partitions."""

    name: str
    group: Group
    meaning: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partitioned_by: tuple[str, ...] = ()

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

RESOURCE_KEY = ("snapshot_at", "account_id", "region", "resource_id")

DELIVERY_COLUMNS = (
    date("delivered_on", "UTC day of the delivery.", required=True),
    text("source_bucket", "Bucket that the report lists.", required=True),
    text("configuration_id", "S3 Inventory configuration.", required=True),
)

BUCKET_PLACE = (
    text("account_id", "Bucket's account; NULL where the bucket was not collected."),
    text("account_name", "Account's name."),
    text("department", "Department of the bucket."),
    text("region", "Bucket's region; NULL where the bucket was not collected."),
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

S3_OBJECT_COLUMNS = (
    text("bucket", "Bucket."),
    text("key", "Object key, decoded."),
    text("version_id", "Version; NULL for the null version or an unversioned bucket."),
    boolean("is_latest", "Current version."),
    boolean("is_delete_marker", "Delete marker."),
    bigint("size", "Size, bytes; NULL on delete markers."),
    timestamp("last_modified_date", "Creation of this version."),
    text("e_tag", "Entity tag."),
    text("storage_class", "Storage class."),
    boolean("is_multipart_uploaded", "Uploaded in parts."),
    text("replication_status", "PENDING, COMPLETED, FAILED or REPLICA."),
    text("encryption_status", "SSE-S3, SSE-KMS, DSSE-KMS, SSE-C or NOT-SSE."),
    timestamp("object_lock_retain_until_date", "Locked until."),
    text("object_lock_mode", "GOVERNANCE or COMPLIANCE."),
    text("object_lock_legal_hold_status", "On or Off."),
    text("intelligent_tiering_access_tier", "Intelligent-Tiering access tier."),
    text("bucket_key_status", "ENABLED or DISABLED."),
    text("checksum_algorithm", "Checksum algorithm."),
    text("object_access_control_list", "Base64 of the ACL's JSON."),
    text("object_owner", "Owner's canonical id."),
    timestamp("lifecycle_expiration_date", "When a lifecycle rule will expire it."),
)


def _snapshots() -> Iterable[Table]:
    yield Table(
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
    )
    yield Table(
        "accounts",
        "snapshots",
        "Accounts looked at.",
        "one account at a snapshot",
        (
            SNAPSHOT_AT,
            *PLACE[:5],
            text("role_arn", "Role assumed; NULL for the caller's own account."),
            text("status", "ok, denied or error.", required=True),
            text("message", "Why it could not be entered."),
            text_list("regions", "Regions enabled in the account."),
            tags("tags", "Tags of the account."),
        ),
        ("snapshot_at", "account_id"),
        SNAPSHOT,
    )
    for kind in resource_types().values():
        yield Table(
            kind.table,
            "snapshots",
            kind.meaning,
            f"one {kind.name} at a snapshot",
            (*COMMON_RESOURCE_COLUMNS, *kind.columns),
            RESOURCE_KEY,
            SNAPSHOT,
        )
    yield Table(
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
    )
    yield Table(
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
    )
    yield Table(
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
    )


def _s3_inventory() -> Iterable[Table]:
    yield Table(
        "s3_deliveries",
        "s3_inventory",
        "Ledger of S3 Inventory deliveries; readers see only objects of ingested ones.",
        "one manifest of a delivery: a delivery changed later has one row for each",
        (
            *DELIVERY_COLUMNS,
            timestamp("delivered_at", "The delivery's instant, from its folder.", required=True),
            text("manifest_uri", "s3:// address of manifest.json.", required=True),
            text("manifest_md5", "MD5 of manifest.json."),
            text("format", "CSV, ORC or Parquet."),
            text("schema", "fileSchema of the manifest."),
            bigint("files", "Files of the report."),
            bigint("rows", "Object versions listed."),
            bigint("bytes", "Bytes of the report's files."),
            text(
                "status",
                "seen (to be tried again), ingested (fills its day's partition), "
                "superseded (by a later manifest or delivery of the day) or quarantined.",
                required=True,
            ),
            text("error", "Why it is not ingested."),
            timestamp("recorded_at", "When the ledger learnt this.", required=True),
        ),
        ("source_bucket", "configuration_id", "delivered_at", "manifest_md5"),
        ("delivered_on",),
    )
    yield Table(
        "s3_objects",
        "s3_inventory",
        "Object versions, as S3 Inventory lists them.",
        "one object version in a day's newest delivery of a configuration",
        (*DELIVERY_COLUMNS, *S3_OBJECT_COLUMNS),
        (*DELIVERY, "key", "version_id"),
        DELIVERY,
    )
    yield Table(
        "s3_usage",
        "s3_inventory",
        "Objects and bytes of a delivery, rolled up.",
        "one combination of the grouping columns in a delivery",
        (
            *DELIVERY_COLUMNS,
            *USAGE_COLUMNS,
            text("size_band", "Size band; `unknown` where the report has no Size.", required=True),
            text("encryption_status", "Encryption; NULL where the report does not say."),
            text("replication_status", "Replication; NULL for none."),
            bigint("objects", "Object versions.", required=True),
            bigint("bytes", "Bytes stored; 0 where size is not told.", required=True),
            bigint(
                "billable_bytes",
                "Bytes billed: at least 128 KiB an object in STANDARD_IA, "
                "ONEZONE_IA and GLACIER_IR.",
                required=True,
            ),
        ),
        (
            *DELIVERY,
            "prefix",
            "storage_class",
            "access_tier",
            "version_state",
            "age_band",
            "size_band",
            "encryption_status",
            "replication_status",
        ),
        DELIVERY,
    )


def _cost() -> Iterable[Table]:
    yield Table(
        "prices",
        "cost",
        "On-demand list prices.",
        "one tier of a price",
        (
            text("service", "Service, as the price book names it.", required=True),
            text("region", "Region.", required=True),
            text("key", "What is priced, such as m5.large:linux.", required=True),
            text("unit", "Unit of the quantity.", required=True),
            money("tier_from", "Quantity a month from which this tier counts.", required=True),
            money("tier_to", "Quantity up to which it counts; NULL is no end."),
            unit_price("usd", "US dollars per unit.", required=True),
            text("source", "Where the figure is from.", required=True),
            text("as_of", "Month in which it was true, YYYY-MM.", required=True),
        ),
        ("service", "region", "key", "tier_from"),
    )
    cost_of = (
        money("monthly_usd", "Dollars a month of 730 hours at list price; NULL is unknown."),
        text("unpriced_reason", "Why it is unknown."),
    )
    yield Table(
        "cost_components",
        "cost",
        "What each resource's list price consists of.",
        "one component of a resource at a snapshot",
        (
            SNAPSHOT_AT,
            *PLACE,
            *RESOURCE,
            text("component", "compute, storage, requests, ...", required=True),
            text("price_service", "Service in the price book.", required=True),
            text("price_key", "Key in the price book."),
            text("unit", "Unit of the quantity.", required=True),
            money("quantity", "Units a month."),
            *cost_of,
            text("price_source", "Where the price is from."),
            text("price_as_of", "Month of the price, YYYY-MM."),
        ),
        ("snapshot_at", "account_id", "region", "resource_type", "resource_id", "component"),
        SNAPSHOT,
    )
    yield Table(
        "resource_costs",
        "cost",
        "Monthly list price of each resource.",
        "one resource at a snapshot",
        (
            SNAPSHOT_AT,
            *PLACE,
            *RESOURCE,
            text("service", "ec2, rds, s3, lambda, ...", required=True),
            text("name", "Name."),
            *cost_of,
            money(
                "known_usd",
                "Sum of its priced components; equals monthly_usd where that is known.",
                required=True,
            ),
            text("price_as_of", "Oldest month of the prices used, YYYY-MM."),
        ),
        ("snapshot_at", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    )
    totals = (
        bigint("resources", "Resources.", required=True),
        bigint("unpriced_resources", "Resources with an unknown component.", required=True),
        money(
            "monthly_usd",
            "Dollars a month of all priced components: a lower bound where "
            "unpriced_resources is not 0.",
            required=True,
        ),
    )
    dimensions: dict[str, tuple[Column, ...]] = {
        "service": (text("service", "Service.", required=True),),
        "account": (PLACE[0], PLACE[1]),
        "department": (text("department", "Department; NULL is unallocated."),),
        "region": (PLACE[5],),
    }
    for dimension, columns in dimensions.items():
        yield Table(
            f"cost_by_{dimension}",
            "cost",
            f"Monthly list price by {dimension}.",
            f"one {dimension} at a snapshot",
            (SNAPSHOT_AT, *columns, *totals),
            ("snapshot_at", columns[0].name),
            SNAPSHOT,
        )
    yield Table(
        "waste_findings",
        "cost",
        "What waste rules say of each resource.",
        "one rule and resource at a snapshot",
        (
            SNAPSHOT_AT,
            text("rule_id", "Rule.", required=True),
            text("verdict", "yes, no or unknown.", required=True),
            *PLACE,
            *RESOURCE,
            text("name", "Name."),
            text("reason", "The evidence, in words.", required=True),
            bigint("idle_days", "Days it has provably been so; NULL where nothing tells."),
            money(
                "monthly_saving_usd",
                "What acting saves a month; NULL where unknown or the verdict is not yes.",
            ),
            text("saving_unknown_reason", "Why the saving is unknown."),
        ),
        ("snapshot_at", "rule_id", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    )


def _security() -> Iterable[Table]:
    yield Table(
        "security_findings",
        "security",
        "What controls say of each resource.",
        "one control and resource at a snapshot",
        (
            SNAPSHOT_AT,
            text("control_id", "Control.", required=True),
            text("category", "encryption, public or backup.", required=True),
            text("severity", "critical, high, medium or low.", required=True),
            text("verdict", "pass, fail or unknown.", required=True),
            *PLACE,
            *RESOURCE,
            text("name", "Name."),
            text("reason", "The evidence, in words.", required=True),
        ),
        ("snapshot_at", "control_id", "account_id", "region", "resource_type", "resource_id"),
        SNAPSHOT,
    )
    yield Table(
        "control_status",
        "security",
        "Status of each control in each account.",
        "one control and account at a snapshot",
        (
            SNAPSHOT_AT,
            text("control_id", "Control.", required=True),
            text("severity", "critical, high, medium or low.", required=True),
            *PLACE[:3],
            text("status", "PASS, FAIL, UNKNOWN or NOT_APPLICABLE.", required=True),
            bigint("passed", "Resources that pass.", required=True),
            bigint("failed", "Resources that fail.", required=True),
            bigint("unknown", "Resources that could not be judged.", required=True),
            bigint("cells_missing", "Cells it needs that were not seen completely.", required=True),
        ),
        ("snapshot_at", "control_id", "account_id"),
        SNAPSHOT,
    )
    yield Table(
        "compliance_scores",
        "security",
        "Scores, always beside their coverage.",
        "one scope (organisation, department or account) at a snapshot",
        (
            SNAPSHOT_AT,
            text("scope", "organization, department or account.", required=True),
            text("scope_id", "Account id or department; `all` for the organisation."),
            double(
                "control_score",
                "PASS / (PASS + FAIL) controls of its accounts, percent; NULL where none.",
            ),
            double(
                "weighted_score",
                "Passing weight of all judged (resource, control) pairs, "
                "percent; critical 10, high 5, medium 2, low 1.",
            ),
            double("coverage", "Judged pairs, percent of judged and unknown ones."),
            bigint("passed", "Pairs that pass.", required=True),
            bigint("failed", "Pairs that fail.", required=True),
            bigint("unknown", "Pairs that could not be judged.", required=True),
        ),
        ("snapshot_at", "scope", "scope_id"),
        SNAPSHOT,
    )


def _storage() -> Iterable[Table]:
    yield Table(
        "storage_usage",
        "storage",
        "Objects and bytes by prefix, class and age.",
        "one prefix, class, tier, version state and age band in a delivery",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            *USAGE_COLUMNS,
            bigint("objects", "Object versions.", required=True),
            bigint("bytes", "Bytes stored.", required=True),
            bigint("billable_bytes", "Bytes billed.", required=True),
        ),
        (*DELIVERY, "prefix", "storage_class", "access_tier", "version_state", "age_band"),
        ("delivered_on",),
    )
    yield Table(
        "storage_costs",
        "storage",
        "Monthly list price of stored objects.",
        "one component of a prefix, class, tier, version state and age band in a delivery",
        (
            *DELIVERY_COLUMNS,
            *BUCKET_PLACE,
            *USAGE_COLUMNS,
            text("component", "storage, overhead, overhead_index or monitoring.", required=True),
            text("price_key", "Key in the price book."),
            text("unit", "Unit of the quantity.", required=True),
            money("quantity", "Units a month.", required=True),
            money("monthly_usd", "Dollars a month at list price; NULL is unknown."),
            text("unpriced_reason", "Why it is unknown."),
            text("price_as_of", "Month of the price, YYYY-MM."),
        ),
        (
            *DELIVERY,
            "prefix",
            "storage_class",
            "access_tier",
            "version_state",
            "age_band",
            "component",
        ),
        ("delivered_on",),
    )


def _archive() -> Iterable[Table]:
    plan = (
        text(
            "plan_id",
            "Plan: the same policy text on the same delivery is the same plan.",
            required=True,
        ),
        text("policy", "Policy.", required=True),
    )
    funnel = tuple(
        column
        for step, meaning in (
            ("seen", "listed in the delivery"),
            ("matched", "picked by the policy"),
            ("safe", "that may be moved"),
            ("profitable", "whose move pays within the horizon"),
        )
        for column in (
            bigint(f"{step}_objects", f"Objects {meaning}.", required=True),
            bigint(f"{step}_bytes", f"Bytes of objects {meaning}.", required=True),
        )
    )
    economics = (
        ("fee_usd", "Fee for moving."),
        ("monthly_saving_usd", "Saved a month once moved."),
        ("net_saving_usd", "Saved over the horizon, fees and minimum durations taken off."),
    )
    yield Table(
        "archive_candidates",
        "archive",
        "Objects a policy picked, and what became of each.",
        "one object version in a plan",
        (
            *DELIVERY_COLUMNS,
            *plan,
            text("bucket", "Bucket.", required=True),
            text("key", "Object key, decoded.", required=True),
            text("version_id", "Version; NULL for the null version or an unversioned bucket."),
            bigint("size", "Size, bytes; NULL on delete markers."),
            text("storage_class", "Class now; NULL on delete markers."),
            timestamp("last_modified_date", "Creation of this version."),
            text("e_tag", "Entity tag."),
            text("target_class", "Class the policy moves to.", required=True),
            text("decision", "archive, unsafe, unprofitable or unpriced.", required=True),
            text("reason", "Why.", required=True),
            *(unit_price(name, f"{meaning} NULL is unknown.") for name, meaning in economics),
        ),
        ("plan_id", "key", "version_id"),
        DELIVERY,
    )
    yield Table(
        "archive_plans",
        "archive",
        "The funnel of each policy on each delivery.",
        "one plan",
        (
            *DELIVERY_COLUMNS,
            *plan,
            text("region", "Bucket's region."),
            text("target_class", "Class the policy moves to.", required=True),
            text(
                "route",
                "What the manifest is for: copy in place, or tag for a lifecycle rule "
                "(in a versioned bucket, where a copy would leave the old bytes); NULL where "
                "versioning was not seen.",
            ),
            bigint("horizon_months", "Months looked ahead.", required=True),
            *funnel,
            bigint("unpriced_objects", "Safe objects whose economics are unknown.", required=True),
            *(money(name, f"{meaning} Of the profitable objects.") for name, meaning in economics),
            money(
                "job_fee_usd",
                "Fee of one S3 Batch Operations job, whatever it moves, which "
                "net_saving_usd leaves out; NULL is unknown.",
            ),
            text("price_as_of", "Month of the prices, YYYY-MM."),
        ),
        ("plan_id",),
        DELIVERY,
    )
    yield Table(
        "archive_manifests",
        "archive",
        "Manifests written for S3 Batch Operations.",
        "one manifest",
        (
            *DELIVERY_COLUMNS,
            *plan,
            text("bucket", "Bucket whose objects it lists.", required=True),
            text("format", "S3BatchOperations_CSV_20180820.", required=True),
            text("fields", "Columns of the manifest, by comma.", required=True),
            text("uri", "Where it was written.", required=True),
            text("etag", "ETag that the job must name.", required=True),
            text("sha256", "SHA-256 of its bytes.", required=True),
            bigint("objects", "Rows.", required=True),
            bigint("bytes", "Bytes of the objects listed.", required=True),
            timestamp("written_at", "When it was written.", required=True),
        ),
        ("plan_id",),
        DELIVERY,
    )


@cache
def tables() -> dict[str, Table]:
    """Every table by name, in flow order."""
    stages = (_snapshots, _s3_inventory, _cost, _security, _storage, _archive)
    return {table.name: table for stage in stages for table in stage()}
