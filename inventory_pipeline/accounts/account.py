"""What an account is, and the accounts that settings name.

Not here: those found in AWS Organizations (`roster`), sessions and calls (`clients`), whether an
account can be entered (`entry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inventory_pipeline.accounts.ownership import ownership

if TYPE_CHECKING:
    from inventory_pipeline.settings import OrganizationSettings, SecretRef, Settings

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
    """One account; `role_arn` None is the account of the caller's own credentials.

    `or_caller`: it is the caller's account, so without the role its own credentials will do.
    `external_id_setting` is the settings' path of `external_id`, for errors.
    """

    account_id: str
    name: str
    role_arn: str | None = None
    external_id: SecretRef | None = field(default=None, repr=False)
    department: str | None = None
    cost_center: str | None = None
    environment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    partition: str = "aws"
    organizational_unit: str | None = None
    or_caller: bool = False
    external_id_setting: str | None = None

    def external_id_text(self) -> str | None:
        """The external id itself. Raises SettingsError where its reference leads nowhere."""
        if self.external_id is None:
            return None
        return self.external_id.resolve(
            self.external_id_setting or f"accounts.{self.name}.external_id"
        )

    @property
    def global_region(self) -> str:
        """The region in which global services are asked."""
        return GLOBAL_REGIONS.get(self.partition, "us-east-1")


def accounts_of(settings: Settings, partition: str = "aws") -> list[Account]:
    """The enabled accounts of the settings, in their order; none where settings name none.

    Raises NoAccountsError where settings have accounts, all of them are off, and there is no
    organisation to find others in.
    """
    accounts = [
        account_with_tags(
            Account(
                one.account_id,
                name,
                role_arn(partition, one.account_id, one.role_name),
                one.external_id,
                partition=partition,
            ),
            one.tags,
        )
        for name, one in settings.accounts.items()
        if one.enabled
    ]
    if settings.accounts and not accounts and not settings.organization.discover:
        raise NoAccountsError("accounts: every account has `enabled: false`; enable one")
    return accounts


def account_named(settings: Settings, name: str, partition: str = "aws") -> Account:
    """The account of this name or id in the settings, or of this id in the organisation."""
    for account in accounts_of(settings, partition):
        if name in (account.name, account.account_id):
            return account
    return of_organization(settings.organization, name, name, partition)


def of_organization(
    wanted: OrganizationSettings, account_id: str, name: str, partition: str
) -> Account:
    """An account of the organisation, as the settings say that all of them are entered."""
    return Account(
        account_id,
        name,
        role_arn(partition, account_id, wanted.role_name),
        wanted.external_id,
        partition=partition,
        external_id_setting="organization.external_id",
    )


def role_arn(partition: str, account_id: str, role_name: str | None) -> str | None:
    return f"arn:{partition}:iam::{account_id}:role/{role_name}" if role_name else None


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
