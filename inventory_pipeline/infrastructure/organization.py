"""Finding the organisation's accounts: as the collector, or as a role that the settings name.

Belongs here: what the discovery may ask of AWS Organizations. Not here: asking (`accounts`).
"""

from inventory_pipeline.infrastructure.policies import Statement, allow
from inventory_pipeline.infrastructure.roles import trusting_role
from inventory_pipeline.infrastructure.template import Template
from inventory_pipeline.settings import Settings

NAME = "organization-role"

ACTIONS = (
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
    "organizations:ListTagsForResource",
)
"""AWS answers these to the management account, and to delegated administrators, alone."""


def finding_statement() -> Statement:
    # Which accounts and units there are is what is asked, so they cannot be named here.
    return allow("FindAccounts", ACTIONS, "*")


def organization_role(settings: Settings, *, in_organization: bool = True) -> Template | None:
    """The role `organization.ask_as`; None where no other than the collector asks."""
    wanted = settings.organization
    if not (wanted.discover and wanted.ask_as):
        return None
    return trusting_role(
        NAME,
        "lets the collector find the organisation's accounts. Deploy it in the management account "
        "or a delegated administrator's.",
        wanted.ask_as.partition(":role/")[2],
        [finding_statement()],
        settings,
        external_id=wanted.external_id is not None,
        in_organization=in_organization,
    )
