"""Security controls as data: what fails, how severe it is, and which evidence it rests on.

To add a control, add an entry to CONTROLS; findings, status, scores and documentation follow.
Not here: how they are counted (`status`) or told (`report`).
"""

from dataclasses import dataclass
from typing import Literal

Category = Literal["encryption", "public", "backup"]
Severity = Literal["critical", "high", "medium", "low"]

SEVERITY_WEIGHTS: dict[Severity, int] = {"critical": 10, "high": 5, "medium": 2, "low": 1}

MINIMUM_BACKUP_DAYS = 7
"""Days that backups must be kept; the default of AWS Foundational Security Best Practices."""


@dataclass(frozen=True)
class Control:
    """One control, as SQL over the type's table aliased `r`.

    `applies` picks the resources it speaks of. `fails` is three-valued: NULL is unknown. `reason`
    gives the evidence in words, whatever the verdict. `evidence` names the details of the type
    (`Detail.name`) without which there is no verdict, besides the type itself.
    """

    id: str
    title: str
    category: Category
    severity: Severity
    resource_type: str
    fails: str
    reason: str
    remediation: str
    applies: str = "TRUE"
    evidence: tuple[str, ...] = ()

    @property
    def collectors(self) -> tuple[str, ...]:
        """The coverage ledger's collectors whose cells it needs."""
        details = (f"{self.resource_type}.{detail}" for detail in self.evidence)
        return (self.resource_type, *details)


def _flag(column: str, yes: str, no: str) -> str:
    return f"CASE WHEN {column} THEN '{yes}' WHEN NOT {column} THEN '{no}' ELSE 'not observed' END"


_ENCRYPTED = _flag("r.encrypted", "storage is encrypted", "storage is not encrypted")

_BACKUP_FAILS = f"r.backup_retention_days < {MINIMUM_BACKUP_DAYS}"
_BACKUP_REASON = (
    "CASE WHEN r.backup_retention_days = 0 THEN 'automated backups are off' ELSE COALESCE("
    "'backups are kept ' || CAST(r.backup_retention_days AS VARCHAR) || ' days',"
    " 'not observed') END"
)
_BACKUP_REMEDIATION = f"Set the backup retention period to {MINIMUM_BACKUP_DAYS} days or more."

# A public grant counts unless the bucket's or the account's public access block takes its effect.
# BlockPublicAcls and BlockPublicPolicy refuse new ones only.
_ACL_BLOCKED = "(r.ignore_public_acls OR r.account_ignore_public_acls)"
_POLICY_BLOCKED = "(r.restrict_public_buckets OR r.account_restrict_public_buckets)"
_PUBLIC_BY_ACL = f"(r.acl_public AND NOT {_ACL_BLOCKED})"
_PUBLIC_BY_POLICY = f"(r.policy_public AND NOT {_POLICY_BLOCKED})"

CONTROLS = (
    Control(
        id="ebs.volume_unencrypted",
        title="Volumes are encrypted at rest",
        category="encryption",
        severity="high",
        resource_type="ebs_volume",
        fails="NOT r.encrypted",
        reason=_ENCRYPTED,
        remediation="Copy a snapshot of the volume with encryption and replace the volume.",
    ),
    Control(
        id="rds.storage_unencrypted",
        title="Database instances are encrypted at rest",
        category="encryption",
        severity="high",
        resource_type="rds_instance",
        # Storage of a cluster's members is the cluster's.
        applies="r.cluster_id IS NULL",
        fails="NOT r.encrypted",
        reason=_ENCRYPTED,
        remediation="Restore an encrypted copy of a snapshot and replace the instance.",
    ),
    Control(
        id="rds.cluster_unencrypted",
        title="Database clusters are encrypted at rest",
        category="encryption",
        severity="high",
        resource_type="rds_cluster",
        fails="NOT r.encrypted",
        reason=_ENCRYPTED,
        remediation="Restore an encrypted copy of a snapshot and replace the cluster.",
    ),
    Control(
        id="s3.default_encryption",
        title="Buckets have default encryption",
        category="encryption",
        severity="medium",
        resource_type="s3_bucket",
        fails="r.encryption = 'none'",
        reason="COALESCE('default encryption: ' || r.encryption, 'not observed')",
        remediation="Set default encryption of the bucket to SSE-S3 or SSE-KMS.",
        evidence=("encryption",),
    ),
    Control(
        id="s3.public_read",
        title="Buckets are not public",
        category="public",
        severity="critical",
        resource_type="s3_bucket",
        fails=f"{_PUBLIC_BY_ACL} OR {_PUBLIC_BY_POLICY}",
        reason=(
            f"CASE WHEN {_PUBLIC_BY_ACL} AND {_PUBLIC_BY_POLICY}"
            " THEN 'public by ACL and by bucket policy'"
            f" WHEN {_PUBLIC_BY_ACL} THEN 'public by ACL'"
            f" WHEN {_PUBLIC_BY_POLICY} THEN 'public by bucket policy'"
            f" WHEN NOT ({_PUBLIC_BY_ACL} OR {_PUBLIC_BY_POLICY})"
            " THEN CASE WHEN r.acl_public OR r.policy_public"
            " THEN 'public grants, taken away by a public access block'"
            " ELSE 'no public grant takes effect' END"
            " ELSE 'ACL, policy or public access block not observed' END"
        ),
        remediation="Turn on all four public access block settings, account-wide if you can.",
        evidence=("public_access_block", "account_public_access_block", "policy_status", "acl"),
    ),
    Control(
        id="rds.public",
        title="Database instances are not publicly accessible",
        category="public",
        severity="critical",
        resource_type="rds_instance",
        fails="r.publicly_accessible",
        reason=_flag("r.publicly_accessible", "publicly accessible", "not publicly accessible"),
        remediation="Turn off public access of the instance and move it to private subnets.",
    ),
    Control(
        id="ec2.public_ip",
        title="Instances have no public address",
        category="public",
        severity="medium",
        resource_type="ec2_instance",
        # An instance that was seen without an address has none.
        fails="r.public_ip IS NOT NULL OR COALESCE(r.elastic_ips, 0) > 0",
        reason=(
            "CASE WHEN r.public_ip IS NOT NULL THEN 'public address ' || r.public_ip"
            " WHEN r.elastic_ips > 0 THEN 'an Elastic IP on one of its interfaces'"
            " ELSE 'no public address' END"
        ),
        remediation="Put the instance behind a load balancer or NAT gateway and drop its address.",
    ),
    Control(
        id="rds.backup_disabled",
        title=f"Database instances keep backups for {MINIMUM_BACKUP_DAYS} days",
        category="backup",
        severity="medium",
        resource_type="rds_instance",
        # A replica can be made anew from its source, and a cluster is backed up as a whole.
        applies="r.cluster_id IS NULL AND r.replica_source_id IS NULL",
        fails=_BACKUP_FAILS,
        reason=_BACKUP_REASON,
        remediation=_BACKUP_REMEDIATION,
    ),
    Control(
        id="rds.cluster_backup_disabled",
        title=f"Database clusters keep backups for {MINIMUM_BACKUP_DAYS} days",
        category="backup",
        severity="medium",
        resource_type="rds_cluster",
        fails=_BACKUP_FAILS,
        reason=_BACKUP_REASON,
        remediation=_BACKUP_REMEDIATION,
    ),
    Control(
        id="s3.versioning",
        title="Buckets are versioned",
        category="backup",
        severity="medium",
        resource_type="s3_bucket",
        fails="r.versioning <> 'Enabled'",
        reason="COALESCE('versioning: ' || r.versioning, 'not observed')",
        remediation="Enable versioning, with a lifecycle rule for noncurrent versions.",
        evidence=("versioning",),
    ),
)


def controls() -> dict[str, Control]:
    """Every control by id."""
    return {control.id: control for control in CONTROLS}
