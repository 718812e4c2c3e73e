"""Controls: pass, fail and unknown of each, and the three-valued logic of public buckets."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.marts.mart import Mart, build_mart
from inventory_pipeline.marts.security.controls import CONTROLS, Control
from inventory_pipeline.marts.security.status import security_findings_sql
from inventory_pipeline.resource_types import resource_types
from inventory_pipeline_tests.marts.planted import MARTS, NOW, PARAMS, Planted

CASES: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "vol-plain": ("ebs.volume_unencrypted", {"encrypted": False}, "fail"),
    "vol-safe": ("ebs.volume_unencrypted", {"encrypted": True}, "pass"),
    "vol-dark": ("ebs.volume_unencrypted", {}, "unknown"),
    "db-plain": ("rds.storage_unencrypted", {"encrypted": False}, "fail"),
    "db-safe": ("rds.storage_unencrypted", {"encrypted": True}, "pass"),
    "db-dark": ("rds.storage_unencrypted", {}, "unknown"),
    "db-member": ("rds.storage_unencrypted", {"encrypted": False, "cluster_id": "c"}, None),
    "c-plain": ("rds.cluster_unencrypted", {"encrypted": False}, "fail"),
    "c-safe": ("rds.cluster_unencrypted", {"encrypted": True}, "pass"),
    "c-dark": ("rds.cluster_unencrypted", {}, "unknown"),
    "b-plain": ("s3.default_encryption", {"encryption": "none"}, "fail"),
    "b-sse": ("s3.default_encryption", {"encryption": "AES256"}, "pass"),
    "b-dark": ("s3.default_encryption", {}, "unknown"),
    "db-public": ("rds.public", {"publicly_accessible": True}, "fail"),
    "db-member-public": ("rds.public", {"publicly_accessible": True, "cluster_id": "c"}, "fail"),
    "db-private": ("rds.public", {"publicly_accessible": False}, "pass"),
    "db-unseen": ("rds.public", {}, "unknown"),
    "i-public": ("ec2.public_ip", {"public_ip": "192.0.2.1"}, "fail"),
    "i-elastic": ("ec2.public_ip", {"elastic_ips": 1}, "fail"),
    "i-private": ("ec2.public_ip", {"elastic_ips": 0}, "pass"),
    "db-none": ("rds.backup_disabled", {"backup_retention_days": 0}, "fail"),
    "db-six": ("rds.backup_disabled", {"backup_retention_days": 6}, "fail"),
    "db-seven": ("rds.backup_disabled", {"backup_retention_days": 7}, "pass"),
    "db-unread": ("rds.backup_disabled", {}, "unknown"),
    "db-in-c": ("rds.backup_disabled", {"backup_retention_days": 0, "cluster_id": "c"}, None),
    "db-copy": ("rds.backup_disabled", {"backup_retention_days": 0, "replica_source_id": "x"},
                None),
    "c-one": ("rds.cluster_backup_disabled", {"backup_retention_days": 1}, "fail"),
    "c-seven": ("rds.cluster_backup_disabled", {"backup_retention_days": 7}, "pass"),
    "c-unread": ("rds.cluster_backup_disabled", {}, "unknown"),
    "b-off": ("s3.versioning", {"versioning": "Off"}, "fail"),
    "b-suspended": ("s3.versioning", {"versioning": "Suspended"}, "fail"),
    "b-on": ("s3.versioning", {"versioning": "Enabled"}, "pass"),
    "b-unread": ("s3.versioning", {}, "unknown"),
}  # fmt: skip

TYPES = {control.id: control.resource_type for control in CONTROLS}

ACL = ("acl_public", "ignore_public_acls", "account_ignore_public_acls")
POLICY = ("policy_public", "restrict_public_buckets", "account_restrict_public_buckets")
BUCKETS = [
    dict(zip((*ACL, *POLICY), values, strict=True))
    for values in product((True, False, None), repeat=6)
]


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    planted = Planted(tmp_path_factory.mktemp("controls"))
    for name, (control, columns, _) in CASES.items():
        planted.resource(TYPES[control], name, **columns)
    for n, columns in enumerate(BUCKETS):
        planted.resource("s3_bucket", f"bucket-{n:03}", **columns)
    planted.publish()
    planted.build("security_findings")
    return planted


@pytest.mark.parametrize("name", CASES)
def test_verdict(estate: Planted, name: str) -> None:
    control, _, verdict = CASES[name]
    found = estate.rows("security_findings", control_id=control, resource_id=name)
    assert [row["verdict"] for row in found] == ([verdict] if verdict else [])
    assert all(row["reason"] for row in found)


def test_public_buckets_in_every_combination_of_what_is_known(estate: Planted) -> None:
    """A grant fails unless a block takes it away; a verdict is unknown only if it could be either.

    The truth of a partly known bucket is worked out by filling in every possibility.
    """
    found = {
        row["resource_id"]: row["verdict"]
        for row in estate.rows("security_findings", control_id="s3.public_read")
    }
    for n, bucket in enumerate(BUCKETS):
        choices = product(*((True, False) if v is None else (v,) for v in bucket.values()))
        possible = {_public(dict(zip(bucket, choice, strict=True))) for choice in choices}
        expected = "unknown" if len(possible) == 2 else "fail" if possible == {True} else "pass"
        assert found[f"bucket-{n:03}"] == expected, bucket


def _public(bucket: dict[str, bool]) -> bool:
    acl, ignored, account_ignored = (bucket[name] for name in ACL)
    policy, restricted, account_restricted = (bucket[name] for name in POLICY)
    by_acl = acl and not (ignored or account_ignored)
    return by_acl or (policy and not (restricted or account_restricted))


def test_refusing_new_public_grants_does_not_take_away_the_old_ones(tmp_path: Path) -> None:
    planted = Planted(tmp_path)
    refusing = {"block_public_acls": True, "block_public_policy": True,
                "account_block_public_acls": True, "account_block_public_policy": True}  # fmt: skip
    off = dict.fromkeys((*ACL[1:], *POLICY[1:]), False)
    planted.resource("s3_bucket", "b", acl_public=True, policy_public=False, **refusing, **off)
    planted.publish()
    planted.build("security_findings")
    [found] = planted.rows("security_findings", control_id="s3.public_read")
    assert (found["verdict"], found["reason"]) == ("fail", "public by ACL")


def test_a_control_is_added_by_one_entry(tmp_path: Path) -> None:
    imds = Control(
        id="ec2.imdsv2_required", title="Instances require IMDSv2", category="public",
        severity="high", resource_type="ec2_instance", fails="r.imds_tokens <> 'required'",
        reason="'tokens ' || r.imds_tokens", remediation="Require tokens.",
    )  # fmt: skip
    planted = Planted(tmp_path)
    planted.resource("ec2_instance", "i-open", imds_tokens="optional")
    planted.publish()
    findings = MARTS["security_findings"]
    mart = Mart(findings.table, lambda: security_findings_sql([imds]), findings.reads, "snapshot")
    build_mart(planted.engine, mart, NOW, PARAMS)
    [found] = planted.rows("security_findings")
    assert (found["control_id"], found["verdict"]) == ("ec2.imdsv2_required", "fail")


def test_evidence_names_details_that_the_type_asks_for() -> None:
    for control in CONTROLS:
        details = {detail.name for detail in resource_types()[control.resource_type].details}
        assert set(control.evidence) <= details, control.id
