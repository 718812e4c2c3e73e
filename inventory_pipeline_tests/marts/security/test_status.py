"""Status of controls by account, scores by scope, and the report made of them."""

import json
from pathlib import Path

import pytest

from inventory_pipeline.marts.security.controls import CONTROLS
from inventory_pipeline.marts.security.report import security_report
from inventory_pipeline_tests.marts.planted import Planted

MARTS = ("security_findings", "control_status", "compliance_scores")
BLOCKED = {"ignore_public_acls": True, "restrict_public_buckets": True,
           "account_ignore_public_acls": True, "account_restrict_public_buckets": True}  # fmt: skip


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """`one` fails a control, `two` is clean but denied a service, `three` was never entered."""
    planted = Planted(tmp_path_factory.mktemp("status"))
    one = {"account_id": "1", "account_name": "one"}
    two = {"account_id": "2", "account_name": "two"}
    planted.account("1", account_name="one", department="research")
    planted.account("2", account_name="two", department="sales")
    planted.account("3", account_name="three", status="denied")
    for account in ("1", "2"):
        for kind in ("ec2_instance", "ebs_volume", "rds_cluster", "s3_bucket"):
            planted.cell(kind, account_id=account)
            planted.cell(kind, "region_disabled", account_id=account, region="ap-east-1")
    planted.cell("rds_instance", account_id="1")
    planted.cell("rds_instance", "denied", account_id="2")
    planted.cell("s3_bucket.policy_status", "denied", account_id="2")
    volumes = {"vol-1": False, "vol-2": True, "vol-3": None}
    for volume, encrypted in volumes.items():
        planted.resource("ebs_volume", volume, encrypted=encrypted, department="research", **one)
    planted.resource("ebs_volume", "vol-4", encrypted=True, department="sales", **two)
    bucket = {"versioning": "Enabled", "encryption": "AES256", "acl_public": False}
    planted.resource("s3_bucket", "b-1", **bucket, **BLOCKED, policy_public=True,
                     department="sales", **one)  # fmt: skip
    planted.resource("s3_bucket", "b-2", **bucket, policy_public=None, department="sales", **two)
    planted.publish()
    planted.build(*MARTS)
    return planted


@pytest.mark.parametrize(
    ("account", "control", "status", "cells_missing"),
    [
        ("1", "ebs.volume_unencrypted", "FAIL", 0),
        ("2", "ebs.volume_unencrypted", "PASS", 0),
        ("3", "ebs.volume_unencrypted", "UNKNOWN", 1),
        ("1", "rds.storage_unencrypted", "NOT_APPLICABLE", 0),
        ("2", "rds.storage_unencrypted", "UNKNOWN", 1),
        ("1", "s3.public_read", "PASS", 0),
        ("2", "s3.public_read", "UNKNOWN", 1),
        ("2", "s3.versioning", "PASS", 0),
        ("1", "ec2.public_ip", "NOT_APPLICABLE", 0),
    ],
)
def test_status(
    estate: Planted, account: str, control: str, status: str, cells_missing: int
) -> None:
    [row] = estate.rows("control_status", account_id=account, control_id=control)
    assert (row["status"], row["cells_missing"]) == (status, cells_missing)


def test_every_account_has_a_status_of_every_control(estate: Planted) -> None:
    assert len(estate.rows("control_status")) == 3 * len(CONTROLS)


@pytest.mark.parametrize(
    ("scope", "scope_id", "pairs", "control_score", "weighted_score"),
    [
        # Passing: two volumes (5 each), public_read (10), two each of encryption and versioning
        # (2 each); failing: a volume (5).
        ("organization", "all", (7, 1, 2), 100 * 6 / 7, 100 * 28 / 33),
        ("account", "1", (4, 1, 1), 75.0, 100 * 19 / 24),
        ("account", "2", (3, 0, 1), 100.0, 100.0),
        ("account", "3", (0, 0, 0), None, None),
        ("department", "research", (1, 1, 1), 0.0, 50.0),
        # Its volumes and buckets are seen; b-2's policy is not, so public_read is unknown.
        ("department", "sales", (6, 0, 1), 100.0, 100.0),
        ("department", None, (0, 0, 0), None, None),
    ],
)
def test_scores(
    estate: Planted,
    scope: str,
    scope_id: str | None,
    pairs: tuple[int, int, int],
    control_score: float | None,
    weighted_score: float | None,
) -> None:
    [row] = [r for r in estate.rows("compliance_scores", scope=scope) if r["scope_id"] == scope_id]
    assert (row["passed"], row["failed"], row["unknown"]) == pairs
    assert row["control_score"] == pytest.approx(control_score)
    assert row["weighted_score"] == pytest.approx(weighted_score)
    judged, every = pairs[0] + pairs[1], sum(pairs)
    assert row["coverage"] == pytest.approx(100 * judged / every if every else None)


def test_controls_that_are_off_leave_no_trace(estate: Planted) -> None:
    for mart in MARTS:
        estate.build(mart, controls_off=["ebs.volume_unencrypted"])
    try:
        for table in ("security_findings", "control_status"):
            ids = {row["control_id"] for row in estate.rows(table)}
            assert "s3.versioning" in ids
            assert "ebs.volume_unencrypted" not in ids
        [total] = estate.rows("compliance_scores", scope="organization")
        assert (total["failed"], total["control_score"]) == (0, 100.0)
    finally:
        estate.build(*MARTS)


class TestReport:
    def test_shape(self, estate: Planted) -> None:
        report = security_report(estate.rows("security_findings"), estate.rows("compliance_scores"))
        assert json.loads(json.dumps(report)) == {
            "unencrypted_resources": [
                {
                    "type": "ebs_volume",
                    "id": "vol-1",
                    "account": "1",
                    "region": "us-east-1",
                    "risk": "high",
                    "control": "ebs.volume_unencrypted",
                    "reason": "storage is not encrypted",
                }
            ],
            "public_resources": [],
            "no_backup_resources": [],
            "compliance_score": pytest.approx(100 * 6 / 7),
            "weighted_score": pytest.approx(100 * 28 / 33),
            "coverage": 80.0,
            "unknown": 2,
        }

    def test_worst_first(self, tmp_path: Path) -> None:
        planted = Planted(tmp_path)
        planted.resource("ec2_instance", "i", public_ip="192.0.2.1")
        planted.resource("rds_instance", "db", publicly_accessible=True)
        planted.publish()
        planted.build("security_findings")
        report = security_report(planted.rows("security_findings"), [])
        assert [(e["id"], e["risk"]) for e in report["public_resources"]] == [
            ("db", "critical"),
            ("i", "medium"),
        ]

    def test_nothing_seen_is_no_score(self) -> None:
        report = security_report([], [])
        assert report["compliance_score"] is None
        assert report["coverage"] is None
