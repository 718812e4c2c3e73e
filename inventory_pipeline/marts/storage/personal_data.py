"""Keys that look like personal data: rules as data, and the SQL that searches by them.

Keys are personal data themselves, so what is found is shown by its shape only. To add a rule, add
an entry to `KEY_RULES`; settings may add some as well. A rule is a guess from a name: it says where
to look, not what is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from inventory_pipeline.marts.security.controls import CONTROLS
from inventory_pipeline.marts.sql import literal, read_sql, union_all, with_relations
from inventory_pipeline.marts.storage.compliance import acl_untold, granted_to_everyone
from inventory_pipeline.marts.storage.places import (
    KEPT_PREFIXES,
    REPORTS,
    SEEN_BUCKETS,
    tells,
)

SEPARATOR = "\x1f"
"""Stands between a rule's name and its pattern in `$key_patterns`."""


@dataclass(frozen=True)
class KeyRule:
    """A rule: keys that match the regular expression, whatever their case."""

    id: str
    title: str
    pattern: str


def _words(*words: str) -> str:
    """Any of these words as a whole part of a key, between signs such as / _ . -"""
    return f"(?:^|[/_. =-])(?:{'|'.join(words)})(?:[/_. =-]|$)"


def _alone(pattern: str) -> str:
    """Not within a longer run of letters and digits, such as a digest."""
    return f"(?:^|[^a-z0-9])(?:{pattern})(?:[^a-z0-9]|$)"


_IBANS = (
    *("AT[0-9]{18}", "BE[0-9]{14}", "CH[0-9]{7}[0-9A-Z]{12}", "DE[0-9]{20}", "DK[0-9]{16}"),
    *("ES[0-9]{22}", "FI[0-9]{16}", "FR[0-9]{12}[0-9A-Z]{11}[0-9]{2}"),
    *("GB[0-9]{2}[A-Z]{4}[0-9]{14}", "IE[0-9]{2}[A-Z]{4}[0-9]{14}", "IT[0-9]{2}[A-Z][0-9]{10}"),
    *("NL[0-9]{2}[A-Z]{4}[0-9]{10}", "NO[0-9]{13}", "PL[0-9]{26}", "PT[0-9]{23}", "SE[0-9]{22}"),
)

KEY_RULES = (
    KeyRule(
        "people_folder",
        "A folder of people, such as users/",
        "(?:^|/)(?:users?|customers?|clients?|patients?|employees?|members?|subscribers?|people|"
        "persons?|students?|applicants?|candidates?|citizens?|guests?|passengers?|tenants?)/",
    ),
    KeyRule(
        "email",
        "An e-mail address",
        "[a-z0-9._%+-]+(?:@|%40)[a-z0-9-]+(?:[.][a-z0-9-]+)*[.][a-z]{2,}",
    ),
    KeyRule("iban", "An IBAN", _alone("|".join(_IBANS))),
    KeyRule(
        "phone",
        "A phone number, with its country or so called",
        "(?:^|[^0-9a-z])(?:[+][1-9][0-9]{7,14}|(?:phone|tel|mobile|msisdn)[_=:-]?[+]?[0-9]{7,15})"
        "(?:[^0-9]|$)",
    ),
    KeyRule("ssn", "A US social security number", _alone("[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}")),
    KeyRule(
        "birth_date",
        "A date of birth",
        _words("dob", "birth[_-]?dates?", "dates?[_-]?of[_-]?birth", "birthdays?"),
    ),
    KeyRule(
        "identity_document",
        "Identity documents, such as passports",
        _words(
            "passports?",
            "(?:national|identity|id)[_-]?(?:ids?|cards?|docs?|documents?)",
            "driv(?:ers?|ing)[_-]?licen[cs]es?",
            "visas?",
            "kyc",
        ),
    ),
    KeyRule(
        "curriculum_vitae",
        "Applications for a job",
        _words("cvs?", "resumes?", "curriculum[_-]?vitae", "cover[_-]?letters?"),
    ),
    KeyRule(
        "health",
        "Health records",
        _words(
            *("medical(?:[_-]?records?)?", "diagnos[ei]s", "prescriptions?", "anamnes[ei]s"),
            *("health[_-]?records?", "lab[_-]?results?"),
        ),
    ),
    KeyRule(
        "payroll",
        "Wages and taxes of people",
        _words("payrolls?", "pay[_-]?slips?", "salar(?:y|ies)", "tax[_-]?returns?"),
    ),
    KeyRule(
        "biometrics",
        "Faces, voices, fingerprints",
        _words("selfies?", "biometrics?", "fingerprints?", "face[_-]?images?", "voice[_-]?prints?"),
    ),
    KeyRule(
        "data_request",
        "Answers to people's requests for their data",
        _words("dsars?", "gdpr", "subject[_-]?access(?:[_-]?requests?)?", "takeouts?"),
    ),
)

_PUBLIC = next(control.fails for control in CONTROLS if control.id == "s3.public_read")


def personal_data_prefixes_sql() -> str:
    """Rows of `personal_data_prefixes`: of all rules but those in `$key_rules_off`, and of those
    in `$key_patterns` (`$key_any` matches what any of them does)."""
    relations = {
        "reports": REPORTS,
        "seen_buckets": SEEN_BUCKETS,
        "kept_prefixes": KEPT_PREFIXES,
        "key_rules": _key_rules(),
    }
    select = (
        read_sql(__package__, "personal_data_prefixes.sql")
        .replace("{any}", literal(_any_case("|".join(rule.pattern for rule in KEY_RULES))))
        .replace("{matches}", _matches())
        .replace("{public}", f"COALESCE({_PUBLIC}, FALSE)")
        .replace("{not_public}", f"NOT COALESCE({_PUBLIC}, TRUE)")
        .replace("{everyone}", granted_to_everyone("m.object_access_control_list"))
        .replace("{untold_acl}", acl_untold("m.object_access_control_list"))
        .replace("{tells_acls}", tells("r", "ObjectAccessControlList"))
        .replace("{tells_encryption}", tells("r", "EncryptionStatus"))
    )
    return with_relations(relations, select)


def _any_case(pattern: str) -> str:
    return f"(?i)(?:{pattern})"


def _key_rules() -> str:
    own = union_all(
        f"SELECT {literal(rule.id)} AS rule_id, CAST(NULL AS VARCHAR) AS pattern"
        for rule in KEY_RULES
    )
    return f"""SELECT rule_id, pattern
FROM (
{own}
) AS bundled
WHERE rule_id NOT IN (SELECT off_id FROM UNNEST($key_rules_off) AS t(off_id))
UNION ALL
SELECT text_part(rule, '{SEPARATOR}', 1) AS rule_id, text_part(rule, '{SEPARATOR}', 2) AS pattern
FROM UNNEST($key_patterns) AS t(rule)"""


def _matches() -> str:
    """Bundled patterns are constants, which engines compile once."""
    cases = "\n    ".join(
        f"WHEN {literal(rule.id)} THEN matches(m.key, {literal(_any_case(rule.pattern))})"
        for rule in KEY_RULES
    )
    return f"""CASE WHEN q.pattern IS NOT NULL THEN matches(m.key, q.pattern)
  ELSE CASE q.rule_id
    {cases}
  END END"""


def key_parameters(patterns: dict[str, str]) -> Iterator[tuple[str, object]]:
    """The parameters that further rules by name are told by."""
    yield "key_patterns", [f"{name}{SEPARATOR}{_any_case(p)}" for name, p in patterns.items()]
    # Without patterns, one that nothing matches: nothing stands behind the end.
    yield "key_any", _any_case("|".join(patterns.values()) or "$x")
