"""What statements of policies grant: traps that scanners fall into, and odd documents."""

from __future__ import annotations

import contextlib
import json
import traceback
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_pipeline.collect.observe import coerce
from inventory_pipeline.resource_types.policies import (
    POLICY_STATEMENTS,
    MalformedPolicyError,
    covers_action,
    policy_children,
    policy_document,
    policy_statement_count,
    statements,
)

BUCKET, OBJECTS = "arn:aws:s3:::b", "arn:aws:s3:::b/*"
CANARY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def one(condition: Any = None, **changes: Any) -> dict[str, Any]:
    """The row of a statement that allows everyone to read objects, but for the changes."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": OBJECTS,
        **({"Condition": condition} if condition is not None else {}),
        **changes,
    }
    statement = {name: value for name, value in statement.items() if value is not None}
    return statements({"Statement": statement})[0]


# -- public ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "principal", ["*", {"AWS": "*"}, {"AWS": ["111122223333", "*"]}, {"*": "*"}, ["*"]]
)
def test_everyone_in_every_spelling_is_public(principal: Any) -> None:
    row = one(Principal=principal)
    assert (row["public"], "*" in row["principals"]) == (True, True)


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "111122223333"},
        {"AWS": "arn:aws:iam::111122223333:role/*"},
        {"Service": "sns.amazonaws.com"},
        {"CanonicalUser": "a" * 64},
    ],
)
def test_someone_is_not_everyone(principal: Any) -> None:
    assert one(Principal=principal)["public"] is False


def test_all_but_some_are_everyone() -> None:
    row = one(Principal=None, NotPrincipal={"AWS": "111122223333"})
    assert row["public"] is True
    assert row["not_principals"] == ["AWS:111122223333"]
    assert one(Effect="Deny", Principal=None, NotPrincipal="*")["public"] is False


def test_a_policy_of_an_identity_is_not_public() -> None:
    assert one(Principal=None)["public"] is False


RESTRICTING = [
    {"StringEquals": {"aws:SourceAccount": "111122223333"}},
    {"StringEquals": {"AWS:SourceOwner": "111122223333"}},
    {"StringLike": {"aws:PrincipalOrgID": "o-abc"}},
    {"StringEquals": {"aws:PrincipalOrgID": ["o-abc", "o-def"]}},
    {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/r-1/ou-1/*"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::some-bucket"}},
    {"StringLike": {"aws:SourceArn": "arn:aws:s3:*:*:some-bucket"}},
    {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}},
    {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"IpAddress": {"aws:SourceIp": ["203.0.113.7", "2001:db8::/32"]}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
    {"StringEquals": {"aws:SourceVpc": "vpc-*"}},  # to StringEquals a star is a star
    {"Bool": {"aws:PrincipalIsAWSService": True}},
    {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
    {"StringLike": {"aws:userid": "AROAEXAMPLE:*"}},
    {
        "StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"},
        "Null": {"aws:PrincipalOrgID": "false"},
    },
    {"StringEquals": {"aws:PrincipalTag/team": "x", "aws:SourceVpc": "vpc-1"}},
]

OPEN = [
    {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
    {"IpAddress": {"aws:SourceIp": "::/0"}},
    {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/0"]}},
    {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}},
    {"IpAddress": {"aws:SourceIp": [f"{n}.0.0.0/8" for n in range(256)]}},
    {"IpAddress": {"aws:SourceIp": "no network"}},
    {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
    {"StringLike": {"aws:SourceArn": "*"}},
    {"StringLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic"}},
    {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::some-*"}},
    {"ArnLike": {"aws:SourceArn": ["arn:aws:sns:*:111122223333:*", "arn:aws:sqs:*:*:*"]}},
    {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}},
    {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-1/*"}},
    {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abc/*"}},
    {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}},
    {"StringLike": {"aws:SourceVpc": "vpc-*"}},
    {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}},
    {"StringEquals": {"aws:SourceAccount": []}},
    {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
    {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    {"StringEquals": {"aws:PrincipalTag/team": "x"}},
    {"StringEquals": {"sts:ExternalId": "guessable"}},
    {"StringLike": {"aws:userid": "*:session"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"Bool": {"aws:PrincipalIsAWSService": "false"}},
    {"Null": {"aws:SourceVpc": "true"}},
    {"Null": {"aws:PrincipalOrgID": "false"}},
]


@pytest.mark.parametrize("condition", RESTRICTING, ids=json.dumps)
def test_conditions_that_keep_strangers_out(condition: Any) -> None:
    row = one(condition)
    assert (row["public"], row["restricted"]) == (False, True)


@pytest.mark.parametrize("condition", OPEN, ids=lambda c: json.dumps(c)[:70])
def test_conditions_that_do_not(condition: Any) -> None:
    row = one(condition)
    assert (row["public"], row["restricted"]) == (True, False)


DENY_STRANGERS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [BUCKET, OBJECTS],
    "Condition": {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    },
}
ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": OBJECTS}


@pytest.mark.parametrize(
    ("change", "public"),
    [
        ({}, False),
        ({"Resource": OBJECTS}, True),
        ({"Resource": None, "NotResource": BUCKET}, True),
        ({"Action": "s3:PutObject"}, True),
        ({"Principal": {"AWS": "111122223333"}}, True),
        ({"Condition": {"StringNotLike": {"aws:PrincipalOrgID": "o-*"}}}, True),
        ({"Condition": {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-a/*"}}}, True),
        # It denies strangers without the tag alone.
        (
            {
                "Condition": {
                    "StringNotEquals": {"aws:PrincipalOrgID": "o-a", "aws:PrincipalTag/x": "y"}
                }
            },
            True,
        ),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}, True),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
    ],
)
def test_a_policy_may_deny_strangers_what_it_allows_everyone(
    change: dict[str, Any], public: bool
) -> None:
    deny = {k: v for k, v in (DENY_STRANGERS | change).items() if v is not None}
    allowed, _ = statements({"Statement": [ALLOW, deny]})
    assert allowed["public"] is public


# -- TLS ---------------------------------------------------------------------------------------


def tls(*changes: dict[str, Any]) -> list[bool]:
    base = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [BUCKET, OBJECTS],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    found = [{k: v for k, v in (base | c).items() if v is not None} for c in changes]
    return [row["tls_only"] for row in statements({"Statement": found})]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
        {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
        {"Condition": {"Bool": {"AWS:securetransport": "False"}}},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
        {"Condition": {"NumericLessThanIfExists": {"s3:TlsVersion": "1.2"}}},
        {"Principal": {"AWS": "*"}},
        {"Action": ["s3:GetObject", "*"]},
        {"Resource": "*"},
        {"Resource": "arn:aws:s3:::b*"},
        {"Resource": ["arn:aws-cn:s3:::b", "arn:aws-cn:s3:::b/*"]},
    ],
)
def test_tls_only(change: dict[str, Any]) -> None:
    assert tls(change) == [True]


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "111122223333"}},
        {"Principal": None, "NotPrincipal": {"AWS": "111122223333"}},
        {"Action": ["s3:GetObject", "s3:PutObject"]},
        {"Action": "s3:Get*"},
        {"Action": None, "NotAction": "s3:GetObject"},
        {"Resource": OBJECTS},
        {"Resource": BUCKET},
        {"Resource": [BUCKET, "arn:aws:s3:::b/logs/*"]},
        {"Resource": None, "NotResource": "arn:aws:s3:::b/public/*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": None},
        # Of plain HTTP there is no TlsVersion, which NumericLessThan then does not match.
        {"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}},
    ],
)
def test_not_tls_only(change: dict[str, Any]) -> None:
    assert tls(change) == [False]


def test_bucket_and_objects_may_be_denied_in_two_statements() -> None:
    assert tls({"Resource": BUCKET}, {"Resource": OBJECTS}) == [True, True]
    assert tls({"Resource": BUCKET}, {"Resource": OBJECTS, "Action": "s3:Get*"}) == [False, False]


# -- the rest of a row -------------------------------------------------------------------------


def test_kinds_of_principals_are_told_apart() -> None:
    row = one(
        Principal={
            "AWS": ["111122223333", "arn:aws:iam::111122223333:root", "arn:aws:iam::4:user/u"],
            "Service": "lambda.amazonaws.com",
            "Federated": "arn:aws:iam::444455556666:saml-provider/idp",
            "CanonicalUser": "ab",
        }
    )
    assert row["principals"] == [
        "AWS:111122223333",
        "AWS:arn:aws:iam::4:user/u",
        "Service:lambda.amazonaws.com",
        "Federated:arn:aws:iam::444455556666:saml-provider/idp",
        "Canonical:ab",
    ]
    assert row["accounts"] == ["111122223333", "444455556666"]


def test_accounts_stand_in_conditions_too() -> None:
    row = one(
        {
            "StringEquals": {"aws:PrincipalAccount": "111122223333"},
            "ArnLike": {"aws:SourceArn": "arn:aws-us-gov:sns:*:444455556666:*"},
            "StringNotEquals": {"aws:SourceAccount": "777788889999"},
        }
    )
    assert row["accounts"] == ["111122223333", "444455556666"]


@pytest.mark.parametrize(
    ("condition", "demanded"),
    [
        ({"StringEquals": {"sts:ExternalId": "abc"}}, True),
        ({"StringLike": {"sts:externalid": ["abc", "x*"]}}, True),
        ({"StringLike": {"sts:ExternalId": "*"}}, False),
        ({"StringEqualsIfExists": {"sts:ExternalId": "abc"}}, False),
        ({"StringNotEquals": {"sts:ExternalId": "abc"}}, False),
        ({"Null": {"sts:ExternalId": "false"}}, False),
    ],
)
def test_an_external_id_is_known_to_be_demanded_and_not_kept(
    condition: Any, demanded: bool
) -> None:
    row = one(condition)
    assert row["has_external_id"] is demanded
    assert "abc" not in json.dumps(row)


@pytest.mark.parametrize(
    ("actions", "reads", "writes"),
    [
        ("s3:GetObject", True, False),
        ("s3:Get*", True, False),
        ("S3:LISTBUCKET", True, False),
        ("s3:PutObject", False, True),
        ("s3:*", True, True),
        ("*", True, True),
        ("s3:G*", True, True),
        ("s3:*Object", True, True),
        (["s3:GetObject", "s3:DeleteObject"], True, True),
    ],
)
def test_looking_and_changing(actions: Any, reads: bool, writes: bool) -> None:
    row = one(Action=actions)
    assert (row["reads"], row["writes"]) == (reads, writes)


def test_all_but_some_actions_may_be_any() -> None:
    row = one(Action=None, NotAction="s3:PutObject")
    assert (row["reads"], row["writes"]) == (True, True)
    assert not covers_action(row, "s3:putobject")
    assert covers_action(row, "s3:GetObject")


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [("iam:*", True), ("IAM:pass?ole", True), ("*", True), ("iam:[P]assRole", False), ("s3:*", 0)],
)
def test_actions_match_as_aws_matches_them(pattern: str, covered: bool) -> None:
    assert covers_action(one(Action=pattern), "iam:PassRole") is bool(covered)


def test_a_hostile_pattern_takes_no_longer() -> None:
    assert not covers_action(one(Action="*a" * 5000 + "b"), "a" * 200)


@pytest.mark.parametrize(
    ("changes", "admin"),
    [
        ({"Action": "*", "Resource": "*"}, True),
        ({"Action": ["s3:Get*", "*:*"], "Resource": ["*"]}, True),
        ({"Action": "*"}, False),
        ({"Action": "s3:*", "Resource": "*"}, False),
        ({"Action": "*", "Resource": "*", "Effect": "Deny"}, False),
    ],
)
def test_admin(changes: dict[str, Any], admin: bool) -> None:
    assert one(**changes)["admin"] is admin


# -- secrets -----------------------------------------------------------------------------------


def test_only_values_of_harmless_keys_are_kept() -> None:
    row = one(
        {
            "StringEquals": {
                "aws:SourceVpc": ["vpc-1", "vpc-2"],
                "aws:Referer": "hunter2",
                "aws:PrincipalTag/token": "hunter2",
                "s3:ExistingObjectTag/x": "hunter2",
            },
            "Bool": {"aws:SecureTransport": True},
        }
    )
    assert row["conditions"] == [
        "StringEquals aws:SourceVpc=vpc-1",
        "StringEquals aws:SourceVpc=vpc-2",
        "StringEquals aws:Referer",
        "StringEquals aws:PrincipalTag/token",
        "StringEquals s3:ExistingObjectTag/x",
        "Bool aws:SecureTransport=true",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"Sid": CANARY},
        {"Principal": {"AWS": CANARY}},
        {"Action": f"s3:{CANARY}", "Resource": f"password={CANARY}"},
        {"Resource": ["x", "AKIAIOSFODNN7EXAMPLE", CANARY]},
        {"condition": {"StringEquals": {"aws:SourceVpc": "ghp_" + "a1B2" * 9}}},
    ],
)
def test_what_looks_like_a_credential_is_replaced(changes: dict[str, Any]) -> None:
    text = json.dumps(one(**changes))
    assert "***" in text
    assert "AKIAIOSFODNN7EXAMPLE" not in text
    assert "ghp_" not in text
    assert CANARY not in text


def test_a_sid_of_forty_characters_is_no_key() -> None:
    sid = "AllowListingOfS3BucketsInTheAccount12345"
    assert len(sid) == 40
    assert one(Sid=sid)["sid"] == sid


# -- documents ---------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [None, "", {}, "{}", "%7B%7D"])
def test_no_policy_has_no_statements(document: Any) -> None:
    assert statements(document) == []


def test_a_document_may_be_encoded_and_have_one_statement() -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": ALLOW})
    expected = statements({"Statement": [ALLOW]})
    assert statements(document) == statements(quote(document)) == expected
    assert statements("\n " + document) == expected


def test_a_plus_and_a_percent_sign_survive_in_plain_json() -> None:
    assert one(Resource="arn:aws:s3:::b/a+%41")["resources"] == ["arn:aws:s3:::b/a+%41"]


@pytest.mark.parametrize(
    "document",
    [
        "hunter2",
        '{"Statement": [',
        '["hunter2"]',
        "7",
        '{"Statement": "hunter2"}',
        '{"Version": "hunter2"}',
        '{"Statement": [{"Effect": "hunter2"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": {"hunter2": 1}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": [null, "hunter2"]}]}',
        '{"Statement": [{"Effect": "Allow", "Condition": ["hunter2"]}]}',
        '{"Statement": [{"Effect": "Allow", "Condition": {"Bool": "hunter2"}}]}',
        '{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}',
        "[" * 100_000,
        '{"Statement": [{"Effect": "Allow", "Sid": ' + "9" * 5000 + "}]}",
        '{"Statement": "' + "x" * 1_000_000 + '"}',
    ],
    ids=lambda d: d[:40],
)
def test_an_odd_document_is_an_error_that_shows_nothing_of_it(document: str) -> None:
    with pytest.raises(MalformedPolicyError) as caught:
        statements(document)
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert "hunter2" not in shown.split("Error:")[-1]
    assert caught.value.__context__ is None


def test_a_type_tells_no_policy_from_one_not_read() -> None:
    document = policy_document("policy", "Policy")
    count = policy_statement_count(document).source
    elements = policy_children(document, "trust").elements
    assert callable(count)
    assert callable(elements)
    assert (count({}), elements({})) == (None, None)
    assert (count({"policy": {}}), elements({"policy": {}})) == (0, [])
    read = {"policy": {"Policy": json.dumps({"Statement": [ALLOW, ALLOW]})}}
    assert count(read) == 2
    assert [row["policy"] for row in elements(read)] == ["trust", "trust"]


# -- any document ------------------------------------------------------------------------------

TEXTS = st.sampled_from(["*", "s3:*", "s3:GetObject", BUCKET, OBJECTS, "", "${x}", "\ud800", "é"])
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(), st.lists(TEXTS, max_size=3))
KEYS = st.sampled_from(["aws:SourceIp", "aws:SourceArn", "aws:SecureTransport", "x", "aws:userid"])
OPERATORS = st.sampled_from(
    ["StringLike", "IpAddress", "Bool", "Null", "ForAllValues:ArnLike", "?"]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
STATEMENT = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Sid": TEXTS,
        "Principal": st.one_of(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=2)),
        "NotPrincipal": st.dictionaries(TEXTS, VALUES, max_size=2),
        "Action": VALUES,
        "NotAction": VALUES,
        "Resource": VALUES,
        "NotResource": VALUES,
        "Condition": st.dictionaries(
            OPERATORS, st.dictionaries(KEYS, VALUES, max_size=2), max_size=2
        ),
    },
)


@given(st.lists(STATEMENT, max_size=3))
def test_every_statement_is_a_row_of_the_table(found: list[dict[str, Any]]) -> None:
    rows = statements({"Statement": found})
    assert [row["effect"] for row in rows] == [each["Effect"] for each in found]
    for row in rows:
        assert set(row) == {f.column.name for f in POLICY_STATEMENTS.fields}
        for f in POLICY_STATEMENTS.fields:
            coerce(f.column.type, row[f.column.name])
        assert not (row["public"] and (row["restricted"] or row["effect"] == "Deny"))


@given(STATEMENT)
def test_text_encoded_text_and_decoded_documents_are_the_same(found: dict[str, Any]) -> None:
    document = {"Statement": [found]}
    text = json.dumps(document)
    assert statements(text) == statements(quote(text)) == statements(document)


@given(STATEMENT, st.sampled_from(RESTRICTING))
def test_a_further_restriction_never_makes_a_statement_public(
    found: dict[str, Any], restriction: dict[str, Any]
) -> None:
    condition = {**found.get("Condition", {}), **restriction}
    assert not statements({"Statement": {**found, "Condition": condition}})[0]["public"]


@given(JSON)
def test_any_json_is_rows_or_a_malformed_policy(document: Any) -> None:
    for each in (document, json.dumps(document)):
        with contextlib.suppress(MalformedPolicyError):
            assert isinstance(statements(each), list)
