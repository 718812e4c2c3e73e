"""What a correct pipeline must find insecure, and what it must not claim to know.

Belongs here: facts about controls. Members of a cluster have its encryption and its backups.
"""

from collections.abc import Iterator

from inventory_pipeline.demo.estate import Bucket, Cluster, Database, Instance, Resource
from inventory_pipeline.demo.fact import Fact, Rows, Seen, places
from inventory_pipeline.demo.planted import LOCKED_BUCKET

RDS_CONTROLS = ("rds.backup_disabled", "rds.public", "rds.storage_unencrypted")


def security_facts(seen: Seen) -> Iterator[Fact]:
    def fact(title: str, planted: Rows, sql: str, table: str, **params: object) -> Fact:
        return Fact("security", title, planted, sql, (table,), seen.day, params)

    for control, failing in _insecure(seen).items():
        yield fact(
            f"{control}: failing",
            places(failing),
            "SELECT account_id, region, resource_id FROM security_findings"
            " WHERE control_id = $control AND verdict = 'fail'",
            "security_findings",
            control=control,
        )
    yield fact(
        "verdicts on the locked bucket",
        (("unknown",),),
        "SELECT DISTINCT verdict FROM security_findings WHERE resource_id = $bucket",
        "security_findings",
        bucket=LOCKED_BUCKET,
    )
    denied = [a.account_id for a in seen.estate.accounts if a.denied_service == "rds"]
    yield fact(
        "controls of databases that nobody may see",
        tuple((account, control, "UNKNOWN") for account in denied for control in RDS_CONTROLS),
        "SELECT account_id, control_id, status FROM control_status"
        " WHERE list_contains($accounts, account_id) AND list_contains($controls, control_id)",
        "control_status",
        accounts=denied,
        controls=list(RDS_CONTROLS),
    )


def _insecure(seen: Seen) -> dict[str, list[Resource]]:
    """Resources that each control fails."""
    databases = [d for d in seen.of("rds_instance") if isinstance(d, Database)]
    standalone = [d for d in databases if not d.cluster_id]
    clusters = [c for c in seen.of("rds_cluster") if isinstance(c, Cluster)]
    return {
        "ebs.volume_unencrypted": [v for v in seen.world.volumes if not v.encrypted],
        "rds.storage_unencrypted": [d for d in standalone if not d.encrypted],
        "rds.cluster_unencrypted": [c for c in clusters if not c.encrypted],
        "s3.public_read": [b for b in seen.world.buckets if _public(seen, b)],
        "rds.public": [d for d in databases if d.public],
        "ec2.public_ip": [i for i in seen.world.instances if _addressed(i)],
        "rds.backup_disabled": [d for d in standalone if d.backup_days == 0],
    }


def _public(seen: Seen, bucket: Bucket) -> bool:
    """A public access block, of the bucket or of its account, takes public grants away."""
    blocked = bucket.public_access_blocked or seen.account(bucket).public_access_blocked
    return (bucket.public_policy or bucket.public_acl) and not blocked


def _addressed(instance: Instance) -> bool:
    return instance.address == "elastic" or (instance.address == "public" and instance.running)
