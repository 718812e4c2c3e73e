"""The kinds of value a setting may have: their checks, and references to secrets.

Belongs here: one type per kind (account id, cron, bucket, secret, ...). Not here: which keys exist
(`model`). A check's message is the end of a line that begins with the setting's path; it shows
the value, except of a secret.
"""

import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from inventory_pipeline.settings.errors import SettingsError, shown

MASK = "**********"


class SecretsClient(Protocol):
    """What is used of boto3's Secrets Manager client."""

    def get_secret_value(self, **kwargs: str) -> Mapping[str, Any]: ...


class SecretRef:
    """A secret: a literal, `env:NAME` or `secretsmanager:ARN`.

    Its text shows where a reference leads and masks a literal; only `resolve` gives the secret.
    Not a dataclass: those are taken apart by `asdict` and by pydantic's `model_dump`.
    """

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        self._reference = reference

    @classmethod
    def of(cls, value: object) -> "SecretRef":
        """Checks a setting's value. Raises ValueError without showing it."""
        if isinstance(value, SecretRef):
            return value
        if not isinstance(value, str) or not value.strip():
            raise ValueError("must be text: the secret itself, env:NAME or secretsmanager:ARN")
        if value == MASK:
            raise ValueError("is a mask, not a secret; use env:NAME or secretsmanager:ARN")
        if value.startswith("env:") and not re.fullmatch(r"env:[A-Za-z_]\w*", value):
            raise ValueError("after env: there must be the name of an environment variable")
        if value.startswith("secretsmanager:") and not re.fullmatch(
            r"secretsmanager:arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@!-]+", value
        ):
            raise ValueError("after secretsmanager: there must be the ARN of a secret")
        return cls(value)

    def resolve(
        self,
        setting: str,
        environ: Mapping[str, str] = os.environ,
        client: SecretsClient | None = None,
    ) -> str:
        """The secret itself. `setting` is its path, for errors; `client` a Secrets Manager client
        (by default boto3's own, in the secret's region). Raises SettingsError."""
        source, _, name = self._reference.partition(":")
        if source == "env":
            secret = environ.get(name)
            if not secret:
                raise SettingsError(f"{setting}: environment variable {name} is not set")
            return secret
        if source == "secretsmanager":
            return _from_secrets_manager(setting, name, client)
        return self._reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)

    def __str__(self) -> str:
        is_reference = self._reference.startswith(("env:", "secretsmanager:"))
        return self._reference if is_reference else MASK

    def __repr__(self) -> str:
        return f"SecretRef({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.of,
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )


def _from_secrets_manager(setting: str, arn: str, client: SecretsClient | None) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if client is None:
            import boto3

            region = arn.split(":")[3]
            client = cast("SecretsClient", boto3.client("secretsmanager", region_name=region))
        secret = client.get_secret_value(SecretId=arn).get("SecretString")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        raise SettingsError(f"{setting}: {arn} cannot be read: {code}") from None
    except BotoCoreError as error:
        raise SettingsError(f"{setting}: {arn} cannot be read: {type(error).__name__}") from None
    if not secret:
        raise SettingsError(f"{setting}: {arn} holds no text")
    return str(secret)


def _matching(pattern: str, what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{shown(value)} is not {what}")
        return value

    return AfterValidator(check)


def is_account_id(text: str) -> bool:
    return re.fullmatch(r"[0-9]{12}", text) is not None


def _account_id(value: object) -> str:
    # A 12-digit number is whole; any other may have lost leading zeros or been read as octal.
    text = str(value) if type(value) is int else value
    if isinstance(text, str) and is_account_id(text):
        return text
    if isinstance(value, str):
        raise ValueError(f"{shown(value)} is not an account id of 12 digits")
    raise ValueError(
        f"{shown(value)} is not an account id of 12 digits; write it in quotes, "
        "since an unquoted number loses leading zeros"
    )


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value) if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{shown(value)} is not a day such as 2026-01-31") from None


MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
CRON_FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, ["", *MONTHS]),
    ("weekday", 0, 7, WEEKDAYS),
)


def _cron(value: str) -> str:
    """Five fields of numbers or names, ranges, lists and steps, as Dagster's schedules take."""
    fields = value.split()
    if len(fields) != len(CRON_FIELDS):
        raise ValueError(f"{shown(value)} is not a cron of five fields, such as '0 8 * * *'")
    for field, (name, low, high, names) in zip(fields, CRON_FIELDS, strict=True):
        if not all(_cron_part(part.lower(), low, high, names) for part in field.split(",")):
            raise ValueError(f"{shown(value)} is not a cron: {shown(field)} is not a {name}")
    return value


def _cron_part(part: str, low: int, high: int, names: list[str]) -> bool:
    match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([0-9]{1,2}))?", part, re.ASCII)
    # A step beyond the field, as in */90, is valid cron but does not do what it says.
    if match is None or (match[3] is not None and not 1 <= int(match[3]) <= high):
        return False
    ends = [_cron_number(text, names) for text in match.groups()[:2] if text is not None]
    known = [end for end in ends if end is not None and low <= end <= high]
    return len(known) == len(ends) and known == sorted(known)


def _cron_number(text: str, names: list[str]) -> int | None:
    if text in names:
        return names.index(text)
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) else None


def _memory(value: str) -> str:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?[KMGT]i?B", value)
    if match is None or not float(match[1]):
        raise ValueError(f"{shown(value)} is not an amount of memory such as '1GB' or '512MiB'")
    return value


EMPTY_IS_NONE = BeforeValidator(_none_if_empty)

Name = Annotated[str, _matching(r"\S(.*\S)?", "a name")]
Glob = Annotated[str, _matching(r"\S(.*\S)?", "a pattern such as 'logs-*'")]
AccountId = Annotated[str, BeforeValidator(_account_id)]
RoleName = Annotated[str, _matching(r"[\w+=,.@/-]{1,512}", "the name of an IAM role")]
RoleArn = Annotated[
    str, _matching(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", "the ARN of an IAM role")
]
SessionName = Annotated[
    str, _matching(r"[\w+=,.@-]{2,64}", "a session name of 2 to 64 letters, digits or +=,.@-_")
]
TagKey = Annotated[str, _matching(r"(?!(?i:aws:))[\w\s.:/=+@-]{1,128}", "the key of a session tag")]
TagValue = Annotated[str, _matching(r"[\w\s.:/=+@-]{0,256}", "the value of a session tag")]
TopicArn = Annotated[
    str, _matching(r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?", "the ARN of an SNS topic")
]
Region = Annotated[str, _matching(r"[a-z]{2,}(-[a-z]+)+-\d+", "a region such as us-east-1")]
RegionPattern = Annotated[
    str,
    _matching(
        r"[a-z]{2,}(-[a-z]+)+-\d+|(?=.*[*?\[])[a-z0-9*?!\[\]-]+",
        "a region such as us-east-1 or a pattern such as us-*",
    ),
]
Bucket = Annotated[str, _matching(r"[A-Za-z0-9._-]{3,255}", "the name of an S3 bucket")]
DynamoTable = Annotated[str, _matching(r"[A-Za-z0-9._-]{3,255}", "the name of a DynamoDB table")]
Url = Annotated[str, _matching(r"https?://[^\s/]+\S*", "a URL such as http://127.0.0.1:5000")]
QUEUE_REGION = re.compile(r"[/.]([a-z]{2,}(?:-[a-z]+)+-\d+)\.", re.ASCII)
"""The region in the host of a queue's URL, old forms included."""
QueueUrl = Annotated[
    str,
    _matching(
        r"https?://[^\s/]+/\d{12}/[\w-]{1,80}",
        "the URL of an SQS queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/reports",
    ),
]
ConfigurationId = Annotated[
    str, _matching(r"[A-Za-z0-9._-]{1,30}", "an id of 1 to 30 letters, digits or ._-")
]
ConfigurationPrefix = Annotated[
    str, _matching(r"[A-Za-z0-9._-]{3,20}", "the beginning of ids, 3 to 20 letters, digits or ._-")
]
KeyArn = Annotated[
    str,
    _matching(
        r"arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-zA-Z-]{1,128}",
        "the ARN of a KMS key; S3 Inventory takes no alias and no key of AWS's own",
    ),
]
Location = Annotated[
    str,
    _matching(r"s3://[A-Za-z0-9._-]{3,255}(/.*)?|(?!.*://).+", "a folder or s3://bucket/prefix"),
]
Cron = Annotated[str, AfterValidator(_cron)]
Memory = Annotated[str, AfterValidator(_memory)]
Day = Annotated[date, BeforeValidator(_day)]
Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]
Bytes = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
Flag = Annotated[bool, Field(strict=True)]
Money = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]
StorageClass = Literal[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
]
"""S3's storage classes that may be archived from, in the order in which objects may move down."""

ARCHIVE_TARGETS: tuple[StorageClass, ...] = get_args(StorageClass)[2:]
