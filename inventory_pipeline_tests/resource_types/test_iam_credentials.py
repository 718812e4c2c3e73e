"""The credential report's spellings, and access keys within their users."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory_pipeline.resource_types import iam_credentials
from inventory_pipeline_tests.collect.scripted import look, refused, statuses
from inventory_pipeline_tests.resource_types.collected import client_of, collected

HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
ROOT = (
    "<root_account>,arn:aws:iam::111111111111:root,2015-01-01T00:00:00+00:00,not_supported,"
    "2026-04-30T10:00:00+00:00,not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,"
    "N/A,N/A,N/A,false,N/A,false,N/A"
)
ANN = (
    "ann,arn:aws:iam::111111111111:user/ann,2020-01-01T00:00:00+00:00,TRUE,no_information,"
    "2020-01-01T00:00:00+00:00,N/A,FALSE,true,2021-01-01T00:00:00Z,2026-05-01T00:00:00+00:00,"
    "us-east-1,s3,true,2022-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A"
)
MADE = datetime(2026, 5, 31, 22, tzinfo=UTC)


def report(*lines: str, header: str = HEADER) -> dict[str, Any]:
    return {"Content": "\n".join([header, *lines]).encode(), "GeneratedTime": MADE}


def credentials(*lines: str, header: str = HEADER) -> Any:
    script: dict[str, Any] = {
        "generate_credential_report": lambda: {"State": "COMPLETE"},
        "get_credential_report": lambda: report(*lines, header=header),
    }
    result, _ = look(iam_credentials.IAM_CREDENTIAL, script)
    return result


def test_root_has_a_line_of_its_own() -> None:
    (row,) = credentials(ROOT).rows
    assert (row["root"], row["resource_id"]) == (True, "<root_account>")
    assert row["arn"] == "arn:aws:iam::111111111111:root"
    assert row["password_enabled"] is None
    assert row["password_changed_at"] is None
    assert row["password_last_used_at"] == datetime(2026, 4, 30, 10, tzinfo=UTC)
    assert (row["mfa_active"], row["access_key_1_active"]) == (True, False)
    assert row["generated_at"] == MADE


def test_never_used_is_not_a_time() -> None:
    result = credentials(ANN)
    (row,) = result.rows
    assert statuses(result) == {"iam_credential": "ok"}
    assert (row["root"], row["password_enabled"], row["mfa_active"]) == (False, True, False)
    assert row["password_last_used_at"] is None
    assert row["access_key_1_rotated_at"] == datetime(2021, 1, 1, tzinfo=UTC)
    assert row["access_key_1_last_used_at"] == datetime(2026, 5, 1, tzinfo=UTC)
    assert (row["access_key_1_last_used_region"], row["access_key_1_last_used_service"]) == (
        "us-east-1",
        "s3",
    )
    assert row["access_key_2_active"] is True
    assert row["access_key_2_last_used_at"] is None
    assert row["access_key_2_last_used_service"] is None


def test_columns_may_come_and_go() -> None:
    (row,) = credentials(
        "ann,arn:aws:iam::111111111111:user/ann,true,x", header="user,arn,mfa_active,new_column"
    ).rows
    assert row["mfa_active"] is True
    assert row["password_enabled"] is None


def test_a_name_with_a_comma_shifts_nothing() -> None:
    quoted = ANN.replace("ann,", '"a,nn",', 1)
    (row,) = credentials(quoted).rows
    assert (row["resource_id"], row["password_enabled"]) == ("a,nn", True)
    result = credentials(ANN.replace("ann,", "a,nn,", 1))
    assert result.rows == []
    assert statuses(result) == {"iam_credential": "error"}


@pytest.mark.parametrize("cell", ["maybe", "1"])
def test_what_is_neither_true_nor_false_is_said(cell: str) -> None:
    result = credentials(ANN.replace("TRUE", cell))
    assert result.rows[0]["password_enabled"] is None
    assert statuses(result) == {"iam_credential": "error"}


def test_the_report_is_waited_for() -> None:
    states = iter(["STARTED", "INPROGRESS", "COMPLETE"])
    script: dict[str, Any] = {
        "generate_credential_report": lambda: {"State": next(states)},
        "get_credential_report": lambda: report(ANN),
    }
    waited: list[float] = []
    result, client = look(iam_credentials.IAM_CREDENTIAL, script, sleep=waited.append)
    assert len(result.rows) == 1
    assert len(waited) == 2
    assert [name for name, _ in client.asked].count("generate_credential_report") == 3


def test_keys_have_their_users_and_their_last_use() -> None:
    used = datetime(2026, 5, 1, tzinfo=UTC)
    users = [
        {"UserName": name, "Arn": f"arn:aws:iam::111111111111:user/{name}"} for name in ("a", "b")
    ]

    def keys(UserName: str) -> Any:
        return {
            "AccessKeyMetadata": [
                {"AccessKeyId": f"AKIA{UserName}", "UserName": UserName, "Status": "Active"}
            ]
        }

    def last_used(AccessKeyId: str) -> Any:
        if AccessKeyId.endswith("b"):  # never
            return {"AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
        return {
            "AccessKeyLastUsed": {
                "LastUsedDate": used,
                "ServiceName": "sts",
                "Region": "us-east-1",
            }
        }

    result, _ = look(
        iam_credentials.IAM_ACCESS_KEY,
        {
            "list_users": [{"Users": users}],
            "list_access_keys": keys,
            "get_access_key_last_used": last_used,
        },
    )
    first, second = result.rows
    assert (first["user_name"], first["last_used_at"], first["last_used_service"]) == (
        "a",
        used,
        "sts",
    )
    assert first["arn"] == "arn:aws:iam::111111111111:user/a"
    assert (second["last_used_at"], second["last_used_service"], second["last_used_region"]) == (
        None,
        None,
        None,
    )
    assert (first["used"], second["used"]) == (True, False)


def test_a_key_whose_use_was_not_read_is_not_one_that_was_never_used() -> None:
    result, _ = look(
        iam_credentials.IAM_ACCESS_KEY,
        {
            "list_users": [{"Users": [{"UserName": "a", "Arn": "arn"}]}],
            "list_access_keys": [{"AccessKeyMetadata": [{"AccessKeyId": "AKIA"}]}],
            "get_access_key_last_used": lambda AccessKeyId: refused("AccessDenied"),
        },
    )
    (row,) = result.rows
    assert (row["used"], row["last_used_at"]) == (None, None)


def test_a_user_who_left_meanwhile_is_no_failure() -> None:
    result, _ = look(
        iam_credentials.IAM_ACCESS_KEY,
        {
            "list_users": [{"Users": [{"UserName": "a", "Arn": "arn"}]}],
            "list_access_keys": [refused("NoSuchEntity")],
            "get_access_key_last_used": [],
        },
    )
    assert result.rows == []
    assert result.status == "ok"


def test_what_was_made_is_what_is_seen(aws: str) -> None:
    client = client_of(aws, "iam")
    client.create_user(UserName="ann")
    client.create_login_profile(UserName="ann", Password="Correct-Horse-7-Battery")
    key = client.create_access_key(UserName="ann")["AccessKey"]
    (row,) = collected(aws, "iam_credential").rows
    assert (row["resource_id"], row["password_enabled"], row["mfa_active"]) == ("ann", True, False)
    assert row["access_key_1_active"] is True
    result = collected(aws, "iam_access_key")
    (seen,) = result.rows
    assert (seen["resource_id"], seen["state"]) == (key["AccessKeyId"], "Active")
    assert key["SecretAccessKey"] not in repr(result)
