"""The role that the collector assumes in each account: it describes and lists, and nothing else.

Belongs here: the actions that the enabled resource types need, and where they may be used. Not
here: reading reports or any other data (`readers`), nor who may assume the role (`roles`).
"""

from collections.abc import Iterable
from itertools import groupby

from inventory_pipeline.infrastructure.confined import CONDITIONS, CONFINED, own_resources
from inventory_pipeline.infrastructure.policies import Statement, allow
from inventory_pipeline.infrastructure.roles import trusting_role
from inventory_pipeline.infrastructure.template import Template
from inventory_pipeline.resource_types import (
    ResourceType,
    action_names,
    selected_types,
    type_names,
)
from inventory_pipeline.settings import SecretRef, Settings, require_known

NAME = "member-role"

COLLECTION_ACTIONS = ("ec2:DescribeRegions",)
"""What the collector itself asks, besides the resource types: which regions an account has."""


def needed_actions(settings: Settings) -> list[str]:
    """The IAM actions for the settings' resource types, sorted. Raises SettingsError."""
    kinds = enabled_types(settings)
    return sorted({*COLLECTION_ACTIONS, *(action for kind in kinds for action in kind.actions)})


def enabled_types(settings: Settings) -> list[ResourceType]:
    """The resource types of the settings, without what settings keep from being asked.

    Raises SettingsError where a type or an action is unknown.
    """
    off = settings.collection_settings.actions_off
    require_known("resource_types", settings.resource_types, type_names())
    require_known("collection_settings.actions_off", off, action_names())
    return selected_types(settings.resource_types, off)


def statements(actions: Iterable[str]) -> list[Statement]:
    """Per service one statement on everything, and one on the account's own resources."""
    allowed: list[Statement] = []
    for service, group in groupby(sorted(actions), key=lambda action: action.partition(":")[0]):
        of_service = list(group)
        confined = [action for action in of_service if action in CONFINED]
        sid = "".join(part.capitalize() for part in service.split("-"))
        # Most Describe and List actions know no resource: AWS refuses them on anything but "*".
        if anywhere := [action for action in of_service if action not in CONFINED]:
            allowed.append(allow(sid, anywhere, "*"))
        if confined:
            resources = own_resources(service)
            allowed.append(allow(f"{sid}Own", confined, resources, CONDITIONS.get(service)))
    return allowed


def member_role(settings: Settings, *, in_organization: bool = True) -> Template:
    """The template of the role, for one stack or for a StackSet over all accounts.

    Raises SettingsError and PolicyError.
    """
    return trusting_role(
        NAME,
        "lets the collector see what an account has, not the data in it. For a StackSet, choose "
        "one region: IAM has none.",
        member_role_names(settings)[0],
        statements(needed_actions(settings)),
        settings,
        external_id=bool(external_ids(settings)),
        in_organization=in_organization,
        metadata={"ResourceTypes": [kind.name for kind in enabled_types(settings)]},
    )


def external_ids(settings: Settings) -> list[SecretRef]:
    """The external ids that accounts are entered with."""
    found = [account.external_id for account in settings.accounts.values() if account.enabled]
    if settings.organization.discover:
        found.append(settings.organization.external_id)
    return [external_id for external_id in found if external_id is not None]


def member_role_names(settings: Settings) -> list[str]:
    """Names (with path) of the roles that accounts are entered by, the most frequent first."""
    names = [one.role_name for one in settings.accounts.values() if one.enabled and one.role_name]
    if settings.organization.discover or not names:
        names.append(settings.organization.role_name)
    return sorted(set(names), key=lambda name: (-names.count(name), name))
