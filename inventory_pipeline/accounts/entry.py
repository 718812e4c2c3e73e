"""Entering an account: may its role be assumed, is it the account it claims to be, which regions.

An account that cannot be entered is a fact to record, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from inventory_pipeline.accounts.account import Account, NoAccountsError
from inventory_pipeline.accounts.clients import Clients
from inventory_pipeline.accounts.credentials import CredentialsError
from inventory_pipeline.accounts.failures import Failure, classify, shorten
from inventory_pipeline.accounts.regions import Regions, enabled_regions


@dataclass(frozen=True)
class Entry:
    """An account as found. With `failure` nothing can be asked of it.

    `regions` is None where the account does not tell; `notice` then says why.
    """

    account: Account
    failure: Failure | None = None
    regions: Regions | None = None
    notice: str | None = None

    @property
    def status(self) -> Literal["ok", "denied", "error"]:
        if self.failure is None:
            return "ok"
        return "denied" if self.failure.status == "denied" else "error"


def enter(account: Account, clients: Clients) -> Entry:
    """Assume the account's role, check whose it is, and ask for its regions."""
    failure = _identity_failure(account, clients)
    if failure is not None and failure.status == "denied" and account.or_caller:
        account = replace(account, role_arn=None, or_caller=False)
        return enter(account, clients)
    if failure is not None:
        return Entry(account, failure)
    try:
        regions = enabled_regions(clients.client(account, "ec2", account.global_region))
    except Exception as error:  # whatever it is, the regions are unknown and each is tried
        reason = classify(error)
        notice = f"regions unknown, each is tried: ec2:DescribeRegions {reason.status}"
        return Entry(account, notice=shorten(f"{notice}: {reason.message}"))
    return Entry(account, regions=regions)


def own_account(clients: Clients) -> Account:
    """The account of the caller's own credentials. Raises NoAccountsError where AWS refuses them
    and CredentialsError where there are none."""
    try:
        sts: Any = clients.client(None, "sts", clients.home_region)
        account_id = sts.get_caller_identity()["Account"]
    except CredentialsError:
        raise
    except Exception as error:  # whatever STS or the way to it says, it cannot be asked
        raise NoAccountsError(
            f"the caller's own account cannot be asked ({classify(error).message}): check its "
            "credentials and the network"
        ) from None
    return Account(account_id, name=account_id, partition=clients.partition)


def _identity_failure(account: Account, clients: Clients) -> Failure | None:
    """Why the account cannot be entered; rows must never be booked to another account."""
    try:
        sts: Any = clients.client(account, "sts", clients.home_region)
        actual = sts.get_caller_identity()["Account"]
    except Exception as error:  # whatever it is, the account cannot be entered
        return classify(error)
    if actual != account.account_id:
        whose = f"role {account.role_arn}" if account.role_arn else "the caller's identity"
        return Failure(
            "error",
            "WrongAccount",
            f"{whose} is in account {actual}, not {account.account_id}: correct the settings",
        )
    return None
