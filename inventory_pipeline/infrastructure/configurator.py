"""The role that `inventory configs apply` assumes to change buckets' inventory configurations.

Opt-in: there is one only where the settings declare configurations and name the role. The
collector cannot assume it. Not here: which configurations there are to be (`configurations`).
"""

import re

from inventory_pipeline.infrastructure.member import external_ids
from inventory_pipeline.infrastructure.policies import Statement, allow, sub
from inventory_pipeline.infrastructure.roles import trusting_role
from inventory_pipeline.infrastructure.template import Template
from inventory_pipeline.settings import Settings

NAME = "configurator-role"

ACTIONS = ("s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration")
"""PutInventoryConfiguration deletes as well."""


def configurator_role(settings: Settings, *, in_organization: bool = True) -> Template | None:
    """The template of the role; None where nothing is declared, or no role is to be assumed."""
    wanted = settings.s3_inventory
    if not wanted.configurations or wanted.configurator_role is None:
        return None
    return trusting_role(
        NAME,
        "lets `inventory configs apply` change the S3 Inventory configurations of declared "
        "buckets. Only where configurations are to be applied. For a StackSet, choose one region: "
        "IAM has none.",
        wanted.configurator_role,
        [_statement(settings)],
        settings,
        external_id=bool(external_ids(settings)),
        in_organization=in_organization,
        trusted="ConfiguratorArn",
        policy="ConfiguratorPolicy",
    )


def _statement(settings: Settings) -> Statement:
    """The declared sources, in the role's own account."""
    entries = settings.s3_inventory.configurations
    # IAM knows no sets of characters: any one stands for them.
    globs = {re.sub(r"\[[^\]]+\]", "?", glob) for entry in entries for glob in entry.sources}
    escaped = [glob.replace("${", "${!") for glob in sorted(globs)]
    return allow(
        "ConfigureInventory",
        ACTIONS,
        [sub(f"arn:${{AWS::Partition}}:s3:::{glob}") for glob in escaped],
        {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}},
    )
