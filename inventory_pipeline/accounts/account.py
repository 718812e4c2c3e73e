"""The accounts to look at, from settings.

Not here: sessions and calls (`clients`), whether an account can be entered (`entry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inventory_pipeline.accounts.ownership import ownership

if TYPE_CHECKING:
    from inventory_pipeline.settings import SecretRef, Settings

# Where a partition's global services are asked.
GLOBAL_REGIONS: Mapping[str, str] = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-us-gov": "us-gov-west-1",
}


class NoAccountsError(Exception):
    """No account is left to be looked at."""


@dataclass(frozen=True)
class Account:
    """One account; `role_arn` None is the account of the caller's own credentials."""

    account_id: str
    name: str
    role_arn: str | None = None
    external_id: SecretRef | None = field(default=None, repr=False)
    department: str | None = None
    cost_center: str | None = None
    environment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    partition: str = "aws"

    def external_id_text(self) -> str | None:
        """The external id itself. Raises SettingsError where its reference leads nowhere."""
        if self.external_id is None:
            return None
        return self.external_id.resolve(f"accounts.{self.name}.external_id")

    @property
    def global_region(self) -> str:
        """The region in which global services are asked."""
        return GLOBAL_REGIONS.get(self.partition, "us-east-1")


def accounts_of(settings: Settings, partition: str = "aws") -> list[Account]:
    """The enabled accounts of the settings, in their order; none where settings name none.

    Raises NoAccountsError where settings have accounts and all of them are off.
    """
    accounts = [
        account_with_tags(
            Account(
                one.account_id,
                name,
                f"arn:{partition}:iam::{one.account_id}:role/{one.role_name}"
                if one.role_name
                else None,
                one.external_id,
                partition=partition,
            ),
            one.tags,
        )
        for name, one in settings.accounts.items()
        if one.enabled
    ]
    if settings.accounts and not accounts:
        raise NoAccountsError("accounts: every account has `enabled: false`; enable one")
    return accounts


def account_with_tags(account: Account, tags: Mapping[str, str]) -> Account:
    """The account with these tags, and the ownership that they tell."""
    owner = ownership(tags)
    return replace(
        account,
        tags=dict(tags),
        department=owner.department,
        cost_center=owner.cost_center,
        environment=owner.environment,
    )
