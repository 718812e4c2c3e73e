"""Resources with a story: each stands for something that a pipeline gets right or wrong.

Belongs here: named resources, in a few per account, on both days. The anonymous rest is in
`crowd`; `truth` names some of these by the constants below.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from inventory_pipeline.demo.estate import (
    ANALYTICS,
    ENABLED_REGIONS,
    FINANCE,
    HOME_REGION,
    PLATFORM,
    RESEARCH,
    SECOND_REGION,
    STOREFRONT,
    UNPRICED_REGION,
    Account,
    Bucket,
    Cluster,
    Database,
    Day,
    Estate,
    Function,
    Instance,
    Resource,
    Volume,
)
from inventory_pipeline.demo.objects import destination_bucket, reports, totals

HOSTILE_TEXTS = (
    '"><script>alert(1)</script>',
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE s3_objects; --",
    'O\'Brien said "no", 100% sure; \\N',
    "Größe 測試 🚀",
)

WEB, STOPPED, IDLE, SILENT = "web-1", "importer", "report-server", "agent"
RESIZED = "resized"
LOCKED_BUCKET = "example-research-locked"


def planted(estate: Estate, day: Day) -> list[Resource]:
    return [
        *_servers(estate, day),
        *_loose_volumes(estate),
        *_databases(estate, day),
        *_clusters(estate),
        *_functions(estate, day),
        *_report_buckets(estate, day),
        *_buckets(estate, day),
    ]


def server(
    estate: Estate,
    account: Account,
    name: str,
    *,
    region: str = HOME_REGION,
    disks: tuple[Volume, ...] = (),
    **about: Any,
) -> list[Resource]:
    """An instance of that name and its disks, the first one its root."""
    instance = Instance(
        account_id=account.account_id,
        region=region,
        id=estate.id("i-", f"{account.name}/{name}"),
        **{"type": "m5.large", "created_at": estate.ago(days=400), **about},
    )
    instance = replace(instance, tags={"Name": name, **instance.tags})
    root = disk(estate, name, "gp3", 50, iops=3000, throughput=125)
    return [instance, *(attached(d, instance) for d in disks or (root,))]


def disk(estate: Estate, label: str, kind: str, size_gb: int, **about: Any) -> Volume:
    """A volume that is not yet anyone's; `attached` or `replace` says whose it is."""
    return Volume(
        account_id="",
        region="",
        id=estate.id("vol-", f"{label}/{kind}/{size_gb}"),
        type=kind,
        size_gb=size_gb,
        **{"created_at": estate.ago(days=400), **about},
    )


def attached(volume: Volume, instance: Instance) -> Volume:
    return replace(
        volume,
        account_id=instance.account_id,
        region=instance.region,
        instance_id=instance.id,
        created_at=instance.created_at,
        use=instance.use if instance.running else "silent",
    )


def _servers(estate: Estate, day: Day) -> list[Resource]:
    def here(account: Account, name: str, **about: Any) -> list[Resource]:
        return server(estate, account, name, **about)

    stopped = here(
        PLATFORM,
        STOPPED,
        stopped_at=estate.ago(days=150),
        address="elastic",
        disks=(disk(estate, STOPPED, "gp2", 200), disk(estate, STOPPED, "io1", 100, iops=1000)),
    )
    servers = [
        *here(PLATFORM, WEB, address="elastic"),
        *here(PLATFORM, IDLE, use="idle"),
        *here(PLATFORM, SILENT, use="silent"),
        *stopped,
        *here(PLATFORM, "paused", stopped_at=estate.ago(days=5)),
        *here(ANALYTICS, "batch", spot=True, type="c5.xlarge"),
        *here(
            STOREFRONT, "frontend", address="public", tags={"aws:autoscaling:groupName": "frontend"}
        ),
        *here(STOREFRONT, "builder", type="m6g.large", architecture="arm64"),
        *here(FINANCE, "ledger-ui", windows=True),
        *here(
            RESEARCH,
            "notebook",
            region=UNPRICED_REGION,
            user_data=f"#!/bin/sh\nexport DATABASE_PASSWORD={estate.secret}\n",
        ),
        *here(
            RESEARCH,
            "tuned",
            disks=(disk(estate, "tuned", "gp3", 500, iops=6000, throughput=250, encrypted=False),),
        ),
        *here(RESEARCH, RESIZED, type="m5.large" if day == 1 else "c5.xlarge"),
    ]
    for number, text in enumerate(HOSTILE_TEXTS):
        tags = {"Name": text, "Department": text, text[:60]: text}
        servers += here(RESEARCH, f"hostile-{number}", type="t3.micro", tags=tags)
    if day == 1:
        servers += here(STOREFRONT, "old-frontend")
    else:
        servers += here(STOREFRONT, "new-frontend", created_at=estate.ago(hours=5))
    return servers


def _loose_volumes(estate: Estate) -> list[Resource]:
    loose = (
        (PLATFORM, HOME_REGION, disk(estate, "loose", "gp2", 500)),
        (ANALYTICS, HOME_REGION, disk(estate, "loose", "io1", 80, iops=2000, encrypted=False)),
        (STOREFRONT, SECOND_REGION, disk(estate, "loose", "st1", 1000)),
        (RESEARCH, UNPRICED_REGION, disk(estate, "loose", "gp3", 60, iops=3000, throughput=125)),
    )
    return [
        replace(v, account_id=a.account_id, region=region, use="silent", tags={"Name": "left over"})
        for a, region, v in loose
    ]


def _databases(estate: Estate, day: Day) -> list[Resource]:
    def database(account: Account, name: str, engine: str = "mysql", **about: Any) -> Database:
        values = {
            "region": HOME_REGION,
            "created_at": estate.ago(days=500),
            "instance_class": "db.m5.large",
            **about,
        }
        return Database(account_id=account.account_id, id=name, engine=engine, **values)

    databases = [
        # The same name twice: utilisation belongs to account, region and name.
        database(STOREFRONT, "orders", multi_az=True),
        database(ANALYTICS, "orders", use="idle"),
        database(ANALYTICS, "leads", "postgres", public=True),
        database(RESEARCH, "legacy", encrypted=False, storage_type="gp2", iops=None),
        database(RESEARCH, "scratch", "postgres", backup_days=0, instance_class="db.t3.medium"),
        database(PLATFORM, "io-heavy", storage_type="io1", iops=2000),
        database(PLATFORM, "quiet", use="silent", instance_class="db.t3.medium"),
        database(RESEARCH, "zurich", "postgres", region=UNPRICED_REGION),
        # Never seen: the account denies RDS.
        database(FINANCE, "ledger", encrypted=False, public=True, backup_days=0),
    ]
    if day == 2:
        databases.append(
            database(STOREFRONT, "orders-report", created_at=estate.ago(hours=5), public=True)
        )
    return list(databases)


def _clusters(estate: Estate) -> list[Resource]:
    return [
        *_cluster(estate, STOREFRONT, SECOND_REGION, "catalog", members=2),
        *_cluster(estate, RESEARCH, HOME_REGION, "sessions", members=1, encrypted=False),
    ]


def _cluster(
    estate: Estate, account: Account, region: str, name: str, members: int, encrypted: bool = True
) -> list[Resource]:
    """An Aurora cluster and its members, which say of themselves what is true of the cluster."""
    instances = [
        Database(
            account_id=account.account_id,
            region=region,
            id=f"{name}-{number}",
            created_at=estate.ago(days=300),
            engine="aurora-mysql",
            instance_class="db.r5.large",
            storage_type="aurora",
            storage_gb=1,
            iops=None,
            encrypted=encrypted,
            cluster_id=name,
        )
        for number in range(1, members + 1)
    ]
    cluster = Cluster(
        account_id=account.account_id,
        region=region,
        id=name,
        created_at=estate.ago(days=300),
        engine="aurora-mysql",
        encrypted=encrypted,
        volume_bytes=40 * 2**30,
        members=tuple(instance.id for instance in instances),
    )
    return [cluster, *instances]


def _functions(estate: Estate, day: Day) -> list[Resource]:
    def function(account: Account, name: str, **about: Any) -> Function:
        values = {"region": HOME_REGION, "created_at": estate.ago(days=200), **about}
        secret = {"API_TOKEN": estate.secret, "STAGE": "live"}
        return Function(account_id=account.account_id, id=name, environment=secret, **values)

    busy = {"daily_invocations": 4_000, "daily_ms": 800_000, "memory_mb": 512}
    functions = [
        # The same name twice: one is used, its twin in the other region is not.
        function(PLATFORM, "nightly-report", **busy),
        function(PLATFORM, "nightly-report", region=SECOND_REGION),
        function(STOREFRONT, "checkout", architecture="arm64", open_url=True, **busy),
        function(FINANCE, "invoice", daily_invocations=3, daily_ms=8_000, days_called=1),
        function(RESEARCH, "zurich", region=UNPRICED_REGION, **busy),
    ]
    if day == 1:
        functions.append(function(RESEARCH, "retired", **busy))
    return list(functions)


def _report_buckets(estate: Estate, day: Day) -> list[Resource]:
    """CloudWatch measures what S3 Inventory lists; an empty bucket has no size metric."""
    buckets: list[Resource] = []
    for report in reports(estate):
        listed = totals(estate, report, day)
        buckets.append(
            Bucket(
                account_id=report.account.account_id,
                region=report.region,
                id=report.bucket,
                created_at=estate.ago(days=1_300),
                versioned=report.versioned,
                object_acls=report.acls,
                bytes_by_class=listed.bytes_by_class or None,
                objects=listed.versions,
            )
        )
    return buckets


def _buckets(estate: Estate, day: Day) -> list[Resource]:
    def bucket(account: Account, name: str, **about: Any) -> Bucket:
        values = {
            "region": HOME_REGION,
            "created_at": estate.ago(days=600),
            "bytes_by_class": {"StandardStorage": 12 * 2**30},
            "objects": 4_000,
            **about,
        }
        return Bucket(account_id=account.account_id, id=name, **values)

    buckets = [
        *(
            bucket(
                PLATFORM, destination_bucket(region), region=region, bytes_by_class=None, objects=0
            )
            for region in ENABLED_REGIONS
        ),
        bucket(
            STOREFRONT, "example-storefront-assets", public_policy=True, public_access_blocked=False
        ),
        bucket(
            ANALYTICS,
            "example-analytics-shared",
            public_acl=True,
            public_access_blocked=False,
            region=SECOND_REGION,
        ),
        # Public by its own settings, but its account blocks public access.
        bucket(
            FINANCE, "example-finance-statements", public_policy=True, public_access_blocked=False
        ),
        bucket(RESEARCH, LOCKED_BUCKET, locked=True),
        bucket(
            ANALYTICS,
            "example-analytics-models",
            encryption="aws:kms",
            versioned=True,
            lifecycle=True,
            tls_only=True,
            tags={"Owner": HOSTILE_TEXTS[4]},
            bytes_by_class={"StandardStorage": 3 * 2**40, "GlacierStorage": 2**40},
        ),
        bucket(RESEARCH, "example-research-zurich", region=UNPRICED_REGION),
    ]
    if day == 2:
        buckets.append(
            bucket(
                RESEARCH,
                "example-research-new",
                bytes_by_class=None,
                objects=0,
                created_at=estate.now - timedelta(hours=5),
            )
        )
    return list(buckets)
