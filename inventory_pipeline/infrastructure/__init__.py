"""What is deployed around the code: IAM roles as CloudFormation, and the Dagster instance's file.

The roles follow from the settings and from `resource_types`: whoever enables a type and renders
again has exactly the actions that it needs. Pure but for `write_templates`; nothing here calls AWS.
"""

from inventory_pipeline.infrastructure.collector import collector_role
from inventory_pipeline.infrastructure.configurator import NAME as CONFIGURATOR
from inventory_pipeline.infrastructure.configurator import configurator_role
from inventory_pipeline.infrastructure.member import (
    enabled_types,
    external_ids,
    member_role,
    member_role_names,
    needed_actions,
)
from inventory_pipeline.infrastructure.organization import organization_role
from inventory_pipeline.infrastructure.policies import PolicyError
from inventory_pipeline.infrastructure.readers import NAME as READER
from inventory_pipeline.infrastructure.readers import report_readers
from inventory_pipeline.infrastructure.template import Template, write_templates
from inventory_pipeline.settings import Settings

__all__ = [
    "CONFIGURATOR",
    "READER",
    "PolicyError",
    "Template",
    "collector_role",
    "enabled_types",
    "member_role",
    "needed_actions",
    "notices",
    "report_readers",
    "templates",
    "write_templates",
]


def templates(settings: Settings, *, in_organization: bool = True) -> list[Template]:
    """Every template that these settings need, in the order in which they are to be deployed.

    Without `in_organization` no role asks whose organisation the collector is in.
    Raises SettingsError and PolicyError.
    """
    asker = organization_role(settings, in_organization=in_organization)
    configurator = configurator_role(settings, in_organization=in_organization)
    return [
        collector_role(settings),
        *([asker] if asker else []),
        member_role(settings, in_organization=in_organization),
        *report_readers(settings),
        *([configurator] if configurator else []),
    ]


def notices(settings: Settings) -> list[str]:
    """What these settings want that one member role for all accounts cannot be."""
    found: list[str] = []
    names = member_role_names(settings)
    if len(names) > 1:
        found.append(
            f"the settings name several roles ({', '.join(names)}): deploy the member role under "
            "each name where it is needed (parameter RoleName)"
        )
    enabled = {name: one for name, one in settings.accounts.items() if one.enabled}
    without = [name for name, one in enabled.items() if one.role_name and one.external_id is None]
    if not external_ids(settings):
        found.append("no external_id is set, so the member role will not ask for one")
    elif without:
        found.append(
            f"the member role asks for an external id, and {', '.join(without)} would give none: "
            "set its external_id"
        )
    return found
