"""Whose credentials calls are signed with: the caller's, a chain of roles over them, an account's.

Belongs here: what is sent to assume a role, and what credentials that fail mean to whom they
belong. Not here: the clients that send calls (`clients`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from inventory_pipeline.accounts.account import Account

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.exceptions import BotoCoreError, ClientError

    from inventory_pipeline.settings import CredentialSettings

FOUND = Account("", "the credentials that were found")
"""Stands for the profile or environment that everything starts from."""

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""AWS's codes (the last is EC2's) for credentials that ended earlier than they were to, as when a
role is revoked."""


class CredentialsError(Exception):
    """The collector has no credentials of its own; the message says how to get some."""


def chain_of(settings: CredentialSettings) -> tuple[Account, ...]:
    """The identities on the way to the collector: what was found, then each role of the chain."""
    steps = (
        Account(
            step.role_arn.split(":")[4],
            step.role_arn.rpartition("/")[2],
            step.role_arn,
            step.external_id,
            external_id_setting=f"credentials.role_chain[{index}].external_id",
        )
        for index, step in enumerate(settings.role_chain)
    )
    return (FOUND, *steps)


def assumed(account: Account, settings: CredentialSettings, sts: Callable[[], Any]) -> Credentials:
    """Credentials of an account's role, which assume it at their first use and renew themselves.

    `sts` gives a client that acts as who assumes it.
    """
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.exceptions import ClientError

    # It logs a traceback for each role that is refused; the ledger and the doctor say it in a line.
    logging.getLogger("botocore.credentials").addFilter(_is_news)

    def assume() -> dict[str, str]:
        external_id = account.external_id_text()
        try:
            given = sts().assume_role(**_request(account, settings, external_id))["Credentials"]
        except ClientError as error:
            raise _without(external_id, error) from None
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    return DeferredRefreshableCredentials(assume, method="assume-role")


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Refreshing temporary credentials failed")


def _request(
    account: Account, settings: CredentialSettings, external_id: str | None
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "RoleArn": account.role_arn,
        "RoleSessionName": settings.session_name,
        "DurationSeconds": settings.duration_seconds,
    }
    if external_id:
        request["ExternalId"] = external_id
    if settings.session_tags:
        # Not transitive: each role is given them anew, which AWS refuses for inherited ones.
        request["Tags"] = [{"Key": k, "Value": v} for k, v in settings.session_tags.items()]
    return request


def explained(error: BotoCoreError, profile: str | None) -> CredentialsError:
    """What to do where the caller's own credentials cannot be had. Shows no secret."""
    from botocore.exceptions import (
        LoginError,
        NoCredentialsError,
        ProfileNotFound,
        SSOError,
        TokenRetrievalError,
    )

    named = f"profile {profile!r}" if profile else "the default profile"
    option = f" --profile {profile}" if profile else ""
    match error:
        case ProfileNotFound():
            return CredentialsError(f"there is no {named}: make it by `aws configure sso`")
        case SSOError() | TokenRetrievalError():
            return CredentialsError(
                f"the SSO login of {named} is missing or has expired: run `aws sso login{option}`"
            )
        case LoginError():
            return CredentialsError(f"the login of {named} has expired: run `aws login{option}`")
        case NoCredentialsError():
            return CredentialsError(
                "no AWS credentials were found: set credentials.profile in the settings, "
                "AWS_PROFILE, or AWS_ACCESS_KEY_ID with its secret"
            )
        case _:
            return CredentialsError(f"credentials of {named}: {type(error).__name__}")


def _without(secret: str | None, error: ClientError) -> ClientError:
    """The error of a call that was given a secret, where AWS quotes it, without it."""
    from botocore.exceptions import ClientError

    said = error.response.get("Error", {})
    message = str(said.get("Message", ""))
    if not secret or secret not in message:
        return error
    message = message.replace(secret, "***")
    code = said.get("Code", "Unknown")
    return ClientError({"Error": {"Code": code, "Message": message}}, error.operation_name)
