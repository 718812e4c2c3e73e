"""IAM credentials: access keys one by one, and the credential report, which has root's as well.

Not here: users and what they may do (`iam`), nor any secret: AWS tells none of these.
"""

import csv
import io
from collections.abc import Callable
from typing import Any

from inventory_pipeline.columns import ColumnType as T
from inventory_pipeline.resource_types.model import (
    Detail,
    Field,
    Item,
    Preparation,
    Relationship,
    ResourceType,
    Within,
    field,
)

ROOT = "<root_account>"
"""How the credential report calls the root user."""

_NOTHING = frozenset({"", "N/A", "no_information", "not_supported"})
_TRUTH = {"true": True, "false": False}


def report_lines(answer: Item) -> list[dict[str, Any]]:
    """The lines of a credential report by its header, and when it was made.

    Raises ValueError for a line with more cells than the header, whose columns nobody knows.
    """
    text = answer["Content"].decode("utf-8")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    if any(None in line for line in lines):
        raise ValueError("the credential report has a line that is longer than its header")
    return [{**line, "generated_at": answer.get("GeneratedTime")} for line in lines]


def known(name: str) -> Callable[[Item], str | None]:
    """A cell's text; None where it says that there is none, or that AWS does not know."""

    def read(line: Item) -> str | None:
        text = line.get(name)
        return None if text in _NOTHING else text

    return read


def truth(name: str) -> Callable[[Item], bool | str | None]:
    """A cell's truth, in either case; what is neither is left for the reader to complain of."""

    def read(line: Item) -> bool | str | None:
        text = known(name)(line)
        return None if text is None else _TRUTH.get(text.lower(), text)

    return read


def key_service(key: Item) -> str | None:
    """The service that a key was last used with; AWS says N/A of a key never used."""
    last: Item = key.get("last_used", {}).get("AccessKeyLastUsed", {})
    return known("ServiceName")(last)


def key_region(key: Item) -> str | None:
    last: Item = key.get("last_used", {}).get("AccessKeyLastUsed", {})
    return known("Region")(last)


def key_used(key: Item) -> bool | None:
    """Whether it ever was, as far as AWS knows; None where that was not read."""
    if "last_used" not in key:
        return None
    return "LastUsedDate" in key["last_used"].get("AccessKeyLastUsed", {})


def _report_key_fields(number: int) -> tuple[Field, ...]:
    key, which = f"access_key_{number}", "first" if number == 1 else "second"
    return (
        field(
            f"{key}_active", T.BOOLEAN, f"The {which} access key is active.", truth(f"{key}_active")
        ),
        field(
            f"{key}_rotated_at",
            T.TIMESTAMP,
            f"When the {which} access key was made or changed; NULL where there is none.",
            known(f"{key}_last_rotated"),
        ),
        field(
            f"{key}_last_used_at",
            T.TIMESTAMP,
            f"When the {which} access key was last used; NULL where never, as far as AWS knows.",
            known(f"{key}_last_used_date"),
        ),
        field(
            f"{key}_last_used_region",
            T.TEXT,
            "Region of that use.",
            known(f"{key}_last_used_region"),
        ),
        field(
            f"{key}_last_used_service",
            T.TEXT,
            "Service of that use.",
            known(f"{key}_last_used_service"),
        ),
    )


def _report_certificate_fields(number: int) -> tuple[Field, ...]:
    certificate, which = f"cert_{number}", "first" if number == 1 else "second"
    return (
        field(
            f"certificate_{number}_active",
            T.BOOLEAN,
            f"The {which} X.509 signing certificate is active.",
            truth(f"{certificate}_active"),
        ),
        field(
            f"certificate_{number}_rotated_at",
            T.TIMESTAMP,
            f"When the {which} signing certificate was made or changed.",
            known(f"{certificate}_last_rotated"),
        ),
    )


IAM_CREDENTIAL = ResourceType(
    name="iam_credential",
    table="iam_credentials",
    group="iam",
    service="iam",
    meaning="Lines of the credential report: one for each user and one for root, whose ARN it has.",
    operation="get_credential_report",
    items=report_lines,
    iam_actions=("iam:GetCredentialReport",),
    scope="global",
    # AWS makes it anew when the last one is four hours old.
    prepare=Preparation(
        "generate_credential_report", "State == 'COMPLETE'", "iam:GenerateCredentialReport"
    ),
    resource_id="user",
    arn="arn",
    name_source="user",
    created_at=known("user_creation_time"),
    fields=(
        field("root", T.BOOLEAN, "It is the root user.", lambda line: line["user"] == ROOT),
        field(
            "password_enabled",
            T.BOOLEAN,
            "Has a console password; of root AWS may not say it.",
            truth("password_enabled"),
        ),
        field(
            "password_last_used_at",
            T.TIMESTAMP,
            "Last sign-in with the password; NULL where never, as far as AWS knows.",
            known("password_last_used"),
        ),
        field(
            "password_changed_at",
            T.TIMESTAMP,
            "When the password was set; NULL where there is none, and of root.",
            known("password_last_changed"),
        ),
        field(
            "password_next_rotation_at",
            T.TIMESTAMP,
            "When it must be changed; NULL where it need not.",
            known("password_next_rotation"),
        ),
        field("mfa_active", T.BOOLEAN, "Has an MFA device.", truth("mfa_active")),
        *_report_key_fields(1),
        *_report_key_fields(2),
        *_report_certificate_fields(1),
        *_report_certificate_fields(2),
        field(
            "generated_at",
            T.TIMESTAMP,
            "When AWS made the report, up to four hours before.",
            "generated_at",
        ),
    ),
    volatile=frozenset(
        {
            "password_last_used_at",
            "access_key_1_last_used_at",
            "access_key_1_last_used_region",
            "access_key_1_last_used_service",
            "access_key_2_last_used_at",
            "access_key_2_last_used_region",
            "access_key_2_last_used_service",
            "generated_at",
        }
    ),
    free=True,
)

IAM_ACCESS_KEY = ResourceType(
    name="iam_access_key",
    table="iam_access_keys",
    group="iam",
    service="iam",
    meaning="Access keys of IAM users (root's are in `iam_credentials`); the ARN is the user's.",
    within=Within(
        "list_users",
        "Users[]",
        "iam:ListUsers",
        {"MaxItems": 1000},
        absent=frozenset({"NoSuchEntity"}),
    ),
    operation="list_access_keys",
    arguments={"UserName": "UserName"},
    items="AccessKeyMetadata[]",
    iam_actions=("iam:ListAccessKeys",),
    scope="global",
    resource_id="AccessKeyId",
    arn="parent.Arn",
    name_source="AccessKeyId",
    state="Status",
    created_at="CreateDate",
    fields=(
        field("user_name", T.TEXT, "Its user.", "UserName"),
        field("used", T.BOOLEAN, "Was ever used; NULL where that could not be read.", key_used),
        field(
            "last_used_at",
            T.TIMESTAMP,
            "When it was last used; NULL where never, as far as AWS knows.",
            "last_used.AccessKeyLastUsed.LastUsedDate",
        ),
        field("last_used_region", T.TEXT, "Region of that use.", key_region),
        field("last_used_service", T.TEXT, "Service of that use.", key_service),
    ),
    volatile=frozenset({"used", "last_used_at", "last_used_region", "last_used_service"}),
    details=(
        Detail(
            "last_used",
            "get_access_key_last_used",
            {"AccessKeyId": "AccessKeyId"},
            "iam:GetAccessKeyLastUsed",
        ),
    ),
    relationships=(Relationship("belongs_to", "iam_user", "[UserName]"),),
    free=True,
)

RESOURCE_TYPES = (IAM_CREDENTIAL, IAM_ACCESS_KEY)
