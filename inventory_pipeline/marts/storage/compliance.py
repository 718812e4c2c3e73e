"""Rules that every stored object is held to, as data, and the SQL that judges by them.

A rule is a verdict on one object version from what its report and its bucket's settings tell:
exempt, unknown, fail or pass, the first that applies. To add one, add an entry to `RULES`.

Objects are first grouped by everything that a rule looks at, which leaves few groups of any
number of objects; those are judged.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.marts.storage.places import (
    KEPT_PREFIXES,
    REPORTS,
    SEEN_BUCKETS,
    tells,
)

# What rules look at, as `s`: of an object `o` and its report `r`.
STATE = {
    "encryption_status": "o.encryption_status",
    "bucket_key_status": "o.bucket_key_status",
    "acl": "o.object_access_control_list",
    "object_owner": "o.object_owner",
    "replication_status": "o.replication_status",
    "checksum_algorithm": "o.checksum_algorithm",
    "retention": "CASE WHEN o.object_lock_retain_until_date <= r.delivered_at THEN 'expired' "
    "WHEN o.object_lock_retain_until_date IS NOT NULL THEN 'locked' ELSE 'none' END",
    "legal_hold": "lower(COALESCE(o.object_lock_legal_hold_status, '')) = 'on'",
    "event_hold": "lower(COALESCE(o.object_lock_event_hold_status, '')) = 'on'",
}


@dataclass(frozen=True)
class Rule:
    """One rule. `needs` are fields of the report (as CSV names them), without which all is unknown.

    Conditions are SQL over the object's state `s` and its bucket `b`, whose columns are NULL where
    it was not collected. `unless` exempts an object even where the report says nothing.
    """

    id: str
    title: str
    needs: tuple[str, ...]
    fails: str
    unknown: str = "FALSE"
    why: str = "the report does not say"
    unless: str = "FALSE"


NOT_COLLECTED = "the bucket's settings are not known"


def _lock_rule(id: str, title: str, retention: str) -> Rule:
    """A rule that objects of this retention fail unless they are on hold, in a bucket with lock."""
    fails = f"s.retention = {literal(retention)} AND NOT s.legal_hold AND NOT s.event_hold"
    told = tells("b", "ObjectLockEventHoldStatus")
    return Rule(
        id,
        title,
        ("ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"),
        fails,
        unknown=f"b.object_lock IS NULL OR ({fails} AND NOT {told})",
        why=f"the report lacks ObjectLockEventHoldStatus, or {NOT_COLLECTED}",
        unless="b.object_lock = FALSE",
    )


def acl_text(acl: str) -> str:
    """SQL: the JSON of an object's ACL as reports have it, without spaces."""
    return f"replace(base64_text({acl}), ' ', '')"


def granted_to_everyone(acl: str) -> str:
    """SQL: whether an object's ACL, as reports have it, grants anything to everyone."""
    text = acl_text(acl)
    return f"({text} LIKE '%/AllUsers\"%' OR {text} LIKE '%/AuthenticatedUsers\"%')"


def acl_untold(acl: str) -> str:
    """SQL: whether a report does not tell an object's ACL."""
    return f"COALESCE({acl_text(acl)}, '') NOT LIKE '%\"status\":\"AVAILABLE\"%'"


NO_ACLS = "b.object_ownership = 'BucketOwnerEnforced'"

RULES = (
    Rule(
        "unencrypted",
        "Stored without server-side encryption",
        ("EncryptionStatus",),
        "s.encryption_status = 'NOT-SSE'",
        unknown="s.encryption_status IS NULL",
    ),
    Rule(
        "customer_key",
        "Encrypted with a key that only a customer of S3 has (SSE-C)",
        ("EncryptionStatus",),
        "s.encryption_status = 'SSE-C'",
        unknown="s.encryption_status IS NULL",
    ),
    Rule(
        "kms_key",
        "Not encrypted with the bucket's default KMS key",
        ("EncryptionStatus",),
        # DSSE-KMS is stronger than the default asks; SSE-KMS is weaker than DSSE-KMS.
        "s.encryption_status IN ('NOT-SSE', 'SSE-S3', 'SSE-C') "
        "OR (s.encryption_status = 'SSE-KMS' AND b.encryption = 'aws:kms:dsse')",
        # What is encrypted by KMS may be so with any key: reports have no key ids.
        unknown="s.encryption_status IS NULL OR b.encryption IS NULL OR "
        "(s.encryption_status = 'DSSE-KMS' OR "
        "(s.encryption_status = 'SSE-KMS' AND b.encryption <> 'aws:kms:dsse'))",
        why="reports do not say which KMS key, or the bucket's settings are not known",
        unless="b.encryption NOT LIKE 'aws:kms%'",
    ),
    Rule(
        "bucket_key",
        "Encrypted by KMS without the bucket key that the bucket has by default",
        ("EncryptionStatus", "BucketKeyStatus"),
        "s.bucket_key_status = 'DISABLED'",
        unknown="s.encryption_status IS NULL OR s.bucket_key_status IS NULL "
        "OR b.encryption IS NULL",
        why=f"the report does not say, or {NOT_COLLECTED}",
        # S3 has no bucket keys for DSSE-KMS.
        unless="s.encryption_status <> 'SSE-KMS' "
        "OR (b.encryption IS NOT NULL AND NOT COALESCE(b.bucket_key_enabled, FALSE))",
    ),
    Rule(
        "public_acl",
        "Its ACL grants something to everyone",
        ("ObjectAccessControlList",),
        granted_to_everyone("s.acl"),
        unknown=acl_untold("s.acl"),
        # ACLs have no effect there.
        unless=NO_ACLS,
    ),
    Rule(
        "foreign_owner",
        "Owned by another account than the bucket",
        ("ObjectOwner",),
        "s.object_owner <> b.owner",
        unknown="s.object_owner IS NULL OR s.object_owner = 'UNAVAILABLE' OR b.owner IS NULL",
        why="the report does not say, or the bucket's ACL does not name its owner",
        # The bucket's owner owns all objects there.
        unless=NO_ACLS,
    ),
    Rule(
        "replication_failed",
        "Replication has failed",
        ("ReplicationStatus",),
        "s.replication_status = 'FAILED'",
    ),
    Rule(
        "replication_pending",
        "Replication is pending",
        ("ReplicationStatus",),
        "s.replication_status = 'PENDING'",
    ),
    _lock_rule(
        "not_locked", "Neither locked nor on hold, in a bucket with object lock", retention="none"
    ),
    _lock_rule(
        "lock_expired",
        "Its lock has expired and it is not on hold, in a bucket with object lock",
        retention="expired",
    ),
    Rule(
        "no_legal_hold",
        "Not on legal hold, in a bucket that settings say must have all on hold",
        ("ObjectLockLegalHoldStatus",),
        "NOT s.legal_hold",
        unless="NOT b.must_hold",
    ),
    Rule(
        "no_checksum",
        "Stored without a checksum",
        ("ChecksumAlgorithm",),
        "s.checksum_algorithm IS NULL",
    ),
)


def object_compliance_sql() -> str:
    """Rows of `object_compliance`, of all rules but those in `$compliance_rules_off`."""
    wanted = "rule_id NOT IN (SELECT off_id FROM UNNEST($compliance_rules_off) AS t(off_id))"
    relations = {
        **_facts(),
        "rules": f"SELECT rule_id FROM ({_rules()}) AS every WHERE {wanted}",
        "kept_prefixes": KEPT_PREFIXES,
        "states": _states(),
    }
    select = read_sql(__package__, "object_compliance.sql")
    return with_relations(
        relations, select.replace("{verdict}", _verdict()).replace("{reason}", _reason())
    )


def failing_objects_sql(rules: Sequence[str]) -> str:
    """Every object that fails one of these rules, a row for each rule; not sorted.

    Reads `s3_objects`, `s3_deliveries`, `s3_buckets` and `bucket_grants`.
    """
    chosen = [rule for rule in RULES if rule.id in rules]
    relations = {**_facts(), "rules": _rules(chosen)}
    # What fails some rule is found first, so that few objects meet every rule one by one.
    some = " OR ".join(f"({rule.fails})" for rule in chosen)
    return with_relations(
        relations,
        f"""
SELECT q.rule_id, s.delivered_on, b.account_id, b.account_name, b.department, b.region,
  s.source_bucket, s.configuration_id, s.key, s.version_id, s.size, s.last_modified_date,
  s.storage_class
FROM (
  SELECT o.delivered_on, o.source_bucket, o.configuration_id, o.key, o.version_id, o.size,
    o.last_modified_date, o.storage_class, {_state_columns()}
  {_STORED}
) AS s
JOIN facts AS b
  ON b.delivered_on = s.delivered_on AND b.source_bucket = s.source_bucket
  AND b.configuration_id = s.configuration_id
CROSS JOIN rules AS q
WHERE ({some}) AND {_verdict(chosen)} = 'fail'""",
    )


# Delete markers store nothing.
_STORED = """FROM s3_objects AS o
  JOIN reports AS r
    ON r.delivered_on = o.delivered_on AND r.source_bucket = o.source_bucket
    AND r.configuration_id = o.configuration_id
  WHERE NOT COALESCE(o.is_delete_marker, FALSE)"""

# A bucket's ACL names its owner, where the owner has a grant.
_OWNERS = """SELECT resource_id AS bucket, MIN(grantee) AS owner
FROM bucket_grants
WHERE is_owner
GROUP BY resource_id
HAVING MIN(grantee) = MAX(grantee)"""

_MUST_HOLD = """SELECT DISTINCT r.source_bucket
FROM reports AS r
CROSS JOIN UNNEST($legal_hold_buckets) AS t(pattern)
WHERE matches(r.source_bucket, t.pattern)"""

_FACTS = """SELECT r.delivered_on, r.source_bucket, r.configuration_id, r.fields,
  s.account_id, s.account_name, s.department, s.region,
  s.encryption, s.bucket_key_enabled, s.object_ownership, s.object_lock,
  w.owner, m.source_bucket IS NOT NULL AS must_hold
FROM reports AS r
LEFT JOIN seen_buckets AS s ON s.bucket = r.source_bucket
LEFT JOIN owners AS w ON w.bucket = r.source_bucket
LEFT JOIN must_hold AS m ON m.source_bucket = r.source_bucket"""


def _facts() -> dict[str, str]:
    """What is known of each delivery and its bucket."""
    return {
        "reports": REPORTS,
        "seen_buckets": SEEN_BUCKETS,
        "owners": _OWNERS,
        "must_hold": _MUST_HOLD,
        "facts": _FACTS,
    }


def _rules(rules: Iterable[Rule] = RULES) -> str:
    return union_all(f"SELECT {literal(rule.id)} AS rule_id" for rule in rules)


def _state_columns() -> str:
    return ",\n    ".join(f"{sql} AS {name}" for name, sql in STATE.items())


def _states() -> str:
    names = ", ".join(STATE)
    return f"""SELECT n.delivered_on, n.source_bucket, n.configuration_id, k.prefix, {names},
  COUNT(*) AS objects, SUM(n.bytes) AS bytes, MIN(n.key) AS first_key, MAX(n.key) AS last_key
FROM (
  SELECT o.delivered_on, o.source_bucket, o.configuration_id, o.key,
    first_match(o.key, $prefix_pattern) AS prefix, COALESCE(o.size, 0) AS bytes,
    {_state_columns()}
  {_STORED}
) AS n
LEFT JOIN kept_prefixes AS k
  ON k.source_bucket = n.source_bucket AND k.configuration_id = n.configuration_id
  AND k.prefix = n.prefix
GROUP BY n.delivered_on, n.source_bucket, n.configuration_id, k.prefix, {names}"""


def _verdict(rules: Iterable[Rule] = RULES) -> str:
    return _by_rule(
        rules,
        lambda rule: (
            f"CASE WHEN {rule.unless} THEN 'exempt' "
            f"WHEN NOT ({_told(rule)}) OR {rule.unknown} THEN 'unknown' "
            f"WHEN {rule.fails} THEN 'fail' ELSE 'pass' END"
        ),
    )


def _reason() -> str:
    """Why it is unknown, where it is."""
    return _by_rule(
        RULES,
        lambda rule: (
            f"CASE WHEN NOT ({_told(rule)}) "
            f"THEN {literal('the report lacks ' + ' or '.join(rule.needs))} "
            f"ELSE {literal(rule.why)} END"
        ),
    )


def _by_rule(rules: Iterable[Rule], sql: Callable[[Rule], str]) -> str:
    cases = "\n    ".join(f"WHEN {literal(rule.id)} THEN {sql(rule)}" for rule in rules)
    return f"CASE q.rule_id\n    {cases}\n  END"


def _told(rule: Rule) -> str:
    return " AND ".join(tells("b", name) for name in rule.needs)
