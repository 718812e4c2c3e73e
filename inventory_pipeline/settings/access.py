"""Keys of access to AWS: whose credentials the collector starts from, and the organisation.

Not here: accounts named one by one, and everything else (`model`).
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from inventory_pipeline.settings.section import Section
from inventory_pipeline.settings.values import (
    EMPTY_IS_NONE,
    Flag,
    Glob,
    Name,
    RoleArn,
    RoleName,
    SecretRef,
    SessionName,
    TagKey,
    TagValue,
)

LONGEST_CHAINED_SESSION = 3600
"""Seconds, in AWS's rule for a role that is assumed by another role."""


class OrganizationSettings(Section):
    discover: Flag = False
    """true also looks at every active account of the AWS organisation."""
    ask_as: Annotated[RoleArn | None, EMPTY_IS_NONE] = None
    """Role that may read the organisation, in its management or a delegated administrator's
    account; null asks with the collector's own credentials."""
    role_name: RoleName = "AWSInventoryRole"
    """Role to assume in each account found; Control Tower makes AWSControlTowerExecution."""
    external_id: Annotated[SecretRef | None, EMPTY_IS_NONE] = None
    """External id that these roles ask for: text, env:NAME or secretsmanager:ARN."""
    include_ous: list[Glob] = []
    """Only accounts below these organisational units: ids (ou-...), names or paths such as
    Workloads/Prod*; none means all."""
    exclude_ous: list[Glob] = []
    """Organisational units to leave out with all below them; they win over include_ous."""
    include_accounts: list[Glob] = []
    """Only these accounts of the organisation: ids, names or patterns; none means all."""
    exclude_accounts: list[Glob] = []
    """Accounts of the organisation to leave out; they win over include_accounts."""


class RoleStep(Section):
    role_arn: RoleArn = Field(examples=["arn:aws:iam::123456789012:role/InventoryCollector"])
    """ARN of the role."""
    external_id: Annotated[SecretRef | None, EMPTY_IS_NONE] = None
    """External id that the role asks for: text, env:NAME or secretsmanager:ARN."""


class CredentialSettings(Section):
    profile: Annotated[Name | None, EMPTY_IS_NONE] = None
    """Named profile to start from, SSO logins included; null takes what AWS's SDKs find."""
    role_chain: list[RoleStep] = []
    """Roles to assume one after the other before any account's; the last one is the collector."""
    session_name: SessionName = "inventory_pipeline"
    """Name of every role session, as CloudTrail shows it."""
    session_tags: dict[TagKey, TagValue] = Field(default={}, max_length=50)
    """Session tags given to every role; their trust policies must allow sts:TagSession."""
    duration_seconds: int = Field(default=3600, strict=True, ge=1800, le=43_200)
    """How long a role's credentials last; they renew themselves 15 minutes before. AWS allows
    more than 3600 only to an IAM user that assumes the account's role directly."""

    @model_validator(mode="after")
    def _chained_sessions_are_short(self) -> Self:
        if self.role_chain and self.duration_seconds > LONGEST_CHAINED_SESSION:
            raise ValueError(
                f"duration_seconds {self.duration_seconds} is above {LONGEST_CHAINED_SESSION}, "
                "the most that AWS allows with a role_chain"
            )
        return self
