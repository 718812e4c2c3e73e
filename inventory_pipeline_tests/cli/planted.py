"""A small estate, planted straight into a lake, for commands to read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from inventory_pipeline.columns import ColumnType
from inventory_pipeline.lake import Lake
from inventory_pipeline.lake.schema import arrow_schema
from inventory_pipeline.tables import tables

OLDER = datetime(2026, 11, 19, 12, tzinfo=UTC)
NEWEST = datetime(2026, 11, 20, tzinfo=UTC)
DAY = date(2026, 11, 19)

ENGINEERING = {
    "account_id": "111111111111",
    "account_name": "engineering",
    "department": "Engineering",
    "region": "us-east-1",
}
PAYMENTS = {
    "account_id": "222222222222",
    "account_name": "payments",
    "department": None,
    "region": "eu-west-1",
}

FORMULA = "=cmd|'/C calc'!A0"
ESCAPE = "\x1b[31mred\x1b[0m"
MARKUP = "[bold]loud[/bold] 'quoted' \"twice\""

DEFAULTS: Mapping[ColumnType, Any] = {
    ColumnType.TEXT: "",
    ColumnType.BOOLEAN: False,
    ColumnType.BIGINT: 0,
    ColumnType.DOUBLE: 0.0,
    ColumnType.DATE: DAY,
    ColumnType.TIMESTAMP: NEWEST,
    ColumnType.MONEY: Decimal(0),
    ColumnType.UNIT_PRICE: Decimal(0),
}

Row = Mapping[str, Any]


def plant(lake: Lake, table: str, rows: Sequence[Row]) -> None:
    """Fill a table with rows; required columns that a row leaves out get an empty value."""
    contract = tables()[table]
    empty = {c.name: DEFAULTS[c.type] for c in contract.columns if c.required}
    whole = [{**empty, **row} for row in rows]
    partitions = {tuple(row[c] for c in contract.partitioned_by): None for row in whole}
    named = [dict(zip(contract.partitioned_by, values, strict=True)) for values in partitions]
    lake.replace(table, named, pa.Table.from_pylist(whole, schema=arrow_schema(table)))


def instance(resource_id: str, name: str, place: Row = ENGINEERING, **more: Any) -> Row:
    return {
        "snapshot_at": NEWEST,
        "resource_type": "ec2_instance",
        "resource_id": resource_id,
        "name": name,
        "state": "running",
        **place,
        **more,
    }


def volume(resource_id: str, place: Row = ENGINEERING, **more: Any) -> Row:
    return {
        "snapshot_at": NEWEST,
        "resource_type": "ebs_volume",
        "resource_id": resource_id,
        **place,
        **more,
    }


def bucket(name: str) -> Row:
    return {
        "snapshot_at": NEWEST,
        "resource_type": "s3_bucket",
        "resource_id": name,
        **ENGINEERING,
    }


def plant_resources(lake: Lake, by_table: Mapping[str, Sequence[Row]]) -> None:
    """Fill tables of resource types, and `resources` with them all."""
    for table, found in by_table.items():
        plant(lake, table, found)
    plant(lake, "resources", [row for found in by_table.values() for row in found])


def plant_snapshots(lake: Lake) -> None:
    by_table = {
        "ec2_instances": [
            instance(
                "i-1",
                FORMULA,
                tags={"env": "prod"},
                instance_type="m5.large",
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            ),
            instance(
                "i-2",
                ESCAPE,
                tags={"env": "test"},
                state="stopped",
                created_at=datetime(2026, 6, 30, 23, tzinfo=UTC),
            ),
            instance("i-3", MARKUP, PAYMENTS, tags={"it's": "x' OR '1'='1"}),
            instance("i-1", "before", snapshot_at=OLDER),
        ],
        "ebs_volumes": [volume("vol-1", PAYMENTS, size_gb=100, encrypted=False)],
        "s3_buckets": [bucket("logs"), bucket("unlisted")],
    }
    plant_resources(lake, by_table)
    plant(
        lake,
        "accounts",
        [
            {
                "snapshot_at": NEWEST,
                "status": "ok",
                **{k: v for k, v in place.items() if k != "region"},
            }
            for place in (ENGINEERING, PAYMENTS)
        ],
    )
    cells = [
        (ENGINEERING, "ec2_instance", "ok", 1),
        (ENGINEERING, "ebs_volume", "ok", 1),
        (PAYMENTS, "ec2_instance", "ok", 1),
        (PAYMENTS, "rds_instance", "denied", 2),
        (PAYMENTS, "ec2_instance", "region_disabled", 1),
    ]
    plant(
        lake,
        "coverage",
        [
            {
                "snapshot_at": NEWEST,
                "account_id": place["account_id"],
                "collector": collector,
                "region": f"{place['region']}-{status}-{n}",
                "status": status,
            }
            for place, collector, status, count in cells
            for n in range(count)
        ],
    )
    plant(lake, "snapshots", [{"snapshot_at": at, "status": "partial"} for at in (OLDER, NEWEST)])


def plant_costs(lake: Lake) -> None:
    def cost(row: Row, usd: str | None, known: str, reason: str | None = None) -> Row:
        kept = {k: row[k] for k in ("snapshot_at", "resource_type", "resource_id", *ENGINEERING)}
        return {
            **kept,
            "name": row.get("name"),
            "service": "ec2",
            "known_usd": Decimal(known),
            "monthly_usd": usd and Decimal(usd),
            "unpriced_reason": reason,
        }

    plant(
        lake,
        "resource_costs",
        [
            cost(instance("i-1", FORMULA), "70.08", "70.08"),
            cost(instance("i-2", ESCAPE), "0.1", "0.1"),
            cost(
                instance("i-3", MARKUP, PAYMENTS), None, "3.65", "no list price for spot instances"
            ),
            cost(volume("vol-1", PAYMENTS), "8", "8"),
        ],
    )

    def finding(row: Row, rule: str, verdict: str, days: int | None, saving: str | None) -> Row:
        kept = {k: row[k] for k in ("snapshot_at", "resource_type", "resource_id", *ENGINEERING)}
        return {
            **kept,
            "rule_id": rule,
            "verdict": verdict,
            "idle_days": days,
            "monthly_saving_usd": saving and Decimal(saving),
            "reason": f"because of {rule}",
        }

    plant(
        lake,
        "waste_findings",
        [
            finding(instance("i-1", ""), "ec2.idle", "yes", 14, "70.08"),
            finding(instance("i-2", ""), "ec2.stopped", "yes", 200, "3.65"),
            finding(volume("vol-1", PAYMENTS), "ebs.unattached", "yes", 95, "8"),
            finding(volume("vol-1", PAYMENTS), "ebs.other", "yes", 90, "6"),
            finding(instance("i-3", "", PAYMENTS), "ec2.idle", "unknown", None, None),
            finding(instance("i-4", "", PAYMENTS), "ec2.stopped", "yes", None, None),
            finding(instance("i-5", "", PAYMENTS), "ec2.stopped", "yes", 120, None),
            finding(instance("i-6", ""), "ec2.idle", "no", None, None),
        ],
    )


def plant_security(lake: Lake) -> None:
    def finding(row: Row, control: str, category: str, severity: str, verdict: str) -> Row:
        kept = {k: row[k] for k in ("snapshot_at", "resource_type", "resource_id", *ENGINEERING)}
        return {
            **kept,
            "control_id": control,
            "category": category,
            "severity": severity,
            "verdict": verdict,
            "reason": ESCAPE,
        }

    plant(
        lake,
        "security_findings",
        [
            finding(
                volume("vol-1", PAYMENTS), "ebs.volume_unencrypted", "encryption", "high", "fail"
            ),
            finding(bucket("logs"), "s3.public", "public", "critical", "fail"),
            finding(bucket("logs"), "s3.default_encryption", "encryption", "medium", "pass"),
            finding(bucket("logs"), "s3.other", "public", "high", "unknown"),
        ],
    )
    plant(
        lake,
        "compliance_scores",
        [
            {
                "snapshot_at": NEWEST,
                "scope": scope,
                "scope_id": scope_id,
                "control_score": score,
                "weighted_score": 20.0,
                "coverage": 75.0,
                "passed": 1,
                "failed": 2,
                "unknown": 1,
            }
            for scope, scope_id, score in (
                ("organization", "all", 33.3),
                ("account", PAYMENTS["account_id"], 0.0),
            )
        ],
    )


def plant_deliveries(lake: Lake) -> None:
    before = date(2026, 11, 18)
    listed = {"source_bucket": "logs", "configuration_id": "daily"}
    plant(
        lake,
        "s3_deliveries",
        [
            {**listed, "delivered_on": DAY, "status": "ingested"},
            {**listed, "delivered_on": before, "status": "ingested"},
            {
                **listed,
                "source_bucket": "other",
                "delivered_on": DAY,
                "status": "quarantined",
                "error": f"MD5 of {ESCAPE} differs",
            },
        ],
    )

    def part(day: date, cls: str, age: str, objects: int, size: int, **more: Any) -> Row:
        return {
            **listed,
            "delivered_on": day,
            "storage_class": cls,
            "age_band": age,
            "prefix": "a/",
            "version_state": "current",
            "objects": objects,
            "bytes": size,
            **ENGINEERING,
            **more,
        }

    plant(
        lake,
        "storage_usage",
        [
            part(DAY, "STANDARD", "0-30", 10, 2**40),
            part(DAY, "GLACIER", "365-", 5, 2**60),
            part(before, "STANDARD", "0-30", 999, 999),
        ],
    )
    plant(
        lake,
        "storage_costs",
        [
            part(DAY, "STANDARD", "0-30", 0, 0, component="storage", monthly_usd=Decimal("23.552")),
            part(DAY, "GLACIER", "365-", 0, 0, component="storage", monthly_usd=None),
            part(before, "STANDARD", "0-30", 0, 0, component="storage", monthly_usd=Decimal(999)),
        ],
    )
    plant(
        lake,
        "s3_objects",
        [
            {**listed, "delivered_on": DAY, "bucket": "logs", "key": key, "size": 2**53 + 1}
            for key in (FORMULA, ESCAPE)
        ],
    )
    plant_analyses(lake)


def plant_analyses(lake: Lake) -> None:
    """What is found in the newest delivery of `logs`, and something else in the one before."""
    before = date(2026, 11, 18)
    logs = {"source_bucket": "logs", "configuration_id": "daily", **ENGINEERING}
    for table, rows in {
        "storage_waste": (
            {"kind": "noncurrent_versions", "prefix": "a/", "objects": 3, "bytes": 2**30,
             "monthly_usd": Decimal("0.023")},
            {"kind": "noncurrent_versions", "prefix": "b/", "objects": 1, "bytes": 2**30,
             "unpriced_reason": "no price"},
            {"kind": "delete_markers", "objects": None, "unpriced_reason": "not told"},
        ),
        "tiering_effectiveness": (
            {"size_band": "1-5 GiB", "access_tier": "INFREQUENT", "objects": 5, "bytes": 2**33,
             "monthly_saving_usd": Decimal("0.84"), "verdict": "yes"},
        ),
        "object_compliance": (
            {"rule_id": "unencrypted", "prefix": "a/", "verdict": "fail", "failing_objects": 2,
             "failing_bytes": 7, "passing_objects": 1, "first_key": ESCAPE, "last_key": FORMULA},
            {"rule_id": "unencrypted", "prefix": "b/", "verdict": "fail", "failing_objects": 1},
            {"rule_id": "public_acl", "prefix": "a/", "verdict": "unknown", "unknown_objects": 3,
             "unknown_reason": "the report lacks ObjectAccessControlList"},
        ),
        "personal_data_prefixes": (
            {"rule_id": "email", "prefix": "users/", "objects": 4, "bytes": 9,
             "sample": "aaaaa/a@a.aa", "public_bucket": "no", "unencrypted_objects": 1},
        ),
        "tenant_usage": (
            {"tenant": "acme", "objects": 4, "bytes": 9, "known_usd": Decimal("1.5"),
             "monthly_usd": Decimal("1.5")},
            {"tenant": "unassigned", "objects": 1, "bytes": 1, "known_usd": Decimal(0),
             "unpriced_reason": "shared"},
        ),
        "bucket_reconciliation": (
            {"measure": "bytes", "storage_class": "STANDARD", "listed": 5, "measured": 9,
             "difference": 4, "status": "unexplained", "explanation": "parts"},
            {"measure": "objects", "listed": 2, "measured": 2, "difference": 0,
             "status": "matches"},
        ),
        "duplicate_candidates": (
            {"scope": "bucket", "place": 1, "e_tag": "e", "size": 10, "sets": 1, "copies": 3,
             "buckets": 1, "reclaimable_bytes": 20, "confidence": "high", "first_key": FORMULA},
            {"scope": "bucket", "sets": 7, "copies": 20, "reclaimable_bytes": 5,
             "confidence": "low"},
            {"scope": "all_buckets", "source_bucket": None, "place": 1, "e_tag": "e", "size": 10,
             "sets": 1, "copies": 9, "buckets": 2, "reclaimable_bytes": 80, "confidence": "low"},
        ),
    }.items():  # fmt: skip
        names = {column.name for column in tables()[table].columns}
        common = {name: value for name, value in logs.items() if name in names}
        plant(
            lake,
            table,
            [
                {**common, **row, "delivered_on": day}
                for day in (before, DAY)
                for row in (rows if day == DAY else rows[:1])
            ],
        )


def plant_archive(lake: Lake) -> None:
    listed = {"source_bucket": "logs", "configuration_id": "daily", "policy": "old-logs"}
    for day, plan, seen in ((date(2026, 11, 18), "p1", 1), (DAY, "p2", 100)):
        plant(
            lake,
            "archive_plans",
            [
                {
                    **listed,
                    "delivered_on": day,
                    "plan_id": plan,
                    "target_class": "DEEP_ARCHIVE",
                    "seen_objects": seen,
                    "seen_bytes": 2**30,
                    "matched_objects": 50,
                    "safe_objects": 40,
                    "profitable_objects": 30,
                    "unpriced_objects": 2,
                    "fee_usd": Decimal("1.5"),
                    "monthly_saving_usd": Decimal("12.25"),
                    "net_saving_usd": Decimal("145.5"),
                    "job_fee_usd": Decimal("0.25"),
                },
            ],
        )
    plant(
        lake,
        "archive_manifests",
        [
            {
                **listed,
                "delivered_on": DAY,
                "plan_id": "p2",
                "bucket": "logs",
                "objects": 30,
                "etag": "d41d8cd98f00b204e9800998ecf8427e",
                "uri": "s3://manifests/p2.csv",
            },
        ],
    )


def plant_all(lake: Lake) -> None:
    for part in (plant_snapshots, plant_costs, plant_security, plant_deliveries, plant_archive):
        part(lake)
