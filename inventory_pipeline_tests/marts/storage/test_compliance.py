"""Each rule's verdict on planted objects, what stays unknown and why, and what settings change."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from inventory_pipeline.marts.storage.compliance import RULES
from inventory_pipeline_tests.marts.storage.planting import FIELDS, House, later, obj

EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
ACCOUNTS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOGGING = "http://acs.amazonaws.com/groups/s3/LogDelivery"

OWNER: dict[str, Any] = {"resource_id": "data-1", "grantee": "owner-id", "is_owner": True}
KMS = {"encryption": "aws:kms", "bucket_key_enabled": True}


def acl(*uris: str, status: str = "AVAILABLE", spaced: bool = False, slashes: str = "/") -> str:
    grants = [{"uri": uri, "type": "Group", "permission": "READ"} for uri in uris]
    body = {"version": "2022-11-10", "status": status, "grants": grants}
    text = json.dumps(body, separators=None if spaced else (",", ":")).replace("/", slashes)
    return base64.b64encode(text.encode()).decode()


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("unencrypted", {"encryption_status": "NOT-SSE"}, {}, "fail"),
    ("unencrypted", {"encryption_status": "SSE-S3"}, {}, "pass"),
    ("unencrypted", {"encryption_status": None}, {}, "unknown"),
    ("customer_key", {"encryption_status": "SSE-C"}, {}, "fail"),
    ("customer_key", {"encryption_status": "SSE-KMS"}, {}, "pass"),
    ("kms_key", {"encryption_status": "SSE-S3"}, KMS, "fail"),
    ("kms_key", {"encryption_status": "SSE-KMS"}, KMS, "unknown"),
    ("kms_key", {"encryption_status": "SSE-KMS"}, {"encryption": "aws:kms:dsse"}, "fail"),
    ("kms_key", {"encryption_status": "DSSE-KMS"}, {"encryption": "aws:kms:dsse"}, "unknown"),
    ("kms_key", {"encryption_status": "SSE-S3"}, {"encryption": "AES256"}, "exempt"),
    ("kms_key", {"encryption_status": "SSE-S3"}, {}, "unknown"),
    ("bucket_key", {"encryption_status": "SSE-KMS", "bucket_key_status": "DISABLED"}, KMS, "fail"),
    ("bucket_key", {"encryption_status": "SSE-KMS", "bucket_key_status": "ENABLED"}, KMS, "pass"),
    ("bucket_key", {"encryption_status": "SSE-S3", "bucket_key_status": "DISABLED"}, KMS, "exempt"),
    (
        "bucket_key",
        {"encryption_status": "SSE-KMS", "bucket_key_status": "DISABLED"},
        {"encryption": "aws:kms", "bucket_key_enabled": False},
        "exempt",
    ),
    ("public_acl", {"object_access_control_list": acl(EVERYONE)}, {}, "fail"),
    ("public_acl", {"object_access_control_list": acl(LOGGING, ACCOUNTS, spaced=True)}, {}, "fail"),
    ("public_acl", {"object_access_control_list": acl(EVERYONE, slashes="\\/")}, {}, "fail"),
    ("public_acl", {"object_access_control_list": acl(LOGGING)}, {}, "pass"),
    ("public_acl", {"object_access_control_list": acl(status="UNAVAILABLE")}, {}, "unknown"),
    ("public_acl", {"object_access_control_list": "=cmd()//not base64"}, {}, "unknown"),
    ("public_acl", {"object_access_control_list": "/////w=="}, {}, "unknown"),
    ("public_acl", {}, {}, "unknown"),
    (
        "public_acl",
        {"object_access_control_list": acl(EVERYONE)},
        {"object_ownership": "BucketOwnerEnforced"},
        "exempt",
    ),
    ("foreign_owner", {"object_owner": "another"}, {}, "fail"),
    ("foreign_owner", {"object_owner": "owner-id"}, {}, "pass"),
    ("foreign_owner", {"object_owner": "UNAVAILABLE"}, {}, "unknown"),
    ("replication_failed", {"replication_status": "FAILED"}, {}, "fail"),
    ("replication_failed", {"replication_status": "PENDING"}, {}, "pass"),
    ("replication_pending", {"replication_status": "PENDING"}, {}, "fail"),
    ("replication_pending", {"replication_status": None}, {}, "pass"),
    ("not_locked", {}, {"object_lock": True}, "fail"),
    ("not_locked", {"object_lock_retain_until_date": later(1)}, {"object_lock": True}, "pass"),
    ("not_locked", {"object_lock_legal_hold_status": "ON"}, {"object_lock": True}, "pass"),
    ("not_locked", {"object_lock_event_hold_status": "On"}, {"object_lock": True}, "pass"),
    ("not_locked", {}, {"object_lock": False}, "exempt"),
    ("not_locked", {}, {}, "unknown"),
    ("lock_expired", {"object_lock_retain_until_date": later(0)}, {"object_lock": True}, "fail"),
    ("lock_expired", {"object_lock_retain_until_date": later(1)}, {"object_lock": True}, "pass"),
    (
        "lock_expired",
        {"object_lock_retain_until_date": later(-9), "object_lock_legal_hold_status": "On"},
        {"object_lock": True},
        "pass",
    ),
    ("no_legal_hold", {}, {}, "exempt"),
    ("no_checksum", {}, {}, "fail"),
    ("no_checksum", {"checksum_algorithm": "SHA256"}, {}, "pass"),
]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """By (prefix, rule): each case's object has a prefix of its own, in a bucket as it asks."""
    settings = [bucket for _, _, bucket, _ in CASES]
    names = {str(bucket): f"data-{n}" for n, bucket in enumerate(settings)}
    house = House(
        tmp_path_factory.mktemp("cases"),
        *({"resource_id": names[str(b)], **b} for b in {str(b): b for b in settings}.values()),
    )
    house.plant("bucket_grants", *({**OWNER, "resource_id": name} for name in names.values()))
    for shown, name in names.items():
        house.deliver(
            *(
                obj(f"{n}/k", **about)
                for n, (_, about, bucket, _) in enumerate(CASES)
                if str(bucket) == shown
            ),
            bucket=name,
        )
    return {
        (row["prefix"], row["rule_id"]): row["verdict"] for row in house.build("object_compliance")
    }


@pytest.mark.parametrize("case", range(len(CASES)))
def test_verdict(verdicts: dict[tuple[str, str], str], case: int) -> None:
    rule, about, bucket, expected = CASES[case]
    assert verdicts[f"{case}/", rule] == expected, (rule, about, bucket)


def test_every_rule_has_cases() -> None:
    assert {rule for rule, _, _, _ in CASES} == {rule.id for rule in RULES}


def test_a_field_that_the_report_lacks_never_passes(tmp_path: Path) -> None:
    house = House(tmp_path, {"resource_id": "data-1", "object_lock": True, **KMS})
    house.plant("bucket_grants", OWNER)
    house.deliver(obj("a/k", encryption_status=None), fields="Bucket, Key, Size")
    found = {row["rule_id"]: row for row in house.build("object_compliance")}
    assert {rule: row["verdict"] for rule, row in found.items()} == {
        rule.id: "exempt" if rule.id == "no_legal_hold" else "unknown" for rule in RULES
    }
    assert found["no_checksum"]["unknown_reason"] == "the report lacks ChecksumAlgorithm"


def test_without_the_field_of_event_holds_none_is_ruled_out(tmp_path: Path) -> None:
    house = House(tmp_path, {"resource_id": "data-1", "object_lock": True})
    house.deliver(
        obj("bare/k"),
        obj("locked/k", object_lock_retain_until_date=later(1)),
        obj("over/k", object_lock_retain_until_date=later(0)),
        fields=FIELDS.replace("ObjectLockEventHoldStatus, ", ""),
    )
    found = {(row["prefix"], row["rule_id"]): row for row in house.build("object_compliance")}
    verdicts = [
        [found[f"{prefix}/", rule]["verdict"] for rule in ("not_locked", "lock_expired")]
        for prefix in ("bare", "locked", "over")
    ]
    assert verdicts == [["unknown", "pass"], ["pass", "pass"], ["pass", "unknown"]]
    reason = found["bare/", "not_locked"]["unknown_reason"]
    assert "the report lacks ObjectLockEventHoldStatus" in reason


def test_fields_are_known_in_every_formats_spelling(tmp_path: Path) -> None:
    house = House(tmp_path)
    schemas = {
        "csv": FIELDS,
        "orc": "struct<bucket:string,checksum_algorithm:string>",
        "parquet": "message s3.inventory {  optional binary checksum_algorithm (UTF8);}",
        "lacking": "Bucket, Key",
    }
    for configuration, fields in schemas.items():
        house.deliver(
            obj("a/k", checksum_algorithm="CRC64NVME"), configuration=configuration, fields=fields
        )
    assert {
        row["configuration_id"]: row["verdict"]
        for row in house.build("object_compliance")
        if row["rule_id"] == "no_checksum"
    } == {"csv": "pass", "orc": "pass", "parquet": "pass", "lacking": "unknown"}


def test_a_bucket_that_was_not_collected_is_unknown(tmp_path: Path) -> None:
    house = House(tmp_path, {"resource_id": "another"})
    house.deliver(obj("a/k", encryption_status="SSE-S3", object_owner="x"))
    found = {row["rule_id"]: row for row in house.build("object_compliance")}
    for rule in ("kms_key", "foreign_owner", "not_locked", "lock_expired"):
        assert found[rule]["verdict"] == "unknown", rule
        assert found[rule]["account_id"] is None
    assert "settings are not known" in found["not_locked"]["unknown_reason"]


def test_counts_are_by_prefix_with_two_keys_and_the_remainder(tmp_path: Path) -> None:
    house = House(tmp_path)
    bare = {"encryption_status": "NOT-SSE"}
    house.deliver(
        *(obj(f"a/{n}", 10, **bare) for n in range(5)),
        obj("a/fine", 7),
        obj("a/gone", None, is_delete_marker=True, encryption_status=None),
        obj("a/old", 100, is_latest=False, **bare),
        obj("b/=cmd()", 1, **bare),
        obj("z\n'", None, **bare),
        prefixes=["a/"],
    )
    found = {
        row["prefix"]: row
        for row in house.build("object_compliance")
        if row["rule_id"] == "unencrypted"
    }
    assert {
        prefix: (row["failing_objects"], row["failing_bytes"], row["passing_objects"],
                 row["first_key"], row["last_key"])
        for prefix, row in found.items()
    } == {"a/": (6, 150, 1, "a/0", "a/old"), None: (2, 1, 0, "b/=cmd()", "z\n'")}  # fmt: skip


def test_prefixes_are_of_the_depth_that_settings_say(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.deliver(obj("a/b/c"), obj("d"))
    shallow = house.build("object_compliance")
    assert {row["prefix"] for row in shallow} == {"a/", ""}
    deeper = house.build("object_compliance", prefix_depth=2)
    assert {row["prefix"] for row in deeper} == {None, ""}, "usage has no rows for a/b/"


def test_rules_off_are_not_there(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.deliver(obj("a/k"))
    off = {"rules_off": ["no_checksum", "not_locked"]}
    found = {row["rule_id"] for row in house.build("object_compliance", compliance=off)}
    assert found == {rule.id for rule in RULES} - {"no_checksum", "not_locked"}


def test_buckets_that_must_be_on_hold_are_named_by_patterns(tmp_path: Path) -> None:
    house = House(tmp_path, {"resource_id": "case.files"}, {"resource_id": "caseXfiles"})
    for bucket in ("case.files", "casexfiles"):
        house.deliver(obj("a/1"), obj("a/2", object_lock_legal_hold_status="On"), bucket=bucket)
    hold = {"legal_hold_buckets": ["case.f*", "nothing-?"]}
    found = {
        row["source_bucket"]: (
            row["failing_objects"],
            row["passing_objects"],
            row["exempt_objects"],
        )
        for row in house.build("object_compliance", compliance=hold)
        if row["rule_id"] == "no_legal_hold"
    }
    assert found == {"case.files": (1, 1, 0), "casexfiles": (0, 0, 2)}
